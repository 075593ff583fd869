"use strict";
// Signs in with the documented API. A one-time link has its secret behind `#welcome=`, where no server sees it.
const at = (id) => document.getElementById(id);
const say = (text) => { at("said").textContent = text; };
const secret = new URLSearchParams(location.hash.slice(1)).get("welcome");
let csrf = null;

async function call(method, path, body) {
  const headers = { "content-type": "application/json" };
  if (csrf) headers["x-csrf-token"] = csrf;
  const answer = await fetch(path, { method, headers, body: body && JSON.stringify(body) });
  const text = await answer.text();
  return { ok: answer.ok, status: answer.status, body: text ? JSON.parse(text) : null };
}

async function look() {
  const me = await call("GET", "/v1/session");
  at("inside").hidden = !me.ok;
  at("sign").hidden = me.ok;
  if (me.ok) {
    csrf = me.body.csrf;
    at("who").textContent = me.body.actor.replace(/^person:/, "") + (me.body.role ? `, ${me.body.role}` : "");
  } else if (secret) {
    at("password").autocomplete = "new-password";
    say("Choose a password of at least 12 characters. The first administrator also chooses a name; others leave it empty.");
  }
}

at("sign").addEventListener("submit", async (event) => {
  event.preventDefault();
  const name = at("name").value, password = at("password").value, code = at("code").value;
  const done = secret
    ? await call("POST", "/v1/welcome", { secret, password, ...(name && { name }) })
    : await call("POST", "/v1/session", { name, password, ...(code && { code }) });
  if (done.ok) {
    if (secret) history.replaceState(null, "", "/");
    say("");
    return look();
  }
  if (done.body && done.body.type === "code-needed") at("code-row").hidden = false;
  say(done.body ? [done.body.title, done.body.detail].filter(Boolean).join(": ") : `status ${done.status}`);
});

at("out").addEventListener("click", async () => {
  await call("DELETE", "/v1/session");
  csrf = null;
  await look();
});

look();
