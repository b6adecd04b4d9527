// The rich_text block (docs.slack.dev, "Rich text block"): sections, lists, quotes, preformatted text and their
// elements.
import { h } from "./dom.js";
import { dateNode } from "./dates.js";
import { emoji, withGlyphs } from "./emoji.js";
import { channelLink, groupMention, link, mention, person } from "./references.js";

const CONTAINERS = {
  rich_text_section: (part) => h("div", {}, inlineAll(part.elements)),
  rich_text_preformatted: (part) => h("pre", {}, inlineAll(part.elements)),
  rich_text_quote: (part) => h("blockquote", {}, inlineAll(part.elements)),
  rich_text_list: (part) =>
    h(
      part.style === "ordered" ? "ol" : "ul",
      {
        class: "rich-list",
        vars: { depth: String(part.indent ?? 0) },
        start: part.offset ? String(part.offset + 1) : undefined,
      },
      (part.elements ?? []).map((item) => h("li", {}, inlineAll(item.elements))),
    ),
};

const ELEMENTS = {
  text: (item) => linesOf(item.text ?? ""),
  link: (item) => link(item.url, item.text),
  emoji: (item) => emoji(item.name),
  user: (item) => person(item.user_id, ""),
  usergroup: (item) => groupMention(item.usergroup_id, ""),
  channel: (item) => channelLink(item.channel_id, ""),
  broadcast: (item) => mention(`@${item.range}`, true),
  date: (item) => dateNode(item.timestamp, item.format, item.url),
};

const STYLES = { bold: "strong", italic: "em", strike: "s", code: "code", underline: "u" };

/** The nodes of one rich_text block. */
export function richText(block) {
  return h(
    "div",
    { class: "rich" },
    (block.elements ?? []).map((part) => CONTAINERS[part.type]?.(part) ?? ""),
  );
}

function inlineAll(elements) {
  return (elements ?? []).map((item) => wrap(ELEMENTS[item.type]?.(item) ?? item.text ?? "", item.style));
}

function wrap(node, style) {
  return Object.entries(STYLES).reduce((inner, [name, tag]) => (style?.[name] ? h(tag, {}, inner) : inner), node);
}

function linesOf(text) {
  return text.split("\n").flatMap((line, index) => (index ? [h("br"), ...withGlyphs(line)] : withGlyphs(line)));
}
