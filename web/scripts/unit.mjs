// Runs the tests of the pure parts. Vite reads the TypeScript; node's own runner runs them.
import { readdirSync } from "node:fs";
import { createServer } from "vite";

const folder = new URL("../tests/unit/", import.meta.url);
const vite = await createServer({ configFile: false, appType: "custom", logLevel: "error", server: { middlewareMode: true, hmr: false, ws: false } });
for (const name of readdirSync(folder).filter((name) => name.endsWith(".test.ts"))) await vite.ssrLoadModule(new URL(name, folder).pathname);
await vite.close();
