"""What is known of a cluster without asking it, and when that will not do."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.domain.cluster import ClusterSnapshot, Queue, Worker
from bot.domain.errors import ClusterUnreachable
from bot.domain.live import LiveWorker, Presence
from bot.ports import Ports, Target

FRESH = timedelta(seconds=20)
"""How old a snapshot may be that stands for now: a little more than the time between two looks."""

FAILED_JUST_NOW = timedelta(seconds=8)
"""How long a failure stands for now: a little more than the time between two samples of depths."""

JUST_LOOKED = timedelta(seconds=3)
"""How old a snapshot is at least before it is taken anew for the sake of a worker that it does not have."""


@dataclass(frozen=True)
class Seen:
    """The newest snapshot there is, with newer depths and heartbeats in it; and why there is no newer one."""

    snapshot: ClusterSnapshot | None
    trouble: str | None = None


def seen(ports: Ports, target: Target, *, fresh: bool = False) -> Seen:
    """Return what is remembered while that stands for now; else, or when `fresh`, ask. Blocks for up to about 3 s.

    What was counted before somebody acted says nothing of how it is now, so the cluster is asked then; and when a
    worker is heard that came since, or came back: "no worker" would stand there for 20 s. A broker that just failed is
    not asked again: everybody would wait for the same nothing.
    """
    now, cluster = ports.clock.now(), target.spec.name
    last = next(iter(reversed(ports.samples.snapshots(cluster))), None)
    if not fresh:
        failure = ports.samples.failure(cluster)
        if failure and now - failure[0] <= FAILED_JUST_NOW:
            return Seen(last and _newest(ports, target, last), str(failure[1]))
        if last and _stands_for_now(target, last, now):
            return Seen(_newest(ports, target, last))
    try:
        snapshot = target.control.snapshot()
    except ClusterUnreachable as e:
        ports.samples.failed(cluster, ports.clock.now(), e)
        return Seen(last and _newest(ports, target, last), str(e))
    ports.samples.take(snapshot)
    target.live.learn(snapshot)
    return Seen(snapshot)


def _stands_for_now(target: Target, last: ClusterSnapshot, now: datetime) -> bool:
    if now - last.taken_at > FRESH or (target.acted is not None and last.taken_at < target.acted):
        return False
    if now - last.taken_at < JUST_LOOKED:  # a worker that takes no commands is in no snapshot, and heard all the time
        return True
    there = {w.name for w in last.workers}
    heard = (w for w in target.live.workers(now) if w.presence is Presence.ONLINE and w.seen_at > last.taken_at)
    return all(w.name in there for w in heard)


def _newest(ports: Ports, target: Target, snapshot: ClusterSnapshot) -> ClusterSnapshot:
    listening = target.live.feed().connected
    heard = {w.name: w for w in target.live.workers(ports.clock.now())} if listening else {}
    return snapshot.model_copy(
        update={
            "queues": tuple(_counted_since(ports, target, q, snapshot.taken_at) for q in snapshot.queues),
            "workers": tuple(_heard_since(w, heard.get(w.name), snapshot.taken_at) for w in snapshot.workers),
        }
    )


def _counted_since(ports: Ports, target: Target, queue: Queue, taken_at: datetime) -> Queue:
    """Return the queue with the depth that was sampled after the snapshot, without lanes, which were not."""
    sample = next(iter(reversed(ports.samples.of(target.spec.name, queue.name))), None)
    if sample is None or sample.at <= taken_at or sample.depth == queue.depth:
        return queue
    return queue.model_copy(update={"depth": sample.depth, "lanes": ()})


def _heard_since(worker: Worker, heard: LiveWorker | None, taken_at: datetime) -> Worker:
    """Return the worker as silent when its heartbeat stopped after it answered: busy, frozen or gone."""
    if heard is None or heard.presence is Presence.ONLINE or heard.seen_at + FRESH < taken_at:
        return worker
    return Worker(name=worker.name, answered=False)
