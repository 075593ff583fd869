import test from "node:test";
import assert from "node:assert/strict";
import { baseOf, exactAmount, shortAddress, shownAmount, time, usd } from "../../src/lib/format.ts";
import { pieces } from "../../src/lib/prose.ts";

test("an address is shortened one way, whatever says its chain", () => {
  const bare = "0x47666fab8bd0ac7003bce3f5c3585383f09486e2";
  assert.equal(shortAddress(bare), "0x47666f…9486e2");
  assert.equal(shortAddress(`eip155:1:${bare}`), shortAddress(bare));
  assert.equal(shortAddress("short"), "short");
});

test("amounts are exact, and huge ones are said by their power of ten", () => {
  assert.equal(exactAmount(1_500_000n, 6), "1.5");
  assert.equal(exactAmount(1n, 18), "0.000000000000000001");
  assert.equal(exactAmount(400001000000000000000000n, 18), "400,001");
  const most = 2n ** 256n - 1n;
  assert.equal(exactAmount(most, 0).replace(/,/g, ""), most.toString());
  assert.equal(shownAmount(most, 0), "1.157 × 10^77");
  assert.equal(shownAmount(1n, 18), "< 0.000001");
  assert.equal(shownAmount(0n, 18), "0");
});

test("what a person types becomes base units or nothing", () => {
  assert.equal(baseOf("1.5", 6), 1_500_000n);
  assert.equal(baseOf("1,000", 0), 1000n);
  assert.equal(baseOf("0.1234567", 6), null);
  assert.equal(baseOf("1e3", 6), null);
  assert.equal(baseOf("-1", 6), null);
});

test("a time names its zone, and money its size", () => {
  assert.equal(time("2025-02-21T14:29:47Z"), "2025-02-21 14:29 UTC");
  assert.equal(time(null), "–");
  assert.equal(usd(null), "no price");
  assert.equal(usd(1_463_000_000), "$1.46 bn");
  assert.equal(usd(0), "$0");
});

test("addresses in a sentence are shortened and the words stay", () => {
  const text = "a withdrawal to eip155:1:0x09278b36863be4ccd3d0c22d643e8062d7a11377 was stopped";
  const found = pieces(text);
  assert.equal(found.map((one) => one.text).join(""), "a withdrawal to 0x09278b…a11377 was stopped");
  assert.equal(found[1]!.whole, "eip155:1:0x09278b36863be4ccd3d0c22d643e8062d7a11377");
  assert.deepEqual(pieces("nothing here"), [{ text: "nothing here" }]);
});
