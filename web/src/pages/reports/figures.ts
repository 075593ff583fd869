// What freezes came to, as rows: for the page, for print and for a spreadsheet.
import { assetOf } from "../../lib/assets.ts";
import { exactAmount, span } from "../../lib/format.ts";
import { cell } from "../screen/file.ts";

export interface Sum {
  asset: string;
  asked: string;
  frozen: string;
  recovered: string;
  /** In ten-thousandths of what was asked. */
  frozen_share_e4: number;
  recovered_share_e4: number;
  worth: { asked_usd_e12: string; frozen_usd_e12: string; recovered_usd_e12: string } | null;
}
export interface Group {
  requests: number;
  refused: number;
  by_asset: Sum[];
  median_seconds_to_freeze: number | null;
}
export interface Figures extends Group {
  by_holder: Record<string, Group>;
  by_jurisdiction: Record<string, Group>;
}

export const share = (e4: number) => `${(e4 / 100).toFixed(e4 % 100 ? (e4 % 10 ? 2 : 1) : 0)} %`;
export const took = (seconds: number | null) => (seconds === null ? "–" : span(seconds * 1000));
/** Who froze most first; names decide between equals. */
export function ranked(groups: Record<string, Group>): [string, Group][] {
  const best = (group: Group) => Math.max(0, ...group.by_asset.map((sum) => sum.frozen_share_e4));
  return Object.entries(groups).sort(([a, one], [b, other]) => other.requests - one.requests || best(other) - best(one) || a.localeCompare(b));
}

/** A line for each group and asset; amounts in base units and in whole units, shares as fractions of one. */
export function csv(figures: Figures): string {
  const head = ["grouped_by", "group", "requests", "refused", "median_seconds_to_freeze", "asset", "symbol", "asked", "frozen", "recovered", "frozen_share", "recovered_share", "asked_base", "frozen_base", "recovered_base"];
  const groups: [string, string, Group][] = [["all", "", figures], ...ranked(figures.by_holder).map(([name, group]): [string, string, Group] => ["holder", name, group]), ...ranked(figures.by_jurisdiction).map(([name, group]): [string, string, Group] => ["jurisdiction", name, group])];
  const lines = groups.flatMap(([by, name, group]) =>
    group.by_asset.map((sum) => {
      const { decimals, symbol, isKnown } = assetOf(sum.asset);
      const units = (base: string) => (isKnown ? exactAmount(BigInt(base), decimals).replace(/,/g, "") : "");
      return [by, name, group.requests, group.refused, group.median_seconds_to_freeze ?? "", sum.asset, symbol, units(sum.asked), units(sum.frozen), units(sum.recovered), sum.frozen_share_e4 / 10_000, sum.recovered_share_e4 / 10_000, sum.asked, sum.frozen, sum.recovered];
    }),
  );
  return [head, ...lines].map((cells) => cells.map(cell).join(",")).join("\r\n");
}
