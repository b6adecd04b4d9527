// The left rail: channels, direct messages, the app.
import { fill, h } from "./dom.js";
import { avatar } from "./avatars.js";
import { otherSide, publicChannels, user, workspace } from "./directory.js";
import { icon } from "./icons.js";
import { me, openChannel, openHome, place } from "./place.js";
import { unlessPressed } from "./pressing.js";

/** Draw the rail. `ims` are this person's direct messages; `unread` tells what is new where. */
export function drawRail(root, ims, unread) {
  unlessPressed(root, () => drawNow(root, ims, unread));
}

function drawNow(root, ims, unread) {
  const held = root.contains(document.activeElement) ? document.activeElement.dataset.goes : undefined;
  fill(
    root,
    h("div", { class: "team" }, h("strong", {}, workspace.team.name)),
    group(
      "Channels",
      publicChannels()
        .filter(isMine)
        .map((one) => row(one.id, icon("hash"), one.name, unread.of(one.id))),
    ),
    group(
      "Direct messages",
      ims.map((one) => direct(one, unread.of(one.id))),
    ),
    group("Apps", [homeRow()]),
  );
  if (held) root.querySelector(`[data-goes="${CSS.escape(held)}"]`)?.focus({ preventScroll: true });
}

const isMine = (channel) => !channel.members || channel.members.includes(me());

function group(title, rows) {
  return h(
    "section",
    { "aria-label": title },
    h("h2", {}, title),
    rows.length ? h("ul", {}, rows) : h("p", { class: "none" }, "None yet"),
  );
}

function direct(im, mark) {
  const other = otherSide(im, me());
  const name = other.real_name || other.name;
  return row(im.id, avatar(name, other.color, { bot: other.is_bot, small: true }), name, mark);
}

function row(id, picture, name, mark) {
  const current = place().channel === id && place().view !== "home";
  return entry({ goes: id, picture, name, current, mark, run: () => openChannel(id) });
}

function homeRow() {
  const face = user(workspace.app.bot_user_id);
  const picture = avatar(workspace.app.name, face?.color, { bot: true, small: true });
  return entry({
    goes: "home",
    picture,
    name: workspace.app.name,
    current: place().view === "home",
    mark: { some: false, count: 0 },
    run: openHome,
  });
}

function entry({ goes, picture, name, current, mark, run }) {
  const classes = ["place", current && "current", mark.some && !current && "unread"].filter(Boolean).join(" ");
  const label = mark.count ? `${name}, ${mark.count} unread` : mark.some ? `${name}, unread` : undefined;
  return h(
    "li",
    {},
    h(
      "button",
      {
        type: "button",
        class: classes,
        "aria-current": current ? "page" : undefined,
        "aria-label": label,
        dataset: { goes },
        onclick: run,
      },
      picture,
      h("span", { class: "label" }, name),
      mark.count > 0 && h("span", { class: "count" }, String(mark.count)),
    ),
  );
}
