// What is known of assets: those that Interdict ships, and those that a report brought along.
import shipped from "virtual:assets";

export interface AssetName {
  symbol: string;
  decimals: number;
  isKnown: boolean;
}

const known = new Map<string, AssetName>(shipped.map(([asset, symbol, decimals]) => [asset, { symbol, decimals, isKnown: true }]));
export function learn(assets: { asset: string; symbol: string | null; decimals: number | null }[]): void {
  for (const { asset, symbol, decimals } of assets) {
    if (decimals === null || decimals === undefined) continue;
    known.set(asset, { symbol: symbol ?? shortAsset(asset), decimals, isKnown: true });
  }
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
