// What is drawn of a model under a view: filtered, folded, and beyond what a person can look at, summarised.
import { weigh, type Flow, type Meaning, type Model } from "./model.ts";
import type { View } from "./state.ts";

/** More accounts than this are summarised unless somebody asks for all. */
export const WHOLE_MAX = 5000;
/** Accounts that a summary shows by themselves. */
const KEPT = 250;
/** Of a bundle that is opened, so many more each time. */
const OPENED = 60;

export interface SceneNode {
  key: string;
  /** The account; none of a bundle. */
  node: number | null;
  /** Accounts in it: of an account that is folded, itself and those behind it. */
  members: number[];
  meaning: Meaning;
  depth: number;
  weight: number;
  usd: number | null;
  isBundle: boolean;
  isBeyond: boolean;
}
export interface SceneFlow {
  from: number;
  to: number;
  asset: string;
  tainted: bigint;
  weight: number;
  usd: number | null;
  transfers: number;
  flows: Flow[];
  /** Not of the trace. */
  isBeyond: boolean;
  /** Of what is not of the trace: how much in all. */
  amount: bigint;
}
export interface Scene {
  nodes: SceneNode[];
  flows: SceneFlow[];
  out: number[][];
  into: number[][];
  /** Of each account of the model, where it is in the scene; -1 where it is not shown. */
  at: Int32Array;
  isSummarised: boolean;
  accounts: number;
  lit: { nodes: Set<number>; flows: Set<number> } | null;
}

export function scene(model: Model, view: View): Scene {
  const flows = narrowed(model, view);
  const isShown = shown(model, view, flows);
  const accounts = isShown.reduce((sum, is) => sum + is, 0);
  const isSummarised = view.isSummarised ?? accounts > WHOLE_MAX;
  const group = isSummarised ? summarise(model, view, flows, isShown) : null;
  const folds = fold(model, view, flows, isShown);
  const made = place(model, isShown, folds, group);
  const result: Scene = { ...join(flows, made), at: made.at, isSummarised, accounts, lit: null };
  result.lit = view.path ? light(result, model, view.path) : null;
  return result;
}

/** The flows that pass the filters, each with what is left of it. */
function narrowed(model: Model, view: View): Flow[] {
  const { assets, since, until, least } = view;
  const isTimed = since !== null || until !== null;
  if (!assets && !isTimed && !least) return model.flows;
  const kept: Flow[] = [];
  for (const flow of model.flows) {
    if (assets && !assets.includes(flow.asset)) continue;
    if (flow.beyond) {
      const { first, last } = flow.beyond;
      if (!(last < (since ?? -Infinity)) && !(first > (until ?? Infinity))) kept.push(flow);
      continue;
    }
    let now = flow;
    if (isTimed) {
      // A transfer without a time cannot be outside of a window.
      const transfers = flow.transfers.filter((one) => Number.isNaN(one.time) || ((since === null || one.time >= since) && (until === null || one.time <= until)));
      if (!transfers.length) continue;
      if (transfers.length < flow.transfers.length) {
        now = { ...flow, transfers, tainted: transfers.reduce((sum, one) => sum + one.tainted, 0n) };
        weigh(now, model);
      }
    }
    if (now.weight < least) continue;
    kept.push(now);
  }
  return kept;
}

function shown(model: Model, view: View, flows: Flow[]): Uint8Array {
  const is = new Uint8Array(model.nodes.length);
  for (const node of model.nodes) if (node.isSource) is[node.index] = 1;
  for (const flow of flows) is[flow.from] = is[flow.to] = 1;
  for (const account of view.hidden) {
    const at = model.byAccount.get(account);
    if (at !== undefined) is[at] = 0;
  }
  return is;
}

/** As the walk went: backward, money that is followed came from where the walk arrives later. */
function onward(model: Model, flow: { from: number; to: number }): [number, number] {
  return model.report.direction === "backward" ? [flow.to, flow.from] : [flow.from, flow.to];
}

