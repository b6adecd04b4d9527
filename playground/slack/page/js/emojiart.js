// Our own small drawings for emoji, on a 20 by 20 grid: flat shapes that read at 16 px on light and on dark.

const disc = (fill, stroke = "none") => [["circle", { cx: 10, cy: 10, r: 8, fill, stroke, "stroke-width": 1.2 }]];
const tile = (fill) => ["rect", { x: 1.5, y: 1.5, width: 17, height: 17, rx: 4, fill }];
const square = (fill) => [["rect", { x: 2.5, y: 2.5, width: 15, height: 15, rx: 2.5, fill }]];
const path = (d, fill) => ["path", { d, fill }];
const line = (d, stroke, width = 2) => [
  "path",
  { d, stroke, fill: "none", "stroke-width": width, "stroke-linecap": "round", "stroke-linejoin": "round" },
];
const dot = (cx, cy, r, fill) => ["circle", { cx, cy, r, fill }];

const WHITE = "#ffffff";
const RED = "#e0413a";
const GREEN = "#2f9e57";
const AMBER = "#f0ac1f";
const BLUE = "#3d84d6";
const STEEL = "#8f9aa3";
const INK = "#2c343a";

const glass = [
  path("M5 2.5h10v1.8c0 2.6-3 4-3 5.7s3 3.1 3 5.7v1.8H5v-1.8c0-2.6 3-4 3-5.7S5 6.9 5 4.3z", "#b9d7ea"),
  line("M4.5 2.3h11M4.5 17.7h11", "#9a6b3f", 1.8),
];
const clapper = "M10 2.6c-3.4 0-5 2.6-5 5.4 0 3.8-1.2 4.8-2 6.2h14c-.8-1.4-2-2.4-2-6.2 0-2.8-1.6-5.4-5-5.4z";
const chart = (d, stroke) => [
  ["rect", { x: 2, y: 2, width: 16, height: 16, rx: 2.5, fill: "#e9eef1" }],
  line(d, stroke, 1.9),
];

