// One message: who, when, what, and what can be done with it.
import { h } from "./dom.js";
import { send } from "./api.js";
import { avatar } from "./avatars.js";
import { drawAttachment } from "./attachments.js";
import { drawBlocks } from "./blocks.js";
import { dateNode, shortTime } from "./dates.js";
import { nameOf, user, userOfBot } from "./directory.js";
import { icon } from "./icons.js";
import { mrkdwn } from "./mrkdwn.js";
import { me, openThread } from "./place.js";
import { reactions, tools } from "./reactions.js";
import { surface } from "./surface.js";

const QUIET = new Set([
  "channel_join",
  "channel_leave",
  "channel_topic",
  "channel_purpose",
  "channel_name",
  "tombstone",
]);

/** What tells one message of a channel from another. */
export const keyOf = (message) => message.ephemeral_id ?? message.ts;

/** Who wrote it: {id, name, colour, bot}. Incoming webhooks have a name and no user. */
export function author(message) {
  const known = user(message.user) ?? userOfBot(message.bot_id);
  const name =
    message.username ||
    known?.real_name ||
    known?.name ||
    message.bot_profile?.name ||
    (message.user ? nameOf(message.user) : "App");
  return {
    id: known?.id ?? message.bot_id ?? name,
    name,
    colour: known?.color,
    bot: Boolean(message.bot_id || known?.is_bot),
  };
}

/** The inside of a message's <article>. `scene`: {channel, inThread, compact}. */
export function drawMessage(message, scene) {
  if (QUIET.has(message.subtype)) return [quiet(message)];
  const who = author(message);
  const face = scene.compact
    ? h("span", { class: "margin" }, h("time", {}, shortTime(message.ts)))
    : avatar(who.name, who.colour, who);
  return [
    face,
    h(
      "div",
      { class: "content" },
      message.ephemeral && whisperMark(message),
      broadcastMark(message, scene),
      !scene.compact && heading(message, who),
      body(message, scene),
      reactions(message, scene),
      !scene.inThread && replies(message, scene),
    ),
    !message.ephemeral && tools(message, scene),
  ].filter(Boolean);
}

/** What a screen reader calls the message. */
export function messageLabel(message) {
  return `${author(message).name}, ${shortTime(message.ts)}${message.ephemeral ? ", only visible to you" : ""}`;
}

function quiet(message) {
  const who = message.subtype === "tombstone" ? null : h("strong", {}, author(message).name);
  return h(
    "div",
    { class: "quiet-line" },
    who,
    " ",
    mrkdwn((message.text ?? "").replace(/^<@\w+(\|[^>]*)?> /, "")),
    " ",
    h("time", {}, shortTime(message.ts)),
  );
}

function heading(message, who) {
  return h(
    "header",
    {},
    h("span", { class: "name" }, who.name),
    who.bot && h("span", { class: "badge" }, "APP"),
    stamp(message),
    edited(message),
  );
}

function stamp(message) {
  const time = dateNode(Number(message.ts), "{time}");
  delete time.dataset.template;
  return time;
}

function edited(message) {
  return (
    message.edited &&
    h("span", { class: "muted edited", title: `Edited at ${shortTime(message.edited.ts)}` }, "edited")
  );
}

function whisperMark(message) {
  const dismiss = () => send("/people/dismiss", { user: me(), ephemeral_id: message.ephemeral_id });
  return h(
    "div",
    { class: "whisper-mark" },
    icon("eye"),
    "Only visible to you",
    h("button", { type: "button", class: "as-link dismiss", onclick: dismiss }, "Dismiss"),
  );
}

function broadcastMark(message, scene) {
  if (message.subtype !== "thread_broadcast") return null;
  if (scene.inThread) return h("div", { class: "whisper-mark" }, icon("reply"), "Also sent to the channel");
  return h(
    "button",
    { type: "button", class: "whisper-mark as-link", onclick: () => openThread(scene.channel, message.thread_ts) },
    icon("reply"),
    "Replied in a thread",
  );
}

function body(message, scene) {
  const where = message.ephemeral
    ? { ephemeral_id: message.ephemeral_id }
    : { channel: scene.channel, ts: message.ts };
  const stage = surface(where, [
    ...(message.blocks ?? []),
    ...(message.attachments ?? []).flatMap((part) => part.blocks ?? []),
  ]);
  const text = message.text && !message.blocks?.length && h("div", { class: "text" }, mrkdwn(message.text));
  return h(
    "div",
    { class: "body" },
    text,
    message.blocks?.length > 0 && drawBlocks(message.blocks, stage),
    (message.attachments ?? []).map((part) => drawAttachment(part, stage)),
  );
}

function replies(message, scene) {
  if (!message.reply_count) return null;
  const count = message.reply_count === 1 ? "1 reply" : `${message.reply_count} replies`;
  const faces = (message.reply_users ?? [])
    .slice(0, 4)
    .map((id) => user(id))
    .filter(Boolean)
    .map((one) => avatar(one.real_name || one.name, one.color, { small: true, bot: one.is_bot }));
  return h(
    "button",
    { type: "button", class: "replies", onclick: () => openThread(scene.channel, message.ts) },
    faces,
    h("span", { class: "count" }, count),
    message.latest_reply &&
      h("span", { class: "muted" }, "Last reply ", dateNode(Number(message.latest_reply), "{ago}")),
  );
}
