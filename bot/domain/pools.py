"""Pools that grow and shrink while they run: which can, by how much each, and whether they did.

What each pool does with `pool_grow` and `pool_shrink` was tried on Celery 5.7: threads and solo answer with an error;
prefork takes some seconds, and only the count of its processes tells; a gevent pool obeys even below zero, and then
runs nothing.
"""

from collections.abc import Collection, Mapping, Sequence

from bot.domain.cluster import ClusterSpec, Worker, in_group
from bot.domain.value import Value

RESIZABLE = ("prefork", "gevent")
"""Pools that change their size while they run, by the names of `--pool`."""


class PoolChange(Value):
    """One worker's pool has `slots` and is to have `by` more, or fewer where that is negative."""

    worker: str
    slots: int
    by: int

    @property
    def to(self) -> int:
        """Return the size it is to have."""
        return self.slots + self.by

    def reached(self, slots: int | None) -> bool:
        """Return whether a pool of `slots` is there; None is not known, so it is not."""
        return slots is not None and (slots >= self.to if self.by > 0 else slots <= self.to)


def cannot(worker: Worker, twins: Collection[str] = ()) -> str | None:
    """Return why a worker's pool is not to be touched, in words that follow its name; None if it may be.

    `twins` are names that more than one worker bears: a command would reach them all.
    """
    if not worker.answered:
        return "did not answer (busy or unreachable)"
    if worker.name in twins:
        return "is the name of two workers, and both would obey"
    if worker.pool is None or worker.slots is None:
        return "did not say what pool it has"
    if worker.autoscaled:
        return "sizes its pool itself (`--autoscale`)"
    if worker.pool not in RESIZABLE:
        return f"has a pool ({worker.pool}) that cannot change its size while it runs"
    return "has a broken pool of less than no slots and must be restarted" if worker.slots < 0 else None


def spread(workers: Sequence[Worker], by: int, bounds: Mapping[str, int]) -> tuple[PoolChange, ...]:
    """Spread `by` slots in all over workers whose pools may be touched, one by one.

    More slots go to the smallest pools, fewer are taken from the largest; a pool keeps one at least, because Celery's
    own shrink by too many leaves a worker that is online and runs nothing. `bounds` are sizes by worker that are not
    passed. Where there is no room, fewer than `by` are spread.
    """
    step = 1 if by > 0 else -1
    before = {w.name: w.slots or 0 for w in workers}
    sizes = dict(before)
    for _ in range(abs(by)):
        able = [n for n in sizes if _room(sizes[n], step, bounds.get(n))]
        if not able:
            break
        sizes[min(able, key=lambda n: (sizes[n] * step, n))] += step
    return tuple(
        PoolChange(worker=n, slots=before[n], by=sizes[n] - before[n]) for n in sorted(sizes) if sizes[n] != before[n]
    )


def _room(slots: int, step: int, bound: int | None) -> bool:
    if step > 0:
        return bound is None or slots < bound
    return slots > max(1, bound or 1)


def started_with(spec: ClusterSpec, worker: str) -> int | None:
    """Return the slots that a worker's group is started with, by the settings; None for one of no group."""
    return next((g.concurrency for g in spec.worker_groups if in_group(worker, g)), None)


def beyond_settings(spec: ClusterSpec, workers: Sequence[Worker], changes: Sequence[PoolChange]) -> tuple[str, ...]:
    """Return in words which groups would have more slots than their settings foresee in all."""
    sizes = {w.name: w.slots or 0 for w in workers} | {c.worker: c.to for c in changes}
    touched = {c.worker for c in changes if c.by > 0}
    found = []
    for group in spec.worker_groups:
        own = {n for n in sizes if in_group(n, group)}
        total, most = sum(sizes[n] for n in own), group.concurrency * group.max_workers
        if own & touched and total > most:
            found.append(
                f"{group.name} would have {total:,} slots; the settings foresee {most:,} at most "
                f"({group.max_workers:,} × {group.concurrency:,})."
            )
    return tuple(found)