export const ART = {
  red_circle: disc(RED),
  large_orange_circle: disc("#ec7f26"),
  large_yellow_circle: disc("#f2c230"),
  large_green_circle: disc(GREEN),
  large_blue_circle: disc(BLUE),
  large_purple_circle: disc("#9461c9"),
  white_circle: disc("#f3f5f6", "#b4bcc2"),
  black_circle: disc(INK, "#6a747c"),
  red_square: square(RED),
  large_green_square: square(GREEN),
  large_yellow_square: square("#f2c230"),
  white_check_mark: [tile(GREEN), line("M5.5 10.5 8.7 13.7 14.6 6.6", WHITE, 2.3)],
  heavy_check_mark: [line("M3.5 10.8 7.8 15 16.5 5", GREEN, 2.8)],
  x: [line("M4.5 4.5 15.5 15.5M15.5 4.5 4.5 15.5", RED, 3)],
  no_entry: [dot(10, 10, 8.2, RED), line("M6 10h8", WHITE, 2.8)],
  no_entry_sign: [
    ["circle", { cx: 10, cy: 10, r: 7, fill: "none", stroke: RED, "stroke-width": 2.2 }],
    line("M5.2 5.2 14.8 14.8", RED, 2.2),
  ],
  octagonal_sign: [path("M6.6 1.8h6.8l4.8 4.8v6.8l-4.8 4.8H6.6l-4.8-4.8V6.6z", RED), line("M6.3 10h7.4", WHITE, 2.4)],
  warning: [
    path("M8.7 2.6a1.5 1.5 0 0 1 2.6 0l7.2 12.9a1.5 1.5 0 0 1-1.3 2.2H2.8a1.5 1.5 0 0 1-1.3-2.2z", AMBER),
    line("M10 7v4.6M10 14.4v.1", INK, 2),
  ],
  rotating_light: [
    path("M5.2 14V9a4.8 4.8 0 0 1 9.6 0v5z", RED),
    path("M3.2 14h13.6a.9.9 0 0 1 .9.9v1.9H2.3v-1.9a.9.9 0 0 1 .9-.9z", "#6b757d"),
    line("M10 1v1.4M3.2 3.6l1.1 1.1M16.8 3.6l-1.1 1.1", AMBER, 1.7),
    line("M8 9.2a2 2 0 0 1 2-2", "#ffc9c4", 1.4),
  ],
  eyes: [
    ["ellipse", { cx: 6, cy: 10, rx: 4, ry: 6, fill: WHITE, stroke: STEEL, "stroke-width": 1 }],
    ["ellipse", { cx: 14, cy: 10, rx: 4, ry: 6, fill: WHITE, stroke: STEEL, "stroke-width": 1 }],
    ["ellipse", { cx: 4.9, cy: 10.8, rx: 1.8, ry: 2.6, fill: INK }],
    ["ellipse", { cx: 12.9, cy: 10.8, rx: 1.8, ry: 2.6, fill: INK }],
  ],
  hourglass: [...glass, path("M6.6 15.6c0-1.9 2-2.5 3.4-3.6 1.4 1.1 3.4 1.7 3.4 3.6z", AMBER)],
  hourglass_flowing_sand: [
    ...glass,
    path(
      "M6.8 5.6h6.4c-.5 1.5-2 2.2-3.2 3.4-1.2-1.2-2.7-1.9-3.2-3.4zM7.2 15.8c.2-1.2 1.6-1.7 2.8-2.6 1.2.9 2.6 1.4 2.8 2.6z",
      AMBER,
    ),
    line("M10 8.5v5", AMBER, 0.9),
  ],
  stopwatch: [
    dot(10, 11.2, 7, "#dfe5e9"),
    ["circle", { cx: 10, cy: 11.2, r: 6.4, fill: "none", stroke: "#5f6b74", "stroke-width": 1.6 }],
    line("M8.2 1.8h3.6M10 2v2M10 11.2V7.6", "#5f6b74", 1.6),
  ],
  alarm_clock: [
    dot(10, 11, 6.8, RED),
    dot(10, 11, 5, WHITE),
    line("M10 8v3l2 1.4", INK, 1.4),
    line("M3 5.6 6 3M17 5.6 14 3", RED, 2.4),
  ],
  lock: [
    line("M6.2 9V6.4a3.8 3.8 0 0 1 7.6 0V9", "#8a949c", 2),
    ["rect", { x: 3.6, y: 8.6, width: 12.8, height: 9.2, rx: 2, fill: AMBER }],
    line("M10 12.2v2.2", INK, 1.8),
  ],
  unlock: [
    line("M6.2 9V6a3.8 3.8 0 0 1 7.4-1.2", "#8a949c", 2),
    ["rect", { x: 3.6, y: 8.6, width: 12.8, height: 9.2, rx: 2, fill: AMBER }],
    line("M10 12.2v2.2", INK, 1.8),
  ],
  bell: [path(clapper, AMBER), dot(10, 16.3, 1.9, "#c98a12")],
  no_bell: [path(clapper, STEEL), dot(10, 16.3, 1.9, "#6a747c"), line("M3 3 17 17", RED, 2.2)],
  double_vertical_bar: [tile(BLUE), line("M7.6 6v8M12.4 6v8", WHITE, 2.6)],
  arrow_forward: [tile(BLUE), path("M7 5.2 14.6 10 7 14.8z", WHITE)],
  leftwards_arrow_with_hook: [tile(BLUE), line("M8 5 4.8 8.2 8 11.4M5 8.2h6.2a3.2 3.2 0 0 1 0 6.4H8.4", WHITE, 1.9)],
  arrow_up: [tile(BLUE), line("M10 15V5.4M5.8 9.4 10 5.2l4.2 4.2", WHITE, 2.1)],
  arrow_down: [tile(BLUE), line("M10 5v9.6M5.8 10.6 10 14.8l4.2-4.2", WHITE, 2.1)],
  arrow_right: [tile(BLUE), line("M5 10h9.6M10.6 5.8 14.8 10l-4.2 4.2", WHITE, 2.1)],
  arrows_counterclockwise: [
    tile(BLUE),
    line("M14.4 8A4.8 4.8 0 0 0 5.8 7.6M5.6 12a4.8 4.8 0 0 0 8.6.4M5.4 4.8v3h3M14.6 15.2v-3h-3", WHITE, 1.7),
  ],
  mag: [
    line("M12.6 12.6 17 17", "#8a5a2f", 2.8),
    ["circle", { cx: 8.4, cy: 8.4, r: 5.2, fill: "#cfe6f5", stroke: "#5f6b74", "stroke-width": 1.8 }],
  ],
  bulb: [
    path("M10 1.8a5.8 5.8 0 0 0-3.4 10.5c.7.5.9 1.1.9 1.9h5c0-.8.2-1.4.9-1.9A5.8 5.8 0 0 0 10 1.8z", "#f6cf45"),
    line("M8 16h4M8.6 18h2.8", "#6a747c", 1.6),
  ],
  wrench: [
    line("M4.4 15.8 11.6 8.6", STEEL, 3.4),
    path("M17.4 5.2 14.6 8l-2.8-.1-.1-2.8 2.8-2.6a4.6 4.6 0 1 0 2.9 2.7z", STEEL),
  ],
  gear: [
    line("M10 2v16M2 10h16M4.3 4.3l11.4 11.4M15.7 4.3 4.3 15.7", STEEL, 2.6),
    dot(10, 10, 5.6, STEEL),
    dot(10, 10, 2.4, "#e9eef1"),
  ],
  fire: [
    path(
      "M10.4 1.6c.5 3 4.8 5 4.8 10A5.2 5.2 0 0 1 10 17.9a5.2 5.2 0 0 1-5.2-5.6c0-2.3 1.3-3.6 2-5.2.9.5 1.4 1.2 1.6 2 1.4-1.6 2.1-4.4 2-7.5z",
      "#ee6c23",
    ),
    path("M10.1 9.6c.3 1.8 2.3 2.7 2.3 5a2.4 2.4 0 0 1-4.8 0c0-1.8 1.9-2.8 2.5-5z", "#f9c846"),
  ],
  snowflake: [line("M10 2v16M3.1 6l13.8 8M16.9 6 3.1 14M7.8 3.6 10 5.6l2.2-2M7.8 16.4l2.2-2 2.2 2", "#4aa3df", 1.6)],
  bar_chart: [
    ["rect", { x: 2, y: 2, width: 16, height: 16, rx: 2.5, fill: "#e9eef1" }],
    line("M6 14.5v-4", GREEN, 2.6),
    line("M10 14.5v-8.5", BLUE, 2.6),
    line("M14 14.5v-6", RED, 2.6),
  ],
  chart_with_upwards_trend: chart("M4.5 14 8 10l2.6 2 5-6.5", RED),
  chart_with_downwards_trend: chart("M4.5 5.5 8 10l2.6-2 5 6", BLUE),
  memo: [
    ["rect", { x: 3, y: 2, width: 12, height: 16, rx: 1.5, fill: "#eef1f3", stroke: STEEL, "stroke-width": 1 }],
    line("M5.8 6h6.4M5.8 9h6.4M5.8 12h3.5", STEEL, 1.3),
    line("M16.8 7.5 11 15", AMBER, 2.2),
  ],
  scroll: [
    ["rect", { x: 3.5, y: 2, width: 13, height: 16, rx: 2, fill: "#f1dfb8" }],
    line("M6.5 6.5h7M6.5 10h7M6.5 13.5h4.5", "#a07f45", 1.3),
  ],
  link: [
    line(
      "M8.6 11.4a3.2 3.2 0 0 0 4.6 0l2.6-2.6a3.2 3.2 0 0 0-4.6-4.6l-.9.9M11.4 8.6a3.2 3.2 0 0 0-4.6 0l-2.6 2.6a3.2 3.2 0 0 0 4.6 4.6l.9-.9",
      STEEL,
      1.9,
    ),
  ],
  question: [line("M6.5 7a3.5 3.5 0 1 1 5.5 2.9c-1.2.8-2 1.5-2 2.9M10 16.4v.1", RED, 2.5)],
  exclamation: [line("M10 3v9M10 16.4v.1", RED, 2.8)],
  information_source: [tile(BLUE), line("M10 9v5.5M10 5.6v.1", WHITE, 2.3)],
  heart: [path("M10 17C4.5 13.2 2 10.4 2 7.2A4.2 4.2 0 0 1 10 5a4.2 4.2 0 0 1 8 2.2c0 3.2-2.5 6-8 9.8z", RED)],
  thumbsup: [
    path("M7 9.2 10 3c1.5-.4 2.5.6 2.3 2L12 8h3.8c1.2 0 2 1 1.7 2.2l-1.2 5c-.2 1-1 1.6-2 1.6H7z", "#f4c04a"),
    ["rect", { x: 2.5, y: 8.8, width: 4, height: 8.4, rx: 1.2, fill: BLUE }],
  ],
  thumbsdown: [
    path("M7 10.8 10 17c1.5.4 2.5-.6 2.3-2L12 12h3.8c1.2 0 2-1 1.7-2.2l-1.2-5c-.2-1-1-1.6-2-1.6H7z", "#f4c04a"),
    ["rect", { x: 2.5, y: 2.8, width: 4, height: 8.4, rx: 1.2, fill: BLUE }],
  ],
  robot_face: [
    ["rect", { x: 3, y: 5.5, width: 14, height: 11, rx: 3, fill: "#9fb2bf" }],
    dot(7.3, 10, 1.5, INK),
    dot(12.7, 10, 1.5, INK),
    line("M7.5 13.6h5", INK, 1.4),
    line("M10 5.5V2.8", "#9fb2bf", 1.6),
  ],
  zap: [path("M11.8 1.5 4 11.4h4.8L7.8 18.5 16 8.3h-5z", AMBER)],
  shield: [
    path("M10 1.8 16.5 4v5.5c0 4.2-2.8 7-6.5 8.7-3.7-1.7-6.5-4.5-6.5-8.7V4z", BLUE),
    line("M7 10l2.2 2.2L13 7.8", WHITE, 1.8),
  ],
  seedling: [
    line("M10 18v-8", GREEN, 1.8),
    path("M10 10.5C10 6.5 6.5 5 2.5 5c0 4 3 6 7.5 5.5zM10 9c0-3.6 3-5.5 7.5-5.5 0 4-3 6-7.5 5.5z", GREEN),
  ],
  package: [
    path("M2.5 6 10 2.5 17.5 6v8.5L10 18l-7.5-3.5z", "#c79a63"),
    line("M2.8 6.2 10 9.5l7.2-3.3M10 9.5V17.5", "#8f6839", 1.2),
  ],
};
