// What goes wrong, and how it is said: a server that stops, a session that ends, slow and failing answers, an empty
// home, names that are long or run the other way, amounts of 77 digits.
import { must } from "./suite.mjs";
import { go, PASSWORD, signIn, THIEF } from "./story.mjs";

export function hardships(world) {
  const { suite, desk, empty, watched, shots } = world;
  let page;

  suite.check("5 lists say what changed, and the calculator answers as one types", async () => {
    const { administrator } = world.people;
    await go(administrator, desk.origin, "/lists?list=fbi-psa250226&to=2025-02-26");
    await administrator.waitForSelector("text=/51 added|Not available in this build/");
    await go(administrator, desk.origin, "/cost");
    await administrator.waitForSelector("text=/A year without|Not available in this build/");
    if (!(await administrator.locator("text=A year without").count())) return;
    const figure = () => administrator.textContent(".cards .figure >> nth=0");
    const before = await figure();
    await administrator.fill("[aria-label='Licence of a commercial analytics tool']", "90000");
    await administrator.waitForFunction((before) => document.querySelector(".cards .figure").textContent !== before, before);
    await administrator.waitForSelector("text=yours");
    must((await administrator.textContent("#c-risk + .chip")).startsWith("severe"), "with nothing in place the risk is severe");
    for (const box of await administrator.locator("fieldset input[type=checkbox]").all()) await box.check();
    await administrator.waitForSelector("#c-risk + .chip:has-text('low')");
    await administrator.getByLabel("Jurisdictions, two letters each").fill("GBR");
    await administrator.waitForSelector("text=is no country");
  });
  suite.check("5 an empty home says on every page what is not there yet", async () => {
    await empty.start();
    const first = await watched.page(empty.origin);
    await first.goto(`${empty.origin}/#welcome=${empty.link}`);
    await first.fill("input[name=username]", "ada");
    await first.fill("input[name=password]", PASSWORD);
    await first.click("button.main");
    await first.waitForSelector("#main h1");
    const says = { "/": "No alert is open", "/alerts": "The queue is empty", "/cases": "No case yet", "/freezes": "No freeze was asked for", "/journal": "/whole [1-9]\\d* entries/" };
    for (const [path, words] of Object.entries(says)) {
      await go(first, empty.origin, path);
      await first.waitForSelector(`text=${words}`);
    }
    await go(first, empty.origin, `/flow?s=${THIEF}`);
    await first.waitForSelector("text=The store must hold the source");
    await first.context().close();
    await empty.stop();
  });
  suite.check("5 long, right-to-left and Chinese names, and 77 digits, are shown whole and break nothing", async () => {
    page = await watched.page(desk.origin, { width: 390, height: 844 });
    await signIn(page, desk.origin, "analyst", PASSWORD);
    const most = (2n ** 256n - 1n).toString();
    const names = [`${"Bardzodługanazwabezprzerw".repeat(12)}`, "שם בעברית עם English באמצע", "加密貨幣交易所有限公司案件"];
    for (const name of names) {
      const made = await desk.call(world.key, "POST", "/v1/cases", { title: name, summary: name });
      await go(page, desk.origin, `/cases/${made.id}`);
      must((await page.textContent("#main h1 bdi")) === name, `the title of ${name}`);
    }
    const freeze = await desk.call(world.key, "POST", "/v1/freezes", { title: names[1], holder: names[2], jurisdiction: "GB", legal_basis: [names[0]], asks: [{ account: THIEF, asset: "eip155:1/slip44:60", amount: most }] });
    for (const path of [`/freezes/${freeze.id}`, "/freezes", "/cases"]) {
      await go(page, desk.origin, path);
      await page.waitForSelector("#main a");
      await page.waitForTimeout(200);
      const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      must(over <= 0, `${path} is ${over} px too wide`);
    }
    await go(page, desk.origin, `/freezes/${freeze.id}`);
    const whole = await page.locator(".amount").first().getAttribute("title");
    must(whole.replace(/[,.]/g, "").includes(most), `the whole amount is not there: ${whole}`);
    if (shots) await page.screenshot({ path: `${shots}hard-390.png` });
  });
  suite.check("5 a slow answer is said to be slow, and the page stays usable", async () => {
    await page.route("**/v1/cases?*", async (route) => {
      await new Promise((done) => setTimeout(done, 2500));
      await route.continue();
    });
    await go(page, desk.origin, "/me");
    await go(page, desk.origin, "/cases");
    await page.waitForSelector("text=This takes longer than usual");
    await page.waitForSelector("tbody tr", { timeout: 10_000 });
    await page.unroute("**/v1/cases?*");
  });
  suite.check("5 an answer that fails is told in the server's words, and can be asked again", async () => {
    let isBroken = true;
    await page.route("**/v1/freezes?*", (route) => (isBroken ? route.fulfill({ status: 500, contentType: "application/problem+json", body: JSON.stringify({ type: "internal", title: "something went wrong here", detail: "it is in the log" }) }) : route.continue()));
    await go(page, desk.origin, "/me");
    await go(page, desk.origin, "/freezes");
    await page.waitForSelector("text=something went wrong here");
    isBroken = false;
    await page.click("button:has-text('Try again')");
    await page.waitForSelector(".board");
    await page.unroute("**/v1/freezes?*");
  });
  suite.check("5 a route that this build lacks is said to be missing, not broken", async () => {
    await page.route("**/v1/watches?*", (route) => route.fulfill({ status: 404, contentType: "application/problem+json", body: JSON.stringify({ type: "not-found", title: "there is no such thing", detail: "no route has this path" }) }));
    await go(page, desk.origin, "/watches");
    await page.waitForSelector("text=Not available in this build");
    await page.unroute("**/v1/watches?*");
  });
  suite.check("5 a session that ended is begun again over the page, and what was written stays", async () => {
    await go(page, desk.origin, `/cases/${world.caseId}?tab=notes`);
    await page.fill("textarea", "half a note");
    await page.context().clearCookies();
    await page.click("button:has-text('Write the note')");
    await page.waitForSelector("text=Your session ended");
    await page.fill("input[name=password]", PASSWORD);
    await page.click(".over button.main");
    await page.waitForSelector(".over", { state: "detached" });
    must((await page.inputValue("textarea")) === "half a note", "the note was lost");
    await page.click("button:has-text('Write the note')");
    await page.waitForSelector("article:has-text('half a note')");
  });
  suite.check("5 a server that stops is said to be lost, and the page goes on when it is back", async () => {
    await desk.stop();
    await page.click("nav + * , h1", { trial: true }).catch(() => null);
    await page.goto(`${desk.origin}/#/alerts`).catch(() => null);
    await page.waitForSelector("text=The connection to the server was lost");
    await desk.start();
    await page.waitForSelector("header .live i.live", { timeout: 40_000 });
    await go(page, desk.origin, "/cases");
    await page.waitForSelector("tbody tr");
    await page.waitForSelector("text=The connection to the server was lost", { state: "detached" });
    await page.context().close();
  });
}
