// What stands between < and > in Slack's text: people, channels, groups, broadcasts, dates and links.
import { h } from "./dom.js";
import * as directory from "./directory.js";
import { dateNode } from "./dates.js";
import { me, openChannel } from "./place.js";

const SAFE = /^(https?:\/\/|mailto:|tel:)/i;

/** Slack escapes exactly these three characters. */
export const decode = (text) => text.replace(/&lt;/g, "<").replace(/&gt;/g, ">").replace(/&amp;/g, "&");

/** The node for the inside of `<…>`; whatever is not a reference of Slack's stays visible text. */
export function reference(inside) {
  const bar = inside.indexOf("|");
  const target = bar < 0 ? inside : inside.slice(0, bar);
  const label = bar < 0 ? "" : decode(inside.slice(bar + 1));
  if (/^@[UWB]\w+$/.test(target)) return person(target.slice(1), label);
  if (/^#[CDG]\w+$/.test(target)) return channelLink(target.slice(1), label);
  if (/^!subteam\^\w+/.test(target)) return groupMention(target.split("^")[1], label);
  if (/^!(channel|here|everyone)$/.test(target)) return mention(`@${target.slice(1)}`, true);
  if (target.startsWith("!date^")) return date(target, label);
  if (SAFE.test(target)) return link(decode(target), label);
  return document.createTextNode(decode(`<${inside}>`));
}

/** A mention of a person; the reader's own stands out. */
export function person(id, label) {
  const name = directory.user(id) ? directory.nameOf(id) : label || id;
  return mention(`@${name}`, id === me());
}

/** A mention of a user group. */
export function groupMention(id, label) {
  const found = directory.group(id);
  const name = found ? `@${found.handle}` : label || `@${id}`;
  return mention(name, Boolean(found?.users?.includes(me())));
}

/** A channel's name that opens it. */
export function channelLink(id, label) {
  const name = `#${directory.channel(id)?.name ?? (label || id)}`;
  if (!directory.channel(id)) return mention(name, false);
  return h("button", { class: "mention as-link", type: "button", onclick: () => openChannel(id) }, name);
}

/** A link, to web, mail and phone addresses only. */
export function link(url, label) {
  if (!SAFE.test(url)) return document.createTextNode(label || url);
  return h("a", { href: url, target: "_blank", rel: "noreferrer noopener" }, label || url.replace(/^mailto:/, ""));
}

/** A highlighted name. */
export function mention(text, mine) {
  return h("span", { class: mine ? "mention mine" : "mention" }, text);
}

function date(target, fallback) {
  const [, epoch, template = "{date_num} {time_secs}", url] = target.split("^");
  if (!/^\d+$/.test(epoch)) return document.createTextNode(fallback || target);
  return dateNode(Number(epoch), decode(template), url && SAFE.test(url) ? decode(url) : undefined);
}
