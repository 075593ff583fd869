// What a case is made of, worked on the page: files, deadlines, claims, people, links; split and merged again.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { must } from "./suite.mjs";
import { go, THIEF } from "./story.mjs";

const ETH = "eip155:1/slip44:60";
const soon = (days) => new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 16);

export function parts(world) {
  const { suite, desk, watched, shots } = world;
  let analyst, id;
  const tab = (page, name) => go(page, desk.origin, `/cases/${id}?tab=${name}`);
  const picture = async (name) => shots && (await analyst.screenshot({ path: `${shots}${name}.png`, fullPage: true }));
  const well = async (page, where) => {
    const faults = await watched.axe(page);
    must(!faults.length, `${where}: ${JSON.stringify(faults)}`);
  };

  suite.check("8 files are attached, given back as they came, and checked against their hash", async () => {
    ({ analyst } = world.people);
    ({ id } = await desk.call(world.key, "POST", "/v1/cases", { title: "Two thefts in one wallet" }));
    world.partsCase = id;
    await tab(analyst, "files");
    await analyst.waitForSelector("text=No file is attached");
    const folder = mkdtempSync(join(tmpdir(), "interdict-files-"));
    const name = "דוח משטרה 報告.pdf";
    writeFileSync(join(folder, name), "what the police wrote");
    writeFileSync(join(folder, "huge.bin"), Buffer.alloc(17 * 1024 * 1024, 7));
    await analyst.setInputFiles("input[type=file]", [join(folder, name), join(folder, "huge.bin")]);
    await analyst.waitForSelector(`td:has-text('${name}')`);
    await analyst.waitForSelector("[role=alert]:has-text('16 MiB')");
    await analyst.click(`[aria-label='Check ${name}']`);
    await analyst.waitForSelector(".chip:has-text('unchanged')");
    const [file] = await Promise.all([analyst.waitForEvent("download"), analyst.click(`[aria-label='Take ${name}']`)]);
    must(readFileSync(await file.path(), "utf8") === "what the police wrote", "the file came back otherwise");
    // A file that is not what was kept is told.
    await analyst.route("**/evidence/*", (route) => route.fulfill({ status: 200, body: "something else" }));
    await analyst.click(`[aria-label='Check ${name}']`);
    await analyst.waitForSelector(".chip.bad:has-text('not what was kept')");
    await analyst.unroute("**/evidence/*");
    await well(analyst, "files");
    await picture("case-files");
    rmSync(folder, { recursive: true });
  });
  suite.check("8 a deadline is set, its clock runs, and it is met", async () => {
    await tab(analyst, "tasks");
    await analyst.waitForSelector("text=No deadline is set");
    await analyst.click("button:has-text('Add a deadline')");
    await analyst.fill("dialog input >> nth=0", "the court's order runs out");
    await analyst.fill("dialog input[type=datetime-local]", soon(3));
    await analyst.click("dialog button.main");
    await analyst.waitForSelector("td .clock:has-text('left')");
    await well(analyst, "tasks");
    await picture("case-tasks");
    await analyst.click("[aria-label^='Met:']");
    await analyst.waitForSelector("[aria-label^='Met:']", { state: "detached" });
  });
  suite.check("8 commingled claims are written down, people apart, and shares reckoned in whole base units", async () => {
    await tab(analyst, "ledger");
    await analyst.waitForSelector("text=claim is written down");
    must(await analyst.isDisabled("button:has-text('Add a claim')"), "a claim of no incident can be added");
    for (const title of ["Theft from a cold wallet", "被盜的熱錢包"]) {
      await analyst.click("button:has-text('Add an incident')");
      await analyst.fill("dialog input >> nth=0", title);
      await analyst.fill("dialog input[type=datetime-local]", soon(-30));
      await analyst.click("dialog button.main");
      await analyst.waitForSelector(`li:has-text('${title}')`);
    }
    const claim = async (who, amount) => {
      if (who) await analyst.fill("dialog input >> nth=0", who);
      await analyst.fill("dialog label:has-text('Asset') input", ETH);
      await analyst.fill("dialog label:has-text('Amount') input", amount);
      await analyst.click("dialog button.main");
    };
    await analyst.click("button:has-text('Add a claim')");
    await claim("Example Exchange Ltd", "1.0000000000000000001");
    await analyst.waitForSelector("dialog [role=alert]:has-text('at most 18 digits')");
    await claim("Example Exchange Ltd", "7");
    await analyst.waitForSelector("td:has-text('Example Exchange Ltd')");
    await analyst.click("button:has-text('Write a person down')");
    await analyst.fill("dialog input >> nth=0", "A. Victim");
    await analyst.fill("dialog input >> nth=1", "victim@example.org");
    await analyst.fill("dialog input[type=datetime-local]", soon(900));
    await analyst.click("dialog button.main");
    await analyst.waitForSelector("dialog h2:has-text('Add a claim')");
    await claim(null, "3");
    await analyst.waitForSelector("td button:has-text('Person ')");
    await analyst.click("button:has-text('Add what was found')");
    await analyst.fill("dialog input >> nth=0", "frozen at Tether");
    await claim(null, "5");
    await analyst.waitForSelector("tr:has-text('Example Exchange Ltd'):has-text('3.5 ETH')");
    await analyst.waitForSelector("tr:has-text('Person '):has-text('1.5 ETH')");
    must(!(await analyst.textContent("main")).includes("A. Victim"), "the person's name stands in the case");
    await well(analyst, "ledger");
    await picture("case-ledger");
  });
  suite.check("8 an analyst sees a person's number, an approver reads what is kept, an administrator erases it", async () => {
    const { approver, administrator } = world.people;
    await analyst.click("td button:has-text('Person ')");
    await analyst.waitForSelector("dialog:has-text('An approver may read')");
    must((await analyst.locator("dialog button:has-text('Read what is kept')").count()) === 0, "an analyst is offered the data");
    await analyst.keyboard.press("Escape");
    await tab(approver, "ledger");
    await approver.click("td button:has-text('Person ')");
    await approver.click("dialog button:has-text('Read what is kept')");
    await approver.waitForSelector("dialog:has-text('A. Victim')");
    must((await approver.locator("dialog button:has-text('Erase')").count()) === 0, "an approver is offered to erase");
    await approver.keyboard.press("Escape");
    await tab(administrator, "ledger");
    await administrator.click("td button:has-text('Person ')");
    await administrator.click("dialog button:has-text('Erase')");
    await administrator.fill("dialog textarea", "they asked for it");
    await administrator.click("dialog button.main");
    await administrator.waitForSelector("dialog:has-text('Asked to be erased by')");
    await administrator.click("dialog button:has-text('Agree to erase')");
    await administrator.click("dialog button.main");
    await administrator.waitForSelector("dialog [role=alert]");
    await administrator.keyboard.press("Escape");
    await tab(approver, "summary");
    await tab(approver, "ledger");
    await approver.click("td button:has-text('Person ')");
    await approver.waitForSelector("dialog:has-text('they asked for it')");
    await approver.click("dialog button:has-text('Agree to erase')");
    await approver.click("dialog button.main");
    await approver.waitForSelector("dialog dt:has-text('Erased')");
    await approver.keyboard.press("Escape");
    await go(administrator, desk.origin, "/journal");
    await administrator.waitForSelector("td:has-text('Person erased')");
    await administrator.waitForSelector("td:has-text('Person read')");
    await administrator.waitForSelector(".chip:has-text('whole')");
    // Who is kept past their date stands there too.
    await administrator.route("**/v1/persons/due", (route) => route.fulfill({ status: 200, contentType: "application/json", body: JSON.stringify([{ id: 1, retain_until: "2020-01-01T00:00:00Z", erased: null }]) }));
    await go(administrator, desk.origin, "/nowhere");
    await go(administrator, desk.origin, "/journal");
    await administrator.click("button:has-text('Person 1')");
    await administrator.waitForSelector("dialog h2:has-text('Person 1')");
    await administrator.keyboard.press("Escape");
    await administrator.unroute("**/v1/persons/due");
  });
  suite.check("8 a link leads to what it names, and goes when it does not belong", async () => {
    await tab(analyst, "links");
    await analyst.click("button:has-text('Link something')");
    await analyst.fill("dialog input >> nth=0", THIEF);
    await analyst.click("dialog button.main");
    await analyst.waitForSelector("td a[href^='#/address/']");
    await analyst.click("button:has-text('Link something')");
    await analyst.selectOption("dialog select", "entity");
    await analyst.fill("dialog input >> nth=0", "Lazarus Group");
    await analyst.click("dialog button.main");
    await analyst.waitForSelector("td a[href^='#/screen']");
    await analyst.click("[aria-label='Unlink Lazarus Group']");
    await analyst.waitForSelector("[aria-label='Unlink Lazarus Group']", { state: "detached" });
  });
  suite.check("8 a part is taken out into a case of its own, and merged back", async () => {
    await tab(analyst, "notes");
    await analyst.fill("textarea", "this is of the second theft");
    await analyst.click("button:has-text('Write the note')");
    await analyst.waitForSelector("article");
    await analyst.click("button:has-text('Split')");
    must(await analyst.isDisabled("dialog button.main"), "nothing can be taken out");
    await analyst.fill("dialog input >> nth=0", "The second theft");
    await analyst.check("dialog label:has-text('second theft') input[type=checkbox]");
    await picture("case-split");
    await analyst.click("dialog button.main");
    await analyst.waitForSelector("h1:has-text('The second theft')");
    const part = Number(/cases\/(\d+)/.exec(analyst.url())[1]);
    must(part !== id, "it is the same case");
    await go(analyst, desk.origin, `/cases/${part}?tab=notes`);
    await analyst.waitForSelector("article:has-text('second theft')");
    await analyst.click("button:has-text('Merge')");
    await analyst.fill("dialog input[type=search]", "no case is called this");
    await analyst.waitForSelector("dialog:has-text('No open case is like that')");
    await analyst.fill("dialog input[type=search]", "two thefts");
    await analyst.check("dialog label:has-text('Two thefts in one wallet') input");
    await analyst.click("dialog button.main");
    await analyst.waitForURL((url) => url.hash.startsWith(`#/cases/${id}`));
    await tab(analyst, "notes");
    await analyst.waitForSelector("article:has-text('second theft')");
    await go(analyst, desk.origin, `/cases/${part}`);
    await analyst.waitForSelector("text=Everything of this case is in");
    await tab(analyst, "timeline");
    await analyst.waitForSelector("section:has-text('Who did what') td:has-text('Took in')");
    await well(analyst, "timeline");
  });
  suite.check("8 a viewer reads every part of a case and is offered nothing that changes it", async () => {
    const { viewer } = world.people;
    for (const name of ["summary", "alerts", "notes", "tasks", "files", "links", "ledger", "freezes", "timeline"]) {
      await tab(viewer, name);
      await viewer.waitForFunction(() => !document.querySelector("[aria-busy=true]"));
      const offered = await viewer.locator("#panel button:not(.bare), #panel textarea, #panel input, .head button").allTextContents();
      must(offered.length === 0, `${name}: ${offered.join(", ")}`);
    }
    await tab(viewer, "ledger");
    await viewer.click("td button:has-text('Person ')");
    await viewer.waitForSelector("dialog:has-text('Your role sees the number')");
    await viewer.keyboard.press("Escape");
  });
  suite.check("8 reports: what was asked, frozen and came back, by partner and jurisdiction, as a table and as CSV", async () => {
    const sent = await desk.call(world.key, "POST", "/v1/freezes", { case: id, title: "half", holder: "Tether", jurisdiction: "VG", legal_basis: ["an order"], asks: [{ account: THIEF, asset: ETH, amount: "4000000000000000000" }] });
    const { approver } = world.people;
    await go(approver, desk.origin, `/freezes/${sent.id}`);
    await approver.click("button:has-text('Approve revision')");
    await approver.waitForSelector(".chip:has-text('Approved')");
    await go(analyst, desk.origin, `/freezes/${sent.id}`);
    await analyst.click("button:has-text('Sent')");
    await analyst.click("dialog button.main");
    await analyst.waitForSelector("text=to acknowledge");
    await analyst.evaluate(async ({ id }) => {
      const { csrf } = await (await fetch("/v1/session")).json();
      const said = await fetch(`/v1/freezes/${id}/steps`, { method: "POST", headers: { "content-type": "application/json", "x-csrf-token": csrf }, body: JSON.stringify({ to: "frozen", amounts: ["1000000000000000000"] }) });
      if (!said.ok) throw new Error(await said.text());
    }, { id: sent.id });
    await go(analyst, desk.origin, "/reports");
    await analyst.waitForSelector("section:has(#r-holder) tr:has-text('Tether'):has-text('25 %')");
    await analyst.waitForSelector("section:has(#r-land) th:has-text('VG')");
    await analyst.selectOption("label:has-text('Partner') select", "Tether");
    await analyst.waitForFunction(() => document.querySelectorAll("section:has(#r-holder) tbody").length === 1);
    const [file] = await Promise.all([analyst.waitForEvent("download"), analyst.click("button:has-text('Take as CSV')")]);
    const csv = readFileSync(await file.path(), "utf8");
    must(/^holder,Tether,1,0,/m.test(csv) && csv.includes(",0.25,") && csv.includes("1000000000000000000"), csv);
    await well(analyst, "reports");
    await picture("reports");
    await go(analyst, desk.origin, "/reports?holder=Nobody");
    await analyst.waitForSelector("text=No request that was sent is like that");
  });
}