/** Of each account, into which folded account it went: all its ways come from there. */
function fold(model: Model, view: View, flows: Flow[], isShown: Uint8Array): Int32Array {
  const into = new Int32Array(model.nodes.length).fill(-1);
  if (!view.folded.length) return into;
  const parents: number[][] = model.nodes.map(() => []);
  for (const flow of flows) {
    const [before, after] = onward(model, flow);
    // Who else paid an account of the trace does not keep it from being folded.
    if (flow.beyond && !model.nodes[after]!.isBeyond) continue;
    if (before !== after) parents[after]!.push(before);
  }
  const roots = new Set(view.folded.map((account) => model.byAccount.get(account)).filter((at): at is number => at !== undefined));
  const order = model.nodes.filter((node) => isShown[node.index]).sort((a, b) => a.depth - b.depth);
  for (let isMore = true; isMore; ) {
    isMore = false;
    for (const node of order) {
      const at = node.index;
      if (into[at] !== -1 || roots.has(at) || node.isSource || !parents[at]!.length) continue;
      const owners = new Set<number>();
      for (const parent of parents[at]!) {
        if (!isShown[parent] || parent === at) continue;
        owners.add(into[parent] !== -1 ? into[parent]! : roots.has(parent) ? parent : -1);
      }
      const [owner] = owners;
      if (owners.size === 1 && owner !== undefined && owner !== -1) {
        into[at] = owner;
        isMore = true;
      }
    }
  }
  return into;
}

/** Of each account, the bundle it stands in, by key; none where it stands by itself. */
function summarise(model: Model, view: View, flows: Flow[], isShown: Uint8Array): Map<number, string> {
  const isKept = new Uint8Array(model.nodes.length);
  const parent = new Int32Array(model.nodes.length).fill(-1);
  const best = new Float64Array(model.nodes.length).fill(-1);
  for (const flow of flows) {
    const [before, after] = onward(model, flow);
    if (flow.beyond) continue;
    if (model.nodes[before]!.depth < model.nodes[after]!.depth && flow.weight > best[after]!) {
      best[after] = flow.weight;
      parent[after] = before;
    }
  }
  const keep = (at: number) => {
    for (let now = at, steps = 0; now >= 0 && steps < 64 && !isKept[now]; now = parent[now]!, steps++) isKept[now] = 1;
  };
  const ranked = model.nodes.filter((node) => isShown[node.index]).sort((a, b) => b.weight - a.weight);
  for (const node of model.nodes) if ((node.isSource || node.isBeyond) && isShown[node.index]) isKept[node.index] = 1;
  for (const node of ranked.slice(0, KEPT)) keep(node.index);
  let grave = 0;
  for (const node of ranked) if ((node.meaning === "listed" || node.meaning === "mixer") && grave++ < KEPT) keep(node.index);
  for (const account of [...Object.keys(view.pins), ...Object.keys(view.notes), ...view.folded, ...view.beyond, ...(view.path ?? [])]) {
    const at = model.byAccount.get(account);
    if (at !== undefined && isShown[at]) keep(at);
  }
  const bundles = new Map<string, number[]>();
  for (const node of ranked) {
    if (isKept[node.index]) continue;
    let owner = parent[node.index]!;
    for (let steps = 0; owner >= 0 && !isKept[owner] && steps < 64; steps++) owner = parent[owner]!;
    const key = `${owner < 0 ? "?" : model.nodes[owner]!.account}|${node.meaning}`;
    const list = bundles.get(key);
    if (list) list.push(node.index);
    else bundles.set(key, [node.index]);
  }
  const group = new Map<number, string>();
  for (const [key, members] of bundles) {
    const opened = view.opened.filter((one) => one === key).length * OPENED;
    const rest = members.length - opened < 4 ? [] : members.slice(opened);
    for (const at of rest) group.set(at, key);
  }
  return group;
}

