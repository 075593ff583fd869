// Where we are: the part of the address behind `#`, which no server sees. `#/alerts?state=open`.

export interface Place {
  path: string;
  parts: string[];
  query: URLSearchParams;
}

function read(): Place {
  const text = location.hash.startsWith("#/") ? location.hash.slice(1) : "/";
  const at = text.indexOf("?");
  const path = at < 0 ? text : text.slice(0, at);
  return {
    path,
    parts: path.split("/").filter(Boolean).map(decoded),
    query: new URLSearchParams(at < 0 ? "" : text.slice(at + 1)),
  };
}

/** A link that was cut in the middle of a sign is taken as it stands. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

let place = $state.raw(read());
addEventListener("hashchange", () => {
  place = read();
});

export const router = {
  get place() {
    return place;
  },
};

export function go(path: string): void {
  location.hash = path;
}

/** The query changes and no new entry is made in the browser's history. */
export function narrow(query: Record<string, string | null>): void {
  const next = new URLSearchParams(place.query);
  for (const [key, value] of Object.entries(query)) value ? next.set(key, value) : next.delete(key);
  const text = next.toString();
  history.replaceState(null, "", `#${place.path}${text ? `?${text}` : ""}`);
  place = read();
}

export const enc = encodeURIComponent;
