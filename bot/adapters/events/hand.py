"""Single tasks: those in hand, and the last few thousand that ended."""

from collections import deque
from collections.abc import Iterator

import msgspec

from bot.adapters.events.windows import Series
from bot.domain.live import Phase
from bot.domain.window import UNNAMED

IN_HAND = 50_000
"""Tasks in hand that are remembered at most, and as many again that were sent and not yet received."""

ENDED = 5_000
"""Ended tasks that are remembered."""


class Hand(msgspec.Struct, gc=False):
    """What was heard of one task. Times are seconds since 1970 by our clock; `began` by the worker's.

    `sent` is by our clock, too, as the sender's clock is known to be ahead or behind. `worker` and `life` say which
    process has it. `next` is the worker that received the next attempt before this one was told to have ended, and
    `next_began` whether that one runs already.

    There are many of these, and no reference leads back here: the garbage collector need not look.
    """

    id: str
    series: Series
    phase: Phase
    worker: str | None = None
    life: int = 0
    sent: float | None = None
    received: float | None = None
    started: float | None = None
    began: float | None = None
    ended: float | None = None
    runtime: float | None = None
    retries: int = 0
    exception: str | None = None
    next: str | None = None
    next_began: bool = False

    @property
    def name(self) -> str | None:
        """Return the task's name, or None when it was not heard."""
        return None if self.series.name == UNNAMED else self.series.name


class Generations:
    """Tasks by id, at most `limit` of them: when half as many new ones have come, what is left of the older go.

    Two plain dicts forget faster than one that is asked for its oldest entry again and again. `evicted` counts.
    """

    def __init__(self, limit: int) -> None:
        self._half = limit // 2
        self._young: dict[str, Hand] = {}
        self._old: dict[str, Hand] = {}
        self.evicted = 0

    def __len__(self) -> int:
        return len(self._young) + len(self._old)

    def __iter__(self) -> Iterator[Hand]:
        """Return all, oldest generation first."""
        yield from list(self._old.values())
        yield from list(self._young.values())

    def get(self, id: str) -> Hand | None:
        """Return a task, or None."""
        return self._young.get(id) or self._old.get(id)

    def put(self, hand: Hand) -> None:
        """Remember a task that is not yet remembered."""
        self._young[hand.id] = hand
        if len(self._young) >= self._half:
            self.evicted += len(self._old)
            self._old, self._young = self._young, {}

    def pop(self, id: str) -> Hand | None:
        """Take a task out, or return None."""
        return self._young.pop(id, None) or self._old.pop(id, None)


class Tasks:
    """Tasks in hand, those on their way to a worker (sent, or to be tried again), and the last that ended.

    What is given up when there are too many: the name of a task whose received event was long ago, so that its end is
    counted as of an unheard name; and the wait of one that was sent long ago.
    """

    def __init__(self) -> None:
        self.held, self.sent = Generations(IN_HAND), Generations(IN_HAND)
        self._ended: deque[Hand] = deque(maxlen=ENDED)

    def end(self, hand: Hand) -> None:
        """Remember a task that was taken out of hand among the ended."""
        self._ended.append(hand)

    def ended_ids(self) -> set[str]:
        """Return the ids of the last that ended."""
        return {hand.id for hand in self._ended}

    def find(self, id: str) -> Hand | None:
        """Return what is remembered of a task, or None."""
        # A sender may tell of a task after its worker told of its end.
        ended = next((hand for hand in reversed(self._ended) if hand.id == id), None)
        return self.held.get(id) or ended or self.sent.get(id)
