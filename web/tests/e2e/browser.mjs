// Chromium, watched: what it asks for, what the content policy refused, what a page did wrong.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const ARGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];

export class Watched {
  faults = [];
  requests = 0;
  constructor(browser) {
    this.browser = browser;
  }
  static async open() {
    return new Watched(await chromium.launch({ executablePath: process.env.INTERDICT_CHROMIUM ?? "/usr/bin/chromium", args: ARGS }));
  }
  async page(origin, { mode = "light", width = 1280, height = 800, may = [], others = [] } = {}) {
    const context = await this.browser.newContext({ viewport: { width, height }, colorScheme: mode, reducedMotion: "reduce", acceptDownloads: true });
    const page = await context.newPage();
    context.setDefaultTimeout(15_000);
    await context.addInitScript(() => {
      addEventListener("securitypolicyviolation", (event) => console.error(`CSP ${event.violatedDirective} ${event.blockedURI} ${event.sourceFile ?? ""}`));
    });
    page.on("request", (request) => {
      this.requests++;
      const url = request.url();
      if (![origin, ...others].some((one) => url.startsWith(`${one}/`)) && !/^(blob|data):/.test(url)) this.faults.push(`a request left for ${url}`);
    });
    page.on("pageerror", (error) => this.faults.push(`${page.url()}: ${error.message}`));
    page.on("console", (message) => {
      if (message.type() !== "error") return;
      const text = message.text();
      // Answers of the server that a page shows as such are no faults of the page.
      if (/Failed to load resource/.test(text) || may.some((one) => text.includes(one))) return;
      this.faults.push(`${page.url()}: ${text}`);
    });
    return page;
  }
  /** Findings of axe that are serious or worse. */
  async axe(page) {
    const found = await page.evaluate(`(async () => { ${axe}; const said = await axe.run(document, { resultTypes: ["violations"] }); return said.violations.map((one) => ({ id: one.id, impact: one.impact, nodes: one.nodes.slice(0, 3).map((node) => node.html.slice(0, 160) + " " + (node.any[0]?.message ?? "")) })); })()`);
    return found.filter((one) => one.impact === "serious" || one.impact === "critical");
  }
}
