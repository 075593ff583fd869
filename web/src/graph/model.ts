// A report made ready to be looked at: accounts with a meaning, and flows between two of them in one asset.
import type { Report, ReportCrossing, ReportNode } from "./report.ts";

export type Meaning = "stolen" | "listed" | "mixer" | "service" | "crossing" | "resting" | "unknown";

export interface Node {
  index: number;
  account: string;
  name: string | null;
  meaning: Meaning;
  depth: number;
  /** What of the traced value came here; of a source, what it sent. In USD, or as a share where nothing has a price. */
  weight: number;
  usd: number | null;
  restingUsd: number | null;
  isSource: boolean;
  /** Not of the trace: drawn because somebody asked with whom an account dealt. */
  isBeyond: boolean;
  report: ReportNode;
  crossings: ReportCrossing[];
}

export interface Transfer {
  tx: string;
  time: number;
  amount: bigint;
  tainted: bigint;
}

export interface Flow {
  index: number;
  from: number;
  to: number;
  asset: string;
  transfers: Transfer[];
  tainted: bigint;
  weight: number;
  usd: number | null;
  /** Of what is not of the trace: how much in all, and when. Nothing of it is traced. */
  beyond: { amount: bigint; transfers: number; first: number; last: number } | null;
}

export interface Model {
  report: Report;
  nodes: Node[];
  flows: Flow[];
  out: Flow[][];
  into: Flow[][];
  byAccount: Map<string, number>;
  assets: string[];
  first: number;
  last: number;
  hasPrices: boolean;
  /** USD, or share of all, of one base unit. */
  unit: Map<string, number>;
  priced: Set<string>;
}

const MIXERS = ["mixer", "mixing_service", "coinjoin", "tumbler", "privacy"];
const CROSSINGS = ["swap", "bridge", "defi_bridge", "dex", "defi_dex", "instant_exchange"];

export function meaningOf(node: ReportNode, isSource: boolean): Meaning {
  const concepts = node.labels.flatMap((label) => label.concepts);
  const has = (words: string[]) => words.includes(node.role) || concepts.some((concept) => words.includes(concept));
  if (isSource) return "stolen";
  if (node.listings.length) return "listed";
  if (has(MIXERS)) return "mixer";
  if (has(CROSSINGS)) return "crossing";
  if ((node.role && !["other", "unknown", "victim"].includes(node.role)) || node.stop === "service") return "service";
  if (Object.values(node.resting).some((amount) => amount !== "0")) return "resting";
  return "unknown";
}

export function build(report: Report): Model {
  const unit = units(report);
  const sources = new Set(report.sources.map((source) => source.toLowerCase()));
  const byAccount = new Map<string, number>();
  const value = (amounts: Record<string, string>) => {
    let weight = 0;
    let usd: number | null = null;
    for (const [asset, amount] of Object.entries(amounts)) {
      const part = Number(amount) * (unit.of.get(asset) ?? 0);
      weight += part;
      if (unit.priced.has(asset)) usd = (usd ?? 0) + part;
    }
    return { weight, usd };
  };
  const nodes: Node[] = report.nodes.map((node, index) => {
    byAccount.set(node.account, index);
    const isSource = sources.has(node.account.toLowerCase()) || node.depth === 0;
    const worth = value(isSource && !Object.keys(node.tainted).length ? node.sent : node.tainted);
    return {
      index,
      account: node.account,
      name: node.labels[0]?.name ?? node.listings.find((one) => one.party)?.party ?? null,
      meaning: meaningOf(node, isSource),
      depth: node.depth,
      weight: worth.weight,
      usd: worth.usd,
      restingUsd: value(node.resting).usd,
      isSource,
      isBeyond: false,
      report: node,
      crossings: [],
    };
  });
  for (const crossing of report.crossings ?? []) {
    const at = byAccount.get(crossing.account);
    if (at !== undefined) nodes[at]!.crossings.push(crossing);
  }
  const model: Model = {
    report,
    nodes,
    flows: [],
    out: nodes.map(() => []),
    into: nodes.map(() => []),
    byAccount,
    assets: [],
    first: Infinity,
    last: -Infinity,
    hasPrices: unit.priced.size > 0,
    unit: unit.of,
    priced: unit.priced,
  };
  flows(report, model);
  return model;
}

function flows(report: Report, model: Model): void {
  const found = new Map<string, Flow>();
  const assets = new Set<string>();
  for (const edge of report.edges) {
    const from = edge.from === null ? undefined : model.byAccount.get(edge.from);
    const to = edge.to === null ? undefined : model.byAccount.get(edge.to);
    if (from === undefined || to === undefined) continue;
    const key = `${from} ${to} ${edge.asset}`;
    let flow = found.get(key);
    if (!flow) {
      flow = { index: model.flows.length, from, to, asset: edge.asset, transfers: [], tainted: 0n, weight: 0, usd: null, beyond: null };
      found.set(key, flow);
      model.flows.push(flow);
      model.out[from]!.push(flow);
      model.into[to]!.push(flow);
      assets.add(edge.asset);
    }
    const time = edge.time ? Date.parse(edge.time) : NaN;
    if (time < model.first) model.first = time;
    if (time > model.last) model.last = time;
    const tainted = BigInt(edge.tainted);
    flow.transfers.push({ tx: edge.tx, time, amount: BigInt(edge.amount), tainted });
    flow.tainted += tainted;
  }
  if (!Number.isFinite(model.first)) model.first = model.last = 0;
  model.assets = [...assets];
  for (const flow of model.flows) weigh(flow, model);
}

/** The worth of what a flow carries. */
export function weigh(flow: { asset: string; tainted: bigint; weight: number; usd: number | null }, model: Model): void {
  flow.weight = Number(flow.tainted) * (model.unit.get(flow.asset) ?? 0);
  flow.usd = model.priced.has(flow.asset) ? flow.weight : null;
}

/** Of each asset, what a base unit is worth; a share of all of it where no price is known. */
function units(report: Report): { of: Map<string, number>; priced: Set<string> } {
  const of = new Map<string, number>();
  const priced = new Set<string>();
  const decimals = new Map(report.assets.map((asset) => [asset.asset, asset.decimals]));
  for (const worth of report.worth ?? []) {
    const digits = decimals.get(worth.asset);
    if (!worth.price || of.has(worth.asset) || digits === null || digits === undefined) continue;
    of.set(worth.asset, Number(worth.price.usd_unit) / 10 ** digits);
    priced.add(worth.asset);
  }
  let largest = 0;
  for (const worth of report.worth ?? []) largest = Math.max(largest, Number(worth.price?.usd ?? 0));
  for (const total of report.totals?.by_asset ?? []) {
    if (of.has(total.asset)) continue;
    const base = Number(total.tainted_in) || Number(total.resting) || 0;
    // Without a price an asset is drawn as if all of it were as much as the largest that has one.
    of.set(total.asset, base ? (largest || 1) / base : 0);
  }
  return { of, priced };
}
