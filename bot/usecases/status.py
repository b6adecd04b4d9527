"""What a cluster looks like now, for `/celery status`."""

from collections import Counter
from collections.abc import Mapping

from bot.domain.card import QueueLine, StatusView
from bot.domain.cluster import ClusterSnapshot, Queue, Unknown, missing_groups
from bot.domain.errors import OncallError
from bot.domain.forecast import goal_of, recent, trend
from bot.domain.mitigation import RATE, Protection, protection_of
from bot.ports import Ports, Target
from bot.usecases.orders import trouble_of
from bot.usecases.remembering import Seen, seen
from bot.usecases.switches import frozen
from bot.usecases.targets import target_of

LEFT_SECONDS = 0.5
"""How long is waited for what lies beside the queues: it is a line or two of many."""


def status(ports: Ports, cluster: str, *, fresh: bool = False) -> StatusView:
    """Return what a cluster looks like: from memory where that stands for now, else counted. Blocks for about 3 s.

    A broker that cannot be read gives a view that says so, with what was known before.
    """
    target = target_of(ports, cluster)
    with ports.store.read() as tx:
        stopped = frozen(tx)
    known = seen(ports, target, fresh=fresh)
    empty = StatusView(
        cluster=cluster, mode=target.spec.mode, frozen=stopped, trouble=known.trouble, now=ports.clock.now()
    )
    snapshot = known.snapshot
    if snapshot is None:
        return empty
    unheld = unheld_queues(target, snapshot)
    return empty.model_copy(
        update={
            "queues": queue_lines(ports, target, known, snapshot),
            "orphaned": unheld,
            "limits": tuple(m for m in target.mitigations if m.kind == RATE and m.live),
            "workers": snapshot.workers,
            "unknown": (*snapshot.unknown, *_untold(ports, snapshot)),
            "protection": protection(target, snapshot),
            "missing_groups": missing_groups(target.spec, snapshot),
            "taken_at": snapshot.taken_at,
        }
    )


def _untold(ports: Ports, snapshot: ClusterSnapshot) -> list[Unknown]:
    """Return why workers that start with the plugin do not know what is in force, where any has it."""
    why = trouble_of(ports, snapshot.cluster) if any(w.plugin for w in snapshot.workers) else None
    return (
        [Unknown(what="worker plugin", why=f"workers that start with it are not told of pauses: {why}")] if why else []
    )


def queue_lines(ports: Ports, target: Target, known: Seen, snapshot: ClusterSnapshot) -> tuple[QueueLine, ...]:
    """Return a line for each queue, worst first."""
    unheld, aside = unheld_queues(target, snapshot), {} if known.trouble else _set_aside(target)
    lines = [_line(ports, target, snapshot, q, aside) for q in snapshot.queues]
    return tuple(sorted(lines, key=lambda line: _rank(line, unheld)))


def _set_aside(target: Target) -> Mapping[str, int]:
    """Return how many messages of each queue lie in archives: a queue of which they all do looks empty."""
    counted = Counter[str]()
    try:
        for archive in target.means.archives.all(LEFT_SECONDS):
            counted[archive.queue] += archive.messages if archive.undoable else 0
    except OncallError:  # a broker that does not answer is told as such; one that forbids archives holds none
        return {}
    return counted


def unheld_queues(target: Target, snapshot: ClusterSnapshot) -> tuple[str, ...]:
    """Return the queues with messages that nobody consumes, and no pause of ours holds."""
    return tuple(q.name for q in snapshot.without_consumer() if target.pause_of(q.name) is None)


def _line(ports: Ports, target: Target, snapshot: ClusterSnapshot, queue: Queue, aside: Mapping[str, int]) -> QueueLine:
    declared = target.spec.queue(queue.name)
    now = trend(recent(ports.samples.of(target.spec.name, queue.name), snapshot.taken_at, since=target.acted))
    known = not snapshot.silent
    consumers = len(snapshot.consumers(queue.name))
    return QueueLine(
        queue=queue,
        importance=declared.importance if declared else None,
        net_per_minute=now.net_per_minute if now else None,
        scheduled=_scheduled(snapshot, queue.name),
        consumers=consumers if known or consumers else None,
        pause=target.pause_of(queue.name),
        backed_up=queue.depth is not None and queue.depth > goal_of(target.spec, queue.name),
        set_aside=aside.get(queue.name, 0),
    )


def _scheduled(snapshot: ClusterSnapshot, queue: str) -> int | None:
    """Return how many tasks of the queue wait in workers for their time; None when a worker did not say."""
    if any(w.scheduled is None for w in snapshot.workers):
        return None
    return sum(1 for w in snapshot.workers for t in w.scheduled or () if t.queue == queue)


def _rank(line: QueueLine, orphaned: tuple[str, ...]) -> tuple[bool, bool, int, int, str]:
    """Sort worst first: nobody consumes it, backed up, then by importance and depth."""
    depth = line.queue.depth or 0
    return (
        line.queue.name not in orphaned,
        not line.backed_up,
        -(line.importance or 0),
        -depth,
        line.queue.name,
    )


def protection(target: Target, snapshot: ClusterSnapshot) -> dict[str, Protection]:
    """Return which layer keeps each worker from the queues that are paused; empty while nothing is."""
    pauses = [m for m in target.mitigations if m.kind == "pause" and m.live]
    found = (
        (worker.name, protection_of(target.spec, pause, worker, snapshot.taken_at))
        for pause in pauses
        for worker in snapshot.workers
    )
    return {name: layer for name, layer in found if layer is not None}
