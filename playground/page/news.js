// What a screen reader is told of the channel: a new message once, and of a changed one its first line if that changed.

import { byId, el } from "./dom.js";
import { store } from "./store.js";

/** What is older was there when the page was opened or shown again. */
const RECENT = 5000;
/** What is kept of what was told, so that nothing is taken away while it is read. */
const KEPT = 5;
const place = byId("news");
/** First lines, by message. */
const told = new Map();

export function forget() {
  told.clear();
}

/** `node`: the message as it is drawn. `now`: when that happened. */
export function tell(id, node, now) {
  const text = node.querySelector(".body, .thinking").innerText.trim();
  const first = text.split("\n")[0];
  const before = told.get(id);
  told.set(id, first);
  if (before === first || (!store.hello.replay && Date.now() - now > RECENT)) return;
  const who = node.querySelector(".name").textContent;
  place.append(el("p", { text: before === undefined ? `${who}: ${text}` : first }));
  while (place.children.length > KEPT) place.firstChild.remove();
}
