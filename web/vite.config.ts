import { readFileSync } from "node:fs";
import { parse } from "smol-toml";
import { defineConfig, type Plugin } from "vite";
import { svelte } from "@sveltejs/vite-plugin-svelte";

/** The assets that Interdict knows, from the one file that says so; each as [CAIP-19, symbol, decimals]. */
function assets(): Plugin {
  const id = "virtual:assets";
  return {
    name: "assets",
    resolveId: (source) => (source === id ? `\0${id}` : null),
    load(source) {
      if (source !== `\0${id}`) return null;
      const file = new URL("../crates/model/assets.toml", import.meta.url).pathname;
      this.addWatchFile(file);
      const known = parse(readFileSync(file, "utf8")).asset as { id: string; symbol: string; decimals: number }[];
      return `export default ${JSON.stringify(known.map((asset) => [asset.id, asset.symbol, asset.decimals]))}`;
    },
  };
}

// Everything lies flat below /web/, each name with the hash of its content, so that the server may let
// browsers keep it for good. Nothing is put inline: the content policy forbids it.
export default defineConfig({
  base: "/web/",
  plugins: [svelte(), assets()],
  build: {
    outDir: "dist",
    emptyOutDir: false,
    assetsDir: "",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: "es2022",
    rollupOptions: {
      output: {
        entryFileNames: "[name]-[hash].js",
        chunkFileNames: "[name]-[hash].js",
        assetFileNames: "[name]-[hash][extname]",
      },
    },
  },
  // `npm run dev` beside an `interdict serve` that runs: the page comes from here, the API from there.
  server: {
    port: 5173,
    proxy: Object.fromEntries(
      ["/v1", "/openapi.json", "/docs", "/assets"].map((path) => [
        path,
        { target: process.env.INTERDICT_AT ?? "http://127.0.0.1:8520", changeOrigin: true },
      ]),
    ),
  },
});
