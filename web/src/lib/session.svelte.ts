// Who works here, and whether the server still knows them.
import { call, get, listen, post, setCsrf, Problem } from "./api.ts";
import { answered, type Answered } from "./passkeys.ts";
import type { Me, Role } from "./types.ts";

const ORDER: Role[] = ["viewer", "analyst", "approver", "administrator"];

let me = $state.raw<Me | null>(null);
let state = $state<"looking" | "out" | "in" | "expired" | "unreached">("looking");
let isLost = $state(false);

export const session = {
  get me() {
    return me;
  },
  get state() {
    return state;
  },
  /** The server was not reached the last time. */
  get isLost() {
    return isLost;
  },
  get actor() {
    return me?.actor ?? "";
  },
  get name() {
    return (me?.actor ?? "").replace(/^person:/, "");
  },
};

listen(
  () => {
    if (state === "in") state = "expired";
  },
  (is) => {
    isLost = !is;
  },
);

/** May they do what this role may? */
export function may(role: Role): boolean {
  return me?.role ? ORDER.indexOf(me.role) >= ORDER.indexOf(role) : false;
}

export async function look(): Promise<void> {
  try {
    const found = await get<Me>("/v1/session");
    // Somebody else came in over an ended session: what is open here is not theirs.
    if (me && me.actor !== found.actor) return location.reload();
    me = found;
    setCsrf(found.csrf);
    state = "in";
  } catch (error) {
    state = error instanceof Problem && error.status === 401 ? (me ? "expired" : "out") : "unreached";
  }
}

/** The second factor is a code or a passkey, where one is set up. */
export async function signIn(name: string, password: string, second: { code?: string; passkey?: Answered }): Promise<void> {
  await post("/v1/session", { name, password, ...second });
  await look();
}

export async function signInByPasskey(): Promise<void> {
  await post("/v1/session/passkey", await answered());
  await look();
}

export async function welcome(secret: string, name: string, password: string): Promise<void> {
  await post("/v1/welcome", { secret, password, ...(name ? { name } : {}) });
  await look();
}

export async function signOut(): Promise<void> {
  await call("DELETE", "/v1/session").catch(() => null);
  me = null;
  setCsrf(null);
  state = "out";
}
