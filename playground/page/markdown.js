// Discord's Markdown, as elements.

import { el, link } from "./dom.js";
import { store } from "./store.js";
import { stamp } from "./time.js";

/** A quote has no quote in it. */
const quote = (text) => el("blockquote", {}, walk(text, BLOCKS));

const QUOTES = [
  // All that follows.
  [/^ *>>> ([^]*)/, (match) => quote(match[1])],
  [/^(?: *> [^\n]*(?:\n|$))+/, (match) => quote(match[0].replace(/\n$/, "").replace(/^ *> /gm, ""))],
];
/** What stands on lines of its own. The end of its last line belongs to it. */
const BLOCKS = [
  // Not a heading of the page: a message is part of a list.
  [/^(#{1,3}) +(\S[^\n]*)(?:\n|$)/, (match) => el("div", { class: `heading heading-${match[1].length}` }, inline(match[2]))],
  [/^-# +(\S[^\n]*)(?:\n|$)/, (match) => el("div", { class: "small" }, inline(match[1]))],
  [/^(?: *(?:[-*]|\d+\.) +\S[^\n]*(?:\n|$))+/, (match) => list(match[0].trimEnd().split("\n"))],
];

/** The elements of a text. */
export const markdown = (text) => walk(text, [...QUOTES, ...BLOCKS]);

/** The elements of a text that is part of a line. */
export const inline = (text) => walk(text, []);

/** Marks within marks are drawn up to here. */
const DEEPEST = 30;
let depth = 0;

function walk(text, blocks) {
  if (depth === DEEPEST) return [text];
  depth += 1;
  try {
    return parts(text, blocks);
  } finally {
    depth -= 1;
  }
}

function parts(text, blocks) {
  const found = [];
  let plain = "";
  let at = 0;
  while (at < text.length) {
    const rest = text.slice(at);
    const [node, length] = ((at === 0 || text[at - 1] === "\n") && block(rest, blocks)) || one(rest) || letter(rest);
    at += length;
    if (typeof node === "string") plain += node;
    else {
      if (plain !== "") found.push(plain);
      plain = "";
      found.push(node);
    }
  }
  if (plain !== "") found.push(plain);
  return found;
}

function block(text, blocks) {
  for (const [begins, drawn] of blocks) {
    const match = begins.exec(text);
    if (match) return [drawn(match), match[0].length];
  }
  return null;
}

/** What is plain at the beginning of a text: a word, marks of code that nothing closes, or one letter. */
function letter(text) {
  const [plain] = /^(?:`+|[\p{L}\p{N}]+|[^])/u.exec(text);
  return [plain, plain.length];
}

/** A list, with lists in it: an item further to the right belongs to the one above it. */
function list(lines) {
  const items = lines.map((line) => /^( *)(?:[-*]|(\d+)\.) +([^]*)$/.exec(line));
  const level = () => {
    const [, { length }, number] = items[0];
    const node = el(number ? "ol" : "ul", { class: "list", start: number });
    while (items.length > 0 && items[0][1].length >= length) {
      if (items[0][1].length > length) node.lastChild.append(level());
      else node.append(el("li", {}, inline(items.shift()[3])));
    }
    return node;
  };
  const all = [];
  while (items.length > 0) all.push(level());
  return all.length > 1 ? el("div", {}, all) : all[0];
}

/** What stands between marks. Of several the longest counts, of those of the same length the first: `***` is both. */
const MARKS = [
  ["em", /^\*(?=\S)((?:\*\*|\\[^]|\s+(?:\\[^]|[^\s*\\]|\*\*)|[^\s*\\])+?)\*(?!\*)/],
  ["em", /^_((?:__|\\[^]|[^\\_])+?)_\b/],
  ["strong", /^\*\*((?:\\[^]|[^\\])+?)\*\*(?!\*)/],
  ["u", /^__((?:\\[^]|[^\\])+?)__(?!_)/],
  ["s", /^~~([^]+?)~~(?!_)/],
];

/** What a text begins with, and how long that is; null: it is plain. */
function one(text) {
  let match;
  if ((match = /^\\([!-/:-@[-`{-~])/.exec(text))) return [match[1], 2];
  // The first line is a language if it is one word.
  if ((match = /^```(?:[\w+.#-]+\n)?\n*([^\n][^]*?)\n*```\n?/.exec(text))) {
    return [el("pre", { tabindex: match[1].includes("\n") ? "0" : null }, el("code", { text: match[1] })), match[0].length];
  }
  if ((match = /^(`+)(?!`)([^]*?[^`])\1(?!`)/.exec(text))) return [el("code", { text: match[2].replace(/^ (.*) $/, "$1") }), match[0].length];
  if ((match = /^\|\|([^]+?)\|\|/.exec(text))) {
    const open = (event) => event.currentTarget.classList.add("open");
    return [el("span", { class: "spoiler", tabindex: "0", on: { click: open, focus: open } }, inline(match[1])), match[0].length];
  }
  if ((match = /^\[((?:\\.|[^\]\\])+)\]\(<?(https?:\/\/[^\s<>)]+)>?\)/.exec(text))) {
    return [link(match[2], inline(match[1])), match[0].length];
  }
  if ((match = /^<(https?:\/\/[^\s<>]+)>/.exec(text))) return [link(match[1], match[1]), match[0].length];
  if ((match = /^https?:\/\/[^\s<>]+[^\s<>.,:;"'\])*_]/.exec(text))) return [link(match[0], match[0]), match[0].length];
  if ((match = /^<t:(-?\d+)(?::([tTdDfFR]))?>/.exec(text))) {
    const shown = stamp(Number(match[1]), match[2]);
    return shown && [shown, match[0].length];
  }
  if ((match = /^<(@[!&]?|#)(\d+)>/.exec(text))) return [mention(match[1], match[2]), match[0].length];
  if ((match = /^<\/([\w -]+):\d+>/.exec(text))) return [pill(`/${match[1]}`), match[0].length];
  const marked = MARKS.map(([tag, marks]) => [tag, marks.exec(text)]).filter(([, found]) => found);
  marked.sort(([, first], [, second]) => second[0].length - first[0].length);
  if (marked.length === 0) return null;
  const [tag, [all, inside]] = marked[0];
  return [el(tag, {}, inline(inside)), all.length];
}

const pill = (text) => el("span", { class: "pill", text });

function mention(kind, id) {
  if (kind === "#") return pill(`#${store.hello.channels.find((channel) => channel.id === id)?.name ?? "unknown"}`);
  if (kind === "@&") return pill(id === "1190000000000000004" ? "@deployers" : "@role");
  const person = store.people.get(id);
  return pill(`@${person?.shown ?? "unknown-user"}`);
}
