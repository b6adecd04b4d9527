// What happens, as it happens, for one person. The connection comes back by itself, waiting longer each time;
// after a gap everything shown is read again.
const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 8000;

export class Stream {
  #socket = null;
  #timer = 0;
  #wait = FIRST_WAIT_MS;
  #user = "";
  #lost = false;

  /** `onEvent(event)`, `onState("live" | "lost")`, `onGap()` once it is back after a loss. */
  constructor({ onEvent, onState, onGap }) {
    Object.assign(this, { onEvent, onState, onGap });
    addEventListener("online", () => this.#hurry());
    document.addEventListener("visibilitychange", () => document.hidden || this.#hurry());
  }

  /** Follow this person from now on. */
  follow(user) {
    this.#user = user;
    this.#lost = false;
    this.#wait = FIRST_WAIT_MS;
    this.#connect();
  }

  #connect() {
    clearTimeout(this.#timer);
    this.#socket?.close();
    const address = new URL(`/people/stream?user=${encodeURIComponent(this.#user)}`, location.href);
    address.protocol = address.protocol.replace("http", "ws");
    const socket = (this.#socket = new WebSocket(address));
    socket.addEventListener("open", () => socket === this.#socket && this.#opened());
    socket.addEventListener("message", (frame) => socket === this.#socket && this.onEvent(JSON.parse(frame.data)));
    socket.addEventListener("close", () => socket === this.#socket && this.#closed());
  }

  #opened() {
    this.#wait = FIRST_WAIT_MS;
    this.onState("live");
    if (this.#lost) this.onGap();
    this.#lost = false;
  }

  #closed() {
    this.#lost = true;
    this.onState("lost");
    this.#timer = setTimeout(() => this.#connect(), this.#wait * (0.75 + Math.random() / 2));
    this.#wait = Math.min(this.#wait * 2, LONGEST_WAIT_MS);
  }

  #hurry() {
    if (!this.#lost) return;
    this.#wait = FIRST_WAIT_MS;
    this.#connect();
  }
}
