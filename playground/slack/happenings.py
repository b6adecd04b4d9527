"""What takes place in the workspace. The Events API and the people's pages both follow it."""

from collections.abc import Callable
from dataclasses import dataclass, field

from playground.slack.errors import Json
from playground.slack.messages import Ephemeral, Message
from playground.slack.workspace import Channel


@dataclass(frozen=True)
class Posted:
    """A message appeared."""

    channel: Channel
    message: Message


@dataclass(frozen=True)
class Changed:
    """A message was edited, or its thread or reactions grew (`visible` says whether apps hear of it)."""

    channel: Channel
    message: Message
    previous: Json
    visible: bool = True


@dataclass(frozen=True)
class Deleted:
    """A message is gone."""

    channel: Channel
    message: Message
    previous: Json


@dataclass(frozen=True)
class Reacted:
    """Somebody put an emoji on a message, or took it back."""

    channel: Channel
    message: Message
    user: str
    name: str
    added: bool


@dataclass(frozen=True)
class Joined:
    """Somebody joined a channel; `inviter` brought them, if anybody did."""

    channel: Channel
    user: str
    inviter: str = ""


@dataclass(frozen=True)
class HomeOpened:
    """Somebody opened a tab of the app's Home."""

    user: str
    channel: Channel
    tab: str
    view: Json | None


@dataclass(frozen=True)
class Whispered:
    """An ephemeral message appeared, changed or went: `ephemeral`, `ephemeral_changed`, `ephemeral_deleted`."""

    type: str
    ephemeral: Ephemeral


@dataclass(frozen=True)
class ViewShown:
    """A person's modal or Home changed: `view_opened`, `view_updated`, `view_closed`, `home`."""

    type: str
    user: str
    view: Json


@dataclass(frozen=True)
class Noticed:
    """Slackbot tells one person something, such as that a command timed out."""

    user: str
    text: str
    channel: str = ""


Happening = Posted | Changed | Deleted | Reacted | Joined | HomeOpened | Whispered | ViewShown | Noticed


@dataclass
class Announcer:
    """Tells every listener of every happening, in order, at once."""

    listeners: list[Callable[[Happening], None]] = field(default_factory=list)

    def __call__(self, happening: Happening) -> None:
        """Announce one happening."""
        for listener in tuple(self.listeners):
            listener(happening)
