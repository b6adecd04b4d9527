"""How long tasks run."""

from collections import defaultdict

from pydantic import Field

from bot.domain.amounts import SpanText, took
from bot.domain.cluster import ClusterSnapshot
from bot.domain.hearing import at_least, doubts, means
from bot.domain.run import Finding, Level
from bot.domain.troubles import Trouble, brief, level_above, table, told
from bot.domain.window import Histogram, Span, Window
from bot.domain.wording import counted
from bot.ports import Check, Params, Target


class TaskDurationsParams(Params):
    """Of what, and how long is too long."""

    span: SpanText = Field(default=Span.QUARTER, description="1m, 15m, 1h or 24h")
    task: str | None = Field(default=None, description="a task name; `*` stands for anything")
    queue: str | None = Field(default=None, description="a queue")
    warn: float | None = Field(default=None, gt=0, description="seconds of the p95 above which it is a warning")
    alert: float | None = Field(default=None, gt=0, description="seconds of the p95 above which it is bad")


class TaskDurations(Check[TaskDurationsParams]):
    """How long tasks run: the median, what 95 % stay below, and the longest."""

    name = "task_durations"
    needs_snapshot = False
    params = TaskDurationsParams

    def run(self, params: TaskDurationsParams, snapshot: ClusterSnapshot, target: Target) -> Finding:  # noqa: ARG002
        """Run time alone, by the workers' own clocks, of tasks that succeeded or failed; without bounds all is well."""
        now = target.clock.now()
        window = target.live.window(params.span, now)
        unsure = doubts(window, target.live.feed(), target.live.workers(now))
        by_task = _by_task(window, params)
        if not by_task:
            level = Level.UNKNOWN if unsure else Level.OK
            sentence = f"No task told how long it ran in the last {params.span.value}."
            return Finding(level=level, sentence=sentence, at=now, values={"n": 0}, unknown=unsure)
        order = sorted(by_task, key=lambda name: -(by_task[name].quantile(0.95) or 0.0))
        slowest = by_task[order[0]]
        level, sentence = told(
            _troubles(params, by_task, order, unsure), f"{_told(order[0], slowest, params, unsure)}."
        )
        values = {"p50": slowest.quantile(0.5), "p95": slowest.quantile(0.95), "n": slowest.n, "task": order[0]}
        return Finding(
            level=level,
            sentence=sentence,
            at=now,
            values=values,
            table=table(("task", "p50", "p95", "max", "n"), [_row(name, by_task[name]) for name in order]),
            unknown=unsure,
        )


def _by_task(window: Window, params: TaskDurationsParams) -> dict[str, Histogram]:
    found: defaultdict[str, Histogram] = defaultdict(Histogram)
    for row in window.tasks:
        if row.figures.runtime.n and means(params.task, row.name) and params.queue in (None, row.queue):
            found[row.name] = found[row.name].plus(row.figures.runtime)
    return dict(found)


def _told(name: str, runtime: Histogram, params: TaskDurationsParams, unsure: tuple[str, ...]) -> str:
    n = f"{at_least(unsure)}{counted(runtime.n, 'task')}"
    return f"Slowest is {name}: 95 % of {n} ran within {took(runtime.quantile(0.95) or 0.0)} ({params.span.value})"


def _troubles(
    params: TaskDurationsParams, by_task: dict[str, Histogram], order: list[str], unsure: tuple[str, ...]
) -> list[Trouble]:
    warn, alert = params.warn or params.alert, params.alert or float("inf")
    if warn is None:
        return []
    found = []
    for name in order:
        p95 = by_task[name].quantile(0.95) or 0.0
        level = level_above(p95, warn, alert)
        if level is not Level.OK:
            limit = alert if level is Level.BAD else warn
            words = (
                f"{name} is slow: 95 % of {at_least(unsure)}{counted(by_task[name].n, 'task')} ran within {took(p95)}, "
                f"wanted are {took(limit)}; {by_task[name].above(limit):,} ran longer. Look at what it waits for "
                "(`/celery check slow_tasks`)."
            )
            found.append(Trouble(level, words))
    return found


def _row(name: str, runtime: Histogram) -> tuple[str, ...]:
    p50, p95, longest = (took(runtime.quantile(q) or 0.0) for q in (0.5, 0.95, 1.0))
    return (brief(name), p50, p95, f"≤ {longest}", f"{runtime.n:,}")
