// What a person did to a picture: small, so that each step can be undone, kept in a link and given away.

export interface View {
  /** Accounts whose further way is folded into them. */
  folded: string[];
  /** Bundles that were opened, by key. */
  opened: string[];
  /** Where an account was put by hand. */
  pins: Record<string, [number, number]>;
  notes: Record<string, string>;
  hidden: string[];
  /** The way that is lit: from and to. */
  path: [string, string] | null;
  assets: string[] | null;
  since: number | null;
  until: number | null;
  /** USD, or a share of all where nothing has a price. */
  least: number;
  isSummarised: boolean | null;
  /** Accounts of which it is drawn with whom they dealt beyond the trace. */
  beyond: string[];
}

/** Accounts of which it may be drawn with whom they dealt. */
export const BEYOND_MAX = 40;

export const EMPTY: View = { folded: [], opened: [], pins: {}, notes: {}, hidden: [], path: null, assets: null, since: null, until: null, least: 0, isSummarised: null, beyond: [] };

export class History {
  #past: View[] = [];
  #future: View[] = [];
  now: View;
  #lastKey = "";

  constructor(view: View = EMPTY) {
    this.now = view;
  }

  /** Steps of one key that follow each other, as a slider's, are one step. */
  set(change: Partial<View>, key = ""): View {
    if (!key || key !== this.#lastKey) this.#past.push(this.now);
    if (this.#past.length > 200) this.#past.shift();
    this.#lastKey = key;
    this.#future = [];
    this.now = { ...this.now, ...change };
    return this.now;
  }
  undo(): View {
    const before = this.#past.pop();
    if (before) {
      this.#future.push(this.now);
      this.now = before;
      this.#lastKey = "";
    }
    return this.now;
  }
  redo(): View {
    const next = this.#future.pop();
    if (next) {
      this.#past.push(this.now);
      this.now = next;
      this.#lastKey = "";
    }
    return this.now;
  }
  get canUndo(): boolean {
    return this.#past.length > 0;
  }
  get canRedo(): boolean {
    return this.#future.length > 0;
  }
}

export function toggled(list: string[], one: string): string[] {
  return list.includes(one) ? list.filter((other) => other !== one) : [...list, one];
}

/** Only what differs from nothing having been done. */
export function pack(view: View): string {
  const changed = Object.entries(view).filter(([key, value]) => JSON.stringify(value) !== JSON.stringify(EMPTY[key as keyof View]));
  if (!changed.length) return "";
  const bytes = new TextEncoder().encode(JSON.stringify(Object.fromEntries(changed)));
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}

/** What a link carries, as far as it is what a view may hold; the rest is left out. */
export function unpack(text: string): View {
  try {
    const bytes = Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
    return checked(JSON.parse(new TextDecoder().decode(bytes)));
  } catch {
    return EMPTY;
  }
}

export function checked(value: unknown): View {
  const given = (value && typeof value === "object" ? value : {}) as Record<string, unknown>;
  const texts = (key: string) => (Array.isArray(given[key]) ? (given[key] as unknown[]).filter((one): one is string => typeof one === "string") : null);
  const number = (key: string) => (typeof given[key] === "number" && Number.isFinite(given[key]) ? (given[key] as number) : null);
  const pairs = <T>(key: string, is: (one: unknown) => one is T): Record<string, T> => Object.fromEntries(Object.entries((given[key] && typeof given[key] === "object" ? given[key] : {}) as object).filter((pair): pair is [string, T] => is(pair[1])));
  const isPoint = (one: unknown): one is [number, number] => Array.isArray(one) && one.length === 2 && one.every((x) => typeof x === "number" && Number.isFinite(x));
  const path = texts("path");
  return {
    folded: texts("folded") ?? [],
    opened: texts("opened") ?? [],
    pins: pairs("pins", isPoint),
    notes: pairs("notes", (one): one is string => typeof one === "string"),
    hidden: texts("hidden") ?? [],
    path: path?.length === 2 ? [path[0]!, path[1]!] : null,
    assets: texts("assets"),
    since: number("since"),
    until: number("until"),
    least: number("least") ?? 0,
    isSummarised: typeof given.isSummarised === "boolean" ? given.isSummarised : null,
    // Each is asked of the server: a link that was made up does not make it work.
    beyond: (texts("beyond") ?? []).slice(0, BEYOND_MAX),
  };
}
