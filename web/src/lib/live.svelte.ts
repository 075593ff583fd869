// What happens, as it happens: the server's stream of events, taken up again after every break.

interface Event {
  id: number;
  name: string;
  subject: string;
  time: string;
}
type Listener = { prefixes: string[]; tell: () => void; timer: ReturnType<typeof setTimeout> | null };

const listeners = new Set<Listener>();
let state = $state<"off" | "live" | "broken" | "missing">("off");
let recent = $state.raw<Event[]>([]);
let running: AbortController | null = null;
let last: number | null = null;

export const live = {
  get state() {
    return state;
  },
  /** The latest, newest first. */
  get recent() {
    return recent;
  },
};

/** Tells soon after events whose names begin so; many at once are told once. Gives back how to stop. */
export function on(prefixes: string[], tell: () => void): () => void {
  const listener: Listener = { prefixes, tell, timer: null };
  listeners.add(listener);
  return () => {
    if (listener.timer) clearTimeout(listener.timer);
    listeners.delete(listener);
  };
}

function heard(event: Event): void {
  last = event.id;
  recent = [event, ...recent].slice(0, 50);
  for (const listener of listeners) {
    if (!listener.prefixes.some((prefix) => event.name.startsWith(prefix))) continue;
    listener.timer ??= setTimeout(() => {
      listener.timer = null;
      listener.tell();
    }, 250);
  }
}

/** One event as it stands in the stream: lines `id:`, `event:`, `data:`. */
export function readEvent(block: string): Event | null {
  let id = 0;
  let name = "";
  const data: string[] = [];
  for (const line of block.split("\n")) {
    const at = line.indexOf(":");
    if (at <= 0) continue;
    const value = line.slice(at + 1).replace(/^ /, "");
    const field = line.slice(0, at);
    if (field === "id") id = Number(value) || 0;
    else if (field === "event") name = value;
    else if (field === "data") data.push(value);
  }
  if (!name) return null;
  try {
    const body = JSON.parse(data.join("\n")) as { subject?: string; time?: string };
    return { id, name, subject: body.subject ?? "", time: body.time ?? "" };
  } catch {
    return { id, name, subject: "", time: "" };
  }
}

async function listenOnce(signal: AbortSignal): Promise<"missing" | "ended"> {
  const headers: Record<string, string> = { accept: "text/event-stream" };
  if (last !== null) headers["last-event-id"] = String(last);
  const answer = await fetch("/v1/events", { headers, signal, credentials: "same-origin" });
  if (answer.status === 404 || answer.status === 403) return "missing";
  if (!answer.ok || !answer.body) throw new Error(`status ${answer.status}`);
  state = "live";
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return "ended";
    text += value.replace(/\r/g, "");
    for (let at = text.indexOf("\n\n"); at >= 0; at = text.indexOf("\n\n")) {
      const event = readEvent(text.slice(0, at));
      text = text.slice(at + 2);
      if (event) heard(event);
    }
  }
}

export function start(): void {
  stop();
  const control = new AbortController();
  running = control;
  void (async () => {
    for (let wait = 1000; !control.signal.aborted; wait = Math.min(wait * 2, 30_000)) {
      try {
        if ((await listenOnce(control.signal)) === "missing") {
          state = "missing";
          return;
        }
        wait = 500;
      } catch {
        if (control.signal.aborted) return;
      }
      state = "broken";
      await new Promise((done) => setTimeout(done, wait + Math.random() * 300));
    }
  })();
}

export function stop(): void {
  running?.abort();
  running = null;
  state = "off";
}
