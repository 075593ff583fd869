// Who asks for freezes from this browser: typed once, offered again.
const KEY = "interdict.asker";
const FIELDS = ["name", "organisation", "authority", "land", "contact"];

export function keptAsker(): Record<string, string> {
  try {
    return JSON.parse(localStorage.getItem(KEY) ?? "{}") as Record<string, string>;
  } catch {
    return {};
  }
}

export function keepAsker(values: Record<string, string>): void {
  try {
    localStorage.setItem(KEY, JSON.stringify(Object.fromEntries(FIELDS.map((field) => [field, values[field] ?? ""]))));
  } catch {
    // It is asked for again.
  }
}
