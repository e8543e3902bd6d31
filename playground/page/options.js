// The list above the message box: commands, options, choices and suggestions.

import { el } from "./dom.js";

export class Picker {
  /** `place`: what the list stands in. */
  constructor(place) {
    this.title = el("div", { class: "title", id: "picker-title" });
    this.list = el("ul", { role: "listbox", id: "picker", "aria-labelledby": "picker-title" });
    this.problem = el("p", { class: "problem", role: "alert" });
    this.box = el("div", { class: "picker", hidden: true }, this.title, this.list);
    place.append(this.problem, this.box);
    this.items = [];
    this.active = -1;
    // The box keeps the focus.
    this.box.addEventListener("mousedown", (event) => event.preventDefault());
  }

  /** Shows items for an input. `first`: whether the first one is chosen. An item has `name`, `about`, `aside`. */
  show(input, title, items, pick, first = true) {
    this.input = input;
    this.items = items;
    this.pick = pick;
    this.title.textContent = title;
    this.list.replaceChildren(...items.map((item, at) => this.row(item, at)));
    this.list.hidden = items.length === 0;
    this.box.hidden = items.length === 0 && title === "";
    this.tell(!this.list.hidden && !this.box.hidden);
    if (this.box.hidden) input.removeAttribute("aria-controls");
    else input.setAttribute("aria-controls", "picker");
    this.go(first && items.length > 0 ? 0 : -1);
  }

  row(item, at) {
    const choose = () => this.choose(at);
    return el(
      "li",
      { role: "option", id: `picker-${at}`, tabindex: "-1", "aria-selected": "false", on: { click: choose, mousemove: () => this.active !== at && this.go(at) } },
      el("span", { class: "first" }, el("span", { class: "item", text: item.name }), item.about && el("span", { class: "about", text: item.about })),
      item.aside && el("span", { class: "aside", text: item.aside }),
    );
  }

  hide() {
    this.items = [];
    this.active = -1;
    this.box.hidden = true;
    this.tell(false);
    this.input?.removeAttribute("aria-activedescendant");
  }

  /** A box of several lines has no such state. */
  tell(isOpen) {
    if (this.input?.role === "combobox") this.input.setAttribute("aria-expanded", String(isOpen));
  }

  isOpen() {
    return !this.box.hidden && this.items.length > 0;
  }

  move(by) {
    if (!this.isOpen()) return;
    const count = this.items.length;
    this.go(this.active < 0 ? (by > 0 ? 0 : count - 1) : (this.active + by + count) % count);
  }

  go(at) {
    this.list.children[this.active]?.setAttribute("aria-selected", "false");
    this.active = at;
    const row = this.list.children[at];
    if (!row) return this.input?.removeAttribute("aria-activedescendant");
    row.setAttribute("aria-selected", "true");
    row.scrollIntoView({ block: "nearest" });
    this.input.setAttribute("aria-activedescendant", row.id);
  }

  /** Takes an item, or the active one. Whether there was one. */
  choose(at = this.active) {
    const item = this.items[at];
    if (!item) return false;
    this.pick(item);
    return true;
  }

  /** Says what is wrong; empty: nothing is. */
  say(problem) {
    this.problem.textContent = problem;
  }
}
