// Each request between Discord, Deckhand and GitHub, and what Lambda would have billed.

import { byId, el } from "./dom.js";
import { on, store } from "./store.js";
import { exact } from "./time.js";

/** The function's default memory, and AWS's price of a GB-second on x86 in us-east-1, in dollars. */
const GIGABYTES = 256 / 1024;
const PRICE = 0.0000166667;
const PER_REQUEST = 0.0000002;

const list = byId("wire");
const bill = byId("billed");
const nodes = new Map();

export function start() {
  on("hello", () => {
    nodes.clear();
    list.replaceChildren();
    frame();
    sum();
  });
  on("wire", ({ id }) => {
    draw(id);
    sum();
  });
  on("billed", ({ id }) => {
    draw(id);
    sum();
  });
}

function draw(id) {
  const line = store.wires.get(id);
  if (!line) return;
  const before = nodes.get(id);
  const node = drawn(line);
  nodes.set(id, node);
  if (before) return before.replaceWith(node);
  list.prepend(node);
  for (const old of nodes.keys()) {
    if (store.wires.has(old)) break;
    nodes.get(old).remove();
    nodes.delete(old);
  }
}

function drawn(line) {
  const billed = store.billed.get(line.id);
  const bad = line.note || line.status === 0 || line.status >= 400;
  const incoming = line.to === "Deckhand";
  return el(
    "li",
    { class: `wire-line ${line.from.toLowerCase()}-${line.to.toLowerCase()}${bad ? " bad" : ""}` },
    el("span", { class: "at", text: exact(line.at) }),
    el("span", { class: "way" }, el("b", { class: line.from.toLowerCase(), text: line.from }), el("span", { "aria-hidden": "true", text: " → " }), el("span", { class: "sr", text: " to " }), el("b", { class: line.to.toLowerCase(), text: line.to })),
    el("span", { class: "what", text: line.what, title: line.what }),
    el("span", { class: "result" }, status(line), (line.status ?? null) !== null && ` · ${line.ms < 1 ? "<1" : line.ms} ms`, incoming && billed !== undefined && el("span", { class: "cost", text: ` · billed ${rounded(billed)} ms` })),
    line.note && el("span", { class: "note", text: line.note }),
  );
}

/** As Lambda does: each millisecond that was begun. */
const rounded = (milliseconds) => Math.max(1, Math.ceil(milliseconds));

function status(line) {
  if (line.status === 0) return "no answer";
  return line.status ? String(line.status) : line.note ? "" : "…";
}

let total;
let price;

function frame() {
  total = el("strong");
  price = el("span", { class: "hint" });
  const why =
    "The sum over invocations: for a command, a click or suggestions from their arrival to the end of all work that they began; " +
    "for a webhook the time of the work after its answer. Both are measured by the bot itself, in this debug build and without " +
    "a network between it, Discord and GitHub: on AWS each request takes longer. Cold starts and the sweep every minute are " +
    "not in it. The price is that of 256 MB on x86 in us-east-1, with $0.20 a million requests.";
  bill.replaceChildren(
    el("p", {}, "Lambda would have billed ", total, " ", price),
    el("details", {}, el("summary", { class: "hint", text: "What this is computed from" }), el("p", { class: "hint", text: why })),
  );
}

function sum() {
  if (!total) return;
  let milliseconds = 0;
  for (const one of store.billed.values()) milliseconds += rounded(one);
  const count = store.billed.size;
  const dollars = (milliseconds / 1000) * GIGABYTES * PRICE + count * PER_REQUEST;
  total.textContent = `${milliseconds.toLocaleString("en")} ms`;
  price.textContent = `in ${count} invocation${count === 1 ? "" : "s"}, $${dollars.toFixed(7)}`;
}
