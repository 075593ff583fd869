"use strict";
// The API page, written from openapi.json of this server. Nothing comes from elsewhere.
const make = (tag, props = {}, ...parts) => {
  const element = Object.assign(document.createElement(tag), props);
  element.append(...parts.filter((part) => part !== null && part !== undefined));
  return element;
};
const METHODS = ["get", "post", "put", "patch", "delete"];
let api, csrf = null;

const resolve = (value) => {
  while (value && value.$ref) value = value.$ref.slice(2).split("/").reduce((at, key) => at[key], api);
  return value || {};
};

// An example that fits a schema, for people to change.
function example(schema, depth = 0) {
  schema = resolve(schema);
  if (depth > 6) return null;
  if (schema.example !== undefined) return schema.example;
  if (schema.default !== undefined) return schema.default;
  if (schema.enum) return schema.enum[0];
  for (const many of ["oneOf", "anyOf"]) {
    if (schema[many]) return example(schema[many].find((one) => one.type !== "null") || {}, depth + 1);
  }
  if (schema.allOf) return Object.assign({}, ...schema.allOf.map((one) => example(one, depth + 1)));
  const type = [].concat(schema.type || "object").find((one) => one !== "null");
  if (type === "object") {
    const fields = Object.entries(schema.properties || {});
    return Object.fromEntries(fields.map(([name, field]) => [name, example(field, depth + 1)]));
  }
  if (type === "array") return [example(schema.items || {}, depth + 1)];
  return { string: "", integer: 0, number: 0, boolean: false }[type] ?? null;
}

const pretty = (value) => JSON.stringify(value, null, 2);

function parameters(list) {
  if (!list.length) return null;
  const row = (p) => make("tr", {},
    make("td", {}, make("code", { textContent: p.name }), p.required ? " *" : ""),
    make("td", { textContent: p.in }), make("td", { textContent: p.description || "" }),
    make("td", {}, make("input", { name: `${p.in}:${p.name}`, ariaLabel: p.name })));
  return make("table", {}, make("tbody", {}, ...list.map(row)));
}

async function send(form, method, path, result) {
  const query = new URLSearchParams(), headers = {};
  for (const input of form.querySelectorAll("input[name]")) {
    const [place, name] = input.name.split(/:(.*)/s);
    if (!input.value) continue;
    if (place === "path") path = path.replace(`{${name}}`, encodeURIComponent(input.value));
    else if (place === "header") headers[name] = input.value;
    else query.append(name, input.value);
  }
  const body = form.querySelector("textarea");
  if (body) headers["content-type"] = "application/json";
  if (csrf) headers["x-csrf-token"] = csrf;
  const asked = String(query) ? `${path}?${query}` : path;
  const answer = await fetch(asked, { method: method.toUpperCase(), headers, body: body ? body.value : undefined });
  const text = await answer.text();
  let shown = text;
  try { shown = pretty(JSON.parse(text)); } catch { /* not every answer is JSON */ }
  result.hidden = false;
  result.textContent = `${answer.status} ${answer.statusText}\n\n${shown}`;
}

function operation(path, method, said) {
  const result = make("pre", { hidden: true });
  const json = (content) => content && content["application/json"] && content["application/json"].schema;
  const body = said.requestBody && json(resolve(said.requestBody).content);
  const answers = Object.entries(said.responses || {}).map(([status, answer]) => {
    const schema = json(resolve(answer).content);
    return make("div", {}, make("code", { textContent: status }), ` ${resolve(answer).description || ""}`,
      schema ? make("pre", { textContent: pretty(example(schema)) }) : null);
  });
  const form = make("form", {}, parameters((said.parameters || []).map(resolve)),
    body ? make("textarea", { rows: 8, value: pretty(example(body)), ariaLabel: "body" }) : null,
    make("button", { textContent: "Send" }));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send(form, method, path, result).catch((error) => { result.hidden = false; result.textContent = String(error); });
  });
  return make("details", {},
    make("summary", {}, make("span", { className: "method", textContent: method.toUpperCase() }),
      make("code", { textContent: path }), ` ${said.summary || ""}`),
    make("p", { textContent: said.description || "" }),
    make("p", { className: "needs", textContent: `Needs ${said["x-needs"] || "nothing"}.` }), form, result, ...answers);
}

async function start() {
  const me = await fetch("/v1/session");
  if (me.ok) csrf = (await me.json()).csrf;
  api = await (await fetch("/openapi.json")).json();
  document.getElementById("about").textContent = api.info.description;
  const areas = new Map();
  for (const [path, item] of Object.entries(api.paths)) {
    for (const method of METHODS.filter((name) => item[name])) {
      const tag = (item[method].tags || ["other"])[0];
      areas.set(tag, [...(areas.get(tag) || []), operation(path, method, item[method])]);
    }
  }
  const all = document.getElementById("operations");
  for (const [tag, list] of areas) all.append(make("section", {}, make("h2", { textContent: tag }), ...list));
  document.getElementById("find").addEventListener("input", (event) => {
    const word = event.target.value.toLowerCase();
    for (const one of all.querySelectorAll("details")) {
      one.hidden = !one.querySelector("summary").textContent.toLowerCase().includes(word);
    }
  });
}

start();
