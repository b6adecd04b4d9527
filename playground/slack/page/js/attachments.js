// Attachments, the older way of drawing a message: Alertmanager and Grafana still use it.
import { h } from "./dom.js";
import { drawBlocks } from "./blocks.js";
import { dateNode } from "./dates.js";
import { mrkdwn, plain } from "./mrkdwn.js";
import { decode, link } from "./references.js";

/** One attachment with its colour bar. Titles are plain text: what an alert's label holds is never markup. */
export function drawAttachment(part, surface) {
  const body = [
    author(part),
    title(part),
    part.text && h("div", { class: "text" }, mrkdwn(part.text)),
    fields(part),
    part.blocks && drawBlocks(part.blocks, surface),
    linkButtons(part),
    footer(part),
  ].filter(Boolean);
  const words = body.length || part.pretext ? body : [h("div", { class: "text" }, mrkdwn(part.fallback ?? ""))];
  return h(
    "div",
    { class: "attachment" },
    part.pretext && h("div", { class: "text pretext" }, mrkdwn(part.pretext)),
    words.length > 0 && h("div", { class: "attached", vars: { bar: colour(part.color) } }, words),
  );
}

function colour(value) {
  return /^#?[0-9a-f]{3,6}$/i.test(value ?? "") ? `#${value.replace("#", "")}` : "var(--line-strong)";
}

function author(part) {
  return (
    part.author_name &&
    h(
      "div",
      { class: "author" },
      part.author_link ? link(part.author_link, decode(part.author_name)) : plain(decode(part.author_name)),
    )
  );
}

function title(part) {
  if (!part.title) return null;
  return h(
    "div",
    { class: "title" },
    part.title_link ? link(part.title_link, decode(part.title)) : plain(decode(part.title)),
  );
}

function fields(part) {
  if (!part.fields?.length) return null;
  return h(
    "div",
    { class: "fields" },
    part.fields.map((field) =>
      h(
        "div",
        { class: field.short ? "" : "wide" },
        h("div", { class: "name" }, plain(decode(field.title ?? ""))),
        h("div", { class: "text" }, mrkdwn(String(field.value ?? ""))),
      ),
    ),
  );
}

/** Buttons of the old kind; only those that are links do anything today. */
function linkButtons(part) {
  const links = (part.actions ?? []).filter(
    (action) => action.type === "button" && /^https?:/.test(action.url ?? ""),
  );
  return (
    links.length > 0 &&
    h(
      "div",
      { class: "actions" },
      links.map((action) =>
        h(
          "a",
          { class: `button ${action.style ?? ""}`, href: action.url, target: "_blank", rel: "noreferrer noopener" },
          plain(decode(action.text)),
        ),
      ),
    )
  );
}

function footer(part) {
  if (!part.footer && !part.ts) return null;
  return h(
    "div",
    { class: "footer" },
    part.footer && mrkdwn(part.footer),
    part.footer && part.ts ? " · " : "",
    part.ts ? dateNode(Number(part.ts), "{date_short_pretty} at {time}") : "",
  );
}
