"""Forecasts that were kept, and how they did."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from math import ceil

from bot.domain.cluster import Value
from bot.domain.targets import ForecastScore

KEPT = timedelta(days=7)
"""For how long forecasts are kept, and scored."""

LONGEST = timedelta(hours=6)
"""Forecasts of a later drain are not kept: who waits that long has other things to go by."""

HOUR = timedelta(hours=1)


class Outcome(StrEnum):
    """What became of a forecast. VOID: somebody acted, or nobody watched, before it could be seen."""

    OPEN = "open"
    DRAINED = "drained"
    NOT_DRAINED = "not drained"
    VOID = "void"


class KeptForecast(Value):
    """One forecast of one queue, made `at`: `depth` falls below `goal` in `minutes`, or will not (None).

    It is due by `due`. `ended_at` is when the queue fell below the goal, or when it was void.
    """

    queue: str
    at: datetime
    goal: int
    minutes: float | None
    due: datetime
    outcome: Outcome = Outcome.OPEN
    ended_at: datetime | None = None

    @property
    def error(self) -> float | None:
        """Return actual minus predicted minutes (positive: it took longer); None where there are not both."""
        if self.outcome is not Outcome.DRAINED or self.minutes is None or self.ended_at is None:
            return None
        return (self.ended_at - self.at).total_seconds() / 60 - self.minutes

    @property
    def wrong_way(self) -> bool:
        """Return whether it said that the queue drains and it did not in time, or that it will not and it did."""
        return self.outcome is (Outcome.DRAINED if self.minutes is None else Outcome.NOT_DRAINED)


def due_by(at: datetime, minutes: float | None) -> datetime:
    """Return until when a forecast is watched: "will not drain" an hour, a drain twice as long or an hour longer."""
    if minutes is None:
        return at + HOUR
    ahead = timedelta(minutes=minutes)
    return at + ahead + max(ahead, HOUR)


def scores(forecasts: Iterable[KeptForecast]) -> tuple[ForecastScore, ...]:
    """Return by queue how its decided forecasts did. `n` counts them all, the errors (absolute) those that drained.

    The 90th percentile is the smallest error that nine in ten do not exceed.
    """
    by_queue: defaultdict[str, list[KeptForecast]] = defaultdict(list)
    for kept in forecasts:
        if kept.outcome in (Outcome.DRAINED, Outcome.NOT_DRAINED):
            by_queue[kept.queue].append(kept)
    return tuple(_score(queue, decided) for queue, decided in sorted(by_queue.items()))


def _score(queue: str, decided: Sequence[KeptForecast]) -> ForecastScore:
    errors = sorted(abs(kept.error) for kept in decided if kept.error is not None)
    return ForecastScore(
        queue=queue,
        n=len(decided),
        median_minutes=_share(errors, 0.5),
        p90_minutes=_share(errors, 0.9),
        wrong_way=sum(kept.wrong_way for kept in decided),
    )


def _share(errors: Sequence[float], q: float) -> float | None:
    return errors[max(0, ceil(round(q * len(errors), 6)) - 1)] if errors else None
