"""`/celery tasks`: what became of tasks by name over a window; of one name also waits, causes and what runs now."""

from collections.abc import Iterable
from datetime import datetime

from bot.domain.amounts import percent
from bot.domain.cluster import TaskInHand
from bot.domain.live import FailureGroup
from bot.domain.readings import COUNTED
from bot.domain.views import TasksView
from bot.domain.window import Figures, TaskFigures
from bot.slack.looks import Tasks, line_of
from bot.slack.views.amounts import ROUGHLY, ago, quantiles
from bot.slack.views.blocks import Block, lines, sections
from bot.slack.views.formatting import bold, count, name, told
from bot.slack.views.frame import BODY, framed, gap_lines, titled, unheard, watched
from bot.slack.views.message import Message

MOST_TASKS = 20
MOST_RUNNING = 10
MOST_CAUSES = 8


def tasks_message(view: TasksView, *, shared: bool = False) -> Message:
    """Return the figures of each task name, worst first, or of the name that was asked for, closely."""
    closely = view.name is not None
    total = Figures()
    for row in view.tasks:
        total = total.plus(row.figures)
    rows = [_row(row, closely=closely) for row in (view.tasks if closely else _by_name(view.tasks))]
    asked = f"{bold(name(view.name, 100))}, " if view.name is not None else ""
    return framed(
        titled(name(view.cluster), f"{asked}{watched(view.span, view.since, view.age.now)}: {_ended(total)}"),
        view.age,
        [
            *sections(rows or ["No task was heard of."], MOST_TASKS, BODY),
            _running(view) if closely else None,
            _causes(view.failures, view.age.now),
        ],
        again=line_of(Tasks(view.cluster, view.name, view.span)),
        shared=shared,
        notes=_notes(view, total),
        trouble=unheard(view.feed),
    )


def _notes(view: TasksView, total: Figures) -> list[str]:
    closely = [] if view.name is not None or not view.tasks else ["One closely: `/celery tasks &lt;name&gt;`"]
    return [
        *gap_lines(view.gaps, view.age.now),
        *([COUNTED] if total.ended else []),
        *([ROUGHLY] if total.runtime.n or total.wait.n else []),
        *closely,
    ]


def _ended(figures: Figures) -> str:
    if figures.completion is None:
        return "none ended"
    return f"{count(figures.ended)} ended, {percent(figures.completion)} completed"


def _by_name(rows: Iterable[TaskFigures]) -> list[TaskFigures]:
    """Return one row for each name, all its queues together, worst first."""
    found: dict[str, Figures] = {}
    for row in rows:
        found[row.name] = found.get(row.name, Figures()).plus(row.figures)
    together = [TaskFigures(task, None, figures) for task, figures in found.items()]
    return sorted(together, key=lambda row: (_completion(row.figures), -row.figures.ended))


def _completion(figures: Figures) -> float:
    return 1.0 if figures.completion is None else figures.completion


def _row(row: TaskFigures, *, closely: bool) -> str:
    """Return one task name: how it ended, then what went wrong and how long it took. What is well is one line."""
    figures = row.figures
    bad = figures.failed + figures.lost
    on = f" on {name(row.queue) if row.queue else 'an unknown queue'}" if closely else ""
    if figures.ended and not bad and not closely:
        took = quantiles(figures.runtime)
        rest = [*([took] if took else []), *_wrong(figures)]
        return " · ".join([f"⚪ *{name(row.name, 100)}* {count(figures.ended)} completed", *rest])
    first = f"{'❌' if bad else '⚪'} *{name(row.name, 100)}*{on}: {_ended(figures)}"
    took = quantiles(figures.runtime)
    below = [*_wrong(figures), *([took] if took else []), *(_began(figures) if closely or not figures.ended else [])]
    waited = quantiles(figures.wait) if closely else None
    wait = [f"\n↳ waited: {waited}"] if waited else []
    return "".join([first, *([f"\n↳ {' · '.join(below)}"] if below else []), *wait])


def _wrong(figures: Figures) -> list[str]:
    counts = {
        "failed": figures.failed,
        "lost": figures.lost,
        "retried": figures.retried,
        "revoked": figures.revoked,
        "rejected": figures.rejected,
    }
    return [f"{count(n)} {what}" for what, n in counts.items() if n]


def _began(figures: Figures) -> list[str]:
    counts = {"sent": figures.sent, "received": figures.received, "begun": figures.started}
    return [f"{count(n)} {what}" for what, n in counts.items() if n]


def _running(view: TasksView) -> Block | None:
    if not view.running:
        return lines(["Nothing of it ran when workers last answered."])
    said = [_in_hand(task, view) for task in view.running]
    return lines([f"*Running when workers last answered, longest first ({count(len(said))})*", *said], MOST_RUNNING + 1)


def _in_hand(task: TaskInHand, view: TasksView) -> str:
    begun = f", begun {ago(task.started_at, view.age.now)}" if task.started_at else ""
    worker = view.on.get(task.id)
    on = f" on {name(worker)}" if worker else ""
    named = f" {name(task.name, 80)}" if task.name != view.name else ""
    return f"•{named}{on}{begun} `{name(task.id, 60)}`"


def _causes(groups: tuple[FailureGroup, ...], now: datetime) -> Block | None:
    if not groups:
        return None
    said = [
        f"• {name(g.exception, 60)} × {count(g.n)}, last {ago(g.last_at, now)}: {told(g.message, 160)}" for g in groups
    ]
    return lines(["*Failures by cause*", *said], MOST_CAUSES + 1)
