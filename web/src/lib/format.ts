// How things are written, the same everywhere: addresses, amounts, money, times.

/** `eip155:1:0x4766…` is chain `eip155:1` and address `0x4766…`. What is no CAIP-10 has no chain. */
export function parts(account: string): { chain: string; address: string } {
  const found = /^([-a-z0-9]{3,8}:[-_a-zA-Z0-9]{1,32}):(.+)$/.exec(account);
  return found ? { chain: found[1]!, address: found[2]! } : { chain: "", address: account };
}

/** Eight at the front, six at the end: look-alikes are made to agree in four. */
export function shortAddress(text: string): string {
  const { address } = parts(text);
  return address.length <= 18 ? address : `${address.slice(0, 8)}…${address.slice(-6)}`;
}

const CHAINS: Record<string, string> = {
  "eip155:1": "Ethereum",
  "eip155:10": "Optimism",
  "eip155:56": "BNB Smart Chain",
  "eip155:137": "Polygon",
  "eip155:8453": "Base",
  "eip155:42161": "Arbitrum",
  "bip122:000000000019d6689c085ae165831e93": "Bitcoin",
  "tron:0x2b6653dc": "Tron",
  "solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp": "Solana",
};

export function chainName(chain: string): string {
  return CHAINS[chain] ?? chain;
}

function grouped(digits: string): string {
  return digits.replace(/\B(?=(\d{3})+(?!\d))/g, ",");
}

/** Base units as units of the asset: exact, no float on the way. */
export function exactAmount(base: bigint, decimals: number): string {
  const isNegative = base < 0n;
  const digits = (isNegative ? -base : base).toString().padStart(decimals + 1, "0");
  const whole = digits.slice(0, digits.length - decimals);
  const part = decimals ? digits.slice(-decimals).replace(/0+$/, "") : "";
  return `${isNegative ? "−" : ""}${grouped(whole)}${part ? `.${part}` : ""}`;
}

/** The same for reading: at most six digits behind the point, and huge ones by their power of ten. */
export function shownAmount(base: bigint, decimals: number): string {
  const exact = exactAmount(base, decimals);
  const [whole = "0", part = ""] = exact.split(".");
  const digits = whole.replace(/\D/g, "");
  if (digits.length > 15) return `${whole[0] === "−" ? "−" : ""}${digits[0]}.${digits.slice(1, 4)} × 10^${digits.length - 1}`;
  const keep = digits.length > 6 ? 0 : digits.length > 3 ? 2 : digits.length > 1 ? 4 : 6;
  const cut = part.slice(0, keep).replace(/0+$/, "");
  if (!cut && whole === "0" && part) return `< 0.${"0".repeat(Math.max(0, keep - 1))}1`;
  return cut ? `${whole}.${cut}` : whole;
}

export function bigOf(text: string): bigint {
  return /^-?\d+$/.test(text) ? BigInt(text) : 0n;
}

/** Units as a person types them into base units; null where that is not possible. */
export function baseOf(text: string, decimals: number): bigint | null {
  const found = /^(\d+)(?:\.(\d+))?$/.exec(text.replace(/[,\s]/g, ""));
  if (!found) return null;
  const part = found[2] ?? "";
  if (part.length > decimals) return null;
  return BigInt(found[1]! + part.padEnd(decimals, "0"));
}

export function usd(value: number | null): string {
  if (value === null || !Number.isFinite(value)) return "no price";
  const size = Math.abs(value);
  if (size >= 1e9) return `$${(value / 1e9).toFixed(size >= 1e11 ? 0 : 2)} bn`;
  if (size >= 1e6) return `$${(value / 1e6).toFixed(size >= 1e8 ? 0 : 1)} m`;
  if (size >= 1e4) return `$${(value / 1e3).toFixed(0)} k`;
  return size >= 1000 ? `$${grouped(value.toFixed(0))}` : `$${value.toFixed(size >= 100 || size === 0 ? 0 : 2)}`;
}

export function count(value: number): string {
  return grouped(String(Math.trunc(value)));
}

const pad = (value: number) => String(value).padStart(2, "0");
export const zone = Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";

/** UTC, to the minute, with its zone: what cases and courts compare. */
export function time(text: string | number | null | undefined): string {
  if (text === null || text === undefined || text === "") return "–";
  const at = new Date(text);
  if (Number.isNaN(at.getTime())) return String(text);
  return `${at.getUTCFullYear()}-${pad(at.getUTCMonth() + 1)}-${pad(at.getUTCDate())} ${pad(at.getUTCHours())}:${pad(at.getUTCMinutes())} UTC`;
}

/** The same moment to the second, and as the reader's clock has it. */
export function timeFull(text: string): string {
  const at = new Date(text);
  if (Number.isNaN(at.getTime())) return text;
  return `${at.toISOString().replace("T", " ").replace(/\.\d+Z$/, "")} UTC\n${at.toLocaleString()} ${zone}`;
}

export function span(ms: number): string {
  const s = Math.round(Math.abs(ms) / 1000);
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min`;
  if (s < 2 * 86_400) return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`;
  return `${Math.floor(s / 86_400)} d ${Math.floor((s % 86_400) / 3600)} h`;
}

export function ago(text: string, now: number): string {
  const ms = now - new Date(text).getTime();
  return ms < 45_000 && ms > -45_000 ? "just now" : ms >= 0 ? `${span(ms)} ago` : `in ${span(ms)}`;
}

export function bytes(size: number): string {
  if (size < 1000) return `${size} B`;
  return size < 1e6 ? `${(size / 1000).toFixed(1)} kB` : `${(size / 1e6).toFixed(1)} MB`;
}

/** `person:ada` is ada, `key:exchange` is the key exchange. */
export function actor(text: string | null): string {
  if (!text) return "nobody";
  return text.startsWith("person:") ? text.slice(7) : text.startsWith("key:") ? `key ${text.slice(4)}` : text;
}

export function words(text: string): string {
  const plain = text.replace(/[_.]/g, " ");
  return plain.charAt(0).toUpperCase() + plain.slice(1);
}
