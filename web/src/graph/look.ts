// The colours of the picture, from the same tokens as the page; and the shape each meaning has.
import type { Meaning } from "./model.ts";

export interface Look {
  paper: string;
  ink: string;
  quiet: string;
  edge: string;
  accent: string;
  meaning: Record<Meaning, string>;
  soft: Record<Meaning, string>;
}

export const SHAPES: Record<Meaning, { shape: "target" | "diamond" | "hexagon" | "square" | "triangle" | "disc" | "ring"; word: string }> = {
  stolen: { shape: "target", word: "Where it was stolen" },
  listed: { shape: "diamond", word: "Listed" },
  mixer: { shape: "hexagon", word: "Mixer" },
  service: { shape: "square", word: "Service" },
  crossing: { shape: "triangle", word: "Swap or bridge" },
  resting: { shape: "disc", word: "Value rests here" },
  unknown: { shape: "ring", word: "Passed through" },
};
/** What a node is, in words: what is not of the trace was not passed through by it. */
export function wordOf(meaning: Meaning, isBeyond: boolean): string {
  if (!isBeyond) return SHAPES[meaning].word;
  return meaning === "unknown" ? "Outside the trace" : `${SHAPES[meaning].word}, outside the trace`;
}
export const MEANINGS = Object.keys(SHAPES) as Meaning[];

/** As they are now: light or dark. */
export function readLook(host: HTMLElement): Look {
  const probe = document.createElement("span");
  host.append(probe);
  const colour = (name: string) => {
    probe.style.color = `var(--${name})`;
    return getComputedStyle(probe).color;
  };
  const of = (suffix: string) => Object.fromEntries(MEANINGS.map((meaning) => [meaning, colour(meaning + suffix)])) as Record<Meaning, string>;
  const look = { paper: colour("sheet"), ink: colour("ink"), quiet: colour("ink-3"), edge: colour("edge"), accent: colour("accent"), meaning: of(""), soft: of("-soft") };
  probe.remove();
  return look;
}
