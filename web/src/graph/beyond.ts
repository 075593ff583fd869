// What accounts did beyond the trace, where somebody asks to see it: drawn plainly, and nothing of it is traced.
import { meaningOf, type Flow, type Model, type Node } from "./model.ts";
import { bigOf } from "../lib/format.ts";

/** With whom an account dealt, in one direction, summed: as `GET /v1/addresses/{account}/neighbors` tells it. */
export interface Neighbour {
  account: string;
  direction: "in" | "out";
  labels: { name: string; concepts: string[] }[];
  is_listed: boolean;
  transfers: number;
  first: string;
  last: string;
  values: { asset: string; symbol: string | null; decimals: number | null; amount: string }[];
}
export interface Beyond {
  account: string;
  items: Neighbour[];
  /** Counterparties in all, of which the items are those with the most transfers. */
  total: number;
  /** A hub: only a part of its history was gone through. */
  isTruncated: boolean;
  remarks: string[];
}

/** Counterparties that are drawn of one account, in each direction. */
export const DRAWN = 20;
/** Assets that are drawn between two accounts. */
const ASSETS = 20;

/** The model with what was asked of these accounts, in their order; the model itself where that is nothing. */
export function extend(base: Model, expanded: string[], known: ReadonlyMap<string, Beyond>): Model {
  if (!expanded.some((account) => known.has(account))) return base;
  const model: Model = { ...base, nodes: [...base.nodes], flows: [...base.flows], out: base.out.map((list) => [...list]), into: base.into.map((list) => [...list]), byAccount: new Map(base.byAccount) };
  for (const account of expanded) {
    const at = model.byAccount.get(account);
    const found = known.get(account);
    if (at === undefined || !found) continue;
    for (const one of found.items) join(model, at, one);
  }
  return model;
}

function join(model: Model, at: number, one: Neighbour): void {
  if (one.account === model.nodes[at]!.account) return;
  let other = model.byAccount.get(one.account);
  if (other === undefined) {
    other = model.nodes.length;
    // Backward, what came earlier stands deeper.
    const isDeeper = (one.direction === "out") === (model.report.direction === "forward");
    model.nodes.push(stranger(one, other, model.nodes[at]!.depth + (isDeeper ? 1 : -1)));
    model.byAccount.set(one.account, other);
    model.out.push([]);
    model.into.push([]);
  }
  const [from, to] = one.direction === "out" ? [at, other] : [other, at];
  for (const value of one.values.slice(0, ASSETS)) {
    // What the trace has between the two is drawn already.
    if (model.out[from]!.some((flow) => flow.to === to && flow.asset === value.asset)) continue;
    const beyond = { amount: bigOf(value.amount), transfers: one.transfers, first: Date.parse(one.first), last: Date.parse(one.last) };
    const flow: Flow = { index: model.flows.length, from, to, asset: value.asset, transfers: [], tainted: 0n, weight: 0, usd: null, beyond };
    model.flows.push(flow);
    model.out[from]!.push(flow);
    model.into[to]!.push(flow);
  }
}

function stranger(one: Neighbour, index: number, depth: number): Node {
  const labels = one.labels.map((label) => ({ name: label.name, concepts: label.concepts, confidence: "", source: "", date: null }));
  const report = { account: one.account, depth, received: {}, sent: {}, tainted: {}, resting: {}, role: "other", stop: null, first_seen: null, last_seen: null, labels, listings: [] };
  return { index, account: one.account, name: labels[0]?.name ?? null, meaning: one.is_listed ? "listed" : meaningOf(report, false), depth, weight: 0, usd: null, restingUsd: null, isSource: false, isBeyond: true, report, crossings: [] };
}

/** What a file that somebody opens says of it, as far as it can be drawn. */
export function asBeyond(value: unknown): Beyond[] {
  if (!Array.isArray(value)) return [];
  const isText = (one: unknown): one is string => typeof one === "string";
  return value.slice(0, 1000).filter((one): one is Beyond => isText(one?.account) && Array.isArray(one.items)).map((one) => ({
    account: one.account,
    total: Number(one.total) || 0,
    isTruncated: one.isTruncated === true,
    remarks: Array.isArray(one.remarks) ? one.remarks.filter(isText) : [],
    items: one.items.filter((item) => isText(item?.account) && Array.isArray(item.values) && Array.isArray(item.labels)).map((item) => ({
      account: item.account,
      direction: item.direction === "in" ? ("in" as const) : ("out" as const),
      labels: item.labels.filter((label) => isText(label?.name)).map((label) => ({ name: label.name, concepts: Array.isArray(label.concepts) ? label.concepts.filter(isText) : [] })),
      is_listed: item.is_listed === true,
      transfers: Number(item.transfers) || 0,
      first: String(item.first),
      last: String(item.last),
      values: item.values.filter((value) => isText(value?.asset) && isText(value.amount)).map((value) => ({ asset: value.asset, amount: value.amount, symbol: isText(value.symbol) ? value.symbol : null, decimals: Number.isInteger(value.decimals) ? value.decimals : null })),
    })),
  }));
}
