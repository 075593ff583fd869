// What goes wrong, and how it is said: a server that stops, a session that ends, slow and failing answers, an empty
// home, names that are long or run the other way, amounts of 77 digits.
import { must } from "./suite.mjs";
import { ROUTES } from "./pages.mjs";
import { go, PASSWORD, signIn, THIEF } from "./story.mjs";

const ETH = "eip155:1/slip44:60";
const MOST = (2n ** 256n - 1n).toString();
const NAMES = ["Bardzodługanazwabezprzerw".repeat(12), "שם בעברית עם English באמצע", "加密貨幣交易所有限公司案件"];

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
    const says = { "/": "No alert is open", "/alerts": "The queue is empty", "/cases": "No case yet", "/freezes": "No freeze was asked for", "/reports": "No freeze request was sent yet", "/watches": "Nothing is watched", "/lists": "No list is kept", [`/address/${THIEF}`]: "No stored transfer touches it", "/journal": "/whole [1-9]\\d* entries/", "/admin?tab=teams": "No team yet", "/admin?tab=keys": "No key yet", "/admin?tab=hooks": "No webhook is set up" };
    for (const [path, words] of Object.entries(says)) {
      await go(first, empty.origin, path);
      await first.waitForSelector(`text=${words}`);
    }
    await go(first, empty.origin, "/cases");
    await first.click("button:has-text('New case')");
    await first.fill("dialog input >> nth=0", "An empty case");
    await first.click("dialog button.main");
    await first.waitForURL(/#\/cases\/\d+/);
    const at = new URL(first.url()).hash.slice(1).split("?")[0];
    const parts = { summary: "No summary was written", alerts: "No alert was taken into this case", notes: "Nobody wrote anything yet", tasks: "No deadline is set", files: "No file is attached", links: "Nothing is linked", ledger: "claim is written down", freezes: "No freeze was asked for", timeline: "Case begun" };
    for (const [tab, words] of Object.entries(parts)) {
      await go(first, empty.origin, `${at}?tab=${tab}`);
      await first.waitForSelector(`text=${words}`);
      for (const one of await watched.axe(first)) must(false, `${tab}: ${one.id} ${one.nodes.join(" | ")}`);
    }
    await go(first, empty.origin, `/flow?s=${THIEF}`);
    await first.waitForSelector("text=The store must hold the source");
    await first.context().close();
    await empty.stop();
  });
  suite.check("5 long, right-to-left and Chinese names, and 77 digits, are shown whole and break nothing", async () => {
    page = await watched.page(desk.origin, { width: 390, height: 844 });
    await signIn(page, desk.origin, "analyst", PASSWORD);
    const [most, names] = [MOST, NAMES];
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
  suite.check("5 such names and amounts stand in every list and part, wide and narrow", async () => {
    const made = await desk.call(world.key, "POST", "/v1/cases", { title: NAMES[0], summary: NAMES[1] });
    const at = `/v1/cases/${made.id}`;
    for (const name of NAMES) {
      const { id: incident } = await desk.call(world.key, "POST", `${at}/incidents`, { title: name, time: "2026-01-01T00:00:00Z" });
      await desk.call(world.key, "POST", `${at}/claims`, { incident, claimant: name, asset: ETH, decimals: 18, amount: MOST });
      await desk.call(world.key, "POST", `${at}/holdings`, { place: name, asset: ETH, amount: MOST });
      await desk.call(world.key, "POST", `${at}/notes`, { text: name });
      await desk.call(world.key, "POST", `${at}/tasks`, { title: name, due: "2030-01-01T00:00:00Z" });
      await desk.call(world.key, "POST", `${at}/deadlines`, { what: name, due: "2030-01-01T00:00:00Z" });
      await desk.call(world.key, "POST", `${at}/links`, { kind: "entity", target: name, note: name });
      await desk.call(world.key, "POST", "/v1/watches", { name: name.slice(0, 200), severity: "low", target: { entity: { name } } });
      const said = await fetch(`${desk.origin}${at}/evidence?name=${encodeURIComponent(name.slice(0, 200))}`, { method: "POST", headers: { authorization: `Bearer ${world.key}` }, body: name });
      must(said.ok, await said.text());
    }
    const wide = await watched.page(desk.origin, { mode: "dark" });
    await signIn(wide, desk.origin, "analyst", PASSWORD);
    for (const looked of [page, wide])
      for (const path of ["/cases", "/watches", "/", ...["summary", "notes", "tasks", "files", "links", "ledger", "timeline"].map((tab) => `/cases/${made.id}?tab=${tab}`)]) {
        await go(looked, desk.origin, path);
        await looked.waitForFunction(() => !document.querySelector("[aria-busy=true]"));
        const over = await looked.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        must(over <= 0, `${path} is ${over} px too wide`);
      }
    await go(wide, desk.origin, `/cases/${made.id}?tab=ledger`);
    const amount = await wide.locator("td .amount").first().getAttribute("title");
    must(amount.replace(/[,.]/g, "").includes(MOST), `the whole amount is not there: ${amount}`);
    if (shots) await wide.screenshot({ path: `${shots}hard-ledger.png`, fullPage: true });
    await go(page, desk.origin, `/cases/${made.id}?tab=ledger`);
    if (shots) await page.screenshot({ path: `${shots}hard-ledger-390.png`, fullPage: true });
    await wide.context().close();
  });
  const ASKED = /\/v1\/(?!session|events)/;
  const settled = (looked) => looked.waitForFunction(() => document.querySelector("#main h1, #main .said") && !document.querySelector("[aria-busy=true]"));
  suite.check("5 every page says what failed, in the server's words, and none breaks", async () => {
    const { administrator } = world.people;
    await administrator.route(ASKED, (route) => route.fulfill({ status: 500, contentType: "application/problem+json", body: JSON.stringify({ type: "internal", title: "something went wrong here", detail: "it is in the log" }) }));
    // What asks the server for nothing.
    const silent = ["start", "nowhere", "me"];
    for (const [name, path] of Object.entries(ROUTES(world))) {
      await go(administrator, desk.origin, "/nowhere");
      await administrator.goto(`${desk.origin}/#${path}`);
      await settled(administrator);
      const text = await administrator.textContent("#main");
      must(silent.includes(name) || /something went wrong here|could not be asked/.test(text), `${name} hides that the server failed: ${text.slice(0, 200)}`);
      const over = await administrator.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      must(over <= 0, `${name} is ${over} px too wide`);
    }
    await administrator.unroute(ASKED);
  });
  suite.check("5 every page that waits for long says so, and the way out stays open", async () => {
    const { administrator } = world.people;
    let waiting = [];
    await administrator.route(ASKED, (route) => void waiting.push(route));
    for (const path of ["/alerts?state=all", "/cases", `/cases/${world.caseId}`, "/freezes", `/freezes/${world.freezeId}`, "/lists", "/watches", "/reports", "/journal", `/address/${THIEF}`, "/cost", "/admin", "/admin?tab=keys", "/admin?tab=hooks"]) {
      await administrator.goto(`${desk.origin}/#/nowhere`);
      await administrator.goto(`${desk.origin}/#${path}`);
      await administrator.waitForSelector("text=This takes longer than usual");
      await administrator.click("nav a[href='#/me']");
      await administrator.waitForSelector("h1:has-text('My account')");
      waiting = [];
    }
    await administrator.unroute(ASKED);
  });
  suite.check("5 a server that asks to wait is believed; a write that is refused keeps what was typed", async () => {
    await page.route("**/v1/watches?*", (route) => route.fulfill({ status: 429, headers: { "retry-after": "7" }, contentType: "application/problem+json", body: JSON.stringify({ type: "too-many", title: "too many requests", detail: "from this address" }) }));
    await go(page, desk.origin, "/watches");
    await page.waitForSelector("text=asks to wait 7 s");
    await page.unroute("**/v1/watches?*");
    await go(page, desk.origin, `/cases/${world.caseId}?tab=tasks`);
    await page.click("button:has-text('Add a deadline')");
    await page.fill("dialog input >> nth=0", "what I typed");
    await page.fill("dialog input[type=datetime-local]", "2031-01-01T10:00");
    await page.route("**/deadlines", (route) => (route.request().method() === "POST" ? route.fulfill({ status: 409, contentType: "application/problem+json", body: JSON.stringify({ type: "conflict", title: "it is not in the state this needs", detail: "the case was closed meanwhile" }) }) : route.continue()));
    await page.click("dialog button.main");
    await page.waitForSelector("dialog [role=alert]:has-text('closed meanwhile')");
    must((await page.inputValue("dialog input >> nth=0")) === "what I typed", "what was typed is gone");
    await page.route("**/deadlines", (route) => (route.request().method() === "POST" ? route.abort() : route.continue()));
    await page.click("dialog button.main");
    await page.waitForSelector("dialog [role=alert]:has-text('not reached')");
    await page.unroute("**/deadlines");
    await page.click("dialog button.main");
    await page.waitForSelector("td:has-text('what I typed')");
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
  suite.check("5 a session that ended while a dialog is open is begun again above it, and the dialog is whole", async () => {
    await go(page, desk.origin, `/cases/${world.caseId}?tab=tasks`);
    await page.click("button:has-text('Add a deadline')");
    await page.fill("dialog input >> nth=0", "half a deadline");
    await page.fill("dialog input[type=datetime-local]", "2031-01-01T10:00");
    await page.context().clearCookies();
    // What the page asks by itself may find the end of the session first.
    await page.click("dialog button.main", { timeout: 3000 }).catch(() => null);
    await page.waitForSelector(".over dialog:has-text('Your session ended')");
    await page.keyboard.press("Escape");
    await page.fill(".over input[name=password]", PASSWORD);
    await page.click(".over button.main");
    await page.waitForSelector(".over", { state: "detached" });
    must((await page.inputValue("dialog input >> nth=0")) === "half a deadline", "what was typed is gone");
    await page.click("dialog button.main");
    await page.waitForSelector("td:has-text('half a deadline')");
  });
  suite.check("5 a server that stops is said to be lost, and the page goes on when it is back", async () => {
    await go(page, desk.origin, `/cases/${world.caseId}?tab=notes`);
    await page.fill("textarea", "written while the server was away");
    await desk.stop();
    await page.click("button:has-text('Write the note')");
    await page.waitForSelector(".toast:has-text('not reached')");
    await page.waitForSelector("text=The connection to the server was lost");
    must((await page.inputValue("textarea")) === "written while the server was away", "the note is gone");
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
