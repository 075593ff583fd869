"use strict";
(() => {
  const root = document.documentElement;
  const $ = (id) => document.getElementById(id);
  root.classList.add("js");

  const theme = $("theme");
  const isDark = () => root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  theme.addEventListener("click", () => { root.dataset.theme = isDark() ? "light" : "dark"; });

  const said = $("said");
  let timer = 0;
  const say = (text) => {
    said.textContent = text;
    said.classList.add("on");
    clearTimeout(timer);
    timer = setTimeout(() => said.classList.remove("on"), 1800);
  };
  const oldCopy = (text) => {
    const area = document.createElement("textarea");
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  };
  const copy = (text) => {
    const done = () => say("Copied " + text);
    if (navigator.clipboard) navigator.clipboard.writeText(text).then(done, () => { oldCopy(text); done(); });
    else { oldCopy(text); done(); }
  };
  document.addEventListener("click", (event) => {
    const target = event.target.closest("code[data-copy]");
    if (target && !getSelection().toString()) copy(target.dataset.copy);
  });

  const map = $("map");
  if (!map) return;
  const data = JSON.parse($("data").textContent);
  const nodes = [...map.querySelectorAll(".n")];
  const ribbons = [...map.querySelectorAll(".r")].map((path, at) => {
    const title = path.querySelector("title");
    const [ends] = title.textContent.split("\n");
    title.remove();
    return { path, a: +path.dataset.a, b: +path.dataset.b, v: +path.dataset.v, s: path.dataset.s, ends, ...data.ribbons[at] };
  });
  const about = nodes.map((node) => {
    const title = node.querySelector("title");
    const text = title.textContent;
    title.remove();
    return text.split("\n");
  });

  // Everything upstream and downstream of one account.
  const reach = (start, from, to) => {
    const seen = new Set([start]);
    const queue = [start];
    const paths = [];
    while (queue.length) {
      const here = queue.pop();
      for (const ribbon of ribbons) {
        if (ribbon[from] !== here || ribbon.path.classList.contains("off")) continue;
        paths.push(ribbon.path);
        if (!seen.has(ribbon[to])) { seen.add(ribbon[to]); queue.push(ribbon[to]); }
      }
    }
    return [seen, paths];
  };
  const dark = () => {
    map.classList.remove("lit");
    for (const element of map.querySelectorAll(".on")) element.classList.remove("on");
  };
  const light = (ids, paths) => {
    dark();
    map.classList.add("lit");
    for (const id of ids) nodes[id].classList.add("on");
    for (const path of paths) path.classList.add("on");
  };
  const lightPaths = (id) => {
    const [up, upPaths] = reach(id, "b", "a");
    const [down, downPaths] = reach(id, "a", "b");
    light([...up, ...down], [...upPaths, ...downPaths]);
  };
  let held = null;
  const settle = () => { if (held === null) dark(); else lightPaths(held); };

  const tip = $("tip");
  const put = (tag, text, into) => {
    const element = document.createElement(tag);
    element.textContent = text;
    into.append(element);
    return element;
  };
  const place = (x, y) => {
    const box = tip.getBoundingClientRect();
    const left = x + 16 + box.width > innerWidth ? x - box.width - 16 : x + 16;
    const top = Math.min(y + 14, innerHeight - box.height - 8);
    tip.style.left = Math.max(6, left) + "px";
    tip.style.top = Math.max(6, top) + "px";
  };
  const tellRibbon = (ribbon) => {
    tip.replaceChildren();
    put("b", ribbon.ends, tip);
    put("p", ribbon.sum + " in " + ribbon.n + (ribbon.n === 1 ? " transfer (UTC)" : " transfers (UTC)"), tip);
    const table = put("table", "", tip);
    const most = 14;
    for (const [time, tx, amount] of ribbon.t.slice(0, most)) {
      const row = put("tr", "", table);
      put("td", time || "time unknown", row);
      put("td", amount, row);
      put("td", tx.slice(0, 14) + "…", row).className = "mono";
    }
    if (ribbon.n > most) put("p", "… " + (ribbon.n - most) + " more", tip);
    tip.hidden = false;
  };
  const tellNode = (id) => {
    tip.replaceChildren();
    about[id].forEach((line, at) => put(at ? "p" : "b", line, tip));
    tip.hidden = false;
  };
  const hush = () => { tip.hidden = true; };

  ribbons.forEach((ribbon) => {
    ribbon.path.addEventListener("pointerenter", (event) => { tellRibbon(ribbon); place(event.clientX, event.clientY); });
    ribbon.path.addEventListener("pointermove", (event) => place(event.clientX, event.clientY));
    ribbon.path.addEventListener("pointerleave", hush);
  });
  nodes.forEach((node, id) => {
    const hold = () => {
      held = held === id ? null : id;
      settle();
      if (held !== id) return;
      if (node.dataset.copy) return copy(node.dataset.copy);
      const list = $(node.dataset.list);
      list.querySelector("details").open = true;
      list.scrollIntoView({ block: "start" });
    };
    node.addEventListener("pointerenter", (event) => { if (held === null) lightPaths(id); tellNode(id); place(event.clientX, event.clientY); });
    node.addEventListener("pointermove", (event) => place(event.clientX, event.clientY));
    node.addEventListener("pointerleave", () => { hush(); settle(); });
    node.addEventListener("focus", () => {
      if (!node.matches(":focus-visible")) return;
      const box = node.getBoundingClientRect();
      if (held === null) lightPaths(id);
      tellNode(id);
      place(box.right, box.top);
    });
    node.addEventListener("blur", () => { hush(); settle(); });
    node.addEventListener("click", hold);
    node.addEventListener("keydown", (event) => {
      if (event.key === "Enter" || event.key === " ") { event.preventDefault(); hold(); }
    });
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") { held = null; $("find").value = ""; hush(); settle(); }
  });

  $("find").addEventListener("input", (event) => {
    const wanted = event.target.value.trim().toLowerCase();
    held = null;
    if (!wanted) return dark();
    const found = nodes.map((node, id) => id).filter((id) => (about[id].join(" ") + " " + nodes[id].textContent).toLowerCase().includes(wanted));
    light(found, []);
    if (found.length) nodes[found[0]].scrollIntoView({ block: "nearest", inline: "center" });
  });

  const filter = () => {
    const least = +$("least").value || 0;
    const unit = $("unit").value;
    const linked = new Set();
    for (const ribbon of ribbons) {
      const isOff = ribbon.s === unit && ribbon.v < least;
      ribbon.path.classList.toggle("off", isOff);
      if (!isOff) { linked.add(ribbon.a); linked.add(ribbon.b); }
    }
    nodes.forEach((node, id) => node.classList.toggle("off", !linked.has(id)));
    settle();
  };
  $("least").addEventListener("input", filter);
  $("unit").addEventListener("change", filter);
})();
