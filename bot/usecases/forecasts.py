"""Forecasts are kept, and scored against what happened: a bot that errs should be seen to err."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from bot.domain.cluster import ClusterSpec
from bot.domain.forecast import DepthSample, Prospect, forecast, goal_of, recent, trend
from bot.domain.scoring import KEPT, LONGEST, KeptForecast, due_by
from bot.domain.scoring import scores as scores_of
from bot.domain.targets import ForecastScore
from bot.ports import Ports, Tx
from bot.usecases.targets import last_acted

LEASE_SECONDS = 150.0

HOLE = timedelta(minutes=2)
"""Without a sample for longer than this nobody can say when a queue drained."""

NEW = timedelta(seconds=20)
"""How old a depth may be that a forecast is made of."""

AT_ONCE = 1000
"""Most forecasts deleted in one transaction."""

MOST_SCORED = 20_000
"""Most forecasts that scores are made of, the newest: a queue backed up all week makes half of that."""


def keep(ports: Ports, cluster: str) -> None:
    """Decide the forecasts whose queue drained or whose time is over, and keep new ones; once a minute. Asks nobody.

    Of several bots one does so: the holder of the lease. Raises StoreUnavailable.
    """
    now, spec = ports.clock.now(), ports.clusters.spec(cluster)
    samples = {queue: ports.samples.of(cluster, queue) for queue in ports.samples.queues(cluster)}
    with ports.store.read() as tx:
        acted_before = last_acted(tx, cluster)
    made = _made(spec, samples, acted_before, now)
    with ports.store.write() as tx:
        if not tx.lease(f"forecasts:{cluster}", ports.owner, now, LEASE_SECONDS):
            return
        acted, watched = last_acted(tx, cluster), tx.note(_watched(cluster))
        since = datetime.fromisoformat(watched) if watched else now
        _decide(tx, cluster, samples, since=since, acted=acted, now=now)
        for new in made if acted == acted_before else ():
            tx.forecasts.add(cluster, new)
        tx.forecasts.forget(now - KEPT, AT_ONCE)
        tx.set_note(_watched(cluster), now.isoformat())


def scores(ports: Ports, cluster: str) -> tuple[ForecastScore, ...]:
    """Return how well the forecasts of each queue did over the last week; void ones count for nothing."""
    with ports.store.read() as tx:
        decided = tx.forecasts.ended(cluster, ports.clock.now() - KEPT, MOST_SCORED)
    return scores_of(decided)


def _watched(cluster: str) -> str:
    return f"forecasts:{cluster}"


def _decide(
    tx: Tx,
    cluster: str,
    samples: Mapping[str, Sequence[DepthSample]],
    *,
    since: datetime,
    acted: datetime | None,
    now: datetime,
) -> None:
    """Decide what was open, by the samples since the last time. What drained before an act counts; the rest is void."""
    open_ones = tx.forecasts.open(cluster)
    seen = {queue: [s for s in samples.get(queue, ()) if since < s.at <= now] for queue, _ in open_ones}
    for queue in (queue for queue, found in seen.items() if _hole(since, found, now)):
        tx.forecasts.void(cluster, now, made_by=now, queue=queue)
    for queue, goal in open_ones:
        _drained(tx, cluster, queue, goal, [s for s in seen[queue] if acted is None or s.at < acted])
    if acted is not None:
        tx.forecasts.void(cluster, now, made_by=acted)
    for queue, goal in open_ones:
        _drained(tx, cluster, queue, goal, seen[queue])
    tx.forecasts.overdue(cluster, now)


def _hole(since: datetime, seen: Sequence[DepthSample], now: datetime) -> bool:
    """Return whether the queue was not watched for a while: the bot was down, or its broker did not answer."""
    moments = [since, *(s.at for s in seen), now]
    return any(b - a > HOLE for a, b in pairwise(moments))


def _drained(tx: Tx, cluster: str, queue: str, goal: int, seen: Sequence[DepthSample]) -> None:
    below = next((s for s in seen if s.depth < goal), None)
    if below is not None:
        tx.forecasts.drained(cluster, queue, goal, below.at)


def _made(
    spec: ClusterSpec, samples: Mapping[str, Sequence[DepthSample]], acted: datetime | None, now: datetime
) -> list[KeptForecast]:
    """Return the forecasts of queues that are backed up now, where any can be made."""
    made = []
    for queue, known in samples.items():
        goal = goal_of(spec, queue)
        if not known or known[-1].depth <= goal or now - known[-1].at > NEW:
            continue
        found = forecast(known[-1].depth, goal, trend(recent(known, now, since=acted)))
        if found.prospect not in (Prospect.DRAINS, Prospect.WILL_NOT_DRAIN):
            continue
        if found.minutes is None or found.minutes * 60 <= LONGEST.total_seconds():
            due = due_by(now, found.minutes)
            made.append(KeptForecast(queue=queue, at=now, goal=goal, minutes=found.minutes, due=due))
    return made
