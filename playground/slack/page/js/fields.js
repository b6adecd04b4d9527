// Fields to type in: plain text, numbers, addresses (docs.slack.dev, "Plain-text input" and its kin).
import { h } from "./dom.js";
import { decode } from "./references.js";

const KINDS = {
  plain_text_input: {},
  number_input: { inputmode: "decimal" },
  email_text_input: { type: "email" },
  url_text_input: { type: "url" },
};

/** The maker for a type of field, or undefined. */
export function fieldFor(type) {
  const kind = KINDS[type];
  return kind && ((element, block, surface, ties) => field(element, block, surface, ties, kind));
}

function field(element, block, surface, ties, kind) {
  const keep = (value) =>
    surface.form?.set(block.block_id, element.action_id, { type: element.type, value: value || null });
  const start = surface.form?.get(block.block_id, element.action_id)?.value ?? element.initial_value ?? "";
  keep(start);
  const shared = {
    class: "field",
    id: ties.id,
    value: start,
    maxlength: element.max_length,
    minlength: element.min_length,
    placeholder: element.placeholder && decode(element.placeholder.text),
    "aria-describedby": ties.describedBy,
    autocomplete: "off",
    oninput: () => keep(node.value),
    onkeydown: (event) => entered(event),
  };
  const node = element.multiline
    ? h("textarea", { ...shared, rows: "3" })
    : h("input", { type: "text", ...shared, ...kind });
  const entered = (event) => {
    if (event.key !== "Enter" || element.multiline || !block.dispatch_action) return;
    event.preventDefault();
    void surface.act(block, element, { value: node.value }, node);
  };
  return node;
}
