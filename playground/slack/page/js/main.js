// The page: reads who and what there is, follows the stream, and shows the place that the address names.
import { byId, debounce, fill, h } from "./dom.js";
import { query, read, send } from "./api.js";
import { Composer } from "./composer.js";
import { drawControls, readControls } from "./controls.js";
import { Conversation } from "./conversation.js";
import { refreshDates } from "./dates.js";
import { watchDepths } from "./depths.js";
import {
  channel,
  channelTitle,
  learn,
  learnChannels,
  nameOf,
  otherSide,
  people,
  publicChannels,
  user,
  workspace,
} from "./directory.js";
import { drawMainHeading, drawThreadHeading, frontPane } from "./panes.js";
import { go, me, onPlace, place } from "./place.js";
import { drawRail } from "./rail.js";
import { Stream } from "./stream.js";
import { applyTheme } from "./theme.js";
import { toast } from "./toasts.js";
import { Unread } from "./unread.js";
import { drawHome, Modals } from "./views.js";

const REFRESH_DATES_MS = 15_000;

const unread = new Unread(debounce(drawUnread, 50));
const modals = new Modals();
const channelPane = new Conversation(byId("messages"), {
  inThread: false,
  onRead: (ts) => isInSight() && unread.seen(place().channel, ts),
});
const threadPane = new Conversation(byId("replies"), { inThread: true });
const channelComposer = new Composer(byId("composer"), { inThread: false });
const threadComposer = new Composer(byId("thread-composer"), { inThread: true });
const stream = new Stream({ onEvent: happened, onState: showConnection, onGap: () => void catchUp() });
let ims = [];
let home = null;

async function start() {
  applyTheme();
  const [state, controls] = await Promise.all([read("/people/state"), readControls()]);
  learn(state);
  settle(controls ?? {});
  onPlace((changed) => void moved(changed));
  await become();
  await show({ focus: false });
  setInterval(() => refreshDates(), REFRESH_DATES_MS);
  if (controls) void watchDepths();
}

/** Where to begin when the address leaves it open: as the person, in the thread, that the playground proposes. */
function settle(proposed) {
  const known = user(place().user) ? place().user : undefined;
  const start = {
    user: known ?? proposed.you ?? people()[0]?.id,
    channel: place().channel ?? proposed.channel ?? publicChannels()[0]?.id,
  };
  const untouched = !known && !place().channel && !place().thread;
  go(untouched ? { ...start, thread: proposed.thread_ts } : start, { replace: true });
}

/** Turn to the person in the address. */
async function become() {
  home = null;
  modals.restore([]);
  stream.follow(me());
  await readIms();
  if (!mayOpen(place().channel)) go({ channel: publicChannels()[0]?.id, thread: undefined }, { replace: true });
  void unread.start(me(), [...publicChannels(), ...ims]);
}

/** Whether this is this person's conversation with the app. */
function isWithApp(id) {
  const here = channel(id);
  return Boolean(here?.is_im) && otherSide(here, me()).id === workspace.app.bot_user_id;
}

/** Whether this channel is there for this person: one of the workspace's, or a conversation of their own. */
function mayOpen(id) {
  const found = channel(id);
  return Boolean(found) && (!found.is_im || ims.some((im) => im.id === id));
}

async function readIms() {
  const answer = await read(`/people/ims?${query({ user: me() })}`);
  ims = answer?.channels ?? [];
  learnChannels(ims);
}

async function readModals() {
  const answer = await read(`/people/views?${query({ user: me() })}`);
  modals.restore(answer?.views ?? []);
}

/** Somebody joined or left a channel. */
async function readState() {
  learn(await read("/people/state"));
  learnChannels(ims);
  drawSides();
}

async function moved(changed) {
  applyTheme();
  if (changed.includes("user")) await become();
  await show({ focus: changed.includes("thread") || changed.includes("channel"), again: changed.includes("user") });
}

