// Block Kit's layout blocks (docs.slack.dev, "Blocks"). A block of a kind not drawn here says so in its place.
import { freshId, h } from "./dom.js";
import { drawElement, image } from "./elements.js";
import { markdown } from "./markdown.js";
import { textObject } from "./mrkdwn.js";
import { richText } from "./richtext.js";
import { decode } from "./references.js";

const MAKERS = {
  section,
  header,
  divider,
  context,
  actions,
  input,
  image: imageBlock,
  rich_text: richText,
  table,
  markdown: (block) => markdown(block.text),
};

/** All blocks of a surface; `errors` maps block ids of a view to what is wrong there. */
export function drawBlocks(blocks, surface, errors = {}) {
  return h(
    "div",
    { class: "blocks" },
    (blocks ?? []).map((block) => {
      const make = MAKERS[block.type] ?? unknown;
      const node = make(block, surface, errors[block.block_id]);
      node.classList.add("block");
      if (block.block_id) node.dataset.block = block.block_id;
      return node;
    }),
  );
}

function section(block, surface) {
  const words = h(
    "div",
    { class: "words" },
    block.text && h("div", { class: "text" }, textObject(block.text)),
    block.fields &&
      h(
        "div",
        { class: "fields" },
        block.fields.map((field) => h("div", { class: "text" }, textObject(field))),
      ),
  );
  const accessory = block.accessory && h("div", { class: "accessory" }, drawElement(block.accessory, block, surface));
  const wide = ["radio_buttons", "checkboxes"].includes(block.accessory?.type);
  return h("div", { class: wide ? "section stacked" : "section" }, words, accessory);
}

function header(block) {
  return h("h3", { class: "header" }, textObject(block.text));
}

function divider() {
  return h("hr");
}

function context(block) {
  return h(
    "div",
    { class: "context" },
    (block.elements ?? []).map((part) =>
      part.type === "image" ? image(part) : h("span", { class: "text" }, textObject(part)),
    ),
  );
}

function actions(block, surface) {
  return h(
    "div",
    { class: "actions" },
    (block.elements ?? []).map((element) => drawElement(element, block, surface)),
  );
}

function input(block, surface, error) {
  const id = freshId("input");
  const several = ["radio_buttons", "checkboxes"].includes(block.element.type);
  const ties = {
    id,
    label: several ? `${id}-label` : id,
    describedBy: [block.hint && `${id}-hint`, error && `${id}-error`].filter(Boolean).join(" ") || undefined,
  };
  const field = drawElement(block.element, block, surface, ties);
  if (error) field.setAttribute("aria-invalid", "true");
  return h(
    "div",
    { class: error ? "input invalid" : "input" },
    h(
      several ? "div" : "label",
      { class: "label", id: `${id}-label`, for: several ? undefined : id },
      textObject(block.label),
      block.optional && h("span", { class: "muted" }, " (optional)"),
    ),
    field,
    error && h("p", { class: "error", id: `${id}-error` }, error),
    block.hint && h("p", { class: "hint", id: `${id}-hint` }, textObject(block.hint)),
  );
}

function imageBlock(block) {
  return h("figure", {}, block.title && h("figcaption", {}, textObject(block.title)), image(block));
}

function table(block) {
  const settings = block.column_settings ?? [];
  const cell = (tag) => (value, column) =>
    h(
      tag,
      {
        class: `${settings[column]?.align ?? ""} ${settings[column]?.is_wrapped ? "" : "nowrap"}`,
        scope: tag === "th" ? "col" : undefined,
      },
      value?.type === "rich_text" ? richText(value) : decode(String(value?.text ?? value?.value ?? "")),
    );
  const [head = [], ...body] = block.rows ?? [];
  return h(
    "div",
    { class: "scroll-x", tabindex: "0", role: "region", "aria-label": "Table" },
    h(
      "table",
      {},
      h("thead", {}, h("tr", {}, head.map(cell("th")))),
      h(
        "tbody",
        {},
        body.map((row) => h("tr", {}, row.map(cell("td")))),
      ),
    ),
  );
}

function unknown(block) {
  return h("div", { class: "unknown" }, `A block of the type “${block.type}” is not drawn here.`);
}
