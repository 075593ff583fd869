// A file of addresses or names, and the answers as a table.
import type { Screening } from "../../lib/types.ts";

export interface AskedRow {
  line: number;
  text: string;
}

const HEADS = new Set(["address", "name", "account", "wallet", "query"]);

/** The first column of each line that holds something; a first line that is a head is left out. */
export function readAsks(text: string): AskedRow[] {
  const rows: AskedRow[] = [];
  text.replace(/^\uFEFF/, "").split(/\r?\n/).forEach((line, at) => {
    const first = firstCell(line).trim();
    if (!first || first.startsWith("#")) return;
    if (at === 0 && HEADS.has(first.toLowerCase())) return;
    rows.push({ line: at + 1, text: first });
  });
  return rows;
}

function firstCell(line: string): string {
  const quoted = /^\s*"((?:[^"]|"")*)"/.exec(line);
  if (quoted) return quoted[1]!.replace(/""/g, '"');
  return line.split(/[,;\t]/)[0] ?? "";
}

/** Never "clean": what was not found was not found, in what was looked through. */
export function verdictOf(answer: Screening): string {
  if (answer.hits.length) return answer.hits.length === 1 ? "1 hit" : `${answer.hits.length} hits`;
  if (answer.former.length) return "listed once";
  return answer.covered ? "not found" : "not found, not all covered";
}

export function asCsv(rows: (AskedRow & { answer: Screening | null })[]): string {
  const lines = rows.map(({ line, text, answer }) => {
    const hits = answer?.hits ?? [];
    return [line, text, answer ? verdictOf(answer) : "not asked", hits.map((hit) => hit.list).join("; "), hits.map((hit) => hit.party ?? hit.written).join("; "), hits[0]?.score ?? "", answer?.searched.map((one) => `${one.list} ${one.list_date ?? "?"}`).join("; ") ?? ""];
  });
  return [["line", "asked", "answer", "lists", "parties", "score", "searched"], ...lines].map((cells) => cells.map(cell).join(",")).join("\r\n");
}

/** A cell that a spreadsheet takes for a formula is made text. */
export function cell(value: string | number): string {
  const text = typeof value === "string" && /^[=+\-@\t\r]/.test(value) ? `'${value}` : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replace(/"/g, '""')}"` : text;
}
