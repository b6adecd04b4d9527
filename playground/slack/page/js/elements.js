// Block Kit's interactive elements (docs.slack.dev, "Block elements").
import { h } from "./dom.js";
import { icon } from "./icons.js";
import { plain, textObject } from "./mrkdwn.js";
import { decode } from "./references.js";
import { openMenu } from "./overlays.js";
import { nameOf, people } from "./directory.js";
import { fieldFor } from "./fields.js";

const MAKERS = {
  button,
  overflow,
  static_select: staticSelect,
  users_select: usersSelect,
  radio_buttons: radios,
  checkboxes,
};

/** The node of one element. In an input block, `label` and `error` tie it to its texts. */
export function drawElement(element, block, surface, ties = {}) {
  const make = MAKERS[element.type] ?? fieldFor(element.type);
  if (element.type === "image") return image(element);
  if (!make) return h("span", { class: "unknown" }, `“${element.type}” is not drawn here`);
  const node = make(element, block, surface, ties);
  Object.assign(node.dataset, { actionId: element.action_id ?? "", blockId: block.block_id ?? "" });
  return node;
}

/** Pictures are never fetched: their words stand in for them. */
export function image(element) {
  return h(
    "span",
    { class: "image-alt", role: "img", "aria-label": element.alt_text ?? "image" },
    element.alt_text || "image",
  );
}

function button(element, block, surface) {
  const press = () => {
    if (element.url) window.open(element.url, "_blank", "noopener,noreferrer");
    void surface.act(block, element, { value: element.value }, node);
  };
  const node = h(
    "button",
    {
      type: "button",
      class: `button ${element.style ?? ""}`,
      "aria-label": element.accessibility_label,
      onclick: press,
    },
    h("span", { class: "face" }, textObject(element.text)),
  );
  return node;
}

function overflow(element, block, surface) {
  const choose = (option) => {
    if (option.url) window.open(option.url, "_blank", "noopener,noreferrer");
    void surface.act(block, element, { selected_option: option }, node);
  };
  // Made at each opening: a label is a node, which can stand in one menu alone.
  const items = () =>
    element.options.map((option) => ({
      label: plain(decode(option.text.text)),
      hint: option.description && decode(option.description.text),
      run: () => choose(option),
    }));
  const node = h(
    "button",
    {
      type: "button",
      class: "button overflow",
      "aria-label": "More actions",
      "aria-haspopup": "menu",
      onclick: () => openMenu(node, items(), { label: "More actions", align: "end" }),
    },
    icon("more"),
  );
  return node;
}

/** What a change in a field does: it is kept in the form, and sent when the block asks for it. */
export function changed(element, block, surface, payload, node) {
  surface.form?.set(block.block_id, element.action_id, { type: element.type, ...payload });
  if (block.type === "input" && !block.dispatch_action) return Promise.resolve(true);
  return surface.act(block, element, payload, node);
}

const current = (element, block, surface) => surface.form?.get(block.block_id, element.action_id);

function staticSelect(element, block, surface, ties) {
  const options = element.options ?? element.option_groups.flatMap((group) => group.options);
  const chosen = current(element, block, surface)?.selected_option ?? element.initial_option;
  const group = (one) => h("optgroup", { label: decode(one.label.text) }, one.options.map(option));
  const option = (one) =>
    h("option", { value: one.value, selected: one.value === chosen?.value }, decode(one.text.text));
  const rows = element.options ? options.map(option) : element.option_groups.map(group);
  const payload = (value) => ({ selected_option: options.find((one) => one.value === value) ?? null });
  return select(element, block, surface, ties, { rows, chosen: chosen?.value, payload });
}

function usersSelect(element, block, surface, ties) {
  const chosen = current(element, block, surface)?.selected_user ?? element.initial_user;
  const rows = people().map((one) => h("option", { value: one.id, selected: one.id === chosen }, nameOf(one.id)));
  return select(element, block, surface, ties, {
    rows,
    chosen,
    payload: (value) => ({ selected_user: value || null }),
  });
}

function select(element, block, surface, ties, { rows, chosen, payload }) {
  let last = chosen ?? "";
  surface.form?.set(block.block_id, element.action_id, { type: element.type, ...payload(last) });
  const empty = h(
    "option",
    { value: "", selected: !chosen, disabled: !block.optional },
    element.placeholder ? decode(element.placeholder.text) : "Choose",
  );
  const node = h(
    "select",
    {
      class: "select",
      "aria-label": ties.label ? undefined : (element.placeholder?.text ?? "Choose"),
      id: ties.id,
      "aria-describedby": ties.describedBy,
      onchange: change,
    },
    empty,
    rows,
  );
  async function change() {
    if (await changed(element, block, surface, payload(node.value), node)) last = node.value;
    else node.value = last;
  }
  return node;
}

function radios(element, block, surface, ties) {
  const chosen = current(element, block, surface)?.selected_option ?? element.initial_option;
  const take = (option) => changed(element, block, surface, { selected_option: option }, node);
  surface.form?.set(block.block_id, element.action_id, { type: element.type, selected_option: chosen ?? null });
  const node = choices("radio", element, block, ties, (option) => option.value === chosen?.value, take);
  return node;
}

function checkboxes(element, block, surface, ties) {
  const chosen = new Set(
    (current(element, block, surface)?.selected_options ?? element.initial_options ?? []).map(
      (option) => option.value,
    ),
  );
  const selected = () => element.options.filter((option) => chosen.has(option.value));
  const take = (option, on) => {
    chosen[on ? "add" : "delete"](option.value);
    return changed(element, block, surface, { selected_options: selected() }, node);
  };
  surface.form?.set(block.block_id, element.action_id, { type: element.type, selected_options: selected() });
  const node = choices("checkbox", element, block, ties, (option) => chosen.has(option.value), take);
  return node;
}

function choices(type, element, block, ties, isOn, take) {
  const name = `${block.block_id}-${element.action_id}`;
  const rows = element.options.map((option) =>
    h(
      "label",
      { class: "choice" },
      h("input", {
        type,
        name,
        value: option.value,
        checked: isOn(option),
        onchange: (event) => void take(option, event.target.checked),
      }),
      h(
        "span",
        {},
        h("span", {}, textObject(option.text)),
        option.description && h("small", {}, textObject(option.description)),
      ),
    ),
  );
  return h(
    "div",
    {
      class: "choices",
      role: type === "radio" ? "radiogroup" : "group",
      "aria-labelledby": ties.label,
      "aria-describedby": ties.describedBy,
      tabindex: "-1",
    },
    rows,
  );
}