function place(model: Model, isShown: Uint8Array, folds: Int32Array, group: Map<number, string> | null): { nodes: SceneNode[]; at: Int32Array } {
  const at = new Int32Array(model.nodes.length).fill(-1);
  const nodes: SceneNode[] = [];
  const bundles = new Map<string, number>();
  for (const node of model.nodes) {
    if (!isShown[node.index] || folds[node.index] !== -1) continue;
    const key = group?.get(node.index);
    if (key === undefined) {
      at[node.index] = nodes.length;
      nodes.push({ key: node.account, node: node.index, members: [node.index], meaning: node.meaning, depth: node.depth, weight: node.weight, usd: node.usd, isBundle: false, isBeyond: node.isBeyond });
      continue;
    }
    let bundle = bundles.get(key);
    if (bundle === undefined) {
      bundle = nodes.length;
      bundles.set(key, bundle);
      nodes.push({ key, node: null, members: [], meaning: node.meaning, depth: node.depth, weight: 0, usd: null, isBundle: true, isBeyond: false });
    }
    at[node.index] = bundle;
    const one = nodes[bundle]!;
    one.members.push(node.index);
    one.depth = Math.min(one.depth, node.depth);
    one.weight += node.weight;
    if (node.usd !== null) one.usd = (one.usd ?? 0) + node.usd;
  }
  for (const node of model.nodes) {
    const owner = folds[node.index]!;
    if (owner === -1 || at[owner] === -1 || !isShown[node.index]) continue;
    at[node.index] = at[owner]!;
    nodes[at[owner]!]!.members.push(node.index);
  }
  return { nodes, at };
}

function join(flows: Flow[], made: { nodes: SceneNode[]; at: Int32Array }): Pick<Scene, "nodes" | "flows" | "out" | "into"> {
  const found = new Map<string, SceneFlow>();
  for (const flow of flows) {
    const [from, to] = [made.at[flow.from]!, made.at[flow.to]!];
    if (from < 0 || to < 0 || from === to) continue;
    const isBeyond = flow.beyond !== null;
    const key = `${from} ${to} ${flow.asset} ${isBeyond}`;
    const [transfers, amount] = flow.beyond ? [flow.beyond.transfers, flow.beyond.amount] : [flow.transfers.length, 0n];
    const one = found.get(key);
    if (!one) {
      found.set(key, { from, to, asset: flow.asset, tainted: flow.tainted, weight: flow.weight, usd: flow.usd, transfers, flows: [flow], isBeyond, amount });
      continue;
    }
    one.tainted += flow.tainted;
    one.weight += flow.weight;
    if (flow.usd !== null) one.usd = (one.usd ?? 0) + flow.usd;
    one.transfers += transfers;
    one.amount += amount;
    one.flows.push(flow);
  }
  const list = [...found.values()];
  const out: number[][] = made.nodes.map(() => []);
  const into: number[][] = made.nodes.map(() => []);
  list.forEach((flow, index) => {
    out[flow.from]!.push(index);
    into[flow.to]!.push(index);
  });
  return { nodes: made.nodes, flows: list, out, into };
}

/** The widest way from one account to another: its narrowest flow is as large as it can be. */
function light(scene: Scene, model: Model, [from, to]: [string, string]): { nodes: Set<number>; flows: Set<number> } | null {
  const at = (account: string) => scene.at[model.byAccount.get(account) ?? -1] ?? -1;
  const [start, end] = [at(from), at(to)];
  if (start < 0 || end < 0) return null;
  const width = new Float64Array(scene.nodes.length).fill(-1);
  const via = new Int32Array(scene.nodes.length).fill(-1);
  const done = new Uint8Array(scene.nodes.length);
  width[start] = Infinity;
  const queue = [start];
  while (queue.length) {
    let pick = 0;
    for (let i = 1; i < queue.length; i++) if (width[queue[i]!]! > width[queue[pick]!]!) pick = i;
    const now = queue.splice(pick, 1)[0]!;
    if (done[now]) continue;
    done[now] = 1;
    if (now === end) break;
    for (const index of scene.out[now]!) {
      const flow = scene.flows[index]!;
      if (flow.isBeyond) continue;
      const wide = Math.min(width[now]!, flow.weight);
      if (wide <= width[flow.to]!) continue;
      width[flow.to] = wide;
      via[flow.to] = index;
      queue.push(flow.to);
    }
  }
  if (via[end] === -1 && start !== end) return null;
  const lit = { nodes: new Set([end]), flows: new Set<number>() };
  for (let now = end; now !== start; ) {
    const index = via[now]!;
    lit.flows.add(index);
    now = scene.flows[index]!.from;
    lit.nodes.add(now);
  }
  return lit;
}
