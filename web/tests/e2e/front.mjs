// Puts a `dist` in front of a server whose binary embeds another: the page is tried without building the binary anew.
import { existsSync, readFileSync } from "node:fs";
import { createServer, request } from "node:http";
import { join } from "node:path";

const KINDS = { html: "text/html; charset=utf-8", css: "text/css; charset=utf-8", js: "text/javascript; charset=utf-8", svg: "image/svg+xml" };

/** Answers with the port it listens on. What it does not have, the server at `origin` answers. */
export function front(dist, origin, port = 0) {
  const { hostname, port: behind } = new URL(origin);
  const server = createServer((asked, answer) => {
    const path = new URL(asked.url, origin).pathname;
    const name = path === "/" ? "index.html" : path.startsWith("/web/") ? path.slice(5) : null;
    const to = request({ hostname, port: behind, path: name ? "/" : asked.url, method: asked.method, headers: asked.headers }, (got) => {
      if (!name) {
        answer.writeHead(got.statusCode, got.headers).flushHeaders();
        return got.pipe(answer);
      }
      got.resume();
      const file = join(dist, name);
      // The server's own headers, and so its content policy.
      const { "content-length": _length, "content-encoding": _coding, etag: _tag, ...headers } = got.headers;
      const isBr = name !== "index.html" && existsSync(`${file}.br`) && /\bbr\b/.test(asked.headers["accept-encoding"] ?? "");
      if (!existsSync(file)) return answer.writeHead(404).end();
      answer.writeHead(200, { ...headers, "content-type": KINDS[name.split(".").pop()] ?? "application/octet-stream", ...(isBr ? { "content-encoding": "br" } : {}), ...(name === "index.html" ? {} : { "cache-control": "public, max-age=31536000, immutable" }) });
      answer.end(readFileSync(isBr ? `${file}.br` : file));
    });
    to.on("error", () => answer.destroy());
    answer.on("close", () => to.destroy());
    asked.pipe(to);
  });
  return new Promise((done) => server.listen(port, hostname, () => done({ port: server.address().port, close: () => (server.closeAllConnections(), server.close()) })));
}
