// Things over the page: menus under a button, and the confirm dialog. The browser's <dialog> and popover keep the
// focus inside, close on Escape and sit on top.
import { byId, freshId, h } from "./dom.js";
import { textObject } from "./mrkdwn.js";

/** Open a menu below `anchor`. Items: {label, hint?, node?, checked?, danger?, run}. */
export function openMenu(anchor, items, { label, align = "start", grid = false } = {}) {
  const close = () => menu.hidePopover();
  const rows = items.map((item) => menuItem(item, close));
  const menu = h(
    "div",
    { class: grid ? "menu grid" : "menu", popover: "auto", role: "menu", "aria-label": label },
    rows,
  );
  menu.addEventListener("keydown", (event) => arrowKeys(event, rows, grid));
  menu.addEventListener("toggle", (event) => event.newState === "closed" && closed(menu, anchor));
  (anchor.closest("dialog") ?? document.body).append(menu);
  anchor.setAttribute("aria-expanded", "true");
  menu.showPopover();
  put(menu, anchor, align);
  (rows.find((row) => row.ariaChecked === "true") ?? rows[0])?.focus({ preventScroll: true });
}

function menuItem(item, close) {
  const run = () => {
    close();
    item.run();
  };
  const role = item.checked === undefined ? "menuitem" : item.radio ? "menuitemradio" : "menuitemcheckbox";
  return h(
    "button",
    {
      type: "button",
      role,
      tabindex: "-1",
      class: item.danger ? "danger" : "",
      "aria-checked": item.checked?.toString(),
      "aria-label": item.node && item.iconOnly ? item.label : undefined,
      title: item.iconOnly ? item.label : undefined,
      onclick: run,
    },
    item.node,
    item.iconOnly
      ? null
      : h("span", { class: "words" }, h("span", {}, item.label), item.hint && h("small", {}, item.hint)),
  );
}

function closed(menu, anchor) {
  const lost = menu.contains(document.activeElement) || document.activeElement === document.body;
  anchor.removeAttribute("aria-expanded");
  menu.remove();
  if (lost && anchor.isConnected) anchor.focus({ preventScroll: true });
}

function arrowKeys(event, rows, grid) {
  const steps = { ArrowDown: 1, ArrowUp: -1, ...(grid ? { ArrowRight: 1, ArrowLeft: -1 } : {}) };
  const at = rows.indexOf(document.activeElement);
  const to = event.key === "Home" ? 0 : event.key === "End" ? rows.length - 1 : at + (steps[event.key] ?? 0);
  if (event.key === "Tab") event.currentTarget.hidePopover();
  if (to === at) return;
  event.preventDefault();
  rows[(to + rows.length) % rows.length].focus();
}

function put(menu, anchor, align) {
  const from = anchor.getBoundingClientRect();
  const edge = (document.querySelector("[data-phone] .frame") ?? document.body).getBoundingClientRect();
  const limits = anchor.closest(".frame") ? edge : { left: 0, right: innerWidth };
  const left = align === "end" ? from.right - menu.offsetWidth : from.left;
  const below = from.bottom + 4;
  const top = below + menu.offsetHeight > innerHeight - 8 ? from.top - menu.offsetHeight - 4 : below;
  menu.style.left = `${Math.max(limits.left + 8, Math.min(left, limits.right - menu.offsetWidth - 8))}px`;
  menu.style.top = `${Math.max(8, top)}px`;
}

/** Ask what a `confirm` object asks; resolves to true or false. */
export function confirmed(confirm) {
  return new Promise((resolve) => {
    const title = freshId("confirm");
    const answer = (yes) => () => box.close(yes ? "yes" : "no");
    const yes = h(
      "button",
      {
        type: "button",
        class: confirm.style === "danger" ? "button danger" : "button primary",
        onclick: answer(true),
      },
      textObject(confirm.confirm ?? { type: "plain_text", text: "Yes" }),
    );
    const no = h(
      "button",
      { type: "button", class: "button", onclick: answer(false) },
      textObject(confirm.deny ?? { type: "plain_text", text: "Cancel" }),
    );
    const box = h(
      "dialog",
      { class: "confirm", role: "alertdialog", "aria-labelledby": title, "aria-describedby": `${title}-text` },
      h("h2", { id: title }, textObject(confirm.title)),
      h("div", { id: `${title}-text`, class: "text" }, textObject(confirm.text)),
      h("div", { class: "foot" }, no, yes),
    );
    showDialog(box, () => resolve(box.returnValue === "yes"));
    (confirm.style === "danger" ? no : yes).focus();
  });
}

/** Show a <dialog> above the page; `onClose` runs once. The browser gives the focus back to where it was. */
export function showDialog(box, onClose) {
  byId("frame").append(box);
  box.addEventListener(
    "close",
    () => {
      if (box.contains(byId("toasts"))) document.body.append(byId("toasts"));
      box.remove();
      onClose();
    },
    { once: true },
  );
  box.showModal();
}
