// The channel: messages in order, each redrawn in its place when it changes.

import { attachment, components, embed } from "./components.js";
import { avatar, byId, el } from "./dom.js";
import { act } from "./link.js";
import { inline, markdown } from "./markdown.js";
import * as news from "./news.js";
import { on, pings, sees, store } from "./store.js";
import { clock } from "./time.js";

const list = byId("messages");
const scroller = byId("scroller");
const nodes = new Map();
/** Buttons that were pressed and are not answered yet: the interaction by message and label. */
const pressed = new Map();

export function start() {
  for (const kind of ["hello", "me"]) on(kind, redraw);
  on("hello", news.forget);
  on("message", ({ message, now }) => {
    const isMyNew = message.author === store.me.id && !nodes.has(message.id);
    keepDown(() => draw(message.id), isMyNew ? Infinity : undefined);
    if (nodes.has(message.id)) news.tell(message.id, nodes.get(message.id), now);
  });
  // Who sends a command wants to see what becomes of it.
  on("said", (said) => said.kind === "command" && said.user === store.me.id && toEnd());
  // A longer message box or a smaller window hides nothing of the end.
  let down = true;
  scroller.addEventListener("scroll", () => { down = isDown(80); });
  new ResizeObserver(() => down && toEnd()).observe(scroller);
  // A picture has its height once it is there.
  list.addEventListener("load", () => keepDown(() => {}, 700), true);
  on("gone", ({ id }) => remove(id));
  on("dead", ({ id }) => keepDown(() => fail(id)));
  on("said", (said) => said.kind === "press" && said.user === store.me.id && wait(said));
  on("wire", (line) => line.status !== undefined && line.id.startsWith("i") && answered(line.id.slice(1)));
}

function redraw() {
  nodes.clear();
  list.replaceChildren();
  for (const id of store.messages.keys()) draw(id);
  for (const id of store.dead.keys()) fail(id);
  toEnd();
}

const isDown = (near) => scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < near;

function toEnd() {
  scroller.scrollTop = scroller.scrollHeight;
}

/** Changes the list; who reads at its end stays there. */
function keepDown(change, near = 80) {
  const down = isDown(near);
  change();
  if (down) toEnd();
}

function draw(id) {
  const message = store.messages.get(id);
  if (!message || !sees(message)) return remove(id);
  const before = nodes.get(id);
  const focused = before?.contains(document.activeElement) ? document.activeElement.dataset.label : undefined;
  const node = drawn(message);
  nodes.set(id, node);
  if (before) before.replaceWith(node);
  else list.append(node);
  for (const reply of list.querySelectorAll(`[data-replies="${CSS.escape(id)}"] .snippet`)) reply.textContent = snippet(message);
  if (focused !== undefined) {
    const again = [...node.querySelectorAll("button")].find((button) => button.dataset.label === focused && !button.disabled);
    (again ?? node.querySelector("button, a") ?? scroller).focus();
  }
}

function remove(id) {
  nodes.get(id)?.remove();
  nodes.delete(id);
}

function drawn(message) {
  const person = message.author ? store.people.get(message.author) : null;
  const name = person ? person.shown : "Deckhand";
  const classes = ["message"];
  if (pings(message)) classes.push("pinged");
  if (message.ephemeral) classes.push("ephemeral");
  return el(
    "li",
    { class: classes.join(" "), data: { id: message.id } },
    above(message),
    avatar(person),
    el(
      "div",
      { class: "inside" },
      el("div", { class: "head" }, el("span", { class: person ? "name" : "name bot", text: name }), !person && el("span", { class: "tag", text: "APP" }), clock(message.at)),
      body(message),
      message.ephemeral && foot(message),
      el("p", { class: "failed", role: "alert", hidden: true, text: "This interaction failed" }),
    ),
  );
}

