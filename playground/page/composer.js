// The message box. A slash begins a command, whose options are filled in one by one.

import { byId, el } from "./dom.js";
import { keep, recall } from "./kept.js";
import { act } from "./link.js";
import { Picker } from "./options.js";
import * as parse from "./parse.js";
import { on, store } from "./store.js";

/** After this long without a key the bot is asked for suggestions. */
const PAUSE = 150;
/** The characters that are left are shown from this number on. */
const NEAR = 200;
const form = byId("composer");
const picker = new Picker(form);
const line = el("div", { class: "line-of-input" });
let entries = [];
/** The command that is being filled in, and its options so far. */
let command = null;
let fields = [];
let tail = null;
/** What is typed in each channel stays there, as in Discord. The open one's is in the box. */
const drafts = new Map(Object.entries(recall("drafts") ?? {}));
let here = null;

export function start() {
  form.append(line);
  form.addEventListener("submit", (event) => event.preventDefault());
  line.addEventListener("click", (event) => event.target === line && focus());
  document.addEventListener("keydown", fromAnywhere);
  on("hello", ({ commands }) => {
    entries = parse.typable(commands);
    enter();
  });
  on("me", enter);
  addEventListener("pagehide", () => {
    leave();
    keep("drafts", Object.fromEntries(drafts));
  });
}

function focus() {
  (tail ?? byId("box"))?.focus();
}

/** Puts a text into the box, as if it was typed. */
export function type(text) {
  const input = write(text);
  input.focus();
  typed(input);
}

/** As in Discord, who types where nothing takes text, types a message. */
function fromAnywhere(event) {
  const types = event.key.length === 1 && event.key !== " " && !event.ctrlKey && !event.metaKey && !event.altKey;
  if (!types || event.target.closest?.("input, select, textarea, dialog")) return;
  focus();
}

// ---- drafts

function enter() {
  if (here === store.channel) return;
  leave();
  here = store.channel;
  restore(drafts.get(here));
}

function leave() {
  if (here !== null) drafts.set(here, draft());
}

function draft() {
  if (!command) return { text: byId("box").value };
  const options = fields.map(({ option, input, picked }) => ({ name: option.name, value: input.value, picked }));
  return { command: command.path, options, text: tail.value };
}

function restore(kept) {
  picker.say("");
  const entry = entries.find((one) => one.path === kept?.command);
  if (!entry) return write(String(kept?.text ?? ""));
  open(entry);
  for (const one of [kept.options ?? []].flat()) {
    const option = entry.options.find(({ name }) => name === one?.name);
    if (option) fill(option, String(one.value)).picked = one.picked;
  }
  tail.value = String(kept.text ?? "");
}

function box(name, handlers, props = {}) {
  return el("input", {
    type: "text", role: "combobox", "aria-autocomplete": "list", "aria-expanded": "false", "aria-label": name,
    autocomplete: "off", spellcheck: "false", enterkeyhint: "send", on: handlers, ...props,
  });
}

// ---- text

function write(text) {
  command = null;
  fields = [];
  tail = null;
  const channel = store.hello?.channels.find((one) => one.id === store.channel)?.name ?? "";
  const name = `Message #${channel}`;
  const input = el("textarea", {
    id: "box", rows: "1", placeholder: name, "aria-label": name, "aria-autocomplete": "list", "aria-haspopup": "listbox", "aria-describedby": "count",
    autocomplete: "off", spellcheck: "false", enterkeyhint: "send", disabled: store.hello?.replay === true,
    on: { input: () => typed(input), keydown: (event) => keyInText(event, input), blur: () => picker.hide(), focus: () => typed(input) },
  });
  if (store.hello?.replay) input.placeholder = "This is a record: nothing can be typed.";
  input.value = text;
  line.replaceChildren(input, el("span", { class: "count", id: "count" }));
  picker.hide();
  measure(input);
  return input;
}

/** Makes the box as high as its text, and counts down to the longest message. */
function measure(input) {
  input.rows = input.value.split("\n").length;
  const left = parse.MOST - parse.lengthOf(input.value);
  const count = byId("count");
  count.replaceChildren(...(left > NEAR ? [] : [String(left), el("span", { class: "sr", text: " characters left" })]));
  count.classList.toggle("over", left < 0);
}

function typed(input) {
  // It became a command already, when it got the focus.
  if (!input.isConnected) return;
  picker.say("");
  measure(input);
  const text = input.value;
  if (!text.startsWith("/")) return picker.hide();
  const named = parse.named(entries, text);
  if (named) return begin(named.entry, named.rest);
  const found = parse.matching(entries, text.slice(1));
  const items = found.map((entry) => ({ name: `/${entry.path}`, about: entry.description, aside: "Deckhand", entry }));
  const title = items.length > 0 ? "Commands" : "No command matches";
  // Without options there is nothing to fill in: it is sent at once.
  picker.show(input, title, items, ({ entry }) => (entry.options.length > 0 ? begin(entry, "") : send("command", { command: entry.path, options: [] })));
}

