// The one way to the server: the documented API, with the session's cookie. No page calls fetch itself.

/** What went wrong, as the server says it (RFC 9457), or as the network did. */
export class Problem extends Error {
  constructor(
    /** 0: the server was not reached. */
    readonly status: number,
    readonly kind: string,
    readonly title: string,
    readonly detail: string,
    readonly field: string | null = null,
    readonly retryAfterS: number | null = null,
  ) {
    super(detail ? `${title}: ${detail}` : title);
  }

  /** This build of the server has no such route. */
  get isMissingRoute(): boolean {
    if (this.status === 404) return this.detail === "no route has this path";
    // `/v1/freezes/figures` is, where that route is missing, a freeze whose number cannot be read.
    return this.status === 405 || (this.status === 422 && /Cannot parse `[a-z]+` to a `[iu]64`/.test(this.detail));
  }

  get isLost(): boolean {
    return this.status === 0;
  }
}

type Method = "GET" | "POST" | "PATCH" | "PUT" | "DELETE";

export interface Options {
  signal?: AbortSignal;
  timeoutMs?: number;
  /** The answer as it came, not read as JSON. */
  raw?: boolean;
}

const TIMEOUT_MS = 30_000;
let csrf: string | null = null;
const hooks = { expired: () => {}, reached: (_is: boolean) => {} };

export function setCsrf(token: string | null): void {
  csrf = token;
}

/** Who wants to know that a session ended, or that the server was reached or not. */
export function listen(expired: () => void, reached: (is: boolean) => void): void {
  hooks.expired = expired;
  hooks.reached = reached;
}

/** A write that is sent again is done once. */
function onceKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

export async function call<T>(method: Method, path: string, body?: unknown, options: Options = {}): Promise<T> {
  const answer = await send(method, path, body, options);
  if (options.raw) return answer as T;
  const text = await answer.text();
  return (text ? JSON.parse(text) : null) as T;
}

export const get = <T>(path: string, options?: Options) => call<T>("GET", path, undefined, options);
export const post = <T>(path: string, body: unknown = {}, options?: Options) => call<T>("POST", path, body, options);

export async function send(method: Method, path: string, body?: unknown, options: Options = {}): Promise<Response> {
  const headers: Record<string, string> = {};
  if (body !== undefined) headers["content-type"] = "application/json";
  if (method !== "GET") {
    if (csrf) headers["x-csrf-token"] = csrf;
    headers["idempotency-key"] = onceKey();
  }
  const limit = AbortSignal.timeout(options.timeoutMs ?? TIMEOUT_MS);
  const signal = options.signal ? AbortSignal.any([options.signal, limit]) : limit;
  let answer: Response;
  try {
    answer = await fetch(path, {
      method,
      headers,
      signal,
      credentials: "same-origin",
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  } catch (error) {
    if (options.signal?.aborted) throw error;
    if (limit.aborted) throw new Problem(0, "timeout", "no answer in time", "the server may be busy: try again");
    hooks.reached(false);
    throw new Problem(0, "lost", "the server was not reached", "is it running, and is this machine connected to it?");
  }
  hooks.reached(true);
  if (answer.ok) return answer;
  const problem = await read(answer);
  if (problem.status === 401 && problem.kind !== "code-needed" && !path.startsWith("/v1/session") && path !== "/v1/welcome")
    hooks.expired();
  throw problem;
}

/** Sends a file as it is, and says how much of it went. It has no key of its own: equal bytes are kept once. */
export function upload<T>(path: string, file: Blob, progress: (share: number) => void, signal: AbortSignal): Promise<T> {
  return new Promise((done, failed) => {
    const request = new XMLHttpRequest();
    request.open("POST", path);
    request.setRequestHeader("content-type", file.type || "application/octet-stream");
    if (csrf) request.setRequestHeader("x-csrf-token", csrf);
    request.upload.onprogress = (event) => progress(event.loaded / Math.max(1, event.total));
    signal.addEventListener("abort", () => request.abort());
    request.onabort = () => failed(new Problem(0, "cancelled", "it was stopped", "nothing was kept"));
    request.onerror = () => {
      hooks.reached(false);
      failed(new Problem(0, "lost", "the server was not reached", "is it running, and is this machine connected to it?"));
    };
    request.onload = async () => {
      hooks.reached(true);
      if (request.status < 300) return done(JSON.parse(request.responseText) as T);
      const problem = await read(new Response(request.responseText, { status: request.status }));
      if (problem.status === 401) hooks.expired();
      failed(problem);
    };
    request.send(file);
  });
}

async function read(answer: Response): Promise<Problem> {
  const after = Number(answer.headers.get("retry-after")) || null;
  const said: unknown = await answer.json().catch(() => null);
  const text = (key: string): string => {
    const value = said && typeof said === "object" ? (said as Record<string, unknown>)[key] : null;
    return typeof value === "string" ? value : "";
  };
  const title = text("title") || `the server answered with status ${answer.status}`;
  return new Problem(answer.status, text("type"), title, text("detail"), text("field") || null, after);
}

/** A listing's path with what narrows it; empty values are left out. */
export function withQuery(path: string, query: Record<string, string | number | null | undefined>): string {
  const pairs = Object.entries(query).filter(([, value]) => value !== null && value !== undefined && value !== "");
  const text = new URLSearchParams(pairs.map(([key, value]) => [key, String(value)])).toString();
  return text ? `${path}?${text}` : path;
}

/** Gives a file to the person, from memory. */
export function download(name: string, kind: string, content: BlobPart): void {
  const url = URL.createObjectURL(new Blob([content], { type: kind }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
