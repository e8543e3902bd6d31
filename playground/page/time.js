// Times as Discord shows them. Relative ones tick.

import { el } from "./dom.js";

let ahead = 0;

/** Takes the time of an event, so that a record is shown by the time when it was made. */
export function set(now) {
  ahead = now - Date.now();
}

export const now = () => Date.now() + ahead;

const UNITS = [
  ["year", 31536000],
  ["month", 2592000],
  ["day", 86400],
  ["hour", 3600],
  ["minute", 60],
  ["second", 1],
];

/** `12 seconds ago`, `in 2 minutes`. */
export function relative(milliseconds) {
  const seconds = Math.round((milliseconds - now()) / 1000);
  const away = Math.abs(seconds);
  const [unit, length] = UNITS.find(([, length]) => away >= length) ?? UNITS.at(-1);
  const format = new Intl.RelativeTimeFormat("en", { numeric: away < 1 ? "auto" : "always" });
  return format.format(Math.trunc(seconds / length) || 0, unit);
}

const STYLES = {
  t: { timeStyle: "short" },
  T: { timeStyle: "medium" },
  d: { dateStyle: "short" },
  D: { dateStyle: "long" },
  f: { dateStyle: "long", timeStyle: "short" },
  F: { dateStyle: "full", timeStyle: "short" },
};

const written = (date, style) => new Intl.DateTimeFormat("en", style).format(date);

/** The element of `<t:SECONDS:STYLE>`. */
export function stamp(seconds, style) {
  const date = new Date(seconds * 1000);
  if (Number.isNaN(date.getTime())) return null;
  const props = { class: "stamp", datetime: date.toISOString(), title: written(date, STYLES.F) };
  if (style === "R") {
    return el("time", { ...props, text: relative(date.getTime()), data: { ticks: date.getTime() } });
  }
  return el("time", { ...props, text: written(date, STYLES[style] ?? STYLES.f) });
}

/** When a message was written. */
export function clock(text) {
  const date = new Date(text);
  return el("time", { class: "when", datetime: date.toISOString(), title: written(date, STYLES.F), text: written(date, STYLES.t) });
}

/** With milliseconds, for the wire. */
export function exact(milliseconds) {
  const date = new Date(milliseconds);
  const two = (number) => String(number).padStart(2, "0");
  const thousandths = String(date.getMilliseconds()).padStart(3, "0");
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${thousandths}`;
}

/** Lets relative times go on. */
export function tick() {
  for (const node of document.querySelectorAll("time[data-ticks]")) {
    const text = relative(Number(node.dataset.ticks));
    if (node.textContent !== text) node.textContent = text;
  }
}
