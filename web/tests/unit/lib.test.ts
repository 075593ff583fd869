import test from "node:test";
import assert from "node:assert/strict";
import { readAsks, cell, verdictOf } from "../../src/pages/screen/file.ts";
import { clockOf } from "../../src/pages/freezes/clocks.ts";
import type { Freeze, Screening } from "../../src/lib/types.ts";

test("a file of addresses is read by its first column, heads and remarks left out", () => {
  const text = '\uFEFFaddress,note\r\n0xabc,"x"\r\n\r\n# no\r\n"a ""b"", c",1\n';
  assert.deepEqual(readAsks(text), [{ line: 2, text: "0xabc" }, { line: 5, text: 'a "b", c' }]);
});

test("a cell that a spreadsheet would run is text", () => {
  assert.equal(cell("=1+1"), "'=1+1");
  assert.equal(cell('a"b'), '"a""b"');
  assert.equal(cell(-5), "-5");
});

test("what was not found is never said to be clean", () => {
  const answer = { hits: [], former: [], covered: true } as unknown as Screening;
  assert.equal(verdictOf(answer), "not found");
  assert.equal(verdictOf({ ...answer, covered: false }), "not found, not all covered");
});

test("the clock that runs is the one of the state", () => {
  const freeze = { state: "sent", sent: "2025-02-21T00:00:00Z", clocks: { acknowledge_s: 86400, freeze_s: 259200 } } as Freeze;
  assert.equal(clockOf(freeze)!.due, "2025-02-22T00:00:00.000Z");
  assert.equal(clockOf({ ...freeze, state: "acknowledged" })!.due, "2025-02-24T00:00:00.000Z");
  assert.equal(clockOf({ ...freeze, state: "drafted" }), null);
});
