import test from "node:test";
import assert from "node:assert/strict";
import { build } from "../../src/graph/model.ts";
import { layout } from "../../src/graph/layout.ts";
import type { Report, ReportNode } from "../../src/graph/report.ts";
import { scene, WHOLE_MAX } from "../../src/graph/scene.ts";
import { checked, EMPTY, History, pack, unpack } from "../../src/graph/state.ts";

const ETH = "eip155:1/slip44:60";

/** A report from lines such as `thief -> mixer 5 at 10`. */
function told(lines: string[], meanings: Record<string, Partial<ReportNode>> = {}): Report {
  const depth = new Map<string, number>();
  const edges = lines.map((line, index) => {
    const found = /^(\w+) -> (\w+) (\d+)(?: at (\d+))?$/.exec(line);
    if (!found) throw new Error(line);
    const [, from = "", to = "", amount = "", at = "0"] = found;
    if (!depth.has(from)) depth.set(from, 0);
    if (!depth.has(to)) depth.set(to, depth.get(from)! + 1);
    return { chain: "eip155:1", tx: `0x${index}`, position: "0", height: 1, time: new Date(Number(at) * 1000).toISOString(), from, to, asset: ETH, amount, tainted: amount, depth: depth.get(to)! };
  });
  const nodes = [...depth].map(([account, hop]) => {
    const sum = (key: "from" | "to") => edges.filter((edge) => edge[key] === account).reduce((total, edge) => total + Number(edge.amount), 0);
    return { account, depth: hop, received: {}, sent: { [ETH]: String(sum("from")) }, tainted: hop ? { [ETH]: String(sum("to")) } : {}, resting: {}, role: "other", stop: null, first_seen: null, last_seen: null, labels: [], listings: [], ...meanings[account] } as ReportNode;
  });
  return { format: "interdict-trace", version: 1, policy: "haircut", conserves: true, direction: "forward", sources: [nodes[0]!.account], settings: {}, nodes, edges, route: [], crossings: [], endpoints: [], findings: [], assets: [{ asset: ETH, symbol: "ETH", decimals: 0 }], totals: { by_asset: [], accounts: nodes.length, transfers: edges.length, listed: 0, services: 0 }, coverage: { accounts_incomplete: 0, notes: [], unpriced: [] }, cut: [], worth: [{ asset: ETH, tainted: "10", date: "2025-02-21", price: { usd: "20", usd_unit: "2", source: "a test" } }] };
}
const names = (report: Report, shown: ReturnType<typeof scene>) => shown.nodes.map((node) => (node.node === null ? node.key : report.nodes[node.node]!.account)).sort();

test("an account means what is gravest of it, and flows of one pair and asset are one", () => {
  const report = told(["thief -> a 5", "thief -> a 3", "a -> mixer 8"], { mixer: { role: "mixer" }, a: { listings: [{ list: "l", list_date: null, party: null, programme: null }] } });
  const model = build(report);
  assert.deepEqual(model.nodes.map((node) => node.meaning), ["stolen", "listed", "mixer"]);
  assert.equal(model.flows.length, 2);
  assert.equal(model.flows[0]!.tainted, 8n);
  assert.equal(model.flows[0]!.usd, 16);
});

test("folding hides only what comes from there alone", () => {
  const report = told(["thief -> a 5", "thief -> b 5", "a -> c 2", "a -> d 3", "b -> d 5", "c -> e 2"]);
  const shown = scene(build(report), { ...EMPTY, folded: ["a"] });
  assert.deepEqual(names(report, shown), ["a", "b", "d", "thief"]);
  assert.equal(shown.nodes.find((node) => node.key === "a")!.members.length, 3);
  const into = shown.flows.filter((flow) => shown.nodes[flow.to]!.key === "d").map((flow) => Number(flow.tainted));
  assert.deepEqual(into.sort(), [3, 5]);
});

