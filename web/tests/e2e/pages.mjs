// Every page, as every role; light and dark, wide and narrow; looked over by axe.
import { join } from "node:path";
import { must } from "./suite.mjs";
import { go, PASSWORD, signIn, THIEF } from "./story.mjs";

const LISTED = "eip155:1:0x09278b36863be4ccd3d0c22d643e8062d7a11377";
export const ROUTES = (world) => ({
  overview: "/",
  alerts: "/alerts?state=all",
  alert: "/alerts/1?state=all",
  cases: "/cases",
  case: `/cases/${world.caseId}`,
  ...Object.fromEntries(["alerts", "notes", "tasks", "files", "links", "freezes", "timeline"].map((tab) => [`case-${tab}`, `/cases/${world.caseId}?tab=${tab}`])),
  "case-claims": `/cases/${world.partsCase ?? world.caseId}?tab=ledger`,
  freezes: "/freezes",
  freeze: `/freezes/${world.freezeId}`,
  start: "/flow",
  flow: `/flow?s=${THIEF}&case=${world.caseId}`,
  screen: `/screen?q=${LISTED}`,
  address: `/address/${LISTED}`,
  lists: "/lists?list=fbi-psa250226&to=2025-02-26",
  watches: "/watches",
  reports: "/reports",
  journal: "/journal",
  cost: "/cost",
  people: "/admin",
  teams: "/admin?tab=teams",
  keys: "/admin?tab=keys",
  hooks: "/admin?tab=hooks",
  me: "/me",
  nowhere: "/nowhere",
});

async function settled(page) {
  await page.waitForFunction(() => !document.querySelector("[aria-busy=true]") && document.querySelector("#main h1"), null, { timeout: 15_000 });
  await page.waitForTimeout(150);
}

export function pages(world) {
  const { suite, desk, watched, shots } = world;
  for (const role of ["viewer", "analyst", "approver", "administrator"])
    suite.check(`1 every page as ${role}`, async () => {
      const page = world.people[role];
      for (const [name, path] of Object.entries(ROUTES(world))) {
        await go(page, desk.origin, path);
        await settled(page);
        const alerts = await page.locator("#main [role=alert]").allTextContents();
        must(alerts.length === 0, `${name} as ${role}: ${alerts.join(" ")}`);
      }
      const links = await page.locator("nav a[href='#/admin']").count();
      must(links === (role === "administrator" ? 1 : 0), `administration is offered to ${role}: ${links}`);
    });
  suite.check("1 a viewer is offered nothing that changes anything", async () => {
    const page = world.people.viewer;
    for (const path of [`/cases/${world.caseId}`, `/freezes/${world.freezeId}`, "/alerts/1?state=all", "/watches"]) {
      await go(page, desk.origin, path);
      await settled(page);
      const offered = await page.locator("#main button.main").allTextContents();
      must(offered.length === 0, `${path}: ${offered.join(", ")}`);
    }
  });
  // Everybody's pages in every look; axe, which is slow, where the pages of a role differ from another's.
  const LOOKS = [["light", 1280, 800], ["dark", 1280, 800], ["light", 390, 844], ["dark", 390, 844]];
  for (const [mode, width, height] of LOOKS)
    for (const role of ["viewer", "analyst", "approver", "administrator"]) {
      const isLooked = role === "administrator" || (mode === "dark" && width === 390) || (mode === "light" && width === 1280);
      suite.check(`2 ${mode} at ${width} as ${role}: nothing overflows${isLooked ? ", and axe finds nothing serious" : ""}`, () => looked(mode, width, height, role, isLooked));
    }

  async function looked(mode, width, height, role, isLooked) {
    const page = await watched.page(desk.origin, { mode, width, height });
    const faults = [];
    const axe = async (name) => {
      if (isLooked) for (const one of await watched.axe(page)) faults.push(`${name}: ${one.id} (${one.impact}) ${one.nodes.join(" | ")}`);
    };
    const picture = async (name) => {
      if (shots && (role === "administrator" || (role === "viewer" && mode === "light"))) await page.screenshot({ path: join(shots, `${name}-${mode}-${width}${role === "viewer" ? "-viewer" : ""}.png`) });
    };
    await page.goto(`${desk.origin}/`);
    await page.waitForSelector("input[name=username]");
    await axe("sign-in");
    await picture("signin");
    await signIn(page, desk.origin, role === "administrator" ? "ada" : role, PASSWORD);
    for (const [name, path] of Object.entries(ROUTES(world))) {
      await go(page, desk.origin, path);
      await settled(page);
      // A viewer asks for no trace: somebody else's is opened.
      if (name === "flow" && role !== "viewer") await page.waitForSelector("canvas[data-accounts]");
      const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      if (over > 0) faults.push(`${name} is ${over} px too wide`);
      for (const text of await page.locator("#main [role=alert]").allTextContents()) faults.push(`${name}: ${text}`);
      await axe(name);
      await picture(name);
    }
    await page.context().close();
    must(faults.length === 0, faults.join("\n"));
  }
}
