// Puts beside each built file what it is compressed, and says how heavy the first page is. Of `dist`, or of a folder that
// is named.
import { brotliCompressSync, gzipSync, constants } from "node:zlib";
import { readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const dist = process.argv[2] ?? new URL("../dist/", import.meta.url).pathname;
const page = readFileSync(join(dist, "index.html"), "utf8");
const seen = new Set(["README.md", "index.html"]);

// What an earlier build left and this one does not name goes.
const follow = (text) => {
  for (const [name] of text.matchAll(/[\w.-]+-[\w-]{8}\.(?:js|css|svg|toml)/g)) {
    if (seen.has(name)) continue;
    try {
      const inside = readFileSync(join(dist, name), "utf8");
      seen.add(name);
      follow(inside);
    } catch {
      // Something that only looks like a name.
    }
  }
};
follow(page);
for (const name of readdirSync(dist)) if (!seen.has(name)) rmSync(join(dist, name));

const sizes = new Map();
for (const name of seen) {
  if (name === "README.md") continue;
  const plain = readFileSync(join(dist, name));
  const br = brotliCompressSync(plain, {
    params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: plain.length },
  });
  const gz = gzipSync(plain, { level: 9 });
  sizes.set(name, { plain: plain.length, br: Math.min(br.length, plain.length), gz: gz.length });
  if (br.length < plain.length) writeFileSync(join(dist, `${name}.br`), br);
  if (gz.length < plain.length) writeFileSync(join(dist, `${name}.gz`), gz);
}

const first = ["index.html", ...[...page.matchAll(/[\w.-]+-[\w-]{8}\.(?:js|css|svg)/g)].map(([name]) => name)];
const sum = (names, kind) => names.reduce((total, name) => total + (sizes.get(name)?.[kind] ?? 0), 0);
const kb = (bytes) => `${(bytes / 1000).toFixed(1)} kB`;
for (const [name, size] of sizes) console.log(`${name.padEnd(36)} ${kb(size.plain).padStart(10)} ${kb(size.br).padStart(10)} br`);
console.log(`first page: ${kb(sum(first, "br"))} brotli, ${kb(sum(first, "gz"))} gzip; all: ${kb(sum([...sizes.keys()], "br"))} brotli`);
if (sum(first, "br") > 200_000) {
  console.error("the first page is heavier than 200 kB: load what it does not need later");
  process.exit(1);
}
