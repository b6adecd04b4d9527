"""How long messages wait, where none carries a stamp: estimated from sampled depths and from how many tasks began.

A queue is first in, first out: the message that is taken now came in when as many had arrived as have been begun by
now. What had arrived by a sample is its depth and what had been begun; between two samples arrivals are taken to be
even. So an estimate is right within the time between two samples, but for three things: lanes of priority let messages
overtake, tasks kept for later leave the queue early, and what workers hold prefetched has left the queue and has not
begun (the age of the oldest is right with it, the wait of tasks is a little longer). Hence "about", always.
"""

from bisect import bisect_left
from collections.abc import Sequence
from enum import StrEnum
from itertools import accumulate, pairwise

from bot.domain.cluster import Value
from bot.domain.forecast import DepthSample

_FIFO = "from depths and starts"


class Bound(StrEnum):
    """How an estimate is to be read."""

    ABOUT = "about"
    AT_LEAST = "at least"
    AT_MOST = "at most"


class Estimated(Value):
    """A time in seconds that nobody measured; `how` is a clause that says how it came about."""

    seconds: float
    how: str
    bound: Bound = Bound.ABOUT


def age_of_oldest(samples: Sequence[DepthSample], service_per_minute: float | None = None) -> Estimated | None:
    """Return how old the oldest message was at the last sample; None for an empty queue, or when nothing tells.

    `service_per_minute` is a rate of starts known otherwise, for when the samples hold no counts.
    """
    if not samples or samples[-1].depth == 0:
        return None
    counted = _counted(samples)
    if len(counted) < 2 or counted[-1].at != samples[-1].at:
        counted = _with_last(counted, samples[-1])
    if len(counted) < 2:
        return _littles_law(samples, service_per_minute)
    return _age(counted, len(counted) - 1)


class Waits(Value):
    """How long tasks waited that began between samples: seconds, how many, and whether that is a bound."""

    begun: tuple[tuple[Estimated, int], ...] = ()

    @property
    def n(self) -> int:
        """Return how many tasks there were."""
        return sum(n for _, n in self.begun)

    def quantile(self, q: float) -> Estimated | None:
        """Return the wait that a share `q` of the tasks did not exceed; None of none."""
        wanted, seen = q * self.n, 0
        for wait, n in sorted(self.begun, key=lambda row: row[0].seconds):
            seen += n
            if seen >= wanted:
                return wait
        return None


def waits(samples: Sequence[DepthSample]) -> Waits | None:
    """Return how long the tasks waited that began within these samples; None while no starts are counted.

    While the queue was empty the wait is below the time between two samples, and no more is known.
    """
    counted = _counted(samples)
    if len(counted) < 2:
        return None
    rows = [
        (_wait(counted, i), (b.started or 0) - (a.started or 0)) for i, (a, b) in enumerate(pairwise(counted), start=1)
    ]
    return Waits(begun=tuple((wait, n) for wait, n in rows if n > 0))


def _wait(counted: Sequence[DepthSample], i: int) -> Estimated:
    """Return how long the tasks waited that began up to sample `i`."""
    here = counted[i]
    if here.depth == 0:
        between = (here.at - counted[i - 1].at).total_seconds()
        how = f"the queue was empty at one of two counts, {between:.0f} s apart"
        return Estimated(seconds=between, how=how, bound=Bound.AT_MOST)
    return _age(counted, i)


def _counted(samples: Sequence[DepthSample]) -> list[DepthSample]:
    """Return the samples of the newest series that know how many tasks were begun."""
    known = [s for s in samples if s.started is not None]
    return [s for s in known if s.series == known[-1].series]


def _with_last(counted: Sequence[DepthSample], last: DepthSample) -> list[DepthSample]:
    """Return the counted samples with the last one, which has no count yet: as if starts had gone on as they went."""
    if len(counted) < 2:
        return []
    first, newest = counted[0], counted[-1]
    rate = ((newest.started or 0) - (first.started or 0)) / (newest.at - first.at).total_seconds()
    started = (newest.started or 0) + round(rate * (last.at - newest.at).total_seconds())
    return [*counted, last.model_copy(update={"started": started, "series": newest.series})]


def _age(counted: Sequence[DepthSample], i: int) -> Estimated:
    """Return how long ago the message arrived that is next at sample `i`: the one after those that were begun."""
    wanted = (counted[i].started or 0) + 1
    # What left the queue without a start (purged, revoked, taken ahead) stands before nobody: it counts as never come.
    arrived = list(accumulate(((s.started or 0) + s.depth for s in reversed(counted[: i + 1])), min))[::-1]
    at = counted[i].at
    if arrived[0] >= wanted:
        known = (at - counted[0].at).total_seconds()
        how = "it came before the first count that is known"
        return Estimated(seconds=known, how=how, bound=Bound.AT_LEAST)
    k = bisect_left(arrived, wanted)
    before, after = counted[k - 1].at, counted[k].at
    share = (wanted - arrived[k - 1]) / (arrived[k] - arrived[k - 1])
    came = before + (after - before) * share
    return Estimated(seconds=(at - came).total_seconds(), how=_FIFO)


def _littles_law(samples: Sequence[DepthSample], service_per_minute: float | None) -> Estimated | None:
    """Return the mean depth divided by the rate at which messages come in: the mean wait of a queue that is steady."""
    if not samples or not service_per_minute:
        return None
    first, last = samples[0], samples[-1]
    minutes = (last.at - first.at).total_seconds() / 60
    arrival = service_per_minute + ((last.depth - first.depth) / minutes if minutes else 0.0)
    if arrival <= 0:
        return None
    mean = sum(s.depth for s in samples) / len(samples)
    return Estimated(seconds=mean / arrival * 60, how="mean depth divided by the rate of arrivals")
