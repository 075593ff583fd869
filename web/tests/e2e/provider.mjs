// An OpenID Connect provider that asks nobody anything: it says who was told to it, signed by a key of its own.
import { createHash, generateKeyPairSync, sign } from "node:crypto";
import { createServer } from "node:http";

const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
const text = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");

export class Provider {
  /** What it says of who comes. */
  claims = { sub: "s-1", preferred_username: "grace", groups: ["cell-analysts"] };
  #codes = new Map();

  static async start() {
    const provider = new Provider();
    provider.server = createServer((asked, answer) => provider.#answer(asked, answer));
    await new Promise((done) => provider.server.listen(0, "127.0.0.1", done));
    provider.issuer = `http://127.0.0.1:${provider.server.address().port}`;
    return provider;
  }
  async #answer(asked, answer) {
    const url = new URL(asked.url, this.issuer);
    const json = (value, status = 200) => answer.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value));
    if (url.pathname === "/.well-known/openid-configuration") return json({ issuer: this.issuer, authorization_endpoint: `${this.issuer}/authorize`, token_endpoint: `${this.issuer}/token`, jwks_uri: `${this.issuer}/keys` });
    if (url.pathname === "/keys") return json({ keys: [{ ...publicKey.export({ format: "jwk" }), kid: "one", alg: "ES256", use: "sig" }] });
    if (url.pathname === "/authorize") {
      const code = `code-${this.#codes.size}`;
      this.#codes.set(code, url.searchParams);
      const back = new URL(url.searchParams.get("redirect_uri"));
      back.search = new URLSearchParams({ state: url.searchParams.get("state"), code }).toString();
      return answer.writeHead(303, { location: back.href }).end();
    }
    if (url.pathname === "/token") {
      let body = "";
      for await (const part of asked) body += part;
      const form = new URLSearchParams(body);
      const begun = this.#codes.get(form.get("code"));
      this.#codes.delete(form.get("code"));
      const challenge = createHash("sha256").update(form.get("code_verifier") ?? "").digest("base64url");
      if (!begun || begun.get("code_challenge") !== challenge) return json({ error: "invalid_grant" }, 400);
      return json({ id_token: this.#token(begun), token_type: "Bearer" });
    }
    answer.writeHead(404).end();
  }
  #token(begun) {
    const now = Math.floor(Date.now() / 1000);
    const signed = `${text({ alg: "ES256", kid: "one" })}.${text({ iss: this.issuer, aud: begun.get("client_id"), nonce: begun.get("nonce"), iat: now, exp: now + 300, ...this.claims })}`;
    return `${signed}.${sign("sha256", Buffer.from(signed), { key: privateKey, dsaEncoding: "ieee-p1363" }).toString("base64url")}`;
  }
  stop() {
    this.server.closeAllConnections();
    this.server.close();
  }
}
