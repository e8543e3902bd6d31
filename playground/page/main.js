// The page: a channel, and the world beside it.

import * as composer from "./composer.js";
import { avatar, byId, el } from "./dom.js";
import { keep, recall } from "./kept.js";
import { follow } from "./link.js";
import * as messages from "./messages.js";
import * as modal from "./modal.js";
import * as runs from "./runs.js";
import { go, on, store, take } from "./store.js";
import * as time from "./time.js";
import * as wire from "./wire.js";
import * as world from "./world.js";

const app = byId("app");
const status = byId("status");
const THEMES = ["system", "dark", "light"];
/** How long something is said that passes, in milliseconds. */
const PASSING = 8000;
let connected = false;
/** How many events of a record cannot be shown. */
let unshown = 0;

function places() {
  const here = store.hello.channels.find((channel) => channel.id === store.channel);
  byId("server").textContent = here.server;
  byId("channel-name").replaceChildren(el("span", { class: "hash", "aria-hidden": "true", text: "# " }), here.name);
  byId("try").textContent = store.hello.first;
  byId("try").parentElement.hidden = store.hello.replay === true;
  byId("welcome").textContent = `Welcome to #${here.name}`;
  document.title = `#${here.name} · Deckhand playground`;
  const mine = store.hello.channels.filter((channel) => channel.server === here.server);
  byId("channels").replaceChildren(
    ...mine.map((channel) =>
      el("li", {}, el("button", { type: "button", class: "channel", "aria-current": channel.id === store.channel ? "page" : null, on: { click: () => go(store.me, channel.id) } }, el("span", { class: "hash", "aria-hidden": "true", text: "# " }), channel.name)),
    ),
  );
  byId("me").replaceChildren(avatar(store.me), el("span", {}, el("strong", { text: store.me.shown }), el("span", { class: "hint", text: store.me.part })));
}

function theme(name) {
  const root = document.documentElement;
  if (name === "system") delete root.dataset.theme;
  else root.dataset.theme = name;
  const button = byId("theme");
  button.textContent = { system: "◐ System", dark: "● Dark", light: "○ Light" }[name];
  button.setAttribute("aria-label", `Theme: ${name}. Change it`);
  button.onclick = () => theme(THEMES[(THEMES.indexOf(name) + 1) % THEMES.length]);
  keep("theme", name, "localStorage");
}

function view(name) {
  app.dataset.view = name;
  for (const button of document.querySelectorAll(".views button")) {
    button.setAttribute("aria-pressed", String(button.dataset.view === name));
  }
}

function state() {
  if (!connected) return ["The playground is gone. Start it again.", true];
  if (!store.up) return ["Deckhand was killed", true];
  if (store.unrecorded) return [`Nothing is recorded any more: ${store.unrecorded}`, true];
  if (unshown > 0) return [`A record. ${unshown} of its events cannot be shown.`, true];
  return [store.hello?.replay ? "A record" : "", false];
}

function say([text, bad] = state()) {
  if (status.textContent !== text) status.textContent = text;
  status.classList.toggle("bad", bad);
}

/** Says something for a while. */
function note(text) {
  say([text, false]);
  setTimeout(() => status.textContent === text && say(), PASSING);
}

/** A record may be anybody's. Of what happens here each event is the playground's own, and an error is one of the page. */
function takeAny(event) {
  try {
    take(event);
  } catch (error) {
    if (!store.hello?.replay) throw error;
    unshown += 1;
    say();
  }
}

theme(THEMES.find((name) => name === recall("theme", "localStorage")) ?? "system");
for (const button of document.querySelectorAll(".views button")) button.addEventListener("click", () => view(button.dataset.view));
byId("try").addEventListener("click", () => composer.type(store.hello.first));
on("hello", places);
on("me", places);
for (const kind of ["hello", "bot", "unrecorded"]) on(kind, () => say());
// Runs are not pages of GitHub's here, but stand beside the channel.
document.addEventListener("click", (event) => {
  const anchor = event.target.closest?.("a[href]");
  if (!anchor || !store.hello || !anchor.href.startsWith(store.hello.github)) return;
  event.preventDefault();
  const id = /\/actions\/runs\/(\d+)/.exec(anchor.href)?.[1];
  if (!runs.has(id)) return note("On GitHub this is a page; here GitHub is a stand-in.");
  view("world");
  runs.reveal(id);
});
for (const part of [messages, composer, modal, world, runs, wire]) part.start();
follow(takeAny, (up) => {
  connected = up;
  say();
});
setInterval(time.tick, 1000);
document.documentElement.dataset.ready = "true";
