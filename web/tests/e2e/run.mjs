// Walks through every page as every role, in Chromium, against a real server: `node tests/e2e/run.mjs <interdict> [pattern of names]`.
// INTERDICT_SHOTS=1 also takes pictures into tests/shots.
import { existsSync, mkdirSync } from "node:fs";
import { resolve } from "node:path";
import { Watched } from "./browser.mjs";
import { Desk } from "./desk.mjs";
import { Suite, must } from "./suite.mjs";
import { doors } from "./doors.mjs";
import { pages } from "./pages.mjs";
import { parts } from "./parts.mjs";
import { story } from "./story.mjs";
import { hardships } from "./hardships.mjs";
import { flows } from "./flows.mjs";

const [binary, only] = process.argv.slice(2);
if (!binary || !existsSync(binary)) {
  console.error("expected the path of an interdict that was built: node tests/e2e/run.mjs ../target/debug/interdict");
  process.exit(2);
}
const shots = process.env.INTERDICT_SHOTS ? new URL("../shots/", import.meta.url).pathname : null;
if (shots) mkdirSync(shots, { recursive: true });

const suite = new Suite();
const desk = new Desk(resolve(binary), "desk");
const empty = new Desk(resolve(binary), "empty");
const watched = await Watched.open();
const world = { binary, suite, desk, empty, watched, shots, only, cookies: {}, people: {} };

story(world);
parts(world);
pages(world);
flows(world);
hardships(world);
doors(world);
suite.check("0 nothing left the machine, no page failed, and the content policy was never broken", async () => {
  must(watched.requests > 100, `only ${watched.requests} requests were seen`);
  must(watched.faults.length === 0, [...new Set(watched.faults)].slice(0, 12).join("\n"));
});
const isWell = await suite.run(only);
await watched.browser.close();
await desk.end();
await world.doors?.end();
await empty.end();
process.exit(isWell ? 0 : 1);
