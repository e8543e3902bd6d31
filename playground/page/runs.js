// The repository's runs, with their jobs and steps as they go.

import { byId, el, icon } from "./dom.js";
import { on, store } from "./store.js";
import { relative } from "./time.js";

const list = byId("runs");
const nodes = new Map();
/** Runs that were opened or closed by hand. */
const chosen = new Map();

const PATHS = {
  success: "M8 1a7 7 0 1 0 0 14A7 7 0 0 0 8 1zm3.500 5.300-4 4.200a.8.8 0 0 1-1.100 0l-2-2 1.100-1.100 1.400 1.400 3.500-3.600z",
  failure: "M8 1a7 7 0 1 0 0 14A7 7 0 0 0 8 1zm3 9-1.100 1L8 9.100 6.100 11 5 10l1.900-2L5 6l1.100-1L8 6.900 9.900 5 11 6 9.100 8z",
  going: "M8 1a7 7 0 1 0 0 14A7 7 0 0 0 8 1zm0 1.600a5.400 5.400 0 0 1 0 10.800z",
  queued: "M8 1a7 7 0 1 0 0 14A7 7 0 0 0 8 1zm0 1.600a5.400 5.400 0 1 1 0 10.800A5.400 5.400 0 0 1 8 2.600z",
  waiting: "M8 1a7 7 0 1 0 0 14A7 7 0 0 0 8 1zm.7 3v3.700l2.600 1.500-.7 1.200L7.300 8.500V4z",
  other: "M8 1a7 7 0 1 0 0 14A7 7 0 0 0 8 1zM4.500 7.200h7v1.600h-7z",
};
const WORDS = { success: "succeeded", failure: "failed", going: "in progress", queued: "queued", waiting: "waiting", other: "" };

export function start() {
  on("hello", () => {
    nodes.clear();
    list.replaceChildren(el("li", { class: "none hint", text: "No run yet." }));
    for (const run of store.runs.values()) draw(run);
  });
  on("run", ({ run }) => draw(run));
}

export const has = (id) => nodes.has(id);

/** Shows a run by its id. */
export function reveal(id) {
  const node = nodes.get(id);
  node.querySelector("details").open = true;
  node.scrollIntoView({ block: "center" });
  node.querySelector("summary").focus();
}

function stateOf({ status, conclusion }) {
  if (status !== "completed") return { in_progress: "going", waiting: "waiting" }[status] ?? "queued";
  if (conclusion === "success") return "success";
  return ["failure", "timed_out", "startup_failure"].includes(conclusion) ? "failure" : "other";
}

function mark(of) {
  const state = stateOf(of);
  return el("span", { class: `mark ${state}` }, icon(PATHS[state]), el("span", { class: "sr", text: WORDS[state] || of.conclusion || of.status }));
}

function draw(run) {
  list.querySelector(".none")?.remove();
  const state = stateOf(run);
  const before = nodes.get(run.id);
  const newest = [...store.runs.values()].every((other) => other.created <= run.created);
  const open = chosen.get(run.id) ?? (state === "going" || newest);
  const focused = before?.contains(document.activeElement);
  const attempt = run.attempt > 1 ? ` · attempt ${run.attempt}` : "";
  const who = run.event === "push" ? `pushed by ${run.actor}` : `${run.event} by ${run.actor}`;
  const steps = (job) => el("ol", { class: "steps" }, job.steps.map((step) => el("li", {}, mark(step), el("span", { text: step.name }))));
  const jobs = run.jobs.slice(0, 12).map((job) => el("li", { class: "job" }, el("div", { class: "job-name" }, mark(job), el("span", { text: job.name })), steps(job)));
  if (run.jobs.length > 12) jobs.push(el("li", { class: "hint", text: `and ${run.jobs.length - 12} more jobs` }));
  const toggle = (event) => event.isTrusted && chosen.set(run.id, !event.currentTarget.parentElement.open);
  const node = el(
    "li",
    { class: `run ${state}`, data: { run: run.id } },
    el(
      "details",
      { open },
      el("summary", { on: { click: toggle } }, mark(run), el("span", { class: "run-name" }, el("strong", { text: `${run.workflow} #${run.number}` }), el("span", { class: "hint" }, el("bdi", { text: run.branch }), ` · ${who}${attempt}`), el("time", { class: "hint", data: { ticks: run.created }, text: relative(run.created) }))),
      el("ol", { class: "jobs" }, jobs),
    ),
  );
  nodes.set(run.id, node);
  if (before) {
    before.replaceWith(node);
    if (focused) node.querySelector("summary").focus();
    return;
  }
  // Newest first.
  const older = [...list.children].find((child) => (store.runs.get(child.dataset.run)?.created ?? 0) <= run.created);
  list.insertBefore(node, older ?? null);
  for (const [id, other] of nodes) {
    if (!store.runs.has(id)) continue;
    if (id !== run.id && newest && !chosen.has(id) && stateOf(store.runs.get(id)) !== "going") other.querySelector("details").open = false;
  }
}
