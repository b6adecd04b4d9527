// Modals, one on top of another, and the Home tab.
import { fill, freshId, h } from "./dom.js";
import { send } from "./api.js";
import { drawBlocks } from "./blocks.js";
import { icon } from "./icons.js";
import { plain, textObject } from "./mrkdwn.js";
import { showDialog } from "./overlays.js";
import { me } from "./place.js";
import { Form, surface, whileBusy } from "./surface.js";

const FIELDS = "input:not([type=hidden]), textarea, select";

/** The stack of open modals of one person; the top one is shown. */
export class Modals {
  #stack = [];
  #box = null;

  opened(view) {
    if (this.#find(view.id)) return this.updated(view);
    this.#stack.push({ view, form: new Form(), errors: {} });
    this.#draw(true);
  }

  updated(view) {
    const entry = this.#find(view.id);
    if (!entry) return;
    entry.form.keepOnly(view.blocks);
    Object.assign(entry, { view, errors: {} });
    this.#draw(false);
  }

  closed(viewId) {
    this.#stack = this.#stack.filter(({ view }) => view.id !== viewId);
    this.#draw(false);
  }

  /** Agree with GET /people/views after a gap in the stream; with nothing on becoming somebody else. */
  restore(views) {
    const kept = views.map((view) => this.#find(view.id) ?? { view, form: new Form(), errors: {} });
    const same = kept.length === this.#stack.length && kept.every((entry, index) => entry === this.#stack[index]);
    this.#stack = kept;
    if (!same) this.#draw(true);
  }

  #find(id) {
    return this.#stack.find(({ view }) => view.id === id);
  }

  #draw(fresh) {
    const top = this.#stack.at(-1);
    if (!top) return this.#box?.close();
    if (!this.#box) this.#open();
    const held = fresh ? undefined : focusName(this.#box);
    fill(this.#box, this.#sheet(top));
    const field = held && this.#box.querySelector(held);
    (
      field ??
      this.#box.querySelector("[aria-invalid]") ??
      this.#box.querySelector(FIELDS) ??
      this.#box.querySelector(".foot .button:last-child")
    )?.focus();
  }

  #open() {
    this.#box = h("dialog", {
      class: "modal",
      oncancel: (event) => {
        event.preventDefault();
        void this.#leave();
      },
    });
    showDialog(this.#box, () => {
      this.#box = null;
      // The browser closes a dialog itself when Escape is pressed twice.
      if (this.#stack.length) void this.#leave();
    });
  }

  #sheet(entry) {
    const { view, form, errors } = entry;
    const title = freshId("modal");
    this.#box.setAttribute("aria-labelledby", title);
    const submit = h(
      "button",
      { type: "submit", class: "button primary" },
      textObject(view.submit ?? { type: "plain_text", text: "Submit" }),
    );
    const close = h(
      "button",
      { type: "button", class: "button", onclick: () => void this.#leave() },
      textObject(view.close ?? { type: "plain_text", text: "Close" }),
    );
    return h(
      "form",
      {
        novalidate: true,
        dataset: { view: view.id },
        onsubmit: (event) => {
          event.preventDefault();
          void this.#submit(entry, submit);
        },
      },
      h(
        "header",
        {},
        h("h2", { id: title }, plain(view.title?.text ?? "")),
        h(
          "button",
          { type: "button", class: "quiet", "aria-label": "Close", onclick: () => void this.#leave() },
          icon("close"),
        ),
      ),
      h(
        "div",
        { class: "sheet", tabindex: "-1" },
        drawBlocks(view.blocks, surface({ view_id: view.id }, view.blocks, form), errors),
      ),
      h("footer", { class: "foot" }, close, view.submit && submit),
    );
  }

  async #submit(entry, button) {
    if (button.getAttribute("aria-busy") === "true") return;
    const answer = await whileBusy(button, () =>
      send("/people/view_submit", { user: me(), view_id: entry.view.id, values: entry.form.values() }),
    );
    if (answer.errors) {
      entry.errors = answer.errors;
      this.#draw(true);
    } else if (answer.ok && !answer.response_action) this.closed(entry.view.id);
  }

  async #leave() {
    const top = this.#stack.at(-1);
    if (!top) return;
    this.closed(top.view.id);
    await send("/people/view_close", { user: me(), view_id: top.view.id });
  }
}

function focusName(box) {
  const held = box.contains(document.activeElement)
    ? document.activeElement.closest("[data-action-id]")?.dataset.actionId
    : undefined;
  return held && `[data-action-id="${CSS.escape(held)}"]`;
}

/** Draw the Home tab; `view` is null until the app has published one. */
export function drawHome(root, view) {
  if (!view) return fill(root, h("p", { class: "empty" }, "The app has not published its Home yet."));
  return fill(root, drawBlocks(view.blocks, surface({ view_id: view.id }, view.blocks, new Form())));
}