function keyInText(event, input) {
  if (isPicking(event)) return;
  if (event.key === "Escape") picker.hide();
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  const text = input.value.trim();
  if (text.startsWith("/")) {
    const near = parse.nearest(entries, text.slice(1).split(" ")[0]);
    picker.say(`There is no command ${text.split(" ")[0]}.${near ? ` Did you mean /${near}?` : ""}`);
  } else if (parse.lengthOf(text) > parse.MOST) {
    picker.say(`A message has at most ${parse.MOST} characters. This one has ${parse.lengthOf(text)}.`);
  } else if (text !== "") {
    send("say", { text });
  }
}

/** The keys of the list. Whether it took this one. */
function isPicking(event) {
  if (!picker.isOpen()) return false;
  const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (by) picker.move(by);
  else if ((event.key === "Enter" || (event.key === "Tab" && !event.shiftKey)) && picker.active >= 0) picker.choose();
  else return false;
  event.preventDefault();
  return true;
}

// ---- a command

function begin(entry, rest) {
  picker.say("");
  open(entry);
  const { found, rest: left } = parse.options(entry, rest);
  for (const [option, value] of found) fill(option, value);
  const empty = fields.find((field) => field.input.value === "");
  tail.value = left;
  (empty?.input ?? (found.length > 0 && left === "" && rest.trimEnd() === rest ? fields.at(-1).input : tail)).focus();
  if (document.activeElement === tail) tailTyped();
}

/** Shows a command, with the options that it must have. */
function open(entry) {
  command = entry;
  fields = [];
  tail = box(`Options of /${entry.path}`, { input: tailTyped, keydown: keyInTail, focus: tailTyped, blur: () => picker.hide() }, { class: "tail" });
  const chip = el("span", { class: "chip", text: `/${entry.path}` });
  line.replaceChildren(chip, tail);
  for (const option of entry.options.filter((one) => one.required)) add(option, "");
  tellOptional();
}

function fill(option, value) {
  const known = fields.find((field) => field.option === option);
  const field = known ?? add(option, "");
  field.input.value = value;
  resize(field.input);
  return field;
}

function add(option, value) {
  const field = { option, picked: null };
  const input = box(`${option.name}: ${option.description}${option.required ? " (required)" : ""}`, {
    input: () => fieldTyped(field), keydown: (event) => keyInField(event, field), focus: () => offer(field), blur: () => picker.hide(),
  });
  field.input = input;
  input.value = value;
  field.node = el("span", { class: "option" }, el("span", { class: "key", text: option.name, "aria-hidden": "true" }), input);
  fields.push(field);
  line.insertBefore(field.node, tail);
  resize(input);
  tellOptional();
  return field;
}

function resize(input) {
  input.size = Math.max(2, Math.min(60, [...input.value].length + 1));
}

const left = () => command.options.filter((option) => !fields.some((field) => field.option === option));

function tellOptional() {
  const count = left().length;
  tail.placeholder = count > 0 ? `+${count} optional` : "";
}

function tailTyped() {
  picker.say("");
  const [name, value] = tail.value.trimStart().split(/:(.*)/s);
  const option = value !== undefined && left().find((one) => one.name === name.toLowerCase());
  if (option) {
    tail.value = "";
    const field = add(option, "");
    field.input.value = value;
    field.input.focus();
    fieldTyped(field);
    return;
  }
  const wanted = tail.value.trim().toLowerCase();
  const found = left().filter((one) => one.name.startsWith(wanted));
  const items = found.map((one) => ({ name: one.name, about: one.description, option: one }));
  picker.show(tail, items.length > 0 ? `Options of /${command.path}` : "", items, (item) => {
    tail.value = "";
    add(item.option, "").input.focus();
  }, wanted !== "");
}

function keyInTail(event) {
  if (isPicking(event)) return;
  if (event.key === "Escape") return cancel(event);
  if (event.key === "Enter" && !event.isComposing) {
    event.preventDefault();
    if (tail.value.trim() === "") submit();
    else picker.say(`/${command.path} has no option ${tail.value.trim()}.`);
  } else if (tail.value === "" && (event.key === "Backspace" || event.key === "ArrowLeft")) {
    const last = fields.at(-1);
    if (last) {
      event.preventDefault();
      last.input.focus();
    } else if (event.key === "Backspace") cancel(event);
  }
}

