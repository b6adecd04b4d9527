// Faces: a coloured square with an initial, for people and for apps.
import { h } from "./dom.js";

const COLOURS = ["#2f6b4f", "#2e5f9e", "#8a4b1f", "#7a3f86", "#9c3546", "#3d6a76", "#5d5a2b", "#4c5563"];

/** The avatar of `name`; without a colour one is chosen by the name. Apps have a cut corner. */
export function avatar(name, colour, { bot = false, small = false } = {}) {
  const shade =
    hex(colour) ?? COLOURS[[...name].reduce((sum, letter) => sum + letter.codePointAt(0), 0) % COLOURS.length];
  const classes = ["avatar", bot && "bot", small && "small", luminance(shade) > 0.36 && "pale"]
    .filter(Boolean)
    .join(" ");
  return h(
    "span",
    { class: classes, vars: { shade }, "aria-hidden": "true" },
    (name.match(/[\p{L}\p{N}]/u)?.[0] ?? "?").toUpperCase(),
  );
}

function hex(colour) {
  return colour && /^#?[0-9a-f]{6}$/i.test(colour) ? `#${colour.replace("#", "")}` : null;
}

/** Relative luminance as WCAG defines it, to choose light or dark letters. */
function luminance(shade) {
  const [red, green, blue] = [1, 3, 5]
    .map((at) => parseInt(shade.slice(at, at + 2), 16) / 255)
    .map((part) => (part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
