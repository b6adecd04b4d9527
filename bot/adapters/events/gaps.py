"""Times in which events were missed."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from bot.domain.window import Gap

KEPT = 100
"""Gaps kept apart; of more, the oldest are made one, so that no window looks whole that is not."""

DAY = 24 * 3600.0 + 900.0

NOT_RUNNING = "the bot was not running"


@dataclass
class Missing:
    """A gap that may still grow; `worker` when only that worker's events were missed."""

    since: float
    until: float | None
    why: str
    missed: int | None = None
    worker: str | None = None

    def shown(self) -> Gap:
        """Return it as the domain knows it."""
        until = None if self.until is None else datetime.fromtimestamp(self.until, UTC)
        return Gap(datetime.fromtimestamp(self.since, UTC), until, self.why, self.missed)


class Gaps:
    """The gaps of the last day, oldest first."""

    def __init__(self) -> None:
        self._gaps: list[Missing] = []

    def begin(self, since: float, why: str, worker: str | None = None, until: float | None = None) -> Missing:
        """Add one; open unless `until` is given."""
        gap = Missing(since, until, why, None, worker)
        self._gaps.append(gap)
        if len(self._gaps) > KEPT:
            first, second = self._gaps[:2]
            ends = None if first.until is None or second.until is None else max(first.until, second.until)
            known = [g.missed for g in (first, second) if g.missed is not None]
            self._gaps[:2] = [Missing(first.since, ends, first.why, sum(known) if known else None)]
        return gap

    def of_worker(self, worker: str, since: float, why: str) -> Missing:
        """Return the gap that tasks missed since then belong to: a common one if there was any, else the worker's."""
        for gap in reversed(self._gaps):
            touches = gap.until is None or gap.until >= since
            if touches and (gap.worker is None or (gap.worker == worker and gap.why == why)):
                return gap
        return self.begin(since, why, worker)

    def last_of(self, worker: str, why: str) -> Missing | None:
        """Return the worker's last gap of this kind, however long ago."""
        return next((gap for gap in reversed(self._gaps) if (gap.worker, gap.why) == (worker, why)), None)

    def between(self, since: float, until: float) -> tuple[Gap, ...]:
        """Return those that lie in a stretch of time, in whole or in part."""
        return tuple(g.shown() for g in self._gaps if g.since <= until and (g.until is None or g.until >= since))

    def covers(self, since: float) -> bool:
        """Return whether anything may have been missed of all workers since then."""
        return any(g.worker is None and (g.until is None or g.until >= since) for g in self._gaps)

    def forget(self, now: float) -> None:
        """Drop what is older than the longest window."""
        self._gaps = [g for g in self._gaps if g.until is None or g.until > now - DAY]

    def restore(self, gaps: Iterable[Gap], ended: float) -> None:
        """Take back gaps that were kept; one that was open then ended, or was followed by another, at `ended`."""
        newest: dict[tuple[datetime, str], Gap] = {(gap.since, gap.why): gap for gap in gaps}
        for gap in newest.values():
            until = ended if gap.until is None else gap.until.timestamp()
            self._gaps.append(Missing(gap.since.timestamp(), until, gap.why, gap.missed))
        self._gaps.sort(key=lambda gap: gap.since)
