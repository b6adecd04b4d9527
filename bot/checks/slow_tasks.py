"""Tasks that run longer than they should."""

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta

from pydantic import Field

from bot.domain.amounts import took
from bot.domain.cluster import ClusterSnapshot, TaskInHand, Worker
from bot.domain.duration import Seconds
from bot.domain.hearing import means
from bot.domain.run import Finding, Level
from bot.domain.troubles import Trouble, brief, table, told
from bot.domain.window import Span, Window
from bot.domain.wording import counted, listed
from bot.ports import Check, Params, Target

ENOUGH = 20
"""Of fewer durations of a task, no limit is worked out."""

OTHERWISE = 60.0
"""The limit in seconds of a task of which too little is known."""


class SlowTasksParams(Params):
    """How slow is slow."""

    seconds: Seconds | None = Field(default=None, ge=1, description="how long a task may run, like 30s or 5m")
    factor: float = Field(default=3.0, ge=1, description="else: how many times its usual p95 of the last day")
    least: Seconds = Field(default=1, ge=1, description="seconds a task must run to be called slow at all")
    task: str | None = Field(default=None, description="a task name; `*` stands for anything")
    queue: str | None = Field(default=None, description="a queue")


@dataclass(frozen=True)
class _Slow:
    """A running task: for how many seconds, how long it may, and where it runs."""

    task: TaskInHand
    age: float
    limit: float
    worker: str


class SlowTasks(Check[SlowTasksParams]):
    """Tasks that run longer than a limit, or than is usual for them."""

    name = "slow_tasks"
    params = SlowTasksParams

    def run(self, params: SlowTasksParams, snapshot: ClusterSnapshot, target: Target) -> Finding:
        """The age is worked out on the worker's own clock, as far as its heartbeats tell how that one goes."""
        running = _running(params, snapshot, target)
        slow = sorted((t for t in running if t.age > t.limit), key=lambda t: -t.age)
        unsaid = [w.name for w in snapshot.workers if w.active is None]
        unknown = (f"{listed(unsaid)} did not say what it runs (busy or unreachable).",) if unsaid else ()
        if not any(w.active is not None for w in snapshot.workers):
            sentence = "No worker said what it runs."
            return Finding(level=Level.UNKNOWN, sentence=sentence, at=snapshot.taken_at, unknown=unknown)
        longest = max((t.age for t in running), default=0.0)
        well = f"{counted(len(running), 'task')} running, none for too long; the longest for {took(longest)}."
        level, sentence = told([_trouble(slow)] if slow else [], well if running else "No task is running.")
        return Finding(
            level=level,
            sentence=sentence,
            at=snapshot.taken_at,
            values={"n": len(slow), "longest": longest, "ids": [t.task.id for t in slow], "task": _most(slow)},
            table=table(("task", "for", "worker", "id"), [_row(t) for t in slow]),
            unknown=unknown,
        )


def _most(slow: list[_Slow]) -> str:
    """Return the task name that most of them have; nothing where there is none."""
    return next((name for name, _ in Counter(t.task.name for t in slow).most_common(1)), "")


def _running(params: SlowTasksParams, snapshot: ClusterSnapshot, target: Target) -> list[_Slow]:
    now = target.clock.now()
    ahead = {w.name: w.clock_ahead or 0.0 for w in target.live.workers(now)}
    usual = target.live.window(Span.DAY, now)
    return [
        _Slow(task, _age(task, worker, snapshot, ahead), _limit(params, task.name, usual), worker.name)
        for worker in snapshot.workers
        for task in worker.active or ()
        if task.started_at is not None and means(params.task, task.name) and params.queue in (None, task.queue)
    ]


def _age(task: TaskInHand, worker: Worker, snapshot: ClusterSnapshot, ahead: dict[str, float]) -> float:
    there = snapshot.taken_at + timedelta(seconds=ahead.get(worker.name, 0.0))
    return max(0.0, (there - (task.started_at or there)).total_seconds())


def _limit(params: SlowTasksParams, name: str, usual: Window) -> float:
    if params.seconds is not None:
        return float(params.seconds)
    runtime = usual.total(usual.of_task(name)).runtime
    p95 = runtime.quantile(0.95) if runtime.n >= ENOUGH else None
    return max(OTHERWISE if p95 is None else p95 * params.factor, float(params.least))


def _trouble(slow: list[_Slow]) -> Trouble:
    worst = slow[0]
    more = f" {counted(len(slow), 'task')} in all." if len(slow) > 1 else ""
    words = (
        f"{worst.task.name} runs for {took(worst.age)} on {worst.worker}, longer than {took(worst.limit)}.{more} "
        f"Look at it with `/celery task {worst.task.id}`, and at what it waits for, before anybody ends it."
    )
    return Trouble(Level.WARN, words)


def _row(slow: _Slow) -> tuple[str, ...]:
    return (brief(slow.task.name), took(slow.age), brief(slow.worker, 16), slow.task.id[:8])
