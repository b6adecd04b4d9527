"""Which tasks fail, and of what."""

from datetime import datetime

from pydantic import Field

from bot.domain.amounts import SpanText, percent, since
from bot.domain.cluster import ClusterSnapshot
from bot.domain.hearing import at_least, doubts, means
from bot.domain.live import FailureGroup
from bot.domain.run import Finding, Level
from bot.domain.troubles import Trouble, brief, table, told
from bot.domain.window import Figures, Span
from bot.domain.wording import counted
from bot.ports import Check, Params, Target

ENOUGH = 3
"""Fewer failures are at most a warning, however few tasks ended: one of one is no sign of anything."""


class FailuresParams(Params):
    """Which failures, and how many are too many."""

    task: str | None = Field(default=None, description="a task name; `*` stands for anything")
    span: SpanText = Field(default=Span.QUARTER, description="1m, 15m, 1h or 24h")
    alert: float = Field(default=5.0, gt=0, le=100, description="percent of ended tasks above which it is bad")


class Failures(Check[FailuresParams]):
    """Failed tasks by cause: task and exception."""

    name = "failures"
    needs_snapshot = False
    params = FailuresParams

    def run(self, params: FailuresParams, snapshot: ClusterSnapshot, target: Target) -> Finding:  # noqa: ARG002
        """Attempts that are tried again are no failures; their number is told beside."""
        now = target.clock.now()
        window = target.live.window(params.span, now)
        unsure = doubts(window, target.live.feed(), target.live.workers(now))
        figures = window.total([row for row in window.tasks if means(params.task, row.name)])
        groups = [g for g in target.live.failures(params.span, now) if means(params.task, g.task)]
        failed = max(figures.failed, sum(g.n for g in groups))
        counts = {"failed": failed, "lost": figures.lost, "retried": figures.retried, "causes": len(groups)}
        values = counts | _worst(groups)
        if unsure and not (figures.ended or failed):
            return Finding(level=Level.UNKNOWN, sentence=unsure[0], at=now, values=values, unknown=unsure)
        level, sentence = told(_troubles(params, figures, groups, failed, unsure), _well(params, figures, unsure))
        return Finding(
            level=level,
            sentence=sentence,
            at=now,
            values=values,
            table=table(("task", "exception", "n", "last"), _rows(groups, now)),
            unknown=unsure,
        )


def _worst(groups: list[FailureGroup]) -> dict[str, str]:
    """Return the most frequent cause: task, exception and queue; empty texts where there is none."""
    most = max(groups, key=lambda g: g.n, default=None)
    found = (most.task, most.exception, most.queue or "") if most else ("", "", "")
    return dict(zip(("task", "exception", "queue"), found, strict=True))


def _well(params: FailuresParams, figures: Figures, unsure: tuple[str, ...]) -> str:
    known = " that was heard of" if unsure else ""
    return f"No task{known} failed in the last {params.span.value}; {figures.succeeded:,} succeeded."


def _troubles(
    params: FailuresParams, figures: Figures, groups: list[FailureGroup], failed: int, unsure: tuple[str, ...]
) -> list[Trouble]:
    if not failed:
        return []
    share = failed / max(figures.ended, failed)
    level = Level.BAD if share * 100 > params.alert and failed >= ENOUGH else Level.WARN
    most = f"; most often {groups[0].task}: {groups[0].exception} ({groups[0].n:,})" if groups else ""
    words = (
        f"{at_least(unsure).capitalize()}{counted(failed, 'task')} failed in the last {params.span.value}, "
        f"{percent(share)} of those that ended{most}. See `/celery failures` for the tracebacks."
    )
    return [Trouble(level, words)]


def _rows(groups: list[FailureGroup], now: datetime) -> list[tuple[str, ...]]:
    return [
        (brief(g.task), brief(g.exception), f"{g.n:,}", f"{since(g.last_at, now)} ago")
        for g in sorted(groups, key=lambda g: (-g.n, g.task))
    ]
