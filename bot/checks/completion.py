"""Which share of the tasks that ended succeeded."""

from pydantic import Field

from bot.domain.amounts import SpanText, percent
from bot.domain.cluster import ClusterSnapshot
from bot.domain.hearing import at_least, doubts, means
from bot.domain.run import Finding, Level, Table
from bot.domain.sigma import lower_bound
from bot.domain.troubles import Trouble, brief, table, told
from bot.domain.window import Figures, Span, TaskFigures
from bot.domain.wording import counted
from bot.ports import Check, Params, Target

ENOUGH = 3
"""Fewer defects prove nothing, whatever their share: one failure among three tasks is no rate of 33 %. Of more, the
rate is bad when even the lower bound of its defects (95 %) is."""

COUNTED = "Counted are tasks that ended: succeeded against failed and lost; attempts tried again and revoked are not."


class CompletionParams(Params):
    """Of what, and from where on it is too low."""

    span: SpanText = Field(default=Span.QUARTER, description="1m, 15m, 1h or 24h")
    task: str | None = Field(default=None, description="a task name; `*` stands for anything")
    queue: str | None = Field(default=None, description="a queue")
    warn: float = Field(default=99.9, ge=0, le=100, description="percent below which it is a warning")
    alert: float = Field(default=99.5, ge=0, le=100, description="percent below which it is bad")


class Completion(Check[CompletionParams]):
    """The share of tasks that ended well, with how many there were."""

    name = "completion"
    needs_snapshot = False
    params = CompletionParams

    def run(self, params: CompletionParams, snapshot: ClusterSnapshot, target: Target) -> Finding:  # noqa: ARG002
        """A rate is never told without its n; of too few tasks it is at most a warning."""
        now = target.clock.now()
        window = target.live.window(params.span, now)
        unsure = doubts(window, target.live.feed(), target.live.workers(now))
        rows = [r for r in window.tasks if means(params.task, r.name) and params.queue in (None, r.queue)]
        figures = window.total(rows)
        if figures.completion is None:
            level = Level.UNKNOWN if unsure else Level.OK
            sentence = f"No task ended in the last {params.span.value}{' that was heard of' if unsure else ''}."
            return Finding(level=level, sentence=sentence, at=now, values={"n": 0}, unknown=unsure)
        level, sentence = told(_troubles(params, figures, rows, unsure), f"{_rate(params, figures, unsure)}. {COUNTED}")
        values = {"rate": figures.completion, "percent": figures.completion * 100, "n": figures.ended}
        counts = {"failed": figures.failed, "lost": figures.lost}
        return Finding(
            level=level, sentence=sentence, at=now, values=values | counts, table=_table(rows), unknown=unsure
        )


def _rate(params: CompletionParams, figures: Figures, unsure: tuple[str, ...]) -> str:
    n = f"{at_least(unsure)}{counted(figures.ended, 'task')}"
    return f"{percent(figures.completion or 0.0)} of {n} that ended in the last {params.span.value} succeeded"


def _troubles(
    params: CompletionParams, figures: Figures, rows: list[TaskFigures], unsure: tuple[str, ...]
) -> list[Trouble]:
    share, defects = (figures.completion or 0.0) * 100, figures.failed + figures.lost
    if share >= params.warn:
        return []
    few = defects < ENOUGH or lower_bound(defects, figures.ended) <= 1 - params.alert / 100
    level = Level.BAD if share < params.alert and not few else Level.WARN
    limit = params.alert if share < params.alert else params.warn
    lost = f", of which {figures.lost:,} lost with their worker" if figures.lost else ""
    words = (
        f"{_rate(params, figures, unsure)}, below {limit:g} %: {defects:,} did not{lost}, most of "
        f"{max(rows, key=_defects).name}. "
        f"{'So few prove little. ' if few else ''}See `/celery failures`. {COUNTED}"
    )
    return [Trouble(level, words)]


def _defects(row: TaskFigures) -> int:
    return row.figures.failed + row.figures.lost


def _table(rows: list[TaskFigures]) -> Table | None:
    by_name: dict[str, Figures] = {}
    for row in rows:
        by_name[row.name] = by_name.get(row.name, Figures()).plus(row.figures)
    ended = [TaskFigures(name, None, figures) for name, figures in by_name.items() if figures.ended]
    ended.sort(key=lambda r: (r.figures.completion or 0.0, -r.figures.ended))
    cells = [(brief(r.name), percent(r.figures.completion or 0.0), _failed(r)) for r in ended]
    return table(("task", "rate", "failed"), cells)


def _failed(row: TaskFigures) -> str:
    """Return "3 of 1,200": a share of one task is never told without its n."""
    return f"{_defects(row):,} of {row.figures.ended:,}"