/** Draw the place. `again` reads even what is already shown, because somebody else looks at it. */
async function show({ focus, again = false }) {
  const { channel: id, thread, view, phone } = place();
  const frame = byId("frame");
  document.documentElement.toggleAttribute("data-phone", Boolean(phone));
  Object.assign(frame.dataset, {
    pane: frontPane(),
    thread: thread ? "open" : "shut",
    view: view === "home" ? "home" : "channel",
  });
  byId("thread").hidden = !thread;
  drawSides();
  drawThreadHeading();
  const closed = isWithApp(id) && !workspace.app.takes_messages;
  channelComposer.aim({ channel: id, title: channelTitle(id, me()), closed });
  threadComposer.aim({ channel: id, thread, closed });
  channelPane.list.setAttribute("aria-label", `Messages in ${channelTitle(id, me())}`);
  threadPane.list.setAttribute("aria-label", "Messages in this thread");
  if (focus && matchMedia("(hover: hover)").matches) (thread ? threadComposer : channelComposer).focus();
  await Promise.all([
    view === "home" && openHomeTab(again),
    turn(channelPane, id, undefined, again),
    turn(threadPane, id, thread, again),
  ]);
}

function turn(pane, channelId, thread, again) {
  const same = pane.channel === channelId && pane.thread === thread;
  if (same && !again) return pane === channelPane && isInSight() && unread.seen(channelId, pane.newest());
  return pane.open(channelId, thread);
}

async function openHomeTab(again) {
  if (!home || again) drawHome(byId("home"), home);
  const answer = await send("/people/home", { user: me() });
  if (answer.view) drawHome(byId("home"), (home = answer.view));
}

function drawSides() {
  drawControls();
  drawMainHeading(ims);
  drawUnread();
}

function drawUnread() {
  drawRail(byId("rail"), ims, unread);
  const waiting = unread.total();
  const title = place().view === "home" ? workspace.app.name : channelTitle(place().channel, me());
  document.title = `${waiting ? `(${waiting}) ` : ""}${title} · ${nameOf(me() ?? "")}`;
}

/** Whether the channel itself is what the reader sees. */
const isInSight = () => !document.hidden && !["home", "rail"].includes(place().view);

/** Events that are about no message. */
const OUTSIDE = {
  view_opened: (event) => modals.opened(event.view),
  view_updated: (event) => modals.updated(event.view),
  view_closed: (event) => modals.closed(event.view.id),
  home: (event) => drawHome(byId("home"), (home = event.view)),
  notice: (event) => toast(event.text, "error"),
  member_joined: () => void readState(),
};

/** One event of the stream. */
function happened(event) {
  const outside = OUTSIDE[event.type];
  if (outside) return outside(event);
  const inChannel = channelPane.take(event);
  const inThread = threadPane.take(event);
  if (!channel(event.channel)) void readIms().then(drawSides);
  if (["message", "ephemeral"].includes(event.type)) came(event, inChannel, inThread);
}

function came(event, inChannel, inThread) {
  if (inChannel && isInSight()) unread.seen(event.channel, event.message.ts);
  else if (!(inThread && !document.hidden)) unread.arrived(event.channel, event.message);
}

/** Read again whatever is shown, after the stream was away. */
async function catchUp() {
  await Promise.all([readIms(), readModals()]);
  await Promise.all([
    readState(),
    readControls(),
    place().channel && channelPane.refresh(),
    place().thread && threadPane.refresh(),
    place().view === "home" && openHomeTab(true),
  ]);
  drawSides();
}

function showConnection(state) {
  byId("connection").hidden = state === "live";
}

document.addEventListener(
  "visibilitychange",
  () => isInSight() && unread.seen(place().channel, channelPane.newest()),
);

start().catch((problem) => {
  fill(
    byId("frame"),
    h(
      "div",
      { class: "empty" },
      h("h1", {}, "The local Slack does not answer"),
      h("p", {}, problem.message),
      h("button", { type: "button", class: "button primary", onclick: () => location.reload() }, "Try again"),
    ),
  );
});
