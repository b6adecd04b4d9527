"""What events tell of a cluster, from memory."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from bot.domain.cluster import ClusterSnapshot
from bot.domain.live import FailureGroup, Feed, LiveWorker, TaskTrace
from bot.domain.window import Slice, Span, Window


class Live(Protocol):
    """One cluster as its events show it: never asks anybody, answers at once. Safe to use from many threads.

    `now` is the moment by the bot's clock at which a window ends.
    """

    def window(self, span: Span, now: datetime) -> Window:
        """Return the figures of every task name in the last minute, quarter, hour or day."""
        ...

    def failures(self, span: Span, now: datetime) -> tuple[FailureGroup, ...]:
        """Return the failures of a window by task and exception, most first."""
        ...

    def workers(self, now: datetime) -> tuple[LiveWorker, ...]:
        """Return the workers heard of lately, by name."""
        ...

    def task(self, id: str) -> TaskTrace | None:
        """Return what is remembered of one task: those in hand, and the last few thousand that ended."""
        ...

    def feed(self) -> Feed:
        """Return how events reach us, and the gaps of the last day."""
        ...

    def learn(self, snapshot: ClusterSnapshot) -> None:
        """Take from a snapshot which queue a task's name belongs to, and what workers hold."""
        ...

    def slices(self, after: datetime) -> Sequence[Slice]:
        """Return the five-second slices of the last two minutes that are over and began at `after` or later.

        Those in which nothing happened as well, so that one follows the other; each with the gaps that touch it.
        """
        ...

    def restore(self, slices: Sequence[Slice]) -> None:
        """Take back what was kept before a restart, oldest first; the time since then is a gap."""
        ...


class Deaf:
    """A `Live` that hears nothing: for processes that do not listen, such as the ops worker."""

    def window(self, span: Span, now: datetime) -> Window:
        """Return an empty window that began now."""
        return Window(span, now, now)

    def failures(self, span: Span, now: datetime) -> tuple[FailureGroup, ...]:  # noqa: ARG002 - the port's signature
        """Return none."""
        return ()

    def workers(self, now: datetime) -> tuple[LiveWorker, ...]:  # noqa: ARG002 - the port's signature
        """Return none."""
        return ()

    def task(self, id: str) -> TaskTrace | None:  # noqa: ARG002 - the port's signature
        """Return None."""
        return None

    def feed(self) -> Feed:
        """Return why nothing is heard."""
        return Feed(connected=False, trouble="this process does not listen to events")

    def learn(self, snapshot: ClusterSnapshot) -> None:
        """Learn nothing."""

    def slices(self, after: datetime) -> Sequence[Slice]:  # noqa: ARG002 - the port's signature
        """Return none."""
        return ()

    def restore(self, slices: Sequence[Slice]) -> None:
        """Forget them."""
