"""Time limits of tasks: a soft one, which the task may catch, and a hard one, which ends the process that runs it."""

from collections.abc import Mapping

from pydantic import Field

from bot.domain.cluster import Value, Worker

SURE = "prefork"
"""The one pool, by the name of `--pool`, whose limits can be changed while it runs and be seen to have changed."""


class TimeLimits(Value):
    """How many seconds a task may run; None is no limit."""

    soft: float | None = None
    hard: float | None = None

    def with_(self, soft: float | None, hard: float | None) -> "TimeLimits":
        """Return these with others in their place, where others are given."""
        return TimeLimits(soft=self.soft if soft is None else soft, hard=self.hard if hard is None else hard)

    def in_words(self) -> str:
        """Return "30 s soft, 60 s hard"."""
        parts = [f"{n:g} s {kind}" for n, kind in ((self.soft, "soft"), (self.hard, "hard")) if n is not None]
        return ", ".join(parts) or "no time limit"


class TimeLimitsFound(Value):
    """What workers say of the time limits of one task.

    `limits` holds each worker that knows the task; `strangers` answered and do not. `restartable` may have their pools
    restarted (`worker_pool_restarts`). `processes` are the pids of a prefork pool's. `pools` are the limits that a pool
    has itself, for tasks that say none (`--soft-time-limit`, `--time-limit`). `rated` are the tasks of each that have a
    rate limit: a restart of the pool gives them a second bucket beside the one that holds tasks back (celery's
    `Consumer.reset_rate_limits`). `tasks` are all names met.

    `limits` alone says nothing of what holds: Celery changes what it shows at once, and what it does when the pool is
    restarted.
    """

    limits: dict[str, TimeLimits] = Field(default_factory=dict)
    strangers: frozenset[str] = frozenset()
    restartable: frozenset[str] = frozenset()
    processes: dict[str, frozenset[int]] = Field(default_factory=dict)
    pools: dict[str, TimeLimits] = Field(default_factory=dict)
    rated: dict[str, frozenset[str]] = Field(default_factory=dict)
    tasks: frozenset[str] = frozenset()

    def holds(self, worker: str, wanted: TimeLimits, processes: Mapping[str, frozenset[int]]) -> bool:
        """Return whether a worker has these limits, and a process in its pool that is not among those from before."""
        fresh = self.processes.get(worker, frozenset()) - processes.get(worker, frozenset())
        return self.limits.get(worker) == wanted and bool(fresh)


def crossed(limits: TimeLimits, pool: TimeLimits) -> str | None:
    """Return why limits of a task would not hold in a pool, in words that fit any worker; None if they would.

    Where the soft one is not the shorter, Celery waits for it first, and the hard one comes late (its `asynpool.py`).
    """
    soft, hard = limits.soft or pool.soft, limits.hard or pool.hard
    if soft is None or hard is None or soft < hard:
        return None
    both = TimeLimits(soft=soft, hard=hard).in_words()
    own = "" if (soft, hard) == (limits.soft, limits.hard) else f" (the pool has {pool.in_words()} of its own)"
    return f"that would be {both}{own}, and the soft one has to be the shorter"


def cannot(worker: Worker, found: TimeLimitsFound, twins: tuple[str, ...] = ()) -> str | None:
    """Return why no time limit of a worker can be changed, in words that fit others like it; None if it can be."""
    if not worker.answered or (worker.name not in found.limits and worker.name not in found.strangers):
        return "no answer (busy or unreachable)"
    if worker.name in found.strangers:
        return "the task is not known there"
    if worker.name in twins:
        return "two workers have that name, and both would obey"
    if worker.pool == "gevent":
        return "with a gevent pool nobody can see whether a new limit holds"
    if worker.pool != SURE:
        return f"this pool ({worker.pool or 'it did not say which'}) ends no task in time"
    if worker.name not in found.restartable:
        return (
            "started without `worker_pool_restarts`, where Celery says ok and keeps the old limit; set "
            "`worker_pool_restarts = True` in the application and restart"
        )
    return None
