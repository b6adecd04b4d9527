// Emoji: shortcodes a bot uses, and drawings of our own for the commonest, so that a red circle looks the same on a
// machine without an emoji font. The glyph stays in the text for copying and for screen readers.
import { h, svg } from "./dom.js";
import { ART } from "./emojiart.js";

const GLYPHS = {
  red_circle: "🔴",
  large_orange_circle: "🟠",
  large_yellow_circle: "🟡",
  large_green_circle: "🟢",
  large_blue_circle: "🔵",
  large_purple_circle: "🟣",
  white_circle: "⚪",
  black_circle: "⚫",
  red_square: "🟥",
  large_red_square: "🟥",
  large_green_square: "🟩",
  large_yellow_square: "🟨",
  white_check_mark: "✅",
  heavy_check_mark: "✔️",
  ballot_box_with_check: "☑️",
  x: "❌",
  no_entry: "⛔",
  no_entry_sign: "🚫",
  octagonal_sign: "🛑",
  warning: "⚠️",
  rotating_light: "🚨",
  eyes: "👀",
  hourglass: "⌛",
  hourglass_flowing_sand: "⏳",
  stopwatch: "⏱️",
  alarm_clock: "⏰",
  lock: "🔒",
  unlock: "🔓",
  bell: "🔔",
  no_bell: "🔕",
  double_vertical_bar: "⏸️",
  pause_button: "⏸️",
  arrow_forward: "▶️",
  leftwards_arrow_with_hook: "↩️",
  arrow_up: "⬆️",
  arrow_down: "⬇️",
  arrow_right: "➡️",
  arrows_counterclockwise: "🔄",
  repeat: "🔁",
  mag: "🔍",
  bulb: "💡",
  wrench: "🔧",
  hammer_and_wrench: "🛠️",
  gear: "⚙️",
  fire: "🔥",
  snowflake: "❄️",
  bar_chart: "📊",
  chart_with_upwards_trend: "📈",
  chart_with_downwards_trend: "📉",
  memo: "📝",
  pushpin: "📌",
  link: "🔗",
  question: "❓",
  grey_question: "❔",
  exclamation: "❗",
  information_source: "ℹ️",
  heart: "❤️",
  thumbsup: "👍",
  "+1": "👍",
  thumbsdown: "👎",
  "-1": "👎",
  wave: "👋",
  raised_hands: "🙌",
  raised_hand: "✋",
  pray: "🙏",
  tada: "🎉",
  rocket: "🚀",
  robot_face: "🤖",
  zzz: "💤",
  skull: "💀",
  bug: "🐛",
  package: "📦",
  shield: "🛡️",
  scroll: "📜",
  busts_in_silhouette: "👥",
  speech_balloon: "💬",
  construction: "🚧",
  celery: "🥬",
  leafy_green: "🥬",
  seedling: "🌱",
  herb: "🌿",
  zap: "⚡",
  sos: "🆘",
  page_facing_up: "📄",
  inbox_tray: "📥",
  outbox_tray: "📤",
  wastebasket: "🗑️",
  broom: "🧹",
  calendar: "📅",
  clock3: "🕒",
  point_right: "👉",
};

const bare = (glyph) => glyph.replace("\uFE0F", "");
const NAMES = new Map(
  Object.entries(GLYPHS)
    .reverse()
    .map(([name, glyph]) => [bare(glyph), name]),
);
const GLYPH = /\p{Extended_Pictographic}\uFE0F?/gu;

/** What the reaction picker offers. */
export const PICKER = [
  "eyes",
  "white_check_mark",
  "thumbsup",
  "hourglass_flowing_sand",
  "fire",
  "heart",
  "warning",
  "x",
];

/** Whether a shortcode is known; an unknown one stays text, as in Slack. */
export const isEmoji = (name) => Object.hasOwn(GLYPHS, plainName(name));

/** The picture of a shortcode, for example `red_circle`; its text stays text when unknown. */
export function emoji(name) {
  const known = plainName(name);
  const glyph = GLYPHS[known];
  if (!glyph) return document.createTextNode(`:${name}:`);
  const art = ART[NAMES.get(bare(glyph))];
  const picture = art ? [svg("0 0 20 20", art), h("span", { class: "sr" }, glyph)] : glyph;
  return h("span", { class: art ? "emoji drawn" : "emoji", title: `:${known}:` }, picture);
}

/** Text with the glyphs that we draw replaced by drawings. */
export function withGlyphs(text) {
  const nodes = [];
  let from = 0;
  for (const match of text.matchAll(GLYPH)) {
    const name = NAMES.get(bare(match[0]));
    if (!name || !ART[name]) continue;
    nodes.push(text.slice(from, match.index), emoji(name));
    from = match.index + match[0].length;
  }
  nodes.push(text.slice(from));
  return nodes.filter((node) => node !== "");
}

function plainName(name) {
  return name.replace(/::skin-tone-\d$/, "");
}
