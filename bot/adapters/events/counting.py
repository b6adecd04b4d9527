"""What is counted of one task name on one queue, in one stretch of time."""

from collections.abc import Mapping

from bot.domain.window import Figures, Histogram

COUNTS = ("sent", "received", "started", "succeeded", "failed", "retried", "revoked", "rejected", "lost")


class Cell:
    """Counters that are added to in place; `runtime` and `wait` count durations by bucket of `BOUNDS`.

    Some may fall below zero: a task that was taken for lost minutes ago, and ends after all, is taken back; one whose
    queue is heard late is counted there.
    """

    __slots__ = (*COUNTS, "runtime", "wait")

    def __init__(self) -> None:
        self.sent = self.received = self.started = self.succeeded = self.failed = 0
        self.retried = self.revoked = self.rejected = self.lost = 0
        self.runtime: dict[int, int] = {}
        self.wait: dict[int, int] = {}

    def __bool__(self) -> bool:
        """Return whether anything was counted."""
        return any(getattr(self, name) for name in COUNTS)

    def add(self, other: "Cell | Figures") -> None:
        """Add what another counted."""
        for name in COUNTS:
            if n := getattr(other, name):
                setattr(self, name, getattr(self, name) + n)
        _add(self.runtime, other.runtime.counts if isinstance(other, Figures) else other.runtime)
        _add(self.wait, other.wait.counts if isinstance(other, Figures) else other.wait)

    def figures(self, *, exact: bool = False) -> Figures:
        """Return it as the domain knows it; `exact`, for what is added up later, with a `lost` that was taken back."""
        counts = {name: getattr(self, name) if exact else max(0, getattr(self, name)) for name in COUNTS}
        return Figures(**counts, runtime=Histogram(dict(self.runtime)), wait=Histogram(dict(self.wait)))


def _add(mine: dict[int, int], theirs: Mapping[int, int]) -> None:
    for bucket, n in theirs.items():
        mine[bucket] = mine.get(bucket, 0) + n
