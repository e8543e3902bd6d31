// The switches beside the channel: who one is, what GitHub does, and what goes wrong.

import { avatar, byId, el } from "./dom.js";
import { act } from "./link.js";
import { go, on, store } from "./store.js";

const place = byId("switches");

export function start() {
  on("hello", draw);
  on("state", draw);
  on("bot", draw);
  on("me", draw);
}

function draw() {
  const focused = place.contains(document.activeElement) ? document.activeElement.id : "";
  const branch = byId("branch")?.value ?? "main";
  place.replaceChildren(people(), ...(store.hello.replay ? [] : [scenario(), webhooks(), actions(branch)]));
  if (focused) byId(focused)?.focus();
}

function people() {
  const person = (one) => {
    const choose = () => go(one, one.channel);
    const props = { type: "radio", name: "me", id: `me-${one.name}`, value: one.name, on: { change: choose } };
    const input = el("input", props);
    input.checked = store.me === one;
    return el("label", { class: "person", for: props.id }, input, avatar(one), el("strong", { text: one.shown }), el("span", { class: "part", text: one.part }));
  };
  return el("fieldset", { class: "switch" }, el("legend", { text: "You are" }), el("div", { class: "people" }, store.hello.people.map(person)), el("p", { class: "hint", text: store.me.about }));
}

function scenario() {
  const select = el("select", { id: "scenario", "aria-describedby": "scenario-about", on: { change: () => run("scenario", { name: select.value }) } });
  for (const [name] of store.hello.scenarios) select.append(el("option", { value: name, text: name }));
  select.value = store.scenario;
  const about = store.hello.scenarios.find(([name]) => name === store.scenario)?.[1] ?? "";
  return el("div", { class: "switch" }, el("label", { for: "scenario", text: "GitHub plays" }), select, el("p", { class: "hint", id: "scenario-about", text: about }));
}

function webhooks() {
  const about = { on: "GitHub tells Deckhand of each run.", off: "GitHub tells nothing. Deckhand looks at new runs by itself; of one that it was told of, it misses the next delivery within a minute.", lossy: "Every third delivery is lost." };
  const choice = (how) => {
    const props = { type: "radio", name: "webhooks", id: `webhooks-${how}`, value: how, on: { change: () => run("webhooks", { how }) } };
    const input = el("input", props);
    input.checked = store.webhooks === how;
    return el("label", { for: props.id }, input, el("span", { text: how }));
  };
  return el("fieldset", { class: "switch" }, el("legend", { text: "Webhooks" }), el("div", { class: "segments" }, ["on", "off", "lossy"].map(choice)), el("p", { class: "hint", text: about[store.webhooks] }));
}

function actions(branch) {
  const input = el("input", { id: "branch", type: "text", maxlength: "255", value: branch, "aria-label": "Branch to push to", autocomplete: "off", spellcheck: "false" });
  const push = (event) => {
    event.preventDefault();
    run("push", { branch: input.value });
  };
  const kill = el("button", { type: "button", id: "kill", class: "button danger", disabled: !store.up, on: { click: () => run("kill", {}) }, text: store.up ? "Kill the bot" : "It is down…" });
  const watched = store.hello.watched ? "which a [[watch]] shows" : "which no [[watch]] of agents.toml shows";
  return el(
    "div",
    { class: "switch" },
    el("form", { class: "push", on: { submit: push } }, input, el("button", { id: "push", class: "button secondary", text: "Push" }), kill),
    el("p", { class: "hint", text: `A push by octocat starts ${store.hello.pushes}, ${watched}. A killed bot (SIGKILL) is started again.` }),
    el("p", { class: "failed", id: "world-problem", role: "alert" }),
  );
}

async function run(action, body) {
  try {
    await act(action, body);
    byId("world-problem").textContent = "";
  } catch (error) {
    byId("world-problem").textContent = error.message;
  }
}
