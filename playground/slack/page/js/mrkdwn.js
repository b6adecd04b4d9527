// Slack's mrkdwn to nodes: *bold*, _italic_, ~strike~, `code`, ```pre```, > quote, bullet lines, :emoji: and
// <references>.
import { h } from "./dom.js";
import { emoji, isEmoji, withGlyphs } from "./emoji.js";
import { decode, reference } from "./references.js";

const STYLES = { "*": "strong", _: "em", "~": "s" };
const FENCE = /```\n?([\s\S]+?)\n?```/;
const QUOTE = /^(?:>|&gt;) ?/;
const QUOTE_REST = /^(?:>>>|&gt;&gt;&gt;) ?/;
const BULLET = /^(\s*)(•|◦|▪︎?|-|\d+\.)\s+(?=\S)/;
const WORD = /[\p{L}\p{N}]/u;

/** A fragment for mrkdwn text. */
export function mrkdwn(text) {
  const out = document.createDocumentFragment();
  text.split(FENCE).forEach((part, index, parts) => {
    if (index % 2) return out.append(h("pre", {}, codeText(part)));
    const start = index > 0 && part.startsWith("\n") ? 1 : 0;
    const end = index < parts.length - 1 && part.endsWith("\n") ? -1 : undefined;
    const prose = part.slice(start, end);
    if (prose) out.append(...lines(prose.split("\n")));
  });
  return out;
}

/** Plain text as Slack shows it in a `plain_text` object: emoji, nothing else. */
export function plain(text, withEmoji = true) {
  const out = document.createDocumentFragment();
  text.split("\n").forEach((line, index) => {
    if (index) out.append(h("br"));
    out.append(...(withEmoji ? shortcodes(line) : [line]));
  });
  return out;
}

/** Either kind of text object. */
export function textObject(object) {
  if (!object) return document.createDocumentFragment();
  return object.type === "mrkdwn"
    ? mrkdwn(object.text ?? "")
    : plain(decode(object.text ?? ""), object.emoji !== false);
}

function lines(rows) {
  const out = [];
  let quote = null;
  for (let at = 0; at < rows.length; at++) {
    if (QUOTE_REST.test(rows[at])) {
      const rest = [rows[at].replace(QUOTE_REST, ""), ...rows.slice(at + 1)];
      return [...out, h("blockquote", {}, lines(rest))];
    }
    if (QUOTE.test(rows[at])) {
      if (!quote) out.push((quote = h("blockquote")));
      else quote.append(h("br"));
      quote.append(...inline(rows[at].replace(QUOTE, "")));
      continue;
    }
    quote = null;
    out.push(...line(rows[at], out.at(-1)));
  }
  return out;
}

/** A line of text; a bullet line hangs, and needs no break around it. */
function line(text, before) {
  const bullet = BULLET.exec(text);
  if (bullet) {
    const depth = String(Math.floor(bullet[1].length / 2));
    return [
      h(
        "span",
        { class: "hang", vars: { depth } },
        h("span", { class: "mark" }, bullet[2]),
        h("span", {}, inline(text.slice(bullet[0].length))),
      ),
    ];
  }
  const blockBefore = !before || (before instanceof Element && before.matches("blockquote, .hang"));
  if (text === "") return [h("span", { class: "gap" })];
  const gapBefore = before instanceof Element && before.matches(".gap");
  return blockBefore || gapBefore ? inline(text) : [h("br"), ...inline(text)];
}

/** One line of mrkdwn as nodes. */
export function inline(text) {
  const nodes = [];
  let plainFrom = 0;
  const flush = (to) => {
    if (to > plainFrom) nodes.push(...withGlyphs(decode(text.slice(plainFrom, to))));
  };
  for (let at = 0; at < text.length;) {
    const piece = angle(text, at) ?? code(text, at) ?? shortcode(text, at) ?? styled(text, at);
    if (!piece) {
      at++;
      continue;
    }
    flush(at);
    nodes.push(piece.node);
    at = plainFrom = piece.end;
  }
  flush(text.length);
  return nodes;
}

function angle(text, at) {
  if (text[at] !== "<") return null;
  const end = text.indexOf(">", at);
  if (end < at + 2 || text.slice(at + 1, end).includes("<")) return null;
  return { node: reference(text.slice(at + 1, end)), end: end + 1 };
}

function code(text, at) {
  if (text[at] !== "`") return null;
  const end = text.indexOf("`", at + 1);
  return end > at + 1 ? { node: h("code", {}, codeText(text.slice(at + 1, end))), end: end + 1 } : null;
}

function codeText(text) {
  return decode(
    text.replace(/<([^<>\n]+)>/g, (whole, inside) =>
      /^[@#!]|^https?:/.test(inside) ? reference(inside).textContent : whole,
    ),
  );
}

function shortcode(text, at) {
  if (text[at] !== ":") return null;
  const match = /^:([a-z0-9_+'-]+(?:::skin-tone-\d)?):/.exec(text.slice(at, at + 60));
  return match && isEmoji(match[1]) ? { node: emoji(match[1]), end: at + match[0].length } : null;
}

/** *bold* and its like: the marks must hug the words and stand apart from other words. */
function styled(text, at) {
  const mark = text[at];
  if (
    !(mark in STYLES) ||
    glued(text[at - 1], mark) ||
    !text[at + 1] ||
    /\s/.test(text[at + 1]) ||
    text[at + 1] === mark
  )
    return null;
  for (let end = at + 2; end < text.length; end++) {
    if (text[end] === "`" || text[end] === "<") end = (code(text, end) ?? angle(text, end))?.end ?? end + 1;
    if (text[end] === mark && !/\s/.test(text[end - 1]) && !glued(text[end + 1], mark))
      return { node: h(STYLES[mark], {}, inline(text.slice(at + 1, end))), end: end + 1 };
  }
  return null;
}

function glued(neighbour, mark) {
  return neighbour !== undefined && (WORD.test(neighbour) || neighbour === mark);
}

function shortcodes(text) {
  const nodes = [];
  text.split(/(:[a-z0-9_+'-]+(?:::skin-tone-\d)?:)/).forEach((part, index) => {
    if (index % 2 && isEmoji(part.slice(1, -1))) nodes.push(emoji(part.slice(1, -1)));
    else nodes.push(...withGlyphs(part));
  });
  return nodes;
}
