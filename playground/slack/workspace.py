"""Who and what is in the local workspace: people, bots, channels, user groups, incoming webhooks."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import count

from playground.slack.errors import Json, Refused

ALERT_SECRET = "alertmanager-to-platform-oncall"  # noqa: S105 - a fixed address of the loopback playground, no secret


@dataclass
class User:
    """A member of the workspace; a bot's user has `bot_id`."""

    id: str
    name: str
    real_name: str
    color: str = "4b5563"
    bot_id: str = ""
    app_id: str = ""

    @property
    def is_bot(self) -> bool:
        """Whether this is the face of an app."""
        return bool(self.bot_id)


@dataclass
class Bot:
    """An app in the workspace. Without `user_id` it has no token and posts by incoming webhook only."""

    id: str
    app_id: str
    name: str
    user_id: str = ""
    token: str = ""


@dataclass
class Channel:
    """A channel or a direct-message conversation with its members' ids, in order of joining."""

    id: str
    name: str
    members: list[str] = field(default_factory=list)
    is_private: bool = False
    is_im: bool = False
    is_archived: bool = False
    topic: str = ""

    @property
    def kind(self) -> str:
        """The word events use: `channel`, `group` or `im`."""
        if self.is_im:
            return "im"
        return "group" if self.is_private else "channel"


@dataclass
class UserGroup:
    """A group people mention by its handle, such as @oncall."""

    id: str
    handle: str
    name: str
    users: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class IncomingWebhook:
    """An address that posts into one channel as one bot."""

    bot_id: str
    channel: str
    secret: str


@dataclass
class Workspace:
    """All of it, and the look-ups by id and by name."""

    app: Bot
    team_id: str = "T0LOCAL"
    name: str = "Local workspace"
    domain: str = "local"
    users: dict[str, User] = field(default_factory=dict)
    bots: dict[str, Bot] = field(default_factory=dict)
    channels: dict[str, Channel] = field(default_factory=dict)
    groups: dict[str, UserGroup] = field(default_factory=dict)
    webhooks: list[IncomingWebhook] = field(default_factory=list)
    _numbers: "count[int]" = field(default_factory=lambda: count(1))

    def __post_init__(self) -> None:
        self.add_bot(self.app)

    def add_person(self, user: User) -> User:
        """Let somebody in; they join channels by `add_channel` or `Channel.members`."""
        self.users[user.id] = user
        return user

    def add_bot(self, bot: Bot) -> Bot:
        """Install an app; one with `user_id` gets its user."""
        self.bots[bot.id] = bot
        if bot.user_id:
            self.users[bot.user_id] = User(
                bot.user_id, bot.name.lower().replace(" ", "-"), bot.name, "2b5d34", bot.id, bot.app_id
            )
        return bot

    def add_channel(self, channel: Channel) -> Channel:
        """Open a channel."""
        self.channels[channel.id] = channel
        return channel

    def add_group(self, group: UserGroup) -> UserGroup:
        """Make a user group."""
        self.groups[group.id] = group
        return group

    def people(self) -> list[User]:
        """Everybody who is not an app."""
        return [user for user in self.users.values() if not user.is_bot]

    def user(self, user_id: str) -> User:
        """The member with this id; Refused(user_not_found)."""
        if user_id not in self.users:
            raise Refused("user_not_found", f"There is no user {user_id} in this workspace.")
        return self.users[user_id]

    def channel(self, channel_id: str) -> Channel:
        """The channel with this id; Refused(channel_not_found)."""
        if channel_id not in self.channels:
            raise Refused("channel_not_found", f"There is no channel {channel_id} in this workspace.")
        return self.channels[channel_id]

    def channel_named(self, name: str) -> Channel | None:
        """The public or private channel with this name, without `#`."""
        return next((c for c in self.channels.values() if c.name == name and not c.is_im), None)

    def user_named(self, name: str) -> User | None:
        """The member with this handle, without `@`, in any case."""
        return next((u for u in self.users.values() if u.name.lower() == name.lower()), None)

    def group_named(self, handle: str) -> UserGroup | None:
        """The user group with this handle, without `@`."""
        return next((g for g in self.groups.values() if g.handle.lower() == handle.lower()), None)

    def im_between(self, one: str, other: str) -> Channel:
        """The direct messages of two members, opened on first use."""
        for channel in self.ims_of(one):
            if other in channel.members:
                return channel
        return self.add_channel(Channel(f"D0{next(self._numbers):04}", "", [one, other], is_im=True))

    def ims_of(self, user_id: str) -> list[Channel]:
        """Every direct-message conversation of a member."""
        return [c for c in self.channels.values() if c.is_im and user_id in c.members]

    def readable(self, channel: Channel, user_id: str) -> bool:
        """Whether a member may read this channel: public, or they are in it."""
        return user_id in channel.members or not (channel.is_private or channel.is_im)

    def bot_profile(self, bot: Bot) -> Json:
        """The `bot_profile` Slack puts on messages of an app."""
        return {
            "id": bot.id,
            "app_id": bot.app_id,
            "user_id": bot.user_id,
            "name": bot.name,
            "icons": {},
            "deleted": False,
            "updated": 1,
            "team_id": self.team_id,
        }

    def rename_app(self, name: str) -> None:
        """Take the app's name from its manifest."""
        self.app.name = name
        self.users[self.app.user_id].name = name.lower().replace(" ", "-")
        self.users[self.app.user_id].real_name = name


def people_of(*people: tuple[str, str, str, str]) -> Iterable[User]:
    """Users from rows of id, name, real name, colour."""
    return (User(*row) for row in people)


def default_workspace() -> Workspace:
    """Four people, two channels, two user groups, our app, Alertmanager's webhook and a bot that nobody listed."""
    space = Workspace(Bot("B0ONCALL", "A0ONCALL", "celery-oncall", "U0BOT", "xoxb-local-oncall"))
    for user in people_of(
        ("U0ANA", "ana", "Ana Almeida", "b4235f"),
        ("U0BEN", "ben", "Ben Bauer", "1f6feb"),
        ("U0CHI", "chi", "Chi Nguyen", "b35900"),
        ("U0DORA", "dora", "Dora Dahl", "6f42c1"),
    ):
        space.add_person(user)
    everyone = [user.id for user in space.people()]
    space.add_bot(Bot("B0ALERT", "A0ALERT", "Alertmanager"))
    space.add_bot(Bot("B0OTHER", "A0OTHER", "Nightwatch", "U0OTHER", "xoxb-local-other"))
    space.add_channel(Channel("C0ONCALL", "platform-oncall", [*everyone, "U0BOT", "U0OTHER"], topic="Alerts of Celery"))
    space.add_channel(Channel("C0GENERAL", "general", everyone))
    space.add_group(UserGroup("S0ONCALL", "oncall", "On-call", ["U0ANA", "U0BEN"]))
    space.add_group(UserGroup("S0PLATFORM", "platform", "Platform team", ["U0BEN", "U0CHI"]))
    space.webhooks.append(IncomingWebhook("B0ALERT", "C0ONCALL", ALERT_SECRET))
    return space
