// Passkeys: the server asks, the browser and its device answer, the answer goes back.
import { post, Problem } from "./api.ts";

interface Ceremony {
  ceremony: string;
  publicKey: unknown;
}
export interface Answered {
  ceremony: string;
  credential: unknown;
}

/** Does this browser have what it takes? Not every one does, and none does outside HTTPS or localhost. */
export const canPasskeys = typeof PublicKeyCredential !== "undefined" && "parseRequestOptionsFromJSON" in PublicKeyCredential;

/** What the device says to a new challenge. */
export async function answered(): Promise<Answered> {
  const { ceremony, publicKey } = await post<Ceremony>("/v1/session/passkey/begin");
  const options = PublicKeyCredential.parseRequestOptionsFromJSON(publicKey as PublicKeyCredentialRequestOptionsJSON);
  return { ceremony, credential: await asked(navigator.credentials.get({ publicKey: options })) };
}

/** Makes one on a device and gives it to the server. */
export async function addPasskey(name: string, password: string): Promise<void> {
  const { ceremony, publicKey } = await post<Ceremony>("/v1/session/passkeys/begin", { password });
  const options = PublicKeyCredential.parseCreationOptionsFromJSON(publicKey as PublicKeyCredentialCreationOptionsJSON);
  const credential = await asked(navigator.credentials.create({ publicKey: options }));
  await post("/v1/session/passkeys", { ceremony, name, credential });
}

async function asked(answer: Promise<Credential | null>): Promise<unknown> {
  try {
    const credential = (await answer) as PublicKeyCredential | null;
    if (!credential) throw new DOMException("nothing", "NotAllowedError");
    return credential.toJSON();
  } catch (error) {
    throw said(error);
  }
}

/** Browsers say little, so that no page learns which passkeys a device has. */
function said(error: unknown): Problem {
  const name = error instanceof DOMException ? error.name : "";
  const words: Record<string, [string, string]> = {
    NotAllowedError: ["the device gave no passkey", "it was cancelled, took too long, or there is none for this address"],
    InvalidStateError: ["this device has a passkey of yours already", "use that one, or add another device"],
    SecurityError: ["passkeys do not hold at this address", "open the page by the address that the server knows as its own"],
  };
  const [title, detail] = words[name] ?? ["the passkey could not be used", error instanceof Error ? error.message : String(error)];
  return new Problem(-1, "passkey", title, detail);
}
