// Reactions below a message, and the small toolbar at its corner.
import { h } from "./dom.js";
import { send } from "./api.js";
import { nameOf, workspace } from "./directory.js";
import { emoji, PICKER } from "./emoji.js";
import { icon } from "./icons.js";
import { openMenu } from "./overlays.js";
import { me, openThread } from "./place.js";
import { whileBusy } from "./surface.js";

/** The reactions of a message as buttons; pressing one adds or takes back one's own. */
export function reactions(message, scene) {
  if (!message.reactions?.length) return null;
  return h(
    "div",
    { class: "reactions" },
    message.reactions.map((reaction) => pill(reaction, message, scene)),
  );
}

function pill(reaction, message, scene) {
  const mine = reaction.users?.includes(me());
  const names = (reaction.users ?? []).map((id) => (id === me() ? "You" : nameOf(id))).join(", ");
  const node = h(
    "button",
    {
      type: "button",
      class: "reaction",
      "aria-pressed": String(Boolean(mine)),
      title: `${names} reacted with :${reaction.name}:`,
      "aria-label": `${reaction.name}, ${reaction.count}`,
      dataset: { reaction: reaction.name },
      onclick: () => whileBusy(node, () => react(message, scene, reaction.name, mine)),
    },
    emoji(reaction.name),
    h("span", {}, String(reaction.count ?? reaction.users.length)),
  );
  return node;
}

const react = (message, scene, name, remove) =>
  send("/people/reaction", { user: me(), channel: scene.channel, ts: message.ts, name, remove: Boolean(remove) });

/** React, reply, and the app's message shortcuts. */
export function tools(message, scene) {
  return h(
    "div",
    { class: "tools", role: "group", "aria-label": "Message actions" },
    tool("Add a reaction", "smile", (anchor) => pick(anchor, message, scene)),
    !scene.inThread &&
      tool("Reply in thread", "reply", () => openThread(scene.channel, message.thread_ts ?? message.ts)),
    tool("More message actions", "more", (anchor) => more(anchor, message, scene), true),
  );
}

function tool(label, picture, run, menu = false) {
  const node = h(
    "button",
    {
      type: "button",
      title: label,
      "aria-label": label,
      "aria-haspopup": menu ? "menu" : undefined,
      onclick: () => run(node),
    },
    icon(picture),
  );
  return node;
}

function pick(anchor, message, scene) {
  const items = PICKER.map((name) => ({
    label: name.replaceAll("_", " "),
    node: emoji(name),
    iconOnly: true,
    run: () => void react(message, scene, name, false),
  }));
  openMenu(anchor, items, { label: "Reactions", align: "end", grid: true });
}

function more(anchor, message, scene) {
  const shortcuts = workspace.app.shortcuts
    .filter((one) => one.type === "message")
    .map((one) => ({
      label: one.name,
      hint: workspace.app.name,
      run: () =>
        void send("/people/shortcut", {
          user: me(),
          callback_id: one.callback_id,
          channel: scene.channel,
          ts: message.ts,
        }),
    }));
  const copy = {
    label: "Copy text",
    run: () => navigator.clipboard?.writeText(anchor.closest("article").querySelector(".body").innerText),
  };
  openMenu(anchor, [...shortcuts, copy], { label: "Message actions", align: "end" });
}
