// What is known of assets: the few every chain has, and those that a report brought along.

export interface AssetName {
  symbol: string;
  decimals: number;
  isKnown: boolean;
}

const known = new Map<string, AssetName>();
const NATIVE: Record<string, [string, number]> = { "60": ["ETH", 18], "0": ["BTC", 8], "195": ["TRX", 6], "501": ["SOL", 9], "714": ["BNB", 18], "966": ["POL", 18] };
const TOKENS: Record<string, [string, number]> = {
  "eip155:1/erc20:0xdac17f958d2ee523a2206206994597c13d831ec7": ["USDT", 6],
  "eip155:1/erc20:0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48": ["USDC", 6],
};

export function learn(assets: { asset: string; symbol: string | null; decimals: number | null }[]): void {
  for (const { asset, symbol, decimals } of assets) {
    if (decimals === null || decimals === undefined) continue;
    known.set(asset, { symbol: symbol ?? shortAsset(asset), decimals, isKnown: true });
  }
}

export function assetOf(asset: string): AssetName {
  const found = known.get(asset);
  if (found) return found;
  const token = TOKENS[asset];
  if (token) return { symbol: token[0], decimals: token[1], isKnown: true };
  const slip = /\/slip44:(\d+)$/.exec(asset);
  const native = slip ? NATIVE[slip[1]!] : undefined;
  if (native) return { symbol: native[0], decimals: native[1], isKnown: true };
  return { symbol: shortAsset(asset), decimals: 0, isKnown: false };
}

/** `erc20:0xdac17f…` where there is no symbol. */
function shortAsset(asset: string): string {
  const name = asset.slice(asset.indexOf("/") + 1);
  const [kind = "", reference = ""] = name.split(":");
  return reference.length > 12 ? `${kind}:${reference.slice(0, 8)}…` : name;
}
