import { defineConfig } from "vite";
import { svelte } from "@sveltejs/vite-plugin-svelte";

// Everything lies flat below /web/, each name with the hash of its content, so that the server may let
// browsers keep it for good. Nothing is put inline: the content policy forbids it.
export default defineConfig({
  base: "/web/",
  plugins: [svelte()],
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
