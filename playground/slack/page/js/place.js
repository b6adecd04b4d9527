// Where the reader is, kept in the address: ?user=U0BEN&channel=C0ONCALL&thread=TS&view=home&theme=dark&phone=1

const listeners = new Set();
const here = read();

/** Everything about the place: {user, channel, thread, view, theme, phone}. Absent parts are undefined. */
export const place = () => here;
export const me = () => here.user;

/** Call `listener(changedNames)` after each change. */
export const onPlace = (listener) => listeners.add(listener);

/** Change some parts. `replace` leaves no step for the browser's back button. */
export function go(patch, { replace = false } = {}) {
  const changed = Object.keys(patch).filter((name) => here[name] !== (patch[name] ?? undefined));
  if (!changed.length) return;
  for (const name of changed) here[name] = patch[name] ?? undefined;
  history[replace ? "replaceState" : "pushState"](null, "", address());
  announce(changed);
}

export const openChannel = (channel) => go({ channel, thread: undefined, view: undefined });
export const openThread = (channel, thread) => go({ channel, thread, view: undefined });
export const closeThread = () => go({ thread: undefined });
export const openHome = () => go({ view: "home", thread: undefined });
/** The list of channels, where only one pane fits. */
export const openRail = () => go({ view: "rail", thread: undefined });

function read() {
  const query = new URLSearchParams(location.search);
  const part = (name) => query.get(name) || undefined;
  return {
    user: part("user"),
    channel: part("channel"),
    thread: part("thread"),
    view: part("view"),
    theme: part("theme"),
    phone: part("phone"),
  };
}

function address() {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(here)) if (value) query.set(name, value);
  return `${location.pathname}?${query}`;
}

function announce(changed) {
  for (const listener of listeners) listener(changed);
}

addEventListener("popstate", () => {
  const before = { ...here };
  Object.assign(here, read());
  announce(Object.keys(here).filter((name) => before[name] !== here[name]));
});
