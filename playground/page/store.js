// All that is known, built from events alone.

import { keep, recall } from "./kept.js";
import * as time from "./time.js";

/** Wires that are kept. */
const WIRES = 400;

export const store = fresh();

function fresh() {
  return {
    hello: null,
    people: new Map(),
    me: null,
    channel: null,
    /** Interactions: who did what where. */
    said: new Map(),
    messages: new Map(),
    /** Interactions that were not answered, by id. */
    dead: new Map(),
    dismissed: new Set(),
    files: new Map(),
    runs: new Map(),
    wires: new Map(),
    billed: new Map(),
    up: true,
    /** Why nothing is recorded any more. */
    unrecorded: "",
    scenario: "",
    webhooks: "",
  };
}

const listeners = {};

/** Calls `listener` after each event of this kind. */
export function on(kind, listener) {
  (listeners[kind] ??= []).push(listener);
}

export function tell(kind, event) {
  for (const listener of listeners[kind] ?? []) listener(event);
}

/** Takes an event. */
export function take(event) {
  if (event.now) time.set(event.now);
  TAKE[event.t]?.(event);
  tell(event.t, event);
}

const TAKE = {
  hello(event) {
    Object.assign(store, fresh(), { hello: event, scenario: event.scenario, webhooks: event.webhooks });
    for (const person of event.people) store.people.set(person.id, person);
    const [name, channel] = [recall("me"), recall("channel")];
    store.me = event.people.find((person) => person.name === name) ?? event.people[0];
    const server = (id) => event.channels.find((one) => one.id === id)?.server;
    store.channel = server(channel) === server(store.me.channel) ? channel : store.me.channel;
  },
  said(event) {
    store.said.set(event.id, event);
  },
  message({ message }) {
    const before = store.messages.get(message.id);
    store.messages.set(message.id, { ...message, seen: before?.seen ?? time.now() });
  },
  gone(event) {
    store.messages.delete(event.id);
  },
  dead(event) {
    store.dead.set(event.id, event);
  },
  file(event) {
    const kinds = ["image/png", "image/jpeg", "image/gif", "image/webp"];
    const bytes = Uint8Array.from(atob(event.data), (letter) => letter.charCodeAt(0));
    const type = kinds.includes(event.type) ? event.type : "application/octet-stream";
    store.files.set(event.id, { url: URL.createObjectURL(new Blob([bytes], { type })), picture: type === event.type });
  },
  run({ run }) {
    store.runs.set(run.id, run);
  },
  wire(event) {
    const before = store.wires.get(event.id);
    store.wires.set(event.id, { ...before, ...event, at: event.at ?? before?.at ?? event.now });
    if (store.wires.size > WIRES) store.wires.delete(store.wires.keys().next().value);
  },
  billed(event) {
    // What is told of an interaction later lasted in an invocation of something else: of a webhook, which has its own.
    if (!store.billed.has(event.id)) store.billed.set(event.id, event.ms);
  },
  bot(event) {
    store.up = event.up;
  },
  unrecorded(event) {
    store.unrecorded = event.why;
  },
  state(event) {
    store.scenario = event.scenario;
    store.webhooks = event.webhooks;
  },
};

/** Goes to a channel, as somebody. A reload stays there. */
export function go(me, channel) {
  Object.assign(store, { me, channel });
  keep("me", me.name);
  keep("channel", channel);
  tell("me");
}

/** Whether I see a message. */
export function sees(message) {
  if (message.channel !== store.channel || store.dismissed.has(message.id)) return false;
  return !message.ephemeral || store.said.get(message.interaction_id)?.user === store.me.id;
}

/** Whether a message really notifies me. */
export function pings(message) {
  const mine = new Set([store.me.id, ...store.me.roles.map((id) => `&${id}`), "everyone", "here"]);
  return (message.pings ?? []).some((id) => mine.has(id));
}
