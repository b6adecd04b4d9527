// A list of messages that agrees with the stream: a channel, or one thread of it. Messages change in place,
// each under its own key, so nothing else moves; the list stays at its end when the reader was there. A channel opens
// at its end; a thread at its beginning, where the message stands that it is about.
import { fill, h } from "./dom.js";
import { query, read } from "./api.js";
import { dayTitle } from "./dates.js";
import { author, drawMessage, keyOf, messageLabel } from "./messages.js";
import { me } from "./place.js";
import { unlessPressed } from "./pressing.js";
import { toast } from "./toasts.js";

const GROUP_SECONDS = 300;
const AT_END_PX = 60;
const SOON_MS = 16;

export class Conversation {
  #list;
  #pill;
  #messages = new Map();
  #drawn = new Map();
  #reading = 0;
  #due = 0;
  #atEnd = true;

  /** `root` holds the list; `inThread` says which of the two kinds it is. */
  constructor(root, { inThread, onRead }) {
    this.inThread = inThread;
    this.onRead = onRead ?? (() => {});
    this.#list = h("div", {
      class: "messages",
      role: "log",
      "aria-live": "polite",
      "aria-relevant": "additions",
      tabindex: "0",
    });
    this.#pill = h(
      "button",
      { type: "button", class: "to-end", hidden: true, onclick: () => this.#toEnd() },
      "New messages ↓",
    );
    this.#list.addEventListener("scroll", () => this.#scrolled());
    new ResizeObserver(() => this.#atEnd && this.#toEnd()).observe(this.#list);
    fill(root, this.#list, this.#pill);
  }

  /** Show a channel, or a thread of it; nothing when `channel` is empty. */
  async open(channel, thread) {
    const same = this.channel === channel && this.thread === thread;
    Object.assign(this, { channel, thread });
    if (!same) this.#clear();
    if (channel && (!this.inThread || thread)) await this.refresh();
  }

  /** Read everything again: on opening, and after a gap in the stream. */
  async refresh() {
    const turn = ++this.#reading;
    this.#list.setAttribute("aria-busy", "true");
    try {
      const answer = await read(
        `/people/messages?${query({ channel: this.channel, user: me(), thread_ts: this.thread })}`,
      );
      if (turn !== this.#reading) return;
      this.#messages = new Map(answer.messages.map((message) => [keyOf(message), message]));
      this.#draw();
      this.onRead(this.newest());
    } catch (problem) {
      if (turn === this.#reading) toast(problem.message, "error");
    } finally {
      if (turn === this.#reading) this.#list.removeAttribute("aria-busy");
    }
  }

  /** Take in one message event; true when it belongs here. While a read is under way, the read starts anew. */
  take(event) {
    if (event.channel !== this.channel || (this.inThread && !this.thread)) return false;
    const message = event.message ?? this.#messages.get(event.ts);
    if (!message || !this.#belongs(message)) return false;
    if (this.#list.hasAttribute("aria-busy")) void this.refresh();
    if (event.type === "message" && message.user === me()) this.#atEnd = true;
    const key = keyOf(message);
    if (event.type.endsWith("_deleted")) this.#messages.delete(key);
    else this.#messages.set(key, message);
    this.#drawSoon();
    return true;
  }

  /** The ts of the last message, empty when there is none. */
  newest() {
    return [...this.#messages.values()].reduce((latest, { ts }) => (ts > latest ? ts : latest), "");
  }

  #belongs(message) {
    if (this.inThread) return message.ts === this.thread || message.thread_ts === this.thread;
    return !message.thread_ts || message.thread_ts === message.ts || message.subtype === "thread_broadcast";
  }

  #clear() {
    this.#messages.clear();
    this.#drawn.clear();
    this.#atEnd = !this.inThread;
    fill(this.#list);
  }

  /** In a storm of events, draw once for all that came within a moment. */
  #drawSoon() {
    this.#due ||= setTimeout(() => this.#draw(), SOON_MS);
  }

  #draw() {
    clearTimeout(this.#due);
    this.#due = 0;
    unlessPressed(this.#list, () => this.#drawNow());
  }

  #drawNow() {
    const ordered = [...this.#messages.values()].sort((a, b) => (a.ts < b.ts ? -1 : 1));
    const first = this.#drawn.size === 0;
    const grew = !first && ordered.some((message) => !this.#drawn.has(keyOf(message)));
    const replies = ordered.filter((message) => !message.ephemeral).length - 1;
    const nodes = [];
    let before = null;
    for (const message of ordered) {
      if (!this.inThread && dayOf(message) !== dayOf(before))
        nodes.push(this.#keep(`day-${dayOf(message)}`, dayTitle(message.ts), () => dayLine(message)));
      nodes.push(this.#article(message, before));
      if (this.inThread && message.ts === this.thread)
        nodes.push(this.#keep("count", replies, () => countLine(replies)));
      before = message;
    }
    this.#place(nodes);
    if (this.#atEnd) this.#toEnd();
    else if (first) this.#scrolled();
    else if (grew) this.#pill.hidden = false;
  }

  /** The node under `key`, made anew when its `sign` changed. */
  #keep(key, sign, make) {
    const old = this.#drawn.get(key);
    if (old?.sign === sign) return old.node;
    const node = make();
    this.#drawn.set(key, { node, sign });
    return node;
  }

  #article(message, before) {
    const scene = { channel: this.channel, inThread: this.inThread, compact: follows(message, before) };
    const key = keyOf(message);
    const old = this.#drawn.get(key);
    if (old && old.compact === scene.compact && isSame(old.message, message)) return old.node;
    const node = old?.node ?? h("article", { tabindex: "-1", dataset: { key, ts: message.ts } });
    node.className = ["message", scene.compact && "compact", message.ephemeral && "whisper"]
      .filter(Boolean)
      .join(" ");
    node.setAttribute("aria-label", messageLabel(message));
    keepingFocus(node, () => fill(node, drawMessage(message, scene)));
    if (old && saysOther(old.message, message)) highlight(node);
    this.#drawn.set(key, { node, compact: scene.compact, message });
    return node;
  }

  /** Put the nodes in order, touching only those that are new, gone or moved. */
  #place(nodes) {
    const wanted = new Set(nodes);
    for (const [key, { node }] of this.#drawn) if (!wanted.has(node)) this.#drawn.delete(key);
    for (const node of [...this.#list.children]) if (!wanted.has(node)) node.remove();
    nodes.forEach((node, index) => {
      if (this.#list.children[index] !== node) this.#list.insertBefore(node, this.#list.children[index] ?? null);
    });
  }

  #scrolled() {
    this.#atEnd = this.#list.scrollHeight - this.#list.scrollTop - this.#list.clientHeight < AT_END_PX;
    if (this.#atEnd) this.#pill.hidden = true;
  }

  #toEnd() {
    this.#list.scrollTop = this.#list.scrollHeight;
    this.#pill.hidden = true;
    this.#atEnd = true;
  }

  /** The list, for its label. */
  get list() {
    return this.#list;
  }
}

const dayOf = (message) => message && new Date(Number(message.ts) * 1000).toDateString();

function dayLine(message) {
  return h("div", { class: "day", role: "separator" }, h("span", {}, dayTitle(message.ts)));
}

function countLine(count) {
  return h(
    "div",
    { class: "day count", role: "separator" },
    h("span", {}, count === 0 ? "No replies yet" : count === 1 ? "1 reply" : `${count} replies`),
  );
}

/** Whether a message goes on below the one before it, without a face of its own. */
function follows(message, before) {
  if (!before || message.ephemeral || before.ephemeral || message.subtype || before.subtype) return false;
  if (message.blocks?.length || before.blocks?.length || before.reply_count) return false;
  return (
    author(message).id === author(before).id &&
    Number(message.ts) - Number(before.ts) < GROUP_SECONDS &&
    dayOf(message) === dayOf(before)
  );
}

const isSame = (old, message) => old === message || JSON.stringify(old) === JSON.stringify(message);

/** Whether an edit changed what the message says, and not only its replies or reactions. */
function saysOther(old, message) {
  const said = ({ text, blocks, attachments }) => JSON.stringify([text, blocks, attachments]);
  return said(old) !== said(message);
}

function highlight(node) {
  node.classList.remove("changed");
  void node.offsetWidth;
  node.classList.add("changed");
}

/** Redraw, and give the focus back to the control that had it, or to the message when that control is gone. */
function keepingFocus(node, redraw) {
  const held = node.contains(document.activeElement) ? document.activeElement : null;
  redraw();
  if (!held || held === node) return;
  const same = held.dataset.actionId && node.querySelector(`[data-action-id="${CSS.escape(held.dataset.actionId)}"]`);
  (same || node).focus({ preventScroll: true });
}
