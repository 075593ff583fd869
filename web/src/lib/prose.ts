import { shortAddress } from "./format.ts";

const LONG = /\b(?:(?:eip155|bip122|tron|solana):[-_a-zA-Z0-9]{1,32}:)?(?:0x[0-9a-fA-F]{40,64}|[13][1-9A-HJ-NP-Za-km-z]{25,34}|bc1[02-9ac-hj-np-z]{11,71}|T[1-9A-HJ-NP-Za-km-z]{33})\b/g;

/** A sentence in pieces; of an address, its short form and the whole of it. */
export function pieces(text: string): { text: string; whole?: string }[] {
  const found: { text: string; whole?: string }[] = [];
  let from = 0;
  for (const match of text.matchAll(LONG)) {
    if (match.index > from) found.push({ text: text.slice(from, match.index) });
    found.push({ text: shortAddress(match[0]), whole: match[0] });
    from = match.index + match[0].length;
  }
  if (from < text.length) found.push({ text: text.slice(from) });
  return found;
}
