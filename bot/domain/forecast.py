"""When will a queue drain, and what would freed slots change: from sampled depths and worker totals."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise

from bot.domain.cluster import ClusterSnapshot, ClusterSpec, Value, Worker

ENOUGH_SAMPLES = 4
ENOUGH_SECONDS = 15.0
"""Fewer samples, or a shorter span, carry no forecast: noise of a single probe would become a promise."""


WINDOW = timedelta(seconds=60)
"""What a trend is read from: long enough to even out single tasks, short enough to see a pause work."""


GOAL = 500
"""Depth below which a backed-up queue counts as drained, when the settings declare no limit for it."""


class DepthSample(Value):
    """Depth of one queue at one moment; `started` is how many of its tasks workers had begun by then, if known.

    `series` tells counts apart that began anew or came about in another way: those of two series do not compare.
    """

    at: datetime
    depth: int
    started: int | None = None
    series: int = 0


class Trend(Value):
    """Messages per minute: `net` growth of the depth (negative drains), `service` tasks begun (None: not known)."""

    net_per_minute: float
    service_per_minute: float | None
    seconds: float

    @property
    def arrival_per_minute(self) -> float | None:
        """Return messages that came in per minute: what grew and what was begun; None where the latter is not known.

        Never below 0: the growth leaves single bursts out and what was begun does not, so the two may differ a little.
        """
        if self.service_per_minute is None:
            return None
        return max(0.0, self.net_per_minute + self.service_per_minute)


class Prospect(StrEnum):
    """What a forecast says."""

    ALREADY_BELOW = "already below"
    DRAINS = "drains"
    WILL_NOT_DRAIN = "will not drain"
    TOO_EARLY = "no forecast yet"


class Forecast(Value):
    """When `depth` falls below `goal`; `minutes` is set for DRAINS alone."""

    prospect: Prospect
    goal: int
    minutes: float | None = None


def trend(samples: Sequence[DepthSample]) -> Trend | None:
    """Return the trend over samples in order of time, or None while there are too few over too short a span."""
    if len(samples) < ENOUGH_SAMPLES:
        return None
    first, last = samples[0], samples[-1]
    seconds = (last.at - first.at).total_seconds()
    if seconds < ENOUGH_SECONDS:
        return None
    return Trend(net_per_minute=_slope(samples) * 60, service_per_minute=_service(samples), seconds=seconds)


def _slope(samples: Sequence[DepthSample]) -> float:
    """Return messages per second: the mean over the middle half of the steps, so that a burst is not taken for a trend.

    A median would call a queue that gets a batch now and then steady; a plain mean or a fitted line would call a queue
    that once got a thousand messages at a stroke a growing one.
    """
    steps = [(b.depth - a.depth, (b.at - a.at).total_seconds()) for a, b in pairwise(samples) if b.at > a.at]
    steps.sort(key=lambda step: step[0] / step[1])
    cut = len(steps) // 4
    middle = steps[cut : len(steps) - cut]
    return sum(change for change, _ in middle) / sum(seconds for _, seconds in middle)


def _service(samples: Sequence[DepthSample]) -> float | None:
    """Return tasks begun per minute, between the first and last sample of the newest series of counts."""
    known = [s for s in samples if s.started is not None]
    counted = [(s.at, s.started) for s in known if s.started is not None and s.series == known[-1].series]
    if len(counted) < 2 or counted[-1][1] < counted[0][1]:
        return None
    seconds = (counted[-1][0] - counted[0][0]).total_seconds()
    return (counted[-1][1] - counted[0][1]) * 60 / seconds if seconds >= ENOUGH_SECONDS else None


def recent(
    samples: Iterable[DepthSample], now: datetime, *, since: datetime | None = None, window: timedelta = WINDOW
) -> list[DepthSample]:
    """Return what a trend is read from: the samples of the last `window`, and none from before `since`.

    `since` is when something was done about the queue: what was counted before says nothing of how it goes now.
    """
    return [s for s in samples if now - s.at <= window and (since is None or s.at >= since)]


def goal_of(spec: ClusterSpec, queue: str) -> int:
    """Return the depth in messages below which a queue counts as drained: its declared limit, else `GOAL`."""
    declared = spec.queue(queue)
    return declared.alert_above if declared else GOAL


def forecast(depth: int, goal: int, current: Trend | None, *, slots_now: int = 0, slots_freed: int = 0) -> Forecast:
    """Forecast when `depth` falls below `goal`, if `slots_freed` more slots served the queue.

    Freed slots are taken to work at the rate of the `slots_now` that serve it today; where no service rate is known, a
    change of slots cannot be forecast and the answer is TOO_EARLY.
    """
    if depth < goal:
        return Forecast(prospect=Prospect.ALREADY_BELOW, goal=goal)
    if current is None:
        return Forecast(prospect=Prospect.TOO_EARLY, goal=goal)
    net = current.net_per_minute
    if slots_freed:
        if not current.service_per_minute or slots_now <= 0:
            return Forecast(prospect=Prospect.TOO_EARLY, goal=goal)
        net -= current.service_per_minute / slots_now * slots_freed
    if net >= 0:
        return Forecast(prospect=Prospect.WILL_NOT_DRAIN, goal=goal)
    return Forecast(prospect=Prospect.DRAINS, goal=goal, minutes=(depth - goal + 1) / -net)


class Relief(Value):
    """A less important queue whose pause would free slots for a backed-up one.

    `frees` of `of` slots, on the `workers` the two queues share; `serving` is how many slots there run the backed-up
    queue now.
    """

    queue: str
    importance: int
    frees: int
    of: int
    serving: int
    workers: tuple[str, ...]


def reliefs(
    snapshot: ClusterSnapshot, spec: ClusterSpec, backed_up: str, earlier: Sequence[ClusterSnapshot] = ()
) -> tuple[Relief, ...]:
    """Return what could be paused to help `backed_up`: least important first, then most slots.

    Only a less important queue that shares a worker with it and uses slots there: pausing any other frees nothing. How
    many is the mean over this snapshot and those of the minute before: of one moment, an offer would come and go.
    """
    shared = snapshot.consumers(backed_up)
    looks = [snapshot, *(s for s in earlier if timedelta(0) < snapshot.taken_at - s.taken_at <= WINDOW)]
    others = {q for w in shared for q in w.queues or ()} - {backed_up}
    found = [_relief(looks, shared, spec, backed_up, other) for other in others]
    useful = [r for r in found if r.frees > 0 and r.importance < spec.importance(backed_up)]
    return tuple(sorted(useful, key=lambda r: (r.importance, -r.frees, r.queue)))


def _relief(
    looks: Sequence[ClusterSnapshot], shared: Sequence[Worker], spec: ClusterSpec, backed_up: str, other: str
) -> Relief:
    both = [w for w in shared if other in (w.queues or ())]
    return Relief(
        queue=other,
        importance=spec.importance(other),
        frees=_running(looks, both, other),
        of=sum(w.slots or 0 for w in both),
        serving=_running(looks, shared, backed_up),
        workers=tuple(w.name for w in both),
    )


def _running(looks: Sequence[ClusterSnapshot], workers: Sequence[Worker], queue: str) -> int:
    """Return how many slots of these workers ran tasks of a queue: the mean over the looks, rounded half up."""
    names = {w.name for w in workers}
    counts = [sum(w.running_on(queue) for w in look.workers if w.name in names) for look in looks]
    return int(sum(counts) / len(counts) + 0.5)
