// The `markdown` block: the part of Markdown that Slack draws. Headings, lists, quotes, fences, tables, rules,
// and inline bold, italic, strike, code and links. Slack's own <references> work in it too.
import { h } from "./dom.js";
import { emoji, isEmoji, withGlyphs } from "./emoji.js";
import { decode, link, reference } from "./references.js";

const ITEM = /^(\s*)([-*+]|\d+[.)])\s+(.*)$/;
const ROW = /^\s*\|(.+)\|\s*$/;
const RULE = /^\s*([-*_])(\s*\1){2,}\s*$/;

const INLINE = [
  [/^`([^`]+)`/, (m) => h("code", {}, m[1])],
  [/^\*\*(?=\S)(.+?)\*\*/, (m) => h("strong", {}, inline(m[1]))],
  [/^__(?=\S)(.+?)__/, (m) => h("strong", {}, inline(m[1]))],
  [/^~~(?=\S)(.+?)~~/, (m) => h("s", {}, inline(m[1]))],
  [/^\*(?=\S)([^*]+?)\*/, (m) => h("em", {}, inline(m[1]))],
  [/^_(?=\S)([^_]+?)_(?!\w)/, (m) => h("em", {}, inline(m[1]))],
  [/^!?\[([^\]]*)\]\(([^)\s]+)(?:\s+"[^"]*")?\)/, (m) => link(m[2], decode(m[1]) || m[2])],
  [/^<([^<>\n]+)>/, (m) => reference(m[1])],
  [/^\\([\\`*_{}[\]()#+\-.!~|>])/, (m) => document.createTextNode(m[1])],
];

/** The nodes of one markdown block's text. */
export function markdown(text) {
  const out = h("div", { class: "markdown" });
  const rows = text.replace(/\r/g, "").split("\n");
  for (let at = 0; at < rows.length;) at = oneBlock(rows, at, out);
  return out;
}

/** Draw the block that begins at row `at`; returns where the next one begins. */
function oneBlock(rows, at, out) {
  const heading = /^(#{1,6})\s+(.*)$/.exec(rows[at]);
  if (/^\s*```/.test(rows[at])) return fence(rows, at, out);
  if (!rows[at].trim()) return at + 1;
  if (heading)
    out.append(
      h("p", { class: "heading", role: "heading", "aria-level": String(heading[1].length + 2) }, inline(heading[2])),
    );
  else if (RULE.test(rows[at])) out.append(h("hr"));
  else if (ITEM.test(rows[at]))
    return gather(
      rows,
      at,
      (row) => ITEM.test(row),
      (part) => out.append(list(part)),
    );
  else if (/^\s*>/.test(rows[at]))
    return gather(
      rows,
      at,
      (row) => /^\s*>/.test(row),
      (part) => out.append(quote(part)),
    );
  else if (isTable(rows, at))
    return gather(
      rows,
      at,
      (row) => ROW.test(row),
      (part) => out.append(table(part)),
    );
  else
    return gather(
      rows,
      at,
      (row, index) => index === at || isProse(row),
      (part) => out.append(h("p", {}, withBreaks(part))),
    );
  return at + 1;
}

function gather(rows, from, belongs, use) {
  let to = from;
  while (to < rows.length && belongs(rows[to], to)) to++;
  use(rows.slice(from, to));
  return to;
}

function fence(rows, from, out) {
  let to = from + 1;
  while (to < rows.length && !/^\s*```/.test(rows[to])) to++;
  out.append(h("pre", {}, rows.slice(from + 1, to).join("\n")));
  return to + 1;
}

function isProse(row) {
  return row.trim() !== "" && !/^(#{1,6}\s|\s*```|\s*>)/.test(row) && !ITEM.test(row) && !RULE.test(row);
}

const isTable = (rows, at) => ROW.test(rows[at]) && /^\s*\|[\s:|-]+\|\s*$/.test(rows[at + 1] ?? "");

function list(rows) {
  const items = rows.map((row) => ITEM.exec(row));
  return h(
    "div",
    { class: "md-list" },
    items.map(([, indent, mark, text]) => {
      const task = /^\[([ xX])\]\s+(.*)$/.exec(text);
      const sign = task ? (task[1] === " " ? "☐" : "☑") : /\d/.test(mark) ? mark : "•";
      return h(
        "span",
        { class: "hang", vars: { depth: String(Math.floor(indent.length / 2)) } },
        h("span", { class: "mark" }, sign),
        h("span", {}, inline(task ? task[2] : text)),
      );
    }),
  );
}

function quote(rows) {
  return h("blockquote", {}, withBreaks(rows.map((row) => row.replace(/^\s*>\s?/, ""))));
}

function table(rows) {
  const cells = (row) =>
    ROW.exec(row)[1]
      .split(/(?<!\\)\|/)
      .map((cell) => cell.trim());
  const [head, rule, ...body] = rows.map(cells);
  const align = (index) => ({
    class: /^:-+:$/.test(rule[index]) ? "center" : /-:$/.test(rule[index]) ? "right" : "",
  });
  return h(
    "div",
    { class: "scroll-x" },
    h(
      "table",
      {},
      h(
        "thead",
        {},
        h(
          "tr",
          {},
          head.map((cell, index) => h("th", align(index), inline(cell))),
        ),
      ),
      h(
        "tbody",
        {},
        body.map((row) =>
          h(
            "tr",
            {},
            row.map((cell, index) => h("td", align(index), inline(cell))),
          ),
        ),
      ),
    ),
  );
}

function withBreaks(rows) {
  return rows.flatMap((row, index) => (index ? [h("br"), ...inline(row)] : inline(row)));
}

function inline(text) {
  const nodes = [];
  let words = "";
  const flush = () => {
    if (words) nodes.push(...withGlyphs(decode(words)));
    words = "";
  };
  for (let at = 0; at < text.length;) {
    const [node, length] = match(text.slice(at), text[at - 1]);
    if (!node) words += text[at++];
    else {
      flush();
      nodes.push(node);
      at += length;
    }
  }
  flush();
  return nodes;
}

function match(rest, before) {
  const short = /^:([a-z0-9_+'-]+):/.exec(rest);
  if (short && isEmoji(short[1])) return [emoji(short[1]), short[0].length];
  if (/\w/.test(before ?? "") && rest[0] === "_") return [null, 0];
  for (const [pattern, make] of INLINE) {
    const found = pattern.exec(rest);
    if (found) return [make(found), found[0].length];
  }
  return [null, 0];
}
