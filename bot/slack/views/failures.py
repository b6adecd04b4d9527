"""`/celery failures`: what failed, by task and exception; of one task with the last traceback of each."""

from bot.domain.live import FailureGroup
from bot.domain.views import FailuresView
from bot.slack.looks import Failures, line_of
from bot.slack.views.amounts import ago
from bot.slack.views.blocks import Block, section, sections
from bot.slack.views.formatting import ELLIPSIS, code, count, name, told
from bot.slack.views.frame import BODY, framed, gap_lines, titled, unheard, watched
from bot.slack.views.message import Message

MOST_GROUPS = 25
MOST_TRACEBACKS = 4
TRACEBACK = 1000
"""Characters shown of a traceback: its end, where it says what went wrong."""


def failures_message(view: FailuresView, *, task: str | None = None, shared: bool = False) -> Message:
    """Return failures by cause, most first; `task` is what was asked for, if it was one."""
    named = f"*{name(task, 100)}*, " if task else ""
    said = f"{named}{watched(view.span, view.since, view.age.now)}: {count(view.failed)} failed"
    blocks: list[Block] = []
    if view.alone:
        for group in view.groups[:MOST_TRACEBACKS]:
            blocks += [section(_group(group, view)), *_traceback(group)]
        blocks += sections([_group(g, view) for g in view.groups[MOST_TRACEBACKS:]], MOST_GROUPS, BODY // 4)
    else:
        blocks += sections([_group(g, view) for g in view.groups], MOST_GROUPS, BODY)
    return framed(
        titled(name(view.cluster), said),
        view.age,
        blocks or [section("✅ Nothing failed, as far as was heard." if not view.failed else _forgotten(view))],
        again=line_of(Failures(view.cluster, task, view.span)),
        shared=shared,
        notes=[
            *gap_lines(view.gaps, view.age.now),
            *_lost(view),
            *(["With tracebacks: `/celery failures &lt;task&gt;`"] if view.groups and not view.alone else []),
        ],
        trouble=unheard(view.feed),
    )


def _forgotten(view: FailuresView) -> str:
    return (
        f"Why these {count(view.failed)} failed is not known any more: causes are forgotten when the bot restarts. "
        f"Which tasks failed: `/celery tasks {view.span.value}`"
    )


def _lost(view: FailuresView) -> list[str]:
    """Return how many failures have no cause here any more, where some have."""
    n = view.failed - sum(g.n for g in view.groups)
    return [f"Of {count(n)} more the cause is not known: it was forgotten."] if view.groups and n > 0 else []


def _group(group: FailureGroup, view: FailuresView) -> str:
    """Return one cause in two lines: what fails how often, and what the last one said."""
    worker = f" on {name(group.last_worker)}" if group.last_worker else ""
    queue = f" ({name(group.queue)})" if group.queue and view.alone else ""
    first = f"❌ *{name(group.task, 100)}*{queue} {name(group.exception, 60)} × {count(group.n)}"
    said = told(group.message, 300 if view.alone else 160) or "no message"
    last = f"last {ago(group.last_at, view.age.now)}{worker}: {said}"
    return f"{first}\n↳ {last}" + (f"\n↳ `/celery task {name(group.last_id, 80)}`" if view.alone else "")


def _traceback(group: FailureGroup) -> list[Block]:
    text = (group.traceback or "").strip()
    if not text:
        return []
    end = text if len(text) <= TRACEBACK else f"{ELLIPSIS}\n" + text[-TRACEBACK:].partition("\n")[2]
    return [section(code(end if end.strip(f"{ELLIPSIS}\n") else text[-TRACEBACK:], TRACEBACK + 100))]
