// A trace as the server reports it: `interdict trace --format json`, the public contract.
// crates/trace/schema/trace.schema.json says what each field means.

export interface ReportNode {
  account: string;
  depth: number;
  received: Record<string, string>;
  sent: Record<string, string>;
  tainted: Record<string, string>;
  resting: Record<string, string>;
  role: string;
  stop: string | null;
  first_seen: string | null;
  last_seen: string | null;
  labels: { name: string; concepts: string[]; confidence: string; source: string; date: string | null }[];
  listings: { list: string; list_date: string | null; party: string | null; programme: string | null }[];
}
export interface ReportEdge {
  chain: string;
  tx: string;
  position: string;
  height: number | null;
  time: string | null;
  from: string | null;
  to: string | null;
  asset: string;
  amount: string;
  tainted: string;
  depth: number;
}
export interface ReportCrossing {
  account: string;
  kind: "seen" | "inferred" | "declared";
  confidence: number;
  why: string;
  time: string | null;
  paid: { venue: string; tx: string | null; asset: string; amount: string; tainted: string }[];
  received: { tx: string | null; asset: string; amount: string; tainted: string; account?: string };
}
export interface Report {
  format: string;
  version: number;
  policy: string;
  conserves: boolean;
  direction: "forward" | "backward";
  sources: string[];
  settings: Record<string, unknown>;
  nodes: ReportNode[];
  edges: ReportEdge[];
  route: unknown[];
  crossings: ReportCrossing[];
  endpoints: { account: string; kind: string; name: string | null; asset: string; amount: string }[];
  findings: { kind: string; severity: string; rule: string; accounts: string[]; transfers: unknown[]; why: string }[];
  assets: { asset: string; symbol: string | null; decimals: number | null; freezable?: string; is_genuine?: boolean }[];
  totals: {
    by_asset: { asset: string; tainted_in: string; resting: string; at_services: string; fees: string; cut: string }[];
    accounts: number;
    transfers: number;
    listed: number;
    services: number;
  };
  coverage: { accounts_incomplete: number; notes: string[]; unpriced: string[] };
  cut: unknown[];
  worth: { asset: string; tainted: string; date: string | null; price: { usd: string; usd_unit: string; source: string } | null }[];
}

/** What a file that somebody opens must have to be drawn. */
export function asReport(value: unknown): Report {
  const report = value as Report | null;
  if (!report || typeof report !== "object" || report.format !== "interdict-trace")
    throw new Error('this is no trace: expected "format": "interdict-trace", as `interdict trace --format json` writes it');
  for (const key of ["nodes", "edges", "sources", "assets"] as const)
    if (!Array.isArray(report[key])) throw new Error(`the trace has no list of ${key}`);
  return report;
}
