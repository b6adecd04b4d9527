// Completion while typing: slash commands and global shortcuts after "/", people, groups and the app after "@".
import { fill, freshId, h } from "./dom.js";
import { send } from "./api.js";
import { avatar } from "./avatars.js";
import { allGroups, everyone, handleOf, workspace } from "./directory.js";
import { me } from "./place.js";

const MOST = 8;

/** A list of suggestions over a text area. `commands` is false in a thread, where they do not run. */
export class Suggestions {
  #rows = [];
  #at = 0;
  #ends = 0;

  constructor(area, { commands, onNote }) {
    this.area = area;
    this.commands = commands;
    this.onNote = onNote;
    this.node = h("div", {
      class: "suggestions",
      role: "listbox",
      "aria-label": "Suggestions",
      hidden: true,
      id: freshId("suggestions"),
    });
    area.setAttribute("aria-autocomplete", "list");
    area.setAttribute("aria-controls", this.node.id);
    area.addEventListener("input", () => this.update());
    area.addEventListener("blur", () => setTimeout(() => this.hide(), 150));
  }

  /** Look at what stands before the caret. */
  update() {
    const before = this.area.value.slice(0, this.area.selectionStart);
    const slash = /^\/(\S*)$/.exec(before);
    const at = /(?:^|[\s(])@([\p{L}\p{N}._-]*)$/u.exec(before);
    this.onNote(this.area.value);
    const rows = slash && this.commands ? [...commandRows(slash[1]), ...shortcutRows(slash[1].toLowerCase())] : [];
    if (rows.length) this.#show(rows, before.length - slash[0].length);
    else if (at) this.#show(nameRows(at[1].toLowerCase()), before.length - at[1].length - 1);
    else this.hide();
  }

  /** Handle a key while the list is open; true when it was used up. */
  takesKey(event) {
    if (this.node.hidden) return false;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) this.#mark((this.#at + step + this.#rows.length) % this.#rows.length);
    else if (event.key === "Tab" || (event.key === "Enter" && !this.#complete())) this.#choose(this.#rows[this.#at]);
    else if (event.key === "Escape") this.hide();
    else return false;
    event.preventDefault();
    event.stopPropagation();
    return true;
  }

  hide() {
    this.node.hidden = true;
    this.area.removeAttribute("aria-activedescendant");
  }

  /** A command typed in full is run by Enter, not completed once more. */
  #complete() {
    return this.#rows[this.#at].text === this.area.value.slice(this.#ends) && this.area.value.startsWith("/");
  }

  #show(rows, from) {
    this.#rows = rows.slice(0, MOST);
    this.#ends = from;
    if (!rows.length) return this.hide();
    fill(
      this.node,
      this.#rows.map((row) =>
        h(
          "div",
          {
            role: "option",
            id: freshId("option"),
            class: "suggestion",
            onmousedown: (event) => {
              event.preventDefault();
              this.#choose(row);
            },
          },
          row.node,
        ),
      ),
    );
    this.node.hidden = false;
    this.#mark(0);
  }

  #mark(at) {
    this.#at = at;
    [...this.node.children].forEach((node, index) => node.setAttribute("aria-selected", String(index === at)));
    const node = this.node.children[at];
    node.scrollIntoView({ block: "nearest" });
    this.area.setAttribute("aria-activedescendant", node.id);
  }

  /** Put what was chosen in place of what was typed; a shortcut runs instead, and leaves nothing behind. */
  #choose(row) {
    const caret = this.area.selectionStart;
    this.area.setRangeText(row.run ? "" : `${row.text} `, this.#ends, caret, "end");
    row.run?.();
    this.hide();
    this.area.dispatchEvent(new Event("input", { bubbles: true }));
    this.area.focus();
  }
}

function commandRows(typed) {
  return workspace.app.commands
    .filter((one) => one.command.startsWith(`/${typed}`))
    .map((one) => ({
      text: one.command,
      node: [
        h(
          "span",
          { class: "what" },
          h("strong", {}, one.command),
          " ",
          h("span", { class: "usage" }, one.usage_hint ?? ""),
        ),
        h("small", {}, one.description ?? ""),
      ],
    }));
}

function shortcutRows(typed) {
  return workspace.app.shortcuts
    .filter((one) => one.type === "global" && one.name.toLowerCase().startsWith(typed))
    .map((one) => ({
      run: () => void send("/people/shortcut", { user: me(), callback_id: one.callback_id }),
      node: [
        h("span", { class: "what" }, h("strong", {}, one.name), " ", h("span", { class: "badge" }, "SHORTCUT")),
        h("small", {}, one.description ?? ""),
      ],
    }));
}

function nameRows(typed) {
  const matches = (...names) =>
    names.some(
      (name) =>
        name
          ?.toLowerCase()
          .split(/[\s._-]/)
          .some((part) => part.startsWith(typed)) || name?.toLowerCase().startsWith(typed),
    );
  const members = everyone()
    .filter((one) => matches(one.name, one.real_name))
    .map((one) => ({
      text: `@${handleOf(one)}`,
      node: [
        avatar(one.real_name || one.name, one.color, { bot: one.is_bot, small: true }),
        h("strong", {}, one.real_name || one.name),
        h("span", { class: "usage" }, `@${one.name}`),
        one.is_bot && h("span", { class: "badge" }, "APP"),
      ],
    }));
  const groups = allGroups()
    .filter((one) => matches(one.handle))
    .map((one) => ({
      text: `@${one.handle}`,
      node: [
        h("span", { class: "avatar small group" }, "@"),
        h("strong", {}, `@${one.handle}`),
        h("span", { class: "usage" }, `${one.users?.length ?? 0} people`),
      ],
    }));
  return [...members, ...groups];
}
