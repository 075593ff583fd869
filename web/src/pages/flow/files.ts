// Files of flows: opened here, and given away. A file that is opened is read by the page and goes nowhere.
import { asReport, type Report } from "../../graph/report.ts";
import type { Model } from "../../graph/model.ts";
import { asBeyond, type Beyond } from "../../graph/beyond.ts";
import { checked, EMPTY, type View } from "../../graph/state.ts";
import { exactAmount, parts } from "../../lib/format.ts";
import { assetOf } from "../../lib/assets.ts";
import { cell } from "../screen/file.ts";

export interface Ask {
  sources: string[];
  chain?: string;
  direction: string;
  policy: string;
  since?: string;
  until?: string;
  hops?: number;
  title?: string;
}
export type Opened = { kind: "report"; report: Report; view: View; beyond: Beyond[] } | { kind: "ask"; ask: Ask; left: string[] };

/** A trace as JSON, a flow that was kept, or a case file. */
export async function open(name: string, text: string): Promise<Opened> {
  if (name.endsWith(".toml")) return caseFile(text);
  const value: unknown = JSON.parse(text);
  const kept = value as { format?: string; report?: unknown; view?: unknown; beyond?: unknown };
  if (kept?.format === "interdict-flow") return { kind: "report", report: asReport(kept.report), view: checked(kept.view), beyond: asBeyond(kept.beyond) };
  return { kind: "report", report: asReport(value), view: EMPTY, beyond: [] };
}

async function caseFile(text: string): Promise<Opened> {
  const { parse } = await import("smol-toml");
  const file = parse(text) as Record<string, unknown>;
  const settings = (file.settings ?? {}) as Record<string, unknown>;
  const sources = Array.isArray(file.sources) ? file.sources.map(String) : [];
  if (!sources.length) throw new Error("the case file names no sources");
  const words = (key: string) => (settings[key] === undefined ? undefined : String(settings[key] instanceof Date ? (settings[key] as Date).toISOString() : settings[key]));
  const left = ["import", "list", "label", "price", "crossing"].filter((key) => Array.isArray(file[key]));
  const ask: Ask = {
    sources,
    ...(typeof file.chain === "string" ? { chain: file.chain } : {}),
    direction: words("direction") ?? "forward",
    policy: words("policy") ?? "haircut",
    ...(words("since") ? { since: words("since") } : {}),
    ...(words("until") ? { until: words("until") } : {}),
    ...(typeof settings.hops === "number" ? { hops: settings.hops } : {}),
    ...(typeof file.title === "string" ? { title: file.title } : {}),
  };
  return { kind: "ask", ask, left };
}

/** With what is drawn beyond the trace, so that it opens where no server knows those accounts. */
export function keep(report: Report, view: View, known: ReadonlyMap<string, Beyond>): string {
  const beyond = view.beyond.map((account) => known.get(account)).filter((one) => one !== undefined);
  return JSON.stringify({ format: "interdict-flow", version: 1, report, view, ...(beyond.length ? { beyond } : {}) });
}

/** Every transfer of the trace, a line each; then what is drawn beyond it, summed by two accounts and an asset. */
export function csv(model: Model): string {
  const head = ["chain", "transaction", "time", "height", "from", "to", "asset", "symbol", "amount", "traced", "amount_base", "traced_base", "traced_usd", "in_trace", "transfers"];
  const lines = model.report.edges.map((edge) => {
    const { decimals, symbol } = assetOf(edge.asset);
    const units = (base: string) => exactAmount(BigInt(base), decimals).replace(/,/g, "");
    const worth = model.priced.has(edge.asset) ? (Number(edge.tainted) * (model.unit.get(edge.asset) ?? 0)).toFixed(2) : "";
    return [edge.chain, edge.tx, edge.time ?? "", edge.height ?? "", edge.from ?? "", edge.to ?? "", edge.asset, symbol, units(edge.amount), units(edge.tainted), edge.amount, edge.tainted, worth, "yes", "1"];
  });
  for (const flow of model.flows) {
    if (!flow.beyond) continue;
    const { decimals, symbol } = assetOf(flow.asset);
    const [from, to] = [model.nodes[flow.from]!.account, model.nodes[flow.to]!.account];
    const time = Number.isNaN(flow.beyond.first) ? "" : new Date(flow.beyond.first).toISOString();
    const amount = flow.beyond.amount.toString();
    lines.push([parts(from).chain, "", time, "", from, to, flow.asset, symbol, exactAmount(flow.beyond.amount, decimals).replace(/,/g, ""), "", amount, "", "", "no", String(flow.beyond.transfers)]);
  }
  return [head, ...lines].map((cells) => cells.map(cell).join(",")).join("\r\n");
}

export function stem(report: Report): string {
  const source = report.sources[0] ?? "trace";
  return `flow-${source.replace(/[^a-zA-Z0-9]+/g, "-").slice(-24)}-${report.policy}`;
}

export const POLICIES = [
  { value: "haircut", text: "Haircut: in proportion" },
  { value: "fifo", text: "FIFO: first in, first out" },
  { value: "lifo", text: "LIFO: last in, first out" },
  { value: "tiho", text: "TIHO: taint in, highest out" },
  { value: "poison", text: "Poison: all that it touches" },
  { value: "highest-value", text: "Highest value: one way only" },
];
