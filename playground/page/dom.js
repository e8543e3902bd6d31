// Elements are made one by one, and text goes in as text: nothing that is shown can become markup.

/** Makes an element. `props`: `class`, `text`, `on` (listeners), `data`, and attributes. */
export function el(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "text") node.textContent = value;
    else if (name === "on") for (const [event, listen] of Object.entries(value)) node.addEventListener(event, listen);
    else if (name === "data") Object.assign(node.dataset, value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

export const byId = (id) => document.getElementById(id);

/** A link that opens elsewhere, if it is one of the web; else its text. */
export function link(url, children, name) {
  let address;
  try {
    address = new URL(url);
  } catch {
    return el("span", {}, children);
  }
  if (!["http:", "https:"].includes(address.protocol)) return el("span", {}, children);
  const props = { href: address.href, target: "_blank", rel: "noopener noreferrer", title: address.href, class: name };
  return el("a", props, children);
}

const SVG = "http://www.w3.org/2000/svg";

/** A drawing of one path, which says nothing to a screen reader. */
export function icon(path, name = "icon") {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("aria-hidden", "true");
  svg.setAttribute("class", name);
  const drawn = document.createElementNS(SVG, "path");
  drawn.setAttribute("d", path);
  svg.append(drawn);
  return svg;
}

/** The round picture of somebody: the bot's sign, or a letter. */
export function avatar(person) {
  if (!person) return el("img", { class: "avatar", src: "icon.svg", alt: "" });
  const hue = { ada: "a", grace: "b", linus: "c", mallory: "d" }[person.name] ?? "a";
  return el("span", { class: `avatar letter hue-${hue}`, "aria-hidden": "true", text: person.shown.slice(0, 1) });
}
