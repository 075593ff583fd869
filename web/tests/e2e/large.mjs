// How long each list takes from the click that opens it to its rows on the screen, on a desk of 10,000 cases and many
// alerts: `node tests/e2e/large.mjs <interdict> <home that was filled>`. Not among the checks: filling takes minutes.
//
//     INTERDICT_LISTINGS_KEEP=/tmp/large cargo test --release -p case --test listings -- --ignored --nocapture
//     node tests/e2e/large.mjs ../target/release/interdict /tmp/large
//
// The time is the page's own clock: from the change of the address to the frame after the first row is there.
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { Desk } from "./desk.mjs";
import { Watched } from "./browser.mjs";
import { PASSWORD, signIn } from "./story.mjs";

const [binary, home] = process.argv.slice(2);
if (!binary || !existsSync(binary) || !home || !existsSync(`${home}/casework.sqlite`)) {
  console.error("expected an interdict that was built, and a home with a casework.sqlite: node tests/e2e/large.mjs ../target/release/interdict /tmp/large");
  process.exit(2);
}
const AIM_MS = 200;
const TIMES = 15;
const LISTS = {
  overview: ["/", ".meter .figure:not(.quiet)"],
  "alerts, open": ["/alerts?state=open", "tbody tr"],
  "alerts, all": ["/alerts?state=all", "tbody tr"],
  "alerts, high": ["/alerts?state=open&severity=high", "tbody tr"],
  "alerts, closed": ["/alerts?state=closed", "tbody tr"],
  cases: ["/cases", "tbody tr"],
  "cases, open": ["/cases?state=open", "tbody tr"],
  "cases, a word that all have": ["/cases?search=theft", "tbody tr"],
  "cases, a word of one": ["/cases?search=case77", "tbody tr"],
  "a case": ["/cases/77", "[role=tablist]"],
  freezes: ["/freezes", ".board a"],
  watches: ["/watches", "tbody tr"],
  journal: ["/journal", "section:has(#j-list) tbody tr"],
  reports: ["/reports", "tbody tr"],
};

const desk = new Desk(resolve(binary), "large", { home: resolve(home) });
const watched = await Watched.open();
await desk.start();
const page = await watched.page(desk.origin);
if (desk.link) {
  await page.goto(`${desk.origin}/#welcome=${desk.link}`);
  await page.fill("input[name=username]", "ada");
  await page.fill("input[name=password]", PASSWORD);
  await page.click("button.main");
  await page.waitForSelector("#main h1");
} else await signIn(page, desk.origin, "ada", PASSWORD);

const opened = ([path, row]) =>
  page.evaluate(
    ({ path, row }) =>
      new Promise((done, failed) => {
        location.hash = "/nowhere";
        setTimeout(() => {
          const start = performance.now();
          const late = setTimeout(() => (watcher.disconnect(), failed(new Error(`nothing is shown of ${path}`))), 30_000);
          const look = () => {
            if (!document.querySelector(`#main ${row}`)) return;
            watcher.disconnect();
            clearTimeout(late);
            // Two frames: what was put into the page has been painted.
            requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now() - start)));
          };
          const watcher = new MutationObserver(look);
          watcher.observe(document.body, { subtree: true, childList: true, attributes: true });
          location.hash = path;
        }, 150);
      }),
    { path, row },
  );

const slow = [];
for (const [name, list] of Object.entries(LISTS)) {
  await opened(list);
  const took = [];
  for (let time = 0; time < TIMES; time++) took.push(await opened(list));
  took.sort((a, b) => a - b);
  const [median, worst] = [took[TIMES >> 1], took[TIMES - 1]];
  console.log(`${name.padEnd(30)} median ${median.toFixed(0).padStart(5)} ms   worst of ${TIMES} ${worst.toFixed(0).padStart(5)} ms`);
  if (median > AIM_MS) slow.push(`${name}: ${median.toFixed(0)} ms`);
}
await watched.browser.close();
await desk.stop();
if (slow.length) {
  console.error(`slower than ${AIM_MS} ms: ${slow.join(", ")}`);
  process.exit(1);
}
