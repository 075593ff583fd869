// Which trace of the server answered which question, for as long as the page is open.
export const remembered = new Map<string, number>();

/** The number of the trace that was looked at last. */
export function latestTrace(): number | null {
  return [...remembered.values()].at(-1) ?? null;
}
