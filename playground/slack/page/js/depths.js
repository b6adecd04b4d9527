// The strip of queue depths, counted straight from the broker by the playground, not by the bot: so a card can
// be checked.
import { byId, fill, h, svg } from "./dom.js";
import { read } from "./api.js";

const EVERY_MS = 1000;
const SAMPLES = 60;
const OLD_S = 3;
const WIDTH = 26;
const HEIGHT = 13;

const history = new Map();
const number = new Intl.NumberFormat("en-US");
let last = null;

/** Start counting once a second; the strip stays hidden where the playground has no broker. */
export async function watchDepths() {
  if (!document.hidden && (await sample()) === "absent") return;
  setTimeout(() => void watchDepths(), EVERY_MS);
}

async function sample() {
  try {
    const answer = await read("/controls/depths");
    if (!answer) return "absent";
    if (answer.queues?.length) keep(answer);
    draw(answer.error);
  } catch {
    draw("the playground does not answer");
  }
  return "there";
}

function keep(answer) {
  last = answer;
  for (const { name, depth } of answer.queues)
    history.set(name, [...(history.get(name) ?? []), depth].slice(-SAMPLES));
}

function draw(error) {
  const strip = byId("depths");
  strip.hidden = false;
  strip.classList.toggle("stale", Boolean(error));
  const chips = (last?.queues ?? []).map(({ name, depth }) =>
    h(
      "li",
      { class: depth ? "queue" : "queue idle", dataset: { queue: name } },
      h("span", { class: "name" }, name),
      h("b", {}, number.format(depth)),
      spark(history.get(name) ?? []),
    ),
  );
  const list = strip.querySelector("ul") ?? h("ul", { "aria-label": "Messages waiting in each queue" });
  fill(list, chips);
  const source = strip.querySelector(".source") ?? h("p", { class: "source" });
  fill(
    source,
    error
      ? [h("b", {}, "The broker cannot be counted: "), error, last ? ` Last counted ${age()}.` : ""]
      : ["counted straight from the broker · ", age()],
  );
  if (!list.parentNode) strip.append(list, source);
}

function age() {
  if (!last) return "never";
  const seconds = Math.max(0, Date.now() / 1000 - last.at);
  return seconds < OLD_S ? `${seconds.toFixed(1)} s ago` : `${Math.round(seconds)} s ago`;
}

/** The last minute as a small line; before that, the first count stands for what is not known. */
function spark(known) {
  const samples = [...Array(SAMPLES - known.length).fill(known[0]), ...known];
  const top = Math.max(...samples, 1);
  const step = WIDTH / (SAMPLES - 1);
  const points = samples.map(
    (depth, index) => `${(index * step).toFixed(1)},${(HEIGHT - 1 - (depth / top) * (HEIGHT - 2)).toFixed(1)}`,
  );
  return svg(
    `0 0 ${WIDTH} ${HEIGHT}`,
    [["polyline", { points: points.join(" "), fill: "none", stroke: "currentColor", "stroke-width": 1.3 }]],
    { class: "spark" },
  );
}
