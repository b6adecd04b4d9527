// Light, dark or as the system says; the choice is kept in this browser, and `?theme=` in a link wins.
import { place } from "./place.js";

const ORDER = ["auto", "light", "dark"];
const KEY = "theme";

/** The theme in force: auto, light or dark. */
export function theme() {
  const wished = place().theme ?? localStorage.getItem(KEY) ?? "auto";
  return ORDER.includes(wished) ? wished : "auto";
}

/** Put the theme on the page; auto leaves it to `prefers-color-scheme`. */
export function applyTheme() {
  document.documentElement.dataset.theme = theme();
}

/** The theme after this one; it becomes this browser's choice. */
export function nextTheme() {
  const next = ORDER[(ORDER.indexOf(theme()) + 1) % ORDER.length];
  localStorage.setItem(KEY, next);
  return next;
}
