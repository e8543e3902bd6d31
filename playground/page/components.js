// Components of a message, as Discord draws them.

import { el, icon, link } from "./dom.js";
import { markdown } from "./markdown.js";
import { store } from "./store.js";

const STYLES = { 1: "primary", 2: "secondary", 3: "success", 4: "danger", 5: "secondary" };
const OUT = "M9 2h5v5l-1.900-1.900-4.800 4.800-1.200-1.200 4.800-4.800zM3 4h4v1.500H4.500v6h6V9H12v4H3z";

/** The elements of components. `context`: the message's files, and what a press does. */
export function components(list, context) {
  return list.map((component) => one(component, context)).filter(Boolean);
}

function one(component, context) {
  const inside = () => components(component.components ?? [], context);
  switch (component.type) {
    case 1:
      return el("div", { class: "row" }, inside());
    case 2:
      return button(component, context);
    case 3:
    case 5:
    case 6:
    case 7:
    case 8:
      return el("button", { type: "button", class: "select", disabled: true, text: component.placeholder ?? "Make a selection" });
    case 9:
      return el("div", { class: "section" }, el("div", {}, inside()), one(component.accessory, context));
    case 10:
      return el("div", { class: "text" }, markdown(component.content));
    case 11:
      return picture(component, context, "thumbnail");
    case 12:
      return el("div", { class: "gallery" }, component.items.map((item) => picture(item, context, "picture")));
    case 13:
      return el("div", { class: "file", text: fileName(component.file) });
    case 14:
      return el("div", { class: component.spacing === 2 ? "separator wide" : "separator", data: { line: component.divider !== false } });
    case 17:
      return container(component, inside());
    default:
      return null;
  }
}

function container(component, inside) {
  const box = el("div", { class: "container", data: { spoiler: component.spoiler === true } }, inside);
  if (component.accent_color !== undefined && component.accent_color !== null) {
    const colour = `#${component.accent_color.toString(16).padStart(6, "0")}`;
    box.style.setProperty("--accent", colour);
  }
  return box;
}

function button(component, context) {
  const emoji = component.emoji?.name ? `${component.emoji.name} ` : "";
  const label = `${emoji}${component.label ?? ""}`;
  const kind = `button ${STYLES[component.style] ?? "secondary"}`;
  if (component.url) {
    const shown = link(component.url, [label, icon(OUT)], kind);
    shown.setAttribute("aria-label", `${label} (opens a page)`);
    return shown;
  }
  const press = (event) => context.press(component, event.currentTarget);
  const disabled = component.disabled === true || context.frozen;
  return el("button", { type: "button", class: kind, disabled, data: { label: component.label }, on: { click: press }, text: label });
}

const fileName = (media) => (media?.url ?? "").replace("attachment://", "");

function picture(item, context, kind) {
  const name = fileName(item.media);
  const file = context.files.find((file) => file.filename === name);
  return file ? attachment(file, item.description, kind) : el("div", { class: "file", text: item.description ?? name });
}

/** A file of a message: a picture, or its name. */
export function attachment(file, description = file.description, kind = "picture") {
  const known = store.files.get(file.id);
  if (known?.picture) return el("img", { class: kind, src: known.url, alt: description ?? file.filename });
  return el("div", { class: "file", text: `${file.filename}, ${Math.ceil(file.size / 1000)} kB` });
}

/** An embed: a box of texts with a colour at its left. */
export function embed(part) {
  const field = (one) => el("div", { class: one.inline ? "field inline" : "field" }, el("strong", { text: one.name }), el("div", { class: "text" }, markdown(one.value)));
  const box = el(
    "div",
    { class: "embed container" },
    part.title && el("div", { class: "heading heading-3" }, part.url ? link(part.url, part.title) : part.title),
    part.description && el("div", { class: "text" }, markdown(part.description)),
    (part.fields ?? []).map(field),
    part.footer && el("div", { class: "small", text: part.footer.text }),
  );
  if (part.color) box.style.setProperty("--accent", `#${part.color.toString(16).padStart(6, "0")}`);
  return box;
}
