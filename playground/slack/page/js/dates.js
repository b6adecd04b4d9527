// Slack's date tokens (docs.slack.dev, "Date element"): all of them, shown in the reader's own time zone.
import { h } from "./dom.js";

const MINUTE = 60;
const HOUR = 3600;
const DAY = 86400;
const hour12 = new Intl.DateTimeFormat(undefined, { hour: "numeric" }).resolvedOptions().hour12;

const english = (options) => {
  const format = new Intl.DateTimeFormat("en-US", options);
  return (date) => format.format(date);
};
const clock = english({ hour: hour12 ? "numeric" : "2-digit", minute: "2-digit", hour12 });
const clockSeconds = english({ hour: hour12 ? "numeric" : "2-digit", minute: "2-digit", second: "2-digit", hour12 });
const monthLong = english({ month: "long" });
const monthShort = english({ month: "short" });
const weekday = english({ weekday: "long" });
const slash = new Intl.DateTimeFormat(undefined, { day: "2-digit", month: "2-digit", year: "numeric" });
const two = (number) => String(number).padStart(2, "0");

const TOKENS = {
  date_num: (d) => `${d.getFullYear()}-${two(d.getMonth() + 1)}-${two(d.getDate())}`,
  date_slash: (d) => slash.format(d),
  date: (d) => `${monthLong(d)} ${ordinal(d.getDate())}${year(d)}`,
  date_short: (d) => `${monthShort(d)} ${d.getDate()}, ${d.getFullYear()}`,
  date_long: (d) => `${weekday(d)}, ${monthLong(d)} ${ordinal(d.getDate())}, ${d.getFullYear()}`,
  date_long_full: (d) => `${monthLong(d)} ${d.getDate()}, ${d.getFullYear()}`,
  date_pretty: (d, now) => nearDay(d, now) ?? TOKENS.date(d),
  date_short_pretty: (d, now) => nearDay(d, now) ?? TOKENS.date_short(d),
  date_long_pretty: (d, now) => nearDay(d, now) ?? TOKENS.date_long(d),
  day_divider_pretty: (d, now) => nearDay(d, now) ?? dayInYear(d, now),
  time: (d) => clock(d),
  time_secs: (d) => clockSeconds(d),
  ago: (d, now) => ago((now - d) / 1000),
};

/** Fill a Slack date template such as `{date_short} at {time}`; `epoch` in seconds. Unknown tokens stay as they are. */
export function fillDate(epoch, template, now = new Date()) {
  const date = new Date(epoch * 1000);
  return template.replace(/\{(\w+)\}/g, (whole, token, at) => {
    const text = Object.hasOwn(TOKENS, token) ? TOKENS[token](date, now) : whole;
    return at === 0 && token.endsWith("_pretty") ? text.charAt(0).toUpperCase() + text.slice(1) : text;
  });
}

/** A <time> that keeps itself fresh, see `refreshDates`. */
export function dateNode(epoch, template, link) {
  const title = fillDate(epoch, "{date_long} at {time_secs}");
  const node = h(
    "time",
    { datetime: new Date(epoch * 1000).toISOString(), title, dataset: { epoch, template } },
    fillDate(epoch, template),
  );
  return link ? h("a", { href: link, target: "_blank", rel: "noreferrer noopener" }, node) : node;
}

/** Bring "3 minutes ago" and "today" up to date everywhere on the page. */
export function refreshDates(root = document) {
  for (const node of root.querySelectorAll("time[data-template]")) {
    const text = fillDate(Number(node.dataset.epoch), node.dataset.template);
    if (node.textContent !== text) node.textContent = text;
  }
}

/** The time of day of a message's ts. */
export const shortTime = (ts) => clock(new Date(Number(ts) * 1000));

/** The heading over a day's messages: Today, Yesterday, or Friday, August 9th. */
export const dayTitle = (ts) => fillDate(Number(ts), "{day_divider_pretty}");

function ordinal(day) {
  const rest = day % 100;
  return `${day}${rest >= 11 && rest <= 13 ? "th" : ({ 1: "st", 2: "nd", 3: "rd" }[day % 10] ?? "th")}`;
}

/** Slack leaves the year out when the date is less than about six months away. */
function year(date) {
  return Math.abs(Date.now() - date) < 182 * DAY * 1000 ? "" : `, ${date.getFullYear()}`;
}

function nearDay(date, now) {
  const midnight = (d) => new Date(d.getFullYear(), d.getMonth(), d.getDate()).getTime();
  const days = Math.round((midnight(date) - midnight(now)) / (DAY * 1000));
  return { "-1": "yesterday", 0: "today", 1: "tomorrow" }[days];
}

function dayInYear(date, now) {
  if (date.getFullYear() !== now.getFullYear()) return TOKENS.date_long(date);
  return `${weekday(date)}, ${monthLong(date)} ${ordinal(date.getDate())}`;
}

function ago(seconds) {
  const size = Math.abs(seconds);
  if (size < 10) return "just now";
  const [count, unit] =
    size < MINUTE
      ? [size, "second"]
      : size < HOUR
        ? [size / MINUTE, "minute"]
        : size < DAY
          ? [size / HOUR, "hour"]
          : size < 30 * DAY
            ? [size / DAY, "day"]
            : size < 365 * DAY
              ? [size / (30 * DAY), "month"]
              : [size / (365 * DAY), "year"];
  const whole = Math.floor(count);
  const text = `${whole} ${unit}${whole === 1 ? "" : "s"}`;
  return seconds >= 0 ? `${text} ago` : `in ${text}`;
}
