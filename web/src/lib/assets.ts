// What is known of assets: those that Interdict ships, and those that a report brought along.
import { Problem } from "./api.ts";
import { baseOf } from "./format.ts";
import shipped from "virtual:assets";

export interface AssetName {
  symbol: string;
  decimals: number;
  isKnown: boolean;
}

const known = new Map<string, AssetName>(shipped.map(([asset, symbol, decimals]) => [asset, { symbol, decimals, isKnown: true }]));
const isShipped = new Set(known.keys());
export function learn(assets: { asset: string; symbol: string | null; decimals: number | null }[]): void {
  for (const { asset, symbol, decimals } of assets) {
    // A file that somebody opens does not rename what Interdict ships.
    if (decimals === null || decimals === undefined || isShipped.has(asset)) continue;
    known.set(asset, { symbol: symbol ?? shortAsset(asset), decimals, isKnown: true });
  }
}

/** Those that Interdict ships, for a list to choose from. */
export const SHIPPED = shipped.map(([asset, symbol]) => ({ value: asset, text: symbol }));

/** An amount as somebody typed it, in base units; of an asset that is not known its decimals are asked for. */
export function typed(asset: string, text: string, decimals: string): { amount: string; decimals: number | null } {
  const found = known.get(asset);
  const digits = found?.decimals ?? (decimals.trim() ? Number(decimals) : null);
  if (digits !== null && !(Number.isInteger(digits) && digits >= 0 && digits <= 255)) throw new Problem(-1, "field", "the decimals cannot be read", "expected a whole number from 0 to 255", "decimals");
  const amount = baseOf(text, digits ?? 0);
  if (amount === null) throw new Problem(-1, "field", "the amount cannot be read", digits === null ? "this asset's decimals are not known: say them, or give whole base units" : `expected a number with at most ${digits} digits behind the point`, "amount");
  return { amount: amount.toString(), decimals: digits };
}

export function assetOf(asset: string): AssetName {
  const found = known.get(asset);
  if (found) return found;
  return { symbol: shortAsset(asset), decimals: 0, isKnown: false };
}

/** `erc20:0xdac17f…` where there is no symbol. */
function shortAsset(asset: string): string {
  const name = asset.slice(asset.indexOf("/") + 1);
  const [kind = "", reference = ""] = name.split(":");
  return reference.length > 12 ? `${kind}:${reference.slice(0, 8)}…` : name;
}