/** What stands above a message: the command it answers, or the message it replies to. */
function above(message) {
  const said = store.said.get(message.interaction_id);
  if (said && said.kind === "command" && !message.follow_up) {
    const who = store.people.get(said.user);
    return el("div", { class: "above" }, avatar(who), el("span", { class: "who", text: who?.shown ?? "Somebody" }), " used ", el("span", { class: "pill", title: said.text, text: said.text }));
  }
  const id = message.reply_to ?? (said?.kind === "press" && !message.follow_up ? said.message : null) ?? (message.follow_up ? original(message) : null);
  const replied = id && store.messages.get(id);
  if (!replied || replied.id === message.id) return null;
  const jump = () => {
    const target = nodes.get(id);
    target?.scrollIntoView({ block: "center" });
    target?.classList.add("shown");
    setTimeout(() => target?.classList.remove("shown"), 1200);
  };
  return el("button", { type: "button", class: "above reply", on: { click: jump }, title: "Go to the message that this replies to", data: { replies: id } }, avatar(null), el("span", { class: "who", text: "Deckhand" }), el("span", { class: "snippet", text: snippet(replied) }));
}

/** The beginning of a message, as a reply to it shows. */
function snippet(message) {
  const first = (message.content || "a message").split("\n")[0].replace(/^(#+|-#) /, "");
  return inline(first).map((part) => part.textContent ?? part).join("");
}

function original(message) {
  for (const other of store.messages.values()) {
    if (other.interaction_id === message.interaction_id && !other.follow_up) return other.id;
  }
  return null;
}

const V2 = 1 << 15;

function body(message) {
  if (message.loading) {
    return el("div", { class: "thinking" }, el("span", { class: "dots", "aria-hidden": "true" }, el("i"), el("i"), el("i")), "Deckhand is thinking…");
  }
  const context = { files: message.attachments ?? [], frozen: store.hello.replay === true, press: (component, node) => press(message, component, node) };
  const parts = [];
  if (!(message.flags & V2) && message.content) {
    const text = el("div", { class: "text content" }, markdown(message.content));
    // The end of "thinking…" is no edit to a reader.
    if (message.edits > 1) text.append(" ", el("span", { class: "edited", text: "(edited)" }));
    parts.push(text);
  }
  parts.push(...components(message.components ?? [], context));
  if (!(message.flags & V2)) {
    parts.push(...(message.embeds ?? []).map(embed));
    parts.push(...context.files.map((file) => attachment(file)));
  }
  return el("div", { class: "body" }, parts);
}

function foot(message) {
  const dismiss = () => {
    store.dismissed.add(message.id);
    remove(message.id);
    byId("composer").querySelector("textarea, input")?.focus();
  };
  return el("p", { class: "only" }, "Only you can see this • ", el("button", { type: "button", class: "plain link", on: { click: dismiss }, text: "Dismiss message" }));
}

/** Not `disabled` meanwhile: the focus stays on the button. */
async function press(message, component, node) {
  if (node.ariaDisabled === "true") return;
  node.ariaDisabled = "true";
  node.classList.add("busy");
  try {
    await act("press", { as: store.me.name, message: message.id, label: component.label });
  } catch (error) {
    failed(message.id, error.message);
    free(node);
  }
}

function wait(said) {
  pressed.set(said.id, said);
}

function answered(id) {
  const said = pressed.get(id);
  if (!said) return;
  pressed.delete(id);
  for (const button of nodes.get(said.message)?.querySelectorAll("button.busy") ?? []) {
    free(button);
  }
}

function free(button) {
  button.removeAttribute("aria-disabled");
  button.classList.remove("busy");
}

/** An interaction that got no answer. */
function fail(id) {
  const said = store.said.get(id);
  if (!said || said.user !== store.me.id || said.channel !== store.channel) return;
  if (said.kind !== "command") return failed(said.message, "This interaction failed");
  const who = store.people.get(said.user);
  list.append(
    el(
      "li",
      { class: "message ephemeral" },
      el("div", { class: "above" }, avatar(who), el("span", { class: "who", text: who.shown }), " used ", el("span", { class: "pill", text: said.text })),
      avatar(null),
      el("div", { class: "inside" }, el("div", { class: "head" }, el("span", { class: "name bot", text: "Deckhand" }), el("span", { class: "tag", text: "APP" })), el("p", { class: "failed", text: "The application did not respond" })),
    ),
  );
}

function failed(id, why) {
  const note = nodes.get(id)?.querySelector(":scope > .inside > .failed");
  if (!note) return;
  note.textContent = why;
  note.hidden = false;
}
