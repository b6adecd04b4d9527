// The headings of the two panes, and which pane is shown where only one fits.
import { byId, fill, h } from "./dom.js";
import { channel, channelTitle, otherSide, workspace } from "./directory.js";
import { icon } from "./icons.js";
import { closeThread, me, openChannel, openHome, openRail, place } from "./place.js";

/** Which pane is in front on a narrow screen: rail, main or thread. */
export function frontPane() {
  if (place().view === "rail") return "rail";
  return place().thread ? "thread" : "main";
}

/** Draw the heading over the channel or the Home tab. `ims` are this person's direct messages. */
export function drawMainHeading(ims) {
  const home = place().view === "home";
  const here = channel(place().channel);
  const withApp = ims.find((one) => otherSide(one, me()).id === workspace.app.bot_user_id);
  const atApp = home || (here?.is_im && withApp?.id === here.id);
  const title = home
    ? workspace.app.name
    : here?.is_im
      ? channelTitle(here.id, me())
      : [icon("hash"), here?.name ?? ""];
  fill(
    byId("main-heading"),
    back("Back to the list of channels", openRail),
    h("h1", {}, title),
    atApp && tabs(home, withApp),
    !atApp && !here?.is_im && topic(here),
  );
}

function topic(here) {
  const count = here?.members?.length;
  return h("p", { class: "topic" }, [here?.topic, count && `${count} members`].filter(Boolean).join(" · "));
}

function tabs(home, im) {
  const tab = (name, current, run) =>
    h("button", { type: "button", class: "tab", "aria-current": current ? "page" : undefined, onclick: run }, name);
  return h(
    "nav",
    { class: "tabs", "aria-label": "App" },
    tab("Home", home, openHome),
    im && tab("Messages", !home, () => openChannel(im.id)),
  );
}

/** Draw the heading over the thread. */
export function drawThreadHeading() {
  const close = h(
    "button",
    {
      type: "button",
      class: "quiet close",
      "aria-label": "Close thread",
      title: "Close thread",
      onclick: closeThread,
    },
    icon("close"),
  );
  fill(
    byId("thread-heading"),
    back("Back to the channel", closeThread),
    h("h2", {}, "Thread"),
    h("p", { class: "topic" }, channelTitle(place().channel, me())),
    close,
  );
}

function back(label, run) {
  return h(
    "button",
    { type: "button", class: "quiet back", "aria-label": label, title: label, onclick: run },
    icon("back"),
  );
}
