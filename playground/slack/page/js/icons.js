// The page's icons, drawn here on a 20 by 20 grid with one stroke width.
import { svg } from "./dom.js";

const STROKES = {
  back: "M12 4 6 10l6 6M6 10h10",
  close: "M5 5l10 10M15 5 5 15",
  down: "M5 8l5 5 5-5",
  reply: "M4 5h12v8H9l-4 3v-3H4z",
  smile: "M10 3a7 7 0 1 0 0 14 7 7 0 0 0 0-14M7 12c1 1.6 5 1.6 6 0M7.5 8v.5M12.5 8v.5",
  more: "M10 4.5v.01M10 10v.01M10 15.5v.01",
  hash: "M8 3 6.5 17M13.5 3 12 17M3.5 7.5h13M3 12.5h13",
  home: "M3.5 10 10 4l6.5 6M5.5 8.5V16h9V8.5M10 16v-4",
  sun: "M10 6.5a3.5 3.5 0 1 0 0 7 3.5 3.5 0 0 0 0-7M10 2v1.5M10 16.5V18M2 10h1.5M16.5 10H18M4.3 4.3l1.1 1.1M14.6 14.6l1.1 1.1M4.3 15.7l1.1-1.1M14.6 5.4l1.1-1.1",
  moon: "M15.5 12.5A6.5 6.5 0 0 1 7.5 4.5 6.5 6.5 0 1 0 15.5 12.5z",
  auto: "M10 3a7 7 0 1 0 0 14 7 7 0 0 0 0-14M10 3v14M12 5.5v9M14 7v6",
  phone: "M6.5 2.5h7a1 1 0 0 1 1 1v13a1 1 0 0 1-1 1h-7a1 1 0 0 1-1-1v-13a1 1 0 0 1 1-1M9 15h2",
  alarm: "M10 3.5a4.5 4.5 0 0 0-4.5 4.5c0 4-1.5 5-1.5 6h12c0-1-1.5-2-1.5-6A4.5 4.5 0 0 0 10 3.5M8.5 16.5h3",
  spark: "M11.5 2.5 5 11h4.5l-1 6.5L15 9h-4.5z",
  send: "M3.5 10 16.5 4l-4 12.5-3.5-5z M9 11.5 16.5 4",
  eye: "M2.5 10c3-5.5 12-5.5 15 0-3 5.5-12 5.5-15 0M10 8a2 2 0 1 0 0 4 2 2 0 0 0 0-4",
  check: "M4.5 10.5 8.5 14.5 16 6",
  menu: "M3.5 6h13M3.5 10h13M3.5 14h13",
};

/** One icon; decorative, so its button carries the label. */
export function icon(name) {
  const path = [
    "path",
    {
      d: STROKES[name],
      fill: "none",
      stroke: "currentColor",
      "stroke-width": name === "more" ? 2.4 : 1.6,
      "stroke-linecap": "round",
      "stroke-linejoin": "round",
    },
  ];
  return svg("0 0 20 20", [path], { class: "icon" });
}
