"""What a change would bring for a backed-up queue: less important ones paused, more slots."""

import math
from collections.abc import Collection, Sequence

from bot.domain.cluster import ClusterSnapshot, ClusterSpec
from bot.domain.forecast import WINDOW, Prospect, Trend, forecast, goal_of, reliefs
from bot.domain.views import WhatIf
from bot.domain.wording import counted

MOST_RELIEFS = 3
"""Pauses told of one queue, the least important first: more do not fit a phone."""

SOON_MINUTES = 30.0
"""In what time a queue that will not drain by itself should be drained, when slots are counted for it."""

MOST_SLOTS = 256
"""More extra slots than this are no advice."""


def what_ifs(
    snapshot: ClusterSnapshot,
    spec: ClusterSpec,
    queue: str,
    trend: Trend | None,
    earlier: Sequence[ClusterSnapshot] = (),
    *,
    paused: Collection[str] = (),
) -> tuple[WhatIf, ...]:
    """Return what pausing each relief queue would bring, what one more worker would, and how many slots are enough.

    Nothing for a queue below its goal, nor while no rate is known: a change of slots cannot be forecast then. `paused`
    queues are no offer any more; `earlier` are snapshots since somebody last acted.
    """
    seen, goal = snapshot.queue(queue), goal_of(spec, queue)
    if seen is None or seen.depth is None or seen.depth < goal or trend is None or not trend.service_per_minute:
        return ()
    depth = seen.depth
    useful = [r for r in reliefs(snapshot, spec, queue, earlier) if r.queue not in paused][:MOST_RELIEFS]
    found = [
        WhatIf(
            what=f"{r.queue} paused",
            forecast=forecast(depth, goal, trend, slots_now=r.serving, slots_freed=r.frees),
        )
        for r in useful
    ]
    serving = _serving(snapshot, queue, earlier)
    found += [
        WhatIf(what=counted(n, "more slot"), forecast=forecast(depth, goal, trend, slots_now=serving, slots_freed=n))
        for n in _worthwhile(snapshot, spec, queue, depth - goal + 1, trend, serving)
    ]
    return tuple(w for w in found if w.forecast.prospect is not Prospect.TOO_EARLY)


def _serving(snapshot: ClusterSnapshot, queue: str, earlier: Sequence[ClusterSnapshot]) -> int:
    """Return how many slots ran tasks of the queue: the mean over the last minute, rounded half up."""
    looks = [snapshot, *(s for s in earlier if s.taken_at < snapshot.taken_at <= s.taken_at + WINDOW)]
    return int(sum(w.running_on(queue) for look in looks for w in look.workers) / len(looks) + 0.5)


def _worthwhile(
    snapshot: ClusterSnapshot, spec: ClusterSpec, queue: str, surplus: int, trend: Trend, serving: int
) -> list[int]:
    """Return the numbers of extra slots to tell of: one more worker's, and more if those would not drain it soon."""
    if serving <= 0 or not trend.service_per_minute:
        return []
    one = _one_worker(snapshot, spec, queue)
    needed = trend.net_per_minute + surplus / SOON_MINUTES  # a minute, on top of what is begun now
    enough = math.ceil(round(needed / (trend.service_per_minute / serving), 6))
    return [one, enough] if one < enough <= MOST_SLOTS else [one]


def _one_worker(snapshot: ClusterSnapshot, spec: ClusterSpec, queue: str) -> int:
    """Return the slots of one more worker: as a group that consumes the queue is configured, else the mean there is."""
    group = next((g for g in spec.worker_groups if queue in g.queues), None)
    if group:
        return group.concurrency
    slots = [w.slots for w in snapshot.consumers(queue) if w.slots]
    return max(1, round(sum(slots) / len(slots))) if slots else 1
