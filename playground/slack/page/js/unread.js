// What this person has not read: a mark for a channel, a count for direct messages and mentions. The last read
// ts of each channel is kept in this browser.
import { query, read } from "./api.js";
import { channel as channelOf, groupsOf, workspace } from "./directory.js";

export class Unread {
  #marks = new Map();

  constructor(onChange) {
    this.onChange = onChange;
  }

  /** {some, count} of a channel: anything new, and how many call for this person. */
  of(channel) {
    return this.#marks.get(channel) ?? { some: false, count: 0 };
  }

  /** How many messages call for this person, everywhere. */
  total() {
    return [...this.#marks.values()].reduce((sum, mark) => sum + mark.count, 0);
  }

  /** Turn to a person, and count what waits in these channels. */
  async start(user, channels) {
    this.user = user;
    this.#marks.clear();
    this.onChange();
    await Promise.all(channels.map(({ id }) => this.#count(user, id)));
  }

  async #count(user, channel) {
    const answer = await read(`/people/messages?${query({ channel, user })}`).catch(() => null);
    if (user !== this.user) return;
    for (const message of answer?.messages ?? [])
      if (message.ts > this.#lastRead(channel)) this.#add(channel, message);
    this.onChange();
  }

  /** A message has come while its channel was not in sight. */
  arrived(channel, message) {
    this.#add(channel, message);
    this.onChange();
  }

  /** Everything up to `ts` has been read. */
  seen(channel, ts) {
    if (!channel || !ts) return;
    if (ts > this.#lastRead(channel)) localStorage.setItem(this.#key(channel), ts);
    if (this.#marks.delete(channel)) this.onChange();
  }

  #add(channel, message) {
    if (message.user === this.user || message.subtype === "channel_join") return;
    const mark = this.of(channel);
    const direct = channelOf(channel)?.is_im || this.#calls(message);
    const inThread = message.thread_ts && message.thread_ts !== message.ts;
    if (inThread && !direct) return;
    this.#marks.set(channel, { some: true, count: mark.count + (direct ? 1 : 0) });
  }

  /** Whether a message mentions this person, a group of theirs, or everybody. */
  #calls(message) {
    const words = JSON.stringify([message.text, message.blocks]);
    const marks = [
      `<@${this.user}`,
      "<!channel",
      "<!here",
      ...groupsOf(this.user).map(({ id }) => `<!subteam^${id}`),
    ];
    return marks.some((mark) => words.includes(mark));
  }

  #lastRead(channel) {
    return localStorage.getItem(this.#key(channel)) ?? "";
  }

  #key(channel) {
    return `read/${workspace.team.id}/${this.user}/${channel}`;
  }
}
