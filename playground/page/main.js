// The page: a channel, and the world beside it.

import * as composer from "./composer.js";
import { avatar, byId, el } from "./dom.js";
import { follow } from "./link.js";
import * as messages from "./messages.js";
import * as modal from "./modal.js";
import * as runs from "./runs.js";
import { on, store, take, tell } from "./store.js";
import * as time from "./time.js";
import * as wire from "./wire.js";
import * as world from "./world.js";

const app = byId("app");
const status = byId("status");
const THEMES = ["system", "dark", "light"];

function places() {
  const here = store.hello.channels.find((channel) => channel.id === store.channel);
  byId("server").textContent = here.server;
  byId("channel-name").replaceChildren(el("span", { class: "hash", "aria-hidden": "true", text: "# " }), here.name);
  byId("try").textContent = store.hello.first;
  byId("welcome").textContent = `Welcome to #${here.name}`;
  document.title = `#${here.name} · Deckhand playground`;
  const go = (channel) => {
    store.channel = channel.id;
    tell("me");
  };
  const mine = store.hello.channels.filter((channel) => channel.server === here.server);
  byId("channels").replaceChildren(
    ...mine.map((channel) =>
      el("li", {}, el("button", { type: "button", class: "channel", "aria-current": channel.id === store.channel ? "page" : null, on: { click: () => go(channel) } }, el("span", { class: "hash", "aria-hidden": "true", text: "# " }), channel.name)),
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
}

function view(name) {
  app.dataset.view = name;
  for (const button of document.querySelectorAll(".views button")) {
    button.setAttribute("aria-pressed", String(button.dataset.view === name));
  }
}

function say(connected) {
  if (!connected) status.textContent = "The playground is gone. Start it again.";
  else if (!store.up) status.textContent = "Deckhand was killed";
  else status.textContent = store.hello?.replay ? "A record" : "";
  status.classList.toggle("bad", !connected || !store.up);
}

theme("system");
for (const button of document.querySelectorAll(".views button")) button.addEventListener("click", () => view(button.dataset.view));
byId("try").addEventListener("click", () => composer.type(store.hello.first));
on("hello", places);
on("me", places);
on("bot", () => say(true));
// Runs are not pages of GitHub's here, but stand beside the channel.
document.addEventListener("click", (event) => {
  const anchor = event.target.closest?.("a[href]");
  if (!anchor || !store.hello || !anchor.href.startsWith(store.hello.github)) return;
  event.preventDefault();
  const id = /\/actions\/runs\/(\d+)/.exec(anchor.href)?.[1];
  view("world");
  if (!id || !runs.reveal(id)) status.textContent = "On GitHub this is a page; here GitHub is a stand-in.";
});
for (const part of [messages, composer, modal, world, runs, wire]) part.start();
follow(take, say);
setInterval(time.tick, 1000);
document.documentElement.dataset.ready = "true";
