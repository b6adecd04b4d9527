"""What was counted over the last minute, quarter, hour and day: counters, and histograms of durations."""

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from enum import StrEnum


class Span(StrEnum):
    """A window's length, as people say it."""

    MINUTE = "1 min"
    QUARTER = "15 min"
    HOUR = "1 h"
    DAY = "24 h"

    @property
    def length(self) -> timedelta:
        """Return it as a length of time."""
        return {
            Span.MINUTE: timedelta(minutes=1),
            Span.QUARTER: timedelta(minutes=15),
            Span.HOUR: timedelta(hours=1),
            Span.DAY: timedelta(hours=24),
        }[self]


BOUNDS: tuple[float, ...] = tuple(
    round(step * 10.0**power, 6)
    for power in range(-3, 5)
    for step in (1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0)
)
"""Upper bounds of a histogram's buckets in seconds, 1 ms to 80,000 s: the runbook's thresholds are among them, so that
what lies above one of them is counted, not estimated. The last bucket, `len(BOUNDS)`, holds what is longer."""


OTHER_TASKS = "(other tasks)"
"""Tasks beyond as many names as are counted apart."""

UNNAMED = "(name not heard)"
"""Tasks whose name was in an event that we missed: only task-sent and task-received tell it."""


def bucket_of(seconds: float) -> int:
    """Return the bucket of a duration: a bound belongs to the bucket below it."""
    return bisect_left(BOUNDS, seconds)


@dataclass(frozen=True, slots=True)
class Histogram:
    """How many durations fell into each bucket of `BOUNDS`; empty buckets are left out."""

    counts: Mapping[int, int] = field(default_factory=dict)

    @property
    def n(self) -> int:
        """Return how many durations there are."""
        return sum(self.counts.values())

    def quantile(self, q: float) -> float | None:
        """Return the duration in seconds that a share `q` does not exceed, within a bucket's width; None of none."""
        wanted, seen = q * self.n, 0
        for bucket, n in sorted(self.counts.items()):
            if seen + n >= wanted and n:
                low = BOUNDS[bucket - 1] if bucket else 0.0
                high = BOUNDS[min(bucket, len(BOUNDS) - 1)]
                return low + (high - low) * max(0.0, wanted - seen) / n
            seen += n
        return None

    def above(self, seconds: float) -> int:
        """Return how many lasted longer; exact for a bound, else the whole bucket of `seconds` counts as longer."""
        first = bucket_of(seconds) + (1 if seconds in BOUNDS else 0)
        return sum(n for bucket, n in self.counts.items() if bucket >= first)

    def plus(self, other: "Histogram") -> "Histogram":
        """Return both together."""
        if not other.counts:
            return self
        merged = dict(self.counts)
        for bucket, n in other.counts.items():
            merged[bucket] = merged.get(bucket, 0) + n
        return Histogram(merged)


@dataclass(frozen=True, slots=True)
class Figures:
    """What happened to tasks in a window.

    `failed` tasks ended in an error and are not tried again; `retried` counts attempts that will be; `revoked` were
    cancelled by people; `lost` were begun by a worker that went away without telling an end. `runtime` is how long
    those that succeeded or failed ran, on their worker's own clock; `wait` how long tasks waited for a worker, where
    that can be measured (task-sent events). `waits_estimated`, if set, says that `wait` is no measurement.
    """

    sent: int = 0
    received: int = 0
    started: int = 0
    succeeded: int = 0
    failed: int = 0
    retried: int = 0
    revoked: int = 0
    rejected: int = 0
    lost: int = 0
    runtime: Histogram = Histogram()
    wait: Histogram = Histogram()

    @property
    def ended(self) -> int:
        """Return how many ended for good and count for the completion rate: revoked ones are nobody's failure."""
        return self.succeeded + self.failed + self.lost

    @property
    def completion(self) -> float | None:
        """Return the share of ended tasks that succeeded, 0 to 1; None when none ended."""
        return self.succeeded / self.ended if self.ended else None

    def plus(self, other: "Figures") -> "Figures":
        """Return both together."""
        counts = {
            f.name: getattr(self, f.name) + getattr(other, f.name)
            for f in fields(self)
            if f.name not in ("runtime", "wait")
        }
        return Figures(**counts, runtime=self.runtime.plus(other.runtime), wait=self.wait.plus(other.wait))


@dataclass(frozen=True, slots=True)
class TaskFigures:
    """The figures of one task name on one queue; `queue` None: not known, or one of several."""

    name: str
    queue: str | None
    figures: Figures


@dataclass(frozen=True, slots=True)
class Gap:
    """A time in which events were missed. `until` None: it lasts. `missed` tasks began unheard, where that is known."""

    since: datetime
    until: datetime | None
    why: str
    missed: int | None = None


@dataclass(frozen=True, slots=True)
class Window:
    """What was counted from `since` to `until`, by the bot's own clock.

    `since` is later than a whole span ago when the bot has not watched that long. `gaps` are those within it.
    """

    span: Span
    since: datetime
    until: datetime
    tasks: tuple[TaskFigures, ...] = ()
    gaps: tuple[Gap, ...] = ()

    @property
    def whole(self) -> bool:
        """Return whether nothing was missed, and the window is as long as its span says."""
        return not self.gaps and self.until - self.since >= self.span.length - timedelta(seconds=10)

    def total(self, rows: "Iterable[TaskFigures] | None" = None) -> Figures:
        """Return the figures of these rows, or of all tasks, together."""
        found = Figures()
        for row in self.tasks if rows is None else rows:
            found = found.plus(row.figures)
        return found

    def of_queue(self, queue: str) -> tuple[TaskFigures, ...]:
        """Return the rows of one queue."""
        return tuple(row for row in self.tasks if row.queue == queue)

    def of_task(self, name: str) -> tuple[TaskFigures, ...]:
        """Return the rows of one task name."""
        return tuple(row for row in self.tasks if row.name == name)


@dataclass(frozen=True, slots=True)
class Slice:
    """The figures of five seconds (or of a minute, when kept for long), as history keeps them.

    They are there to be added up: `lost` is below zero where a task ended that was taken for lost before.
    """

    since: datetime
    until: datetime
    tasks: tuple[TaskFigures, ...] = ()
    gaps: tuple[Gap, ...] = ()
