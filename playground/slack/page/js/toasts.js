// Short notes at the bottom: errors stay longer and are announced at once.
import { byId, h } from "./dom.js";
import { icon } from "./icons.js";

const SECONDS = { info: 6, error: 12 };

/** Show a note. `kind` is "info" or "error". What says the same, or less, than another note is not shown beside it. */
export function toast(text, kind = "info") {
  const stack = byId("toasts");
  // Below an open dialog a note could not be seen, heard or dismissed.
  ([...document.querySelectorAll("dialog[open]")].at(-1) ?? document.body).append(stack);
  const others = [...stack.children];
  if (others.some((old) => old.dataset.text.startsWith(text.replace(/\.$/, "")) && old.dataset.text !== text)) return;
  others.filter((old) => text.startsWith(old.dataset.text.replace(/\.$/, ""))).forEach((old) => old.remove());
  const note = h(
    "div",
    { class: `toast ${kind}`, role: kind === "error" ? "alert" : "status", dataset: { text } },
    h("span", {}, text),
    h(
      "button",
      { type: "button", class: "quiet", "aria-label": "Dismiss", onclick: () => note.remove() },
      icon("close"),
    ),
  );
  stack.append(note);
  setTimeout(() => note.remove(), SECONDS[kind] * 1000);
}
