// Forms that the bot opens.

import { byId, el } from "./dom.js";
import { act } from "./link.js";
import { markdown } from "./markdown.js";
import { on, store } from "./store.js";

const dialog = byId("modal");

export function start() {
  on("modal", (event) => store.said.get(event.id)?.user === store.me.id && open(event));
}

function open({ id, modal }) {
  const problem = el("p", { class: "failed", role: "alert" });
  const fields = [];
  const inputs = modal.components.map((component) => row(component, fields));
  const close = () => dialog.close();
  const submit = async (event) => {
    event.preventDefault();
    try {
      const filled = fields.map((field) => [field.name, field.value]);
      await act("submit", { as: store.me.name, interaction: id, channel: store.channel, fields: filled });
      close();
    } catch (error) {
      problem.textContent = error.message;
    }
  };
  dialog.replaceChildren(
    el(
      "form",
      { on: { submit } },
      el("h2", { id: "modal-title", text: modal.title }),
      inputs,
      problem,
      el("div", { class: "row end" }, el("button", { type: "button", class: "button secondary", on: { click: close }, text: "Cancel" }), el("button", { class: "button primary", text: "Submit" })),
    ),
  );
  dialog.showModal();
}

function row(component, fields) {
  if (component.type === 10) return el("div", { class: "text" }, markdown(component.content));
  const input = component.component ?? component.components?.[0];
  if (input?.type !== 4) return null;
  const long = input.style === 2;
  const required = input.required !== false;
  const props = { name: input.custom_id, id: `field-${fields.length}`, required, placeholder: input.placeholder, minlength: input.min_length, maxlength: input.max_length ?? 4000 };
  const field = el(long ? "textarea" : "input", props);
  field.value = input.value ?? "";
  fields.push(field);
  return el("label", { for: props.id }, el("span", {}, component.label ?? input.label, required && el("span", { class: "star", "aria-hidden": "true", text: " *" })), component.description && el("span", { class: "small", text: component.description }), field);
}
