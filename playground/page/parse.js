// What a command takes, and what is wrong with what was filled in. No elements here.

const SUBCOMMAND = 1;
const GROUP = 2;
const INTEGER = 4;
const BOOLEAN = 5;
const NUMBER = 10;

/** How many characters a message may have, and how many a text has as one. */
export const MOST = 2000;
export const lengthOf = (text) => [...text.trim()].length;

/** Each command that can be typed; a subcommand is one of its own. */
export function typable(commands) {
  const found = [];
  const add = (command, path) => {
    const inner = (command.options ?? []).filter((option) => option.type === SUBCOMMAND || option.type === GROUP);
    if (inner.length === 0) {
      // Discord wants required options first; so does its registration.
      found.push({ path, description: command.description, options: command.options ?? [] });
    }
    for (const option of inner) add(option, `${path} ${option.name}`);
  };
  for (const command of commands) {
    if ((command.type ?? 1) === 1) add(command, command.name);
  }
  return found.sort((one, other) => one.path.localeCompare(other.path));
}

/** The commands that fit what was typed after the slash, those that begin with it first. */
export function matching(entries, typed) {
  const wanted = typed.toLowerCase();
  const begins = entries.filter((entry) => entry.path.startsWith(wanted));
  return [...begins, ...entries.filter((entry) => !begins.includes(entry) && entry.path.includes(wanted))];
}

/** The command that a text names before a space or the end of a line, and what follows. */
export function named(entries, text) {
  const fits = entries.filter(({ path }) => text.startsWith(`/${path}`) && /\s/.test(text.charAt(path.length + 1)));
  const entry = fits.sort((one, other) => other.path.length - one.path.length)[0];
  return entry ? { entry, rest: text.slice(entry.path.length + 2) } : null;
}

/** Splits `wait:true ref:"a b"` into options and what is left. */
export function options(entry, text) {
  const found = [];
  let rest = text.trimStart();
  for (;;) {
    const match = /^([\w-]+):(?:"([^"]*)"|(\S*))\s*/.exec(rest);
    const option = match && entry.options.find((one) => one.name === match[1]);
    if (!option || found.some(([known]) => known === option)) break;
    found.push([option, match[2] ?? match[3]]);
    rest = rest.slice(match[0].length);
  }
  return { found, rest };
}

/** What an option offers by itself. */
export function choices(option) {
  if (option.choices?.length > 0) return option.choices.map((choice) => ({ name: choice.name, value: String(choice.value) }));
  if (option.type === BOOLEAN) return [{ name: "True", value: "true" }, { name: "False", value: "false" }];
  return [];
}

/** The value of what was typed; undefined: it is none of those that are offered. */
export function valueOf(option, typed) {
  const offered = choices(option);
  if (offered.length === 0) return typed;
  const same = typed.trim().toLowerCase();
  return offered.find((choice) => choice.name.toLowerCase() === same || choice.value.toLowerCase() === same)?.value;
}

/** What is wrong with a value; null: nothing. */
export function wrong(option, typed) {
  if (typed === "") return option.required ? "This option is required. Specify a value." : "Specify a value, or remove this option.";
  if (valueOf(option, typed) === undefined) return "This is not one of the choices.";
  if (option.type === INTEGER || option.type === NUMBER) {
    const number = Number(typed);
    const whole = option.type === INTEGER;
    if (!(whole ? /^-?\d+$/ : /^-?\d+(\.\d+)?$/).test(typed.trim())) return whole ? "Enter a whole number." : "Enter a number.";
    if (number < (option.min_value ?? -Infinity)) return `The least is ${option.min_value}.`;
    if (number > (option.max_value ?? Infinity)) return `The most is ${option.max_value}.`;
    return null;
  }
  const letters = [...typed].length;
  if (letters < (option.min_length ?? 0)) return `Enter at least ${option.min_length} characters.`;
  if (letters > (option.max_length ?? 6000)) return `Enter at most ${option.max_length ?? 6000} characters.`;
  return null;
}

/** The command that was probably meant. */
export function nearest(entries, typed) {
  const near = entries.map((entry) => [distance(entry.path, typed), entry.path]).sort((one, other) => one[0] - other[0])[0];
  return near && near[0] <= Math.max(1, typed.length / 3) ? near[1] : null;
}

function distance(one, other) {
  let row = [...Array(other.length + 1).keys()];
  for (let i = 1; i <= one.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= other.length; j += 1) {
      const replaced = row[j - 1] + (one[i - 1] === other[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, row[j] + 1, next[j - 1] + 1));
    }
    row = next;
  }
  return row[other.length];
}
