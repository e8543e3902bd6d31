// Discord's Markdown, as elements.

import { el, link } from "./dom.js";
import { store } from "./store.js";
import { stamp } from "./time.js";

/** The elements of a text. */
export function markdown(text) {
  const blocks = [];
  const lines = text.split("\n");
  while (lines.length > 0) blocks.push(block(lines));
  return blocks;
}

function block(lines) {
  const first = lines[0];
  if (first.startsWith("```")) return code(lines);
  const quoted = take(lines, (line) => line.startsWith("> "));
  if (quoted) return el("blockquote", {}, markdown(quoted.map((line) => line.slice(2)).join("\n")));
  const listed = take(lines, (line) => /^ *(?:[-*]|\d+\.) /.test(line));
  if (listed) return list(listed);
  lines.shift();
  const heading = /^(#{1,3}) +(.*)$/.exec(first);
  if (heading) {
    // Not a heading of the page: a message is part of a list.
    return el("div", { class: `heading heading-${heading[1].length}` }, inline(heading[2]));
  }
  if (first.startsWith("-# ")) return el("div", { class: "small" }, inline(first.slice(3)));
  // An empty line is a line.
  return el("div", { class: "line" }, first === "" ? el("br") : inline(first));
}

/** Takes the lines at the beginning that fit, if there are any. */
function take(lines, fits) {
  const end = lines.findIndex((line) => !fits(line));
  const count = end < 0 ? lines.length : end;
  return count > 0 ? lines.splice(0, count) : null;
}

function code(lines) {
  const open = lines.shift().slice(3);
  // All on one line.
  if (open.endsWith("```") && open.length > 3) return el("pre", {}, el("code", { text: open.slice(0, -3) }));
  const end = lines.findIndex((line) => line.endsWith("```"));
  if (end < 0) return el("div", { class: "line" }, inline(`\`\`\`${open}`));
  const inside = lines.splice(0, end + 1);
  inside[end] = inside[end].slice(0, -3);
  if (inside[end] === "") inside.pop();
  // Without a space it is the language.
  if (open !== "" && !/^[\w+#-]+$/.test(open)) inside.unshift(open);
  return el("pre", { tabindex: "0" }, el("code", { text: inside.join("\n") }));
}

function list(lines) {
  const ordered = /^ *\d+\. /.test(lines[0]);
  const items = lines.map((line) => {
    const [, space, text] = /^( *)(?:[-*]|\d+\.) (.*)$/.exec(line);
    return el("li", { class: space.length > 0 ? "deeper" : null }, inline(text));
  });
  return el(ordered ? "ol" : "ul", { class: "list" }, items);
}

/** What stands between marks, the longest mark first. */
const MARKS = [
  ["**", "strong", "**"],
  ["__", "u", "__"],
  ["~~", "s", "~~"],
  ["*", "em", "*"],
  ["_", "em", "_"],
];

/** The elements of one line. */
export function inline(text) {
  const found = [];
  let plain = "";
  let rest = text;
  const put = (node) => {
    if (plain !== "") found.push(plain);
    plain = "";
    found.push(node);
  };
  while (rest !== "") {
    const special = one(rest, text.slice(0, text.length - rest.length));
    if (special === null) {
      const letter = String.fromCodePoint(rest.codePointAt(0));
      plain += letter;
      rest = rest.slice(letter.length);
      continue;
    }
    const [node, length] = special;
    if (typeof node === "string") plain += node;
    else put(node);
    rest = rest.slice(length);
  }
  if (plain !== "") found.push(plain);
  return found;
}

/** What a text begins with, and how long that is; null: it is plain. */
function one(text, before) {
  let match;
  if ((match = /^\\([!-/:-@[-`{-~])/.exec(text))) return [match[1], 2];
  if ((match = /^(`+)(.+?)\1(?!`)/.exec(text))) return [el("code", { text: match[2].replace(/^ (.*) $/, "$1") }), match[0].length];
  if ((match = /^\|\|(.+?)\|\|/.exec(text))) {
    const open = (event) => event.currentTarget.classList.add("open");
    return [el("span", { class: "spoiler", tabindex: "0", on: { click: open, focus: open } }, inline(match[1])), match[0].length];
  }
  if ((match = /^\[((?:\\.|[^\]\\])+)\]\(<?(https?:\/\/[^\s<>)]+)>?\)/.exec(text))) {
    return [link(match[2], inline(match[1])), match[0].length];
  }
  if ((match = /^<(https?:\/\/[^\s<>]+)>/.exec(text))) return [link(match[1], match[1]), match[0].length];
  if ((match = /^https?:\/\/[^\s<>]+[^\s<>.,:;"'\])*_]/.exec(text)) && !/\w$/.test(before)) {
    return [link(match[0], match[0]), match[0].length];
  }
  if ((match = /^<t:(-?\d+)(?::([tTdDfFR]))?>/.exec(text))) {
    const shown = stamp(Number(match[1]), match[2]);
    return shown && [shown, match[0].length];
  }
  if ((match = /^<(@[!&]?|#)(\d+)>/.exec(text))) return [mention(match[1], match[2]), match[0].length];
  if ((match = /^<\/([\w -]+):\d+>/.exec(text))) return [pill(`/${match[1]}`), match[0].length];
  for (const [mark, tag, end] of MARKS) {
    if (!text.startsWith(mark)) continue;
    // An underscore within a word is one.
    if (mark === "_" && /\w$/.test(before)) continue;
    const at = closing(text, mark.length, end);
    if (at > mark.length) return [el(tag, {}, inline(text.slice(mark.length, at))), at + end.length];
  }
  return null;
}

function closing(text, from, end) {
  for (let at = from; at <= text.length - end.length; at += 1) {
    if (text[at] === "\\") at += 1;
    else if (text.startsWith(end, at)) {
      const within = end === "_" && /\w/.test(text[at + 1] ?? "");
      const longer = end.length === 1 && text[at + 1] === end;
      if (longer) at += 1;
      else if (!within) return at;
    }
  }
  return -1;
}

const pill = (text) => el("span", { class: "pill", text });

function mention(kind, id) {
  if (kind === "#") return pill(`#${store.hello.channels.find((channel) => channel.id === id)?.name ?? "unknown"}`);
  if (kind === "@&") return pill(id === "1190000000000000004" ? "@deployers" : "@role");
  const person = store.people.get(id);
  return pill(`@${person?.shown ?? "unknown-user"}`);
}
