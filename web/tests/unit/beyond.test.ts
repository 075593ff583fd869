import test from "node:test";
import assert from "node:assert/strict";
import { asBeyond, extend, type Beyond } from "../../src/graph/beyond.ts";
import { build, type Model } from "../../src/graph/model.ts";
import type { Report } from "../../src/graph/report.ts";
import { scene } from "../../src/graph/scene.ts";
import { BEYOND_MAX, EMPTY, pack, unpack } from "../../src/graph/state.ts";

const ETH = "eip155:1/slip44:60";
const DAI = "eip155:1/erc20:0x6b175474e89094c44da98b954eedeac495271d0f";

/** thief -> a -> rest, of ten each. */
function model(direction: "forward" | "backward" = "forward"): Model {
  const names = direction === "forward" ? ["thief", "a", "rest"] : ["rest", "a", "thief"];
  const edges = [["thief", "a"], ["a", "rest"]].map(([from, to], at) => ({ chain: "eip155:1", tx: `0x${at}`, position: "0", height: 1, time: new Date(at * 1000).toISOString(), from: from!, to: to!, asset: ETH, amount: "10", tainted: "10", depth: at + 1 }));
  const nodes = names.map((account, depth) => ({ account, depth, received: {}, sent: {}, tainted: depth ? { [ETH]: "10" } : {}, resting: {}, role: "other", stop: null, first_seen: null, last_seen: null, labels: [], listings: [] }));
  return build({ direction, sources: [names[0]!], nodes, edges, assets: [], crossings: [], worth: [], totals: { by_asset: [] } } as unknown as Report);
}
const near = (account: string, direction: "in" | "out", asset = ETH, more: object = {}) => ({ account, direction, labels: [], is_listed: false, transfers: 3, first: "2025-02-21T14:00:00Z", last: "2025-02-22T14:00:00Z", values: [{ asset, symbol: null, decimals: 0, amount: "7" }], ...more });
const beyond = (account: string, items: Beyond["items"]): [string, Beyond] => [account, { account, items, total: items.length, isTruncated: false, remarks: [] }];

test("what lies beyond is added without taint, and the trace stays what it was", () => {
  const base = model();
  const grown = extend(base, ["a"], new Map([beyond("a", [near("shop", "out"), near("bank", "in", ETH, { is_listed: true })])]));
  assert.equal(base.nodes.length, 3);
  assert.equal(base.flows.length, 2);
  const shown = scene(grown, { ...EMPTY, beyond: ["a"] });
  const strangers = shown.nodes.filter((node) => node.isBeyond);
  assert.deepEqual(strangers.map((node) => [node.key, node.depth, node.meaning, node.weight]), [["shop", 2, "unknown", 0], ["bank", 0, "listed", 0]]);
  const added = shown.flows.filter((flow) => flow.isBeyond);
  assert.deepEqual(added.map((flow) => [flow.tainted, flow.amount, flow.transfers]), [[0n, 7n, 3], [0n, 7n, 3]]);
});

test("what the trace has between two accounts is not drawn again; another asset between them is", () => {
  const known = new Map([beyond("a", [near("rest", "out"), near("rest", "out", DAI), near("a", "out")])]);
  const grown = extend(model(), ["a"], known);
  assert.equal(grown.nodes.length, 3);
  assert.deepEqual(grown.flows.filter((flow) => flow.beyond).map((flow) => flow.asset), [DAI]);
});

test("backward, whom it paid stands before it and who paid it behind", () => {
  const grown = extend(model("backward"), ["a"], new Map([beyond("a", [near("shop", "out"), near("bank", "in")])]));
  assert.deepEqual(grown.nodes.slice(3).map((node) => [node.account, node.depth]), [["shop", 0], ["bank", 2]]);
});

test("one that hangs on another goes with it, and nothing asked changes nothing", () => {
  const base = model();
  const known = new Map([beyond("a", [near("shop", "out")]), beyond("shop", [near("far", "out")])]);
  assert.equal(extend(base, ["a", "shop"], known).nodes.length, 5);
  assert.equal(extend(base, ["shop"], known).nodes.length, 3);
  assert.equal(extend(base, [], known), base);
  assert.equal(extend(base, ["a"], new Map()), base);
});

test("the least value does not hide it, a window of time does; it is never folded into or lit", () => {
  const grown = extend(model(), ["a"], new Map([beyond("a", [near("shop", "out"), near("bank", "in")])]));
  const count = (view: object) => scene(grown, { ...EMPTY, beyond: ["a"], ...view }).nodes.filter((node) => node.isBeyond).length;
  assert.equal(count({ least: 5 }), 2);
  assert.equal(count({ until: Date.parse("2025-02-21T00:00:00Z") }), 0);
  assert.equal(count({ since: Date.parse("2025-02-22T00:00:00Z") }), 2);
  // `a` comes from the thief alone, whoever else paid it.
  assert.deepEqual(scene(grown, { ...EMPTY, folded: ["thief"] }).nodes.map((node) => node.key).sort(), ["bank", "thief"]);
  assert.equal(scene(grown, { ...EMPTY, path: ["thief", "shop"] }).lit, null);
  assert.equal(scene(grown, { ...EMPTY, beyond: ["a"], isSummarised: true }).nodes.filter((node) => node.isBeyond).length, 2);
});

test("a link says of whom it is drawn, and a file that was changed is read as far as it goes", () => {
  assert.deepEqual(unpack(pack({ ...EMPTY, beyond: ["a"] })).beyond, ["a"]);
  const read = asBeyond([{ account: "a", items: [near("shop", "out"), { account: 7 }, null], total: "2" }, { account: 5 }, null, "x"]);
  assert.equal(read.length, 1);
  assert.deepEqual(read[0]!.items.map((item) => item.account), ["shop"]);
  assert.deepEqual(asBeyond("no"), []);
  assert.equal(unpack(pack({ ...EMPTY, beyond: Array.from({ length: 500 }, (_, at) => `a${at}`) })).beyond.length, BEYOND_MAX);
});