test("filters leave out what does not pass, and a window divides a flow", () => {
  const report = told(["thief -> a 5 at 10", "thief -> a 3 at 20", "thief -> b 1 at 30"]);
  const model = build(report);
  const early = scene(model, { ...EMPTY, until: 15_000 });
  assert.deepEqual(names(report, early), ["a", "thief"]);
  assert.equal(early.flows[0]!.tainted, 5n);
  assert.deepEqual(names(report, scene(model, { ...EMPTY, least: 10 })), ["a", "thief"]);
  assert.deepEqual(names(report, scene(model, { ...EMPTY, assets: [] })), ["thief"]);
  assert.deepEqual(names(report, scene(model, { ...EMPTY, hidden: ["a"] })), ["b", "thief"]);
});

test("the lit way is the widest, not the shortest", () => {
  const report = told(["thief -> a 9", "a -> b 9", "b -> end 9", "thief -> end 1"]);
  const shown = scene(build(report), { ...EMPTY, path: ["thief", "end"] });
  assert.equal(shown.lit!.flows.size, 3);
  assert.equal(scene(build(report), { ...EMPTY, path: ["end", "thief"] }).lit, null);
});

test("what is too much is summarised, keeps every account in some place and all value", () => {
  const lines: string[] = [];
  for (let at = 0; at < WHOLE_MAX + 500; at++) lines.push(`thief -> a${at} ${1 + (at % 7)}`);
  const report = told(lines);
  const model = build(report);
  const shown = scene(model, EMPTY);
  assert.ok(shown.isSummarised && shown.nodes.length < 600);
  assert.ok(model.nodes.every((node) => shown.at[node.index]! >= 0));
  const sum = (flows: { tainted: bigint }[]) => flows.reduce((total, flow) => total + flow.tainted, 0n);
  assert.equal(sum(shown.flows), sum(model.flows));
  const bundle = shown.nodes.find((node) => node.isBundle)!;
  const opened = scene(model, { ...EMPTY, opened: [bundle.key] });
  assert.equal(opened.nodes.length, shown.nodes.length + 60);
  assert.equal(scene(model, { ...EMPTY, isSummarised: false }).nodes.length, model.nodes.length);
});

test("a layout puts nobody on another, money runs to the right, and a pin holds", () => {
  const report = told(["thief -> a 5", "thief -> b 4", "a -> c 3", "b -> c 4"]);
  const shown = scene(build(report), EMPTY);
  const { x, y } = layout(shown, { c: [7, 9] });
  const at = (key: string) => shown.nodes.findIndex((node) => node.key === key);
  assert.ok(x[at("thief")]! < x[at("a")]!);
  assert.deepEqual([x[at("c")], y[at("c")]], [7, 9]);
  const places = new Set(shown.nodes.map((_, index) => `${x[index]} ${y[index]}`));
  assert.equal(places.size, shown.nodes.length);
});

test("a view goes through a link and back, and a link that was made up harms nothing", () => {
  const view = { ...EMPTY, folded: ["a"], pins: { b: [1, 2] as [number, number] }, notes: { c: "見る — שלום" }, path: ["a", "b"] as [string, string], least: 5 };
  assert.deepEqual(unpack(pack(view)), view);
  assert.equal(pack(EMPTY), "");
  for (const made of ["", "%", "bnVsbA", "W10", pack({ ...EMPTY, least: 1 }).slice(3)]) assert.deepEqual(unpack(made), EMPTY);
  assert.deepEqual(checked({ pins: { a: [1, "x"], b: 3 }, notes: { a: 1 }, path: ["a"], least: "5", folded: [1, "a"] }), { ...EMPTY, folded: ["a"] });
});

test("every step is undone and done again, a slider's many as one", () => {
  const history = new History();
  history.set({ least: 1 });
  history.set({ since: 1 }, "time");
  history.set({ since: 2 }, "time");
  assert.equal(history.undo().since, null);
  assert.equal(history.now.least, 1);
  assert.equal(history.redo().since, 2);
  history.undo();
  history.undo();
  assert.deepEqual(history.now, EMPTY);
  assert.equal(history.undo(), history.now);
});
