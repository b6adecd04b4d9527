// The top bar: who you are, the phone, and what the playground offers to fire and to break.
import { byId, fill, h, svg } from "./dom.js";
import { read, send } from "./api.js";
import { avatar } from "./avatars.js";
import { groupsOf, nameOf, people, user } from "./directory.js";
import { icon } from "./icons.js";
import { openMenu } from "./overlays.js";
import { go, me, place } from "./place.js";
import { unlessPressed } from "./pressing.js";
import { whileBusy } from "./surface.js";
import { nextTheme, theme } from "./theme.js";
import { toast } from "./toasts.js";

let offers = null;

/** Read what the playground offers; null when it offers nothing (the plain local Slack). */
export async function readControls() {
  offers = await read("/controls");
  return offers;
}

/** Draw the top bar as things are now. */
export function drawControls() {
  unlessPressed(byId("topbar"), drawNow);
}

function drawNow() {
  const held = document.activeElement?.closest("#topbar [data-control]")?.dataset.control;
  fill(
    byId("topbar"),
    brand(),
    h(
      "div",
      { class: "controls", role: "group", "aria-label": "Playground" },
      who(),
      phone(),
      alerts(),
      breakages(),
      themeSwitch(),
    ),
  );
  if (held) byId("topbar").querySelector(`[data-control="${held}"]`)?.focus();
}

function brand() {
  const leaf = (d) => ["path", { d, fill: "currentColor" }];
  const mark = svg(
    "0 0 20 20",
    [leaf("M9 18V9.5C5.5 9.5 3 7.5 3 3.5c4 0 6.3 2 6.8 5C10 5 12.5 2.5 17 2c0 5-2.5 8-6 8v8z")],
    { class: "mark" },
  );
  return h(
    "div",
    { class: "brand" },
    mark,
    h("strong", {}, "celery-oncall"),
    h("span", { class: "tag" }, "playground"),
  );
}

function control(name, { picture, label, short, menu, pressed, title, run, mark }) {
  const node = h(
    "button",
    {
      type: "button",
      class: "control",
      dataset: { control: name },
      title,
      "aria-label": title,
      "aria-haspopup": menu ? "menu" : undefined,
      "aria-pressed": pressed?.toString(),
      onclick: () => run(node),
    },
    picture,
    label && h("span", { class: "long" }, label),
    short && h("span", { class: "short" }, short),
    mark && h("span", { class: "dot" }, String(mark)),
    menu && icon("down"),
  );
  return node;
}

function who() {
  const known = user(me());
  const name = nameOf(me() ?? "");
  const face = avatar(name, known?.color, { small: true });
  const words = ["You are ", h("b", {}, name)];
  return control("you", {
    picture: face,
    label: words,
    short: name.split(" ")[0],
    title: `You are ${name}`,
    menu: true,
    run: (anchor) => openMenu(anchor, people().map(personItem), { label: "You are" }),
  });
}

function personItem(one) {
  const groups = groupsOf(one.id)
    .map(({ handle }) => `@${handle}`)
    .join(" ");
  return {
    label: one.real_name || one.name,
    hint: groups || "in no group",
    node: avatar(one.real_name || one.name, one.color, { small: true }),
    radio: true,
    checked: one.id === me(),
    run: () => go({ user: one.id }),
  };
}

function phone() {
  const on = Boolean(place().phone);
  return control("phone", {
    picture: icon("phone"),
    label: "Phone view",
    pressed: on,
    title: "Phone view, 390 px wide",
    run: () => go({ phone: on ? undefined : "1" }, { replace: true }),
  });
}

function alerts() {
  if (!offers?.alerts?.length) return null;
  const items = offers.alerts.map((one) => ({ label: one.label, run: () => void fire(one) }));
  return control("alert", {
    picture: icon("alarm"),
    label: "Fire alert",
    short: "Alert",
    menu: true,
    run: (anchor) => openMenu(anchor, items, { label: "Fire alert", align: "end" }),
  });
}

async function fire(one) {
  const anchor = byId("topbar").querySelector('[data-control="alert"]');
  const answer = await whileBusy(anchor, () => send(`/controls/alerts/${encodeURIComponent(one.id)}`));
  if (answer.ok) toast(answer.message ?? `Fired: ${one.label}`);
}

function breakages() {
  if (!offers?.breakages?.length) return null;
  const active = offers.breakages.filter((one) => one.active).length;
  const items = offers.breakages.map((one) => ({
    label: one.label,
    checked: Boolean(one.active),
    run: () => void toggle(one),
  }));
  return control("break", {
    picture: icon("spark"),
    label: "Break something",
    short: "Break",
    menu: true,
    mark: active,
    run: (anchor) => openMenu(anchor, items, { label: "Break something", align: "end" }),
  });
}

async function toggle(one) {
  const anchor = byId("topbar").querySelector('[data-control="break"]');
  const answer = await whileBusy(anchor, () => send(`/controls/breakages/${encodeURIComponent(one.id)}`));
  if (answer.ok) toast(answer.message ?? `${one.active ? "Mended" : "Broken"}: ${one.label}`);
  await readControls();
  drawControls();
}

function themeSwitch() {
  const now = theme();
  const picture = icon({ auto: "auto", light: "sun", dark: "moon" }[now]);
  return control("theme", {
    picture,
    title: `Theme: ${now}`,
    run: () => go({ theme: nextTheme() }, { replace: true }),
  });
}
