"""Messages set aside from a queue, so that a purge can be undone: an archive lies in the broker until it is let go."""

from datetime import datetime
from enum import StrEnum

from pydantic import Field

from bot.domain.cluster import Value


class ArchiveState(StrEnum):
    """How far an archive is. Sorting, merging and restoring go on where they stopped, whoever goes on."""

    SORTING = "sorting"  # messages are looked at one by one; those that stay are kept beside
    MERGING = "merging"  # those that stay are put back
    HELD = "held"
    RESTORING = "restoring"
    RESTORED = "restored"
    DROPPED = "dropped"


class ArchiveWanted(Value):
    """An archive that is to be made: of `queue`, if it holds from `least` to `most` messages.

    `task`, `before` and `ids` choose part of them: those of one task name, or published before a moment, or of these
    ids. It is dropped at `ends_at`, after a warning.
    """

    id: str
    queue: str
    made_at: datetime
    ends_at: datetime
    least: int = 0
    most: int
    task: str | None = None
    before: datetime | None = None
    ids: frozenset[str] = frozenset()

    @property
    def whole(self) -> bool:
        """Return whether all of the queue is meant."""
        return self.task is None and self.before is None and not self.ids


class Archive(Value):
    """One archive as the broker holds it.

    `messages` were set aside and `kept` stayed in their queue; `lying` is how many lie there now: fewer than `messages`
    in an archive that is held means that Redis evicted some. `task`, `before` and `ids` are what was chosen by, if not
    all.
    """

    id: str
    queue: str
    state: ArchiveState
    messages: int
    kept: int = 0
    lying: int | None = None
    made_at: datetime
    ends_at: datetime
    task: str | None = None
    before: datetime | None = None
    ids: frozenset[str] = frozenset()

    @property
    def evicted(self) -> int:
        """Return how many messages of an archive that is held are missing: Redis evicted them."""
        held = self.state is ArchiveState.HELD and self.lying is not None
        return max(0, self.messages - (self.lying or 0)) if held else 0

    @property
    def loss(self) -> str:
        """Return what is to be said of missing messages, in a sentence after a space; nothing where none is."""
        if not self.evicted:
            return ""
        are = "is" if self.evicted == 1 else "are"
        return f" {self.evicted:,} of them {are} no longer in Redis, evicted or removed, and cannot be put back."

    @property
    def undoable(self) -> bool:
        """Return whether the messages can still be put back."""
        return self.state in (ArchiveState.SORTING, ArchiveState.MERGING, ArchiveState.HELD, ArchiveState.RESTORING)


class Made(Value):
    """Who had an archive made, and why; the reason is empty where none was given."""

    by: str
    reason: str = ""


class QueueMoved(Value):
    """Why nothing was set aside: the queue holds another number of messages than people consented to."""

    messages: int


class Census(Value):
    """What waits in a queue, by task name.

    `looked_at` of `messages` were read, the oldest first; counts are of those, and an estimate when not all were.
    `linked` are members of chords and chains: what waits for them would wait for ever; `linked_by` counts them by name.
    `stamped` carry the
    moment of their publishing, by which alone "older than" can choose; `oldest` is the oldest of those.
    """

    queue: str
    messages: int
    looked_at: int
    by_task: dict[str, int]
    linked: int = 0
    linked_by: dict[str, int] = Field(default_factory=dict)
    stamped: int = 0
    oldest: datetime | None = None
