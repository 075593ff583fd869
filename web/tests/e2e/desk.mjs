// A real server on a home of its own, with the Bybit case in it, as `cargo xtask demo` fills one.
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { front } from "./front.mjs";

const root = new URL("../../../", import.meta.url).pathname;
export const CASE = join(root, "cases/bybit-2025.toml");

export class Desk {
  #server = null;
  #front = null;
  #frontPort = 0;
  /** `lines` of a configuration, and what people type: `http://localhost:8520`. */
  constructor(binary, name, { config = null, typed = null, port = 0, home = null } = {}) {
    [this.config, this.typed] = [config, typed];
    this.binary = binary;
    this.home = home ?? mkdtempSync(join(tmpdir(), `interdict-${name}-`));
    this.port = process.env.INTERDICT_DIST ? 0 : port;
    this.#frontPort = port;
    this.link = null;
    if (config) writeFileSync(join(this.home, "interdict.toml"), config);
  }
  run(...args) {
    const done = spawnSync(this.binary, ["--home", this.home, ...args], { cwd: root, encoding: "utf8", maxBuffer: 1 << 28 });
    if (done.status !== 0) throw new Error(`interdict ${args.join(" ")}: ${done.stderr}`);
    return done.stdout;
  }
  fill() {
    this.run("--quiet", "trace", "--case", CASE, "--keep", "--format", "json");
  }
  /** For somebody who answers for it. A server that runs knows of it within half a second. */
  async key(owner, ...scopes) {
    const said = this.run("--quiet", "user", "key", "add", `e2e-${scopes.join("-")}`, "--for", owner, ...scopes.flatMap((scope) => ["--scope", scope]));
    await new Promise((done) => setTimeout(done, 900));
    return /idk_\S+/.exec(said)[0];
  }
  async start() {
    const config = this.config ? ["--config", join(this.home, "interdict.toml")] : [];
    const server = spawn(this.binary, ["--home", this.home, "serve", ...config, "--port", String(this.port)], { stdio: ["ignore", "pipe", "pipe"] });
    this.#server = server;
    let said = "";
    server.stderr.on("data", (part) => (this.log = `${this.log ?? ""}${part}`));
    await new Promise((done, failed) => {
      server.on("exit", (code) => failed(new Error(`the server ended with ${code}: ${this.log}`)));
      const soon = setTimeout(() => failed(new Error(`the server does not listen: ${said}`)), 60_000);
      server.stdout.on("data", (part) => {
        said += part;
        if (!/listening on/.test(said)) return;
        clearTimeout(soon);
        setTimeout(done, 150);
      });
    });
    this.origin = /listening on (\S+)/.exec(said)[1];
    this.port = Number(new URL(this.origin).port);
    if (process.env.INTERDICT_DIST) {
      this.#front = await front(resolve(process.env.INTERDICT_DIST), this.origin, this.#frontPort);
      this.#frontPort = this.#front.port;
      this.origin = `http://127.0.0.1:${this.#frontPort}`;
    }
    if (this.typed) this.origin = this.typed;
    this.link = /#welcome=(\S+)/.exec(said)?.[1] ?? this.link;
  }
  stop() {
    this.#front?.close();
    this.#front = null;
    const server = this.#server;
    this.#server = null;
    return new Promise((done) => {
      if (!server || server.exitCode !== null || server.signalCode !== null) return done();
      server.removeAllListeners("exit");
      // This one, not another that was started meanwhile.
      const late = setTimeout(() => server.kill("SIGKILL"), 8000);
      server.on("exit", () => (clearTimeout(late), done()));
      server.kill("SIGTERM");
    });
  }
  async end() {
    await this.stop();
    rmSync(this.home, { recursive: true, force: true });
  }
  async call(key, method, path, body) {
    const answer = await fetch(this.origin + path, { method, headers: { authorization: `Bearer ${key}`, "content-type": "application/json" }, ...(body ? { body: JSON.stringify(body) } : {}) });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return text ? JSON.parse(text) : null;
  }
}
