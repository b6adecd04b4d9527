"""The depths of the last minutes, in memory: what forecasts are read from."""

import threading
from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from bot.adapters.heard_starts import HeardStarts
from bot.domain.cluster import ClusterSnapshot, Worker
from bot.domain.errors import ClusterUnreachable
from bot.domain.forecast import DepthSample
from bot.domain.window import Slice

KEPT = 120
"""Samples kept for each queue: ten minutes, at one every five seconds."""

KEPT_FOR = timedelta(minutes=10)

SNAPSHOTS = 12
"""Whole snapshots kept of each cluster: a minute and more, at one every ten seconds or less often."""


class MemorySamples:
    """A ring of samples for each queue of each cluster. Safe to use from many threads."""

    def __init__(self) -> None:
        """Know nothing; a restart of the process begins anew."""
        self._lock = threading.Lock()
        self._rings: defaultdict[tuple[str, str], deque[DepthSample]] = defaultdict(lambda: deque(maxlen=KEPT))
        self._starts: defaultdict[str, _Starts] = defaultdict(_Starts)
        self._series: defaultdict[str, int] = defaultdict(int)  # of workers' totals: 0 and below; events': above
        self._heard: defaultdict[str, HeardStarts] = defaultdict(HeardStarts)
        self._failures: dict[str, tuple[datetime, ClusterUnreachable]] = {}
        self._snapshots: defaultdict[str, deque[ClusterSnapshot]] = defaultdict(lambda: deque(maxlen=SNAPSHOTS))

    def of(self, cluster: str, queue: str) -> Sequence[DepthSample]:
        """Return the samples of a queue, oldest first."""
        with self._lock:
            return tuple(self._rings.get((cluster, queue), ()))

    def queues(self, cluster: str) -> tuple[str, ...]:
        """Return the names of the queues that were sampled lately."""
        with self._lock:
            return tuple(queue for of, queue in self._rings if of == cluster)

    def failed(self, cluster: str, at: datetime, error: ClusterUnreachable) -> None:
        """Remember that a cluster could not be read."""
        with self._lock:
            self._failures[cluster] = (at, error)

    def failure(self, cluster: str) -> tuple[datetime, ClusterUnreachable] | None:
        """Return when and why a cluster could not be read, if that is the newest there is."""
        with self._lock:
            return self._failures.get(cluster)

    def snapshots(self, cluster: str) -> Sequence[ClusterSnapshot]:
        """Return the last snapshots of a cluster, oldest first."""
        with self._lock:
            return tuple(self._snapshots[cluster])

    def take(self, snapshot: ClusterSnapshot) -> None:
        """Remember what a snapshot counted, with how many tasks of each queue were begun, where that is known.

        Where events tell all starts, they give the count, a few seconds later: see `heard`.
        """
        at = snapshot.taken_at
        with self._lock:
            starts = self._starts[snapshot.cluster]
            if not starts.take(snapshot.workers, at):
                return
            self._snapshots[snapshot.cluster].append(snapshot)
            self._failures.pop(snapshot.cluster, None)
            told = self._heard[snapshot.cluster].fresh(at)
            for queue in snapshot.queues:
                if queue.depth is not None:
                    started = None if told else starts.of(queue.name)
                    series = self._series[snapshot.cluster]
                    sample = DepthSample(at=at, depth=queue.depth, started=started, series=series)
                    self._append(snapshot.cluster, queue.name, sample)
            self._forget(snapshot.cluster, at)

    def take_depths(self, cluster: str, at: datetime, depths: Mapping[str, int]) -> None:
        """Remember depths alone, of a probe that asked no worker."""
        with self._lock:
            self._failures.pop(cluster, None)
            for queue, depth in depths.items():
                self._append(cluster, queue, DepthSample(at=at, depth=depth))
            self._forget(cluster, at)

    def heard(self, cluster: str, slices: Sequence[Slice], *, complete: bool) -> None:
        """Give the samples of these slices the starts that events told; `complete`: every worker sends events."""
        with self._lock:
            rings = {queue: ring for (of, queue), ring in self._rings.items() if of == cluster}
            for piece in slices:
                self._heard[cluster].take(piece, rings, complete=complete)

    def heard_until(self, cluster: str) -> datetime | None:
        """Return up to when slices were taken."""
        with self._lock:
            return self._heard[cluster].until

    def restore(self, cluster: str, samples: Mapping[str, Sequence[DepthSample]]) -> None:
        """Take back what was kept before a restart, oldest first; starts are counted anew after it."""
        with self._lock:
            for queue, kept in samples.items():
                for sample in kept:
                    self._append(cluster, queue, sample)
                    self._heard[cluster].beyond(sample.series)
                    self._series[cluster] = min(self._series[cluster], sample.series - 1)

    def _append(self, cluster: str, queue: str, sample: DepthSample) -> None:
        ring = self._rings[cluster, queue]
        if not ring or ring[-1].at < sample.at:  # two threads may come here in either order
            ring.append(sample)

    def _forget(self, cluster: str, now: datetime) -> None:
        for key, ring in list(self._rings.items()):
            while ring and now - ring[0].at > KEPT_FOR:
                ring.popleft()
            if key[0] == cluster and not ring:
                del self._rings[key]


class _Starts:
    """How many tasks of each queue the workers of one cluster have begun, since they were first asked.

    Workers count by task name. Which queue a name belongs to is learned from the tasks seen in their hands; a name seen
    in two queues lately tells nothing of either.
    """

    def __init__(self) -> None:
        self._latest: datetime | None = None
        self._workers: dict[str, tuple[datetime, Worker]] = {}
        self._homes: defaultdict[str, dict[str, datetime]] = defaultdict(dict)
        self._count: defaultdict[str, int] = defaultdict(int)

    def take(self, workers: Sequence[Worker], now: datetime) -> bool:
        """Add what was begun since the last time; returns False for what is older than that, and takes nothing."""
        if self._latest is not None and now <= self._latest:  # two threads may come here in either order
            return False
        self._latest = now
        self._forget(now)
        for worker in workers:
            self._learn(worker, now)
        for worker in workers:
            if worker.totals:
                self._add(worker, now)
        return True

    def of(self, queue: str) -> int | None:
        """Return the count, or None while it is not known."""
        homes = [homes for homes in self._homes.values() if queue in homes]
        return self._count[queue] if homes and all(len(h) == 1 for h in homes) else None

    def _learn(self, worker: Worker, now: datetime) -> None:
        for task in (*(worker.active or ()), *(worker.reserved or ())):
            if task.queue is not None:
                self._homes[task.name][task.queue] = now

    def _add(self, worker: Worker, now: datetime) -> None:
        _, before = self._workers.get(worker.name, (now, None))
        self._workers[worker.name] = (now, worker)
        if before is None:  # how many of them were begun before is not known
            return
        baseline = {} if _restarted(before, worker) else before.totals
        for name, total in worker.totals.items():
            for queue in self._homes.get(name, ()):
                self._count[queue] += total - baseline.get(name, 0)

    def _forget(self, now: datetime) -> None:
        self._workers = {n: (at, w) for n, (at, w) in self._workers.items() if now - at <= KEPT_FOR}
        for name, homes in list(self._homes.items()):
            recent = {queue: at for queue, at in homes.items() if now - at <= KEPT_FOR}
            if recent:
                self._homes[name] = recent
            else:
                del self._homes[name]


def _restarted(before: Worker, now: Worker) -> bool:
    younger = (now.uptime_seconds or 0) < (before.uptime_seconds or 0)
    return younger or any(now.totals.get(name, 0) < total for name, total in before.totals.items())
