// Who and what there is: people, channels, groups and the app, as GET /people/state tells it.

const users = new Map();
const channels = new Map();
const groups = new Map();
const bots = new Map();

/** The workspace and the app, filled by `learn`. */
export const workspace = {
  team: { id: "", name: "" },
  app: { id: "", name: "", bot_user_id: "", commands: [], shortcuts: [] },
};

/** Take in an answer of GET /people/state. */
export function learn(state) {
  workspace.team = state.team;
  workspace.app = { commands: [], shortcuts: [], ...state.app };
  remember(users, state.users);
  remember(channels, state.channels);
  remember(groups, state.groups);
  remember(bots, state.bots);
}

/** Take in the direct messages of one person, from GET /people/ims. */
export const learnChannels = (list) =>
  list.forEach((channel) => channels.set(channel.id, { ...channels.get(channel.id), ...channel }));

function remember(map, list) {
  map.clear();
  for (const thing of list ?? []) map.set(thing.id, thing);
}

export const user = (id) => users.get(id);
export const channel = (id) => channels.get(id);
export const group = (id) => groups.get(id);
/** The user behind an app's bot id, if it has one. */
export const userOfBot = (id) => users.get(bots.get(id)?.user_id);
export const people = () => [...users.values()].filter((one) => !one.is_bot);
export const everyone = () => [...users.values()];
export const allGroups = () => [...groups.values()];
export const groupsOf = (id) => allGroups().filter((one) => one.users?.includes(id));
export const publicChannels = () => [...channels.values()].filter((one) => !one.is_im);

/** A person's name as others read it. */
export const nameOf = (id) => users.get(id)?.real_name || users.get(id)?.name || id;

/** The name typed after "@". */
export const handleOf = (one) => one.name || one.handle || one.id;

/** The other side of a direct-message channel, seen by `me`. */
export function otherSide(im, me) {
  const id = im.members?.find((member) => member !== me) ?? im.user ?? me;
  return users.get(id) ?? { id, name: im.name ?? id, real_name: im.name ?? id };
}

/** What a channel is called in headings, for example `#platform-oncall` or a person's name. */
export function channelTitle(id, me) {
  const found = channels.get(id);
  if (!found) return id ?? "";
  if (!found.is_im) return `#${found.name}`;
  const other = otherSide(found, me);
  return other.real_name || other.name;
}