function fieldTyped(field) {
  picker.say("");
  field.node.classList.remove("wrong");
  field.input.removeAttribute("aria-invalid");
  field.picked = null;
  const { input, option } = field;
  // As Discord does: a name of another option with a colon goes on with that one.
  const split = /^(?:(.*?)\s+)?([\w-]+):$/.exec(input.value);
  if (split && split[1] === undefined && split[2] === option.name) input.value = "";
  const other = split && left().find((one) => one.name === split[2]);
  if (other) {
    input.value = split[1] ?? "";
    resize(input);
    add(other, "").input.focus();
    return;
  }
  // After one of the choices a space goes on.
  if (input.value.endsWith(" ") && parse.choices(option).length > 0 && parse.valueOf(option, input.value) !== undefined) {
    input.value = input.value.trimEnd();
    resize(input);
    next(field);
    return;
  }
  resize(input);
  offer(field);
}

function offer(field) {
  const { option, input } = field;
  const own = parse.choices(option);
  const title = `${option.name} — ${option.description}`;
  if (own.length > 0) {
    const wanted = input.value.trim().toLowerCase();
    const found = own.filter((choice) => choice.name.toLowerCase().startsWith(wanted) || choice.value.startsWith(wanted));
    show(field, title, found);
  } else if (option.autocomplete) {
    clearTimeout(field.asking);
    show(field, `${title} · loading options…`, []);
    field.asking = setTimeout(() => suggest(field, title), PAUSE);
  } else {
    show(field, title, []);
  }
}

function show(field, title, found) {
  if (document.activeElement !== field.input) return;
  const items = found.map((choice) => ({ name: choice.name, choice }));
  picker.show(field.input, title, items, ({ choice }) => {
    field.input.value = choice.name;
    field.picked = choice;
    resize(field.input);
    next(field);
  });
}

async function suggest(field, title) {
  const asked = field.input.value;
  const options = fields.filter((one) => one === field || one.input.value !== "").map((one) => [one.option.name, value(one)]);
  try {
    const { choices } = await act("suggest", { as: store.me.name, channel: store.channel, command: command.path, options, focused: field.option.name });
    if (field.input.value !== asked || !fields.includes(field)) return;
    const found = choices.map((choice) => ({ name: choice.name, value: String(choice.value) }));
    show(field, found.length > 0 ? title : `${title} · no options match your search`, found);
  } catch (error) {
    show(field, `${title} · ${error.message}`, []);
  }
}

function value(field) {
  if (field.picked && field.picked.name === field.input.value) return field.picked.value;
  return parse.valueOf(field.option, field.input.value) ?? field.input.value;
}

function next(field) {
  const after = fields.slice(fields.indexOf(field) + 1).find((one) => one.input.value === "");
  (after?.input ?? tail).focus();
}

function keyInField(event, field) {
  const { input, option } = field;
  if (event.key === "Enter" && !event.isComposing) {
    event.preventDefault();
    const offered = parse.choices(option);
    const exact = offered.length > 0 ? parse.valueOf(option, input.value) !== undefined : input.value !== "" && (field.picked || !isMoved(field));
    if (exact || !picker.choose()) submit();
    return;
  }
  if (event.key === "ArrowDown" || event.key === "ArrowUp") field.moved = input.value;
  if (isPicking(event)) return;
  if (event.key === "Escape") return cancel(event);
  const { selectionStart: from, selectionEnd: to } = input;
  if (event.key === "Tab" && !event.shiftKey) {
    event.preventDefault();
    next(field);
  } else if (event.key === "Backspace" && input.value === "") {
    event.preventDefault();
    if (option.required) return cancel(event);
    fields.splice(fields.indexOf(field), 1);
    field.node.remove();
    tellOptional();
    tail.focus();
  } else if (event.key === "ArrowRight" && from === input.value.length && to === from) {
    event.preventDefault();
    (fields[fields.indexOf(field) + 1]?.input ?? tail).focus();
  } else if (event.key === "ArrowLeft" && to === 0) {
    const before = fields[fields.indexOf(field) - 1];
    if (before) {
      event.preventDefault();
      before.input.focus();
    }
  }
}

/** Whether a suggestion was gone to since the text was typed: then Enter takes it. */
const isMoved = (field) => field.moved === field.input.value;

function cancel(event) {
  event.preventDefault();
  if (picker.isOpen() && event.key === "Escape") return picker.hide();
  write("").focus();
}

function submit() {
  for (const field of fields) {
    const problem = parse.wrong(field.option, field.input.value);
    if (!problem) continue;
    field.node.classList.add("wrong");
    field.input.setAttribute("aria-invalid", "true");
    field.input.focus();
    picker.say(`${field.option.name}: ${problem}`);
    return;
  }
  const options = fields.map((field) => [field.option.name, value(field)]);
  send("command", { command: command.path, options });
}

/** The box is free at once. What could not be sent comes back, if nothing else was typed meanwhile. */
async function send(action, body) {
  const [kept, channel] = [draft(), here];
  const empty = write("");
  empty.focus();
  try {
    await act(action, { as: store.me.name, channel: store.channel, ...body });
  } catch (error) {
    if (here !== channel) drafts.set(channel, kept);
    else if (empty.isConnected && empty.value === "") {
      restore(kept);
      focus();
    }
    picker.say(error.message);
  }
}
