// Where a person types: Enter sends, Shift+Enter breaks the line, "/" runs a command of the app.
import { fill, h } from "./dom.js";
import { send } from "./api.js";
import { workspace } from "./directory.js";
import { icon } from "./icons.js";
import { me } from "./place.js";
import { whileBusy } from "./surface.js";
import { Suggestions } from "./suggest.js";

const MOST_HEIGHT_PX = 160;

export class Composer {
  #drafts = new Map();
  #target = {};

  /** `inThread`: commands do not run there, as in Slack. */
  constructor(root, { inThread }) {
    this.inThread = inThread;
    this.area = h("textarea", {
      rows: "1",
      enterkeyhint: "send",
      oninput: () => this.#typed(),
      onkeydown: (event) => this.#key(event),
    });
    this.button = h(
      "button",
      { type: "button", class: "send", "aria-label": "Send", title: "Send", onclick: () => void this.#send() },
      icon("send"),
    );
    this.note = h("p", { class: "composer-note", role: "status", hidden: true });
    this.suggestions = new Suggestions(this.area, { commands: !inThread, onNote: (text) => this.#hint(text) });
    this.typing = h("div", { class: "typing" }, this.area, this.button);
    fill(root, this.suggestions.node, this.note, this.typing);
  }

  /** Turn to a channel or thread; what was typed elsewhere waits there. `closed`: nobody can write there. */
  aim({ channel, thread, title, closed = false }) {
    this.typing.hidden = closed;
    this.#drafts.set(key(this.#target), this.area.value);
    this.#target = { channel, thread };
    this.area.value = this.#drafts.get(key(this.#target)) ?? "";
    const words = this.inThread ? "Reply…" : `Message ${title}`;
    this.area.placeholder = words;
    this.area.setAttribute("aria-label", words);
    if (closed) this.#say("Sending messages to this app has been turned off.");
    else this.#hint(this.area.value);
    this.#grow();
  }

  focus() {
    this.area.focus({ preventScroll: true });
  }

  #typed() {
    this.#hint(this.area.value);
    this.#grow();
  }

  #grow() {
    this.area.style.height = "auto";
    this.area.style.height = `${Math.min(this.area.scrollHeight, MOST_HEIGHT_PX)}px`;
    this.button.classList.toggle("ready", this.area.value.trim() !== "");
  }

  #key(event) {
    if (this.suggestions.takesKey(event) || event.isComposing) return;
    if (event.key !== "Enter" || event.shiftKey) return;
    event.preventDefault();
    void this.#send();
  }

  /** In a thread, say what to do instead of a command; with a command in the channel, show how it goes on. */
  #hint(text) {
    const command = workspace.app.commands.find((one) => text === one.command || text.startsWith(`${one.command} `));
    const words = text.split(" ").slice(1).join(" ") || "status";
    if (text.startsWith("/") && this.inThread)
      this.#say(`Slash commands do not work in threads. Write @${mentionName()} ${words} instead.`);
    else if (command?.usage_hint) this.#say(`${command.command} ${command.usage_hint}`);
    else this.#say("");
  }

  #say(words) {
    this.note.textContent = words;
    this.note.hidden = !words;
  }

  async #send() {
    const text = this.area.value.trim();
    if (!text || this.area.getAttribute("aria-busy") === "true") return;
    if (text.startsWith("/") && this.inThread) return this.area.focus();
    const answer = await whileBusy(this.area, () => this.#post(text));
    if (answer.ok && this.area.value.trim() === text) {
      this.area.value = "";
      this.#typed();
    }
  }

  #post(text) {
    const { channel, thread } = this.#target;
    if (!text.startsWith("/")) return send("/people/message", { user: me(), channel, text, thread_ts: thread });
    const [command, ...rest] = text.split(/\s/);
    return send("/people/command", { user: me(), channel, command, text: rest.join(" ") });
  }
}

const key = ({ channel, thread }) => `${channel}/${thread ?? ""}`;
const mentionName = () => workspace.app.name.toLowerCase().replaceAll(" ", "-");
