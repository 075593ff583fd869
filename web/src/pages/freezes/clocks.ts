// Which clock of a freeze request runs, from when and until when.
import type { Freeze } from "../../lib/types.ts";

export interface Running {
  what: string;
  from: string;
  due: string;
}

const later = (text: string, s: number) => new Date(new Date(text).getTime() + s * 1000).toISOString();

export function clockOf(freeze: Freeze): Running | null {
  const { state, sent, frozen, frozen_until: until } = freeze;
  if (state === "sent" && sent) return { what: "to acknowledge", from: sent, due: later(sent, freeze.clocks.acknowledge_s) };
  if (state === "acknowledged" && sent) return { what: "to freeze", from: sent, due: later(sent, freeze.clocks.freeze_s) };
  if ((state === "frozen" || state === "extended") && until && frozen) return { what: "frozen", from: frozen, due: until };
  return null;
}

export function toneOf(state: string): string {
  if (["frozen", "extended", "seized", "forfeited", "returned"].includes(state)) return "good";
  if (["refused", "withdrawn"].includes(state)) return "bad";
  if (["sent", "acknowledged"].includes(state)) return "service";
  return "warn";
}

/** What may come after a state; `docs/guides/freezes.md` has the table. */
export const NEXT: Record<string, string[]> = {
  drafted: ["withdrawn"],
  approved: ["sent", "drafted", "withdrawn"],
  sent: ["acknowledged", "frozen", "refused", "withdrawn"],
  acknowledged: ["frozen", "refused", "withdrawn"],
  frozen: ["extended", "seized", "forfeited", "returned", "withdrawn"],
  extended: ["extended", "seized", "forfeited", "returned", "withdrawn"],
  seized: ["forfeited", "returned"],
  forfeited: ["returned"],
};

export const BOARD: { title: string; states: string[] }[] = [
  { title: "To approve", states: ["drafted"] },
  { title: "To send", states: ["approved"] },
  { title: "Waiting for the holder", states: ["sent", "acknowledged"] },
  { title: "Held", states: ["frozen", "extended", "seized", "forfeited"] },
  { title: "Ended", states: ["returned", "refused", "withdrawn"] },
];
