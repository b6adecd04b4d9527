"""`/celery task <id>`: where one task is now, and what became of it."""

import re
from datetime import datetime

from bot.domain.broker import TaskPlace
from bot.domain.live import Phase, TaskTrace
from bot.domain.views import TaskView
from bot.slack.looks import Task, line_of
from bot.slack.views.amounts import ago, duration
from bot.slack.views.blocks import section
from bot.slack.views.formatting import code, name, told, when
from bot.slack.views.frame import framed, titled
from bot.slack.views.message import Message
from bot.slack.views.phrases import capital

_ICONS = {Phase.SUCCEEDED: "✅", Phase.FAILED: "❌", Phase.LOST: "❌", Phase.REJECTED: "❌", Phase.REVOKED: "⏹️"}
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


def task_message(view: TaskView, *, shared: bool = False) -> Message:
    """Return where it is first, then its history, then its exception."""
    said = [*_place(view), *_history(view), *_result(view.place)]
    trace = view.trace
    named = (trace.name if trace else None) or (view.place.task.name if view.place and view.place.task else None)
    exception = trace.exception if trace else None
    age = view.age
    if trace and age.taken_at is None:  # what was heard stands, also where it cannot be looked for
        age = age.model_copy(update={"taken_at": _last(trace)})
    return framed(
        titled(name(view.cluster), _title(view, named)),
        age,
        [section("\n".join(said)), section(code(exception, 1500)) if exception else None],
        again=line_of(Task(view.cluster, view.id)),
        shared=shared,
        keep=trace is not None,
    )


def _title(view: TaskView, named: str | None) -> str:
    """Return the task's name and id, with how it ended if it has: what is wanted to be known first."""
    named_id = f"`{name(view.id, 80)}`"
    if view.trace is None and view.place is not None and view.place.place is None and view.place.result_state is None:
        return f"nothing known of {named_id}"
    ended = f" {view.trace.phase.value}" if view.trace and view.trace.phase in _ICONS else ""
    return f"*{name(named or 'a task', 120)}*{ended} {named_id}"


def _last(trace: TaskTrace) -> datetime | None:
    return trace.ended_at or trace.started_at or trace.received_at


def _place(view: TaskView) -> list[str]:
    """Return where it is now: what was found in the cluster beats what was heard."""
    trace, place = view.trace, view.place
    found = [f"*{told(capital(place.place), 300)}*"] if place and place.place else []
    only_result = place is not None and place.result_state is not None and not (place.worker or place.queue)
    if only_result and trace is not None and trace.phase in _ICONS:
        found = []  # that it is over was heard, and its result stands below
    if trace is None:
        return found or _nowhere(view)
    icon = _ICONS.get(trace.phase, "")
    heard = [f"{icon} Heard last: {trace.phase.value}{_for_how_long(trace, view)}".strip()]
    return [*found, *heard, *_unsearched(place)]


def _for_how_long(trace: TaskTrace, view: TaskView) -> str:
    """Return on which worker and for how long it runs; of one that ended, how long ago that was."""
    on = f" on {name(trace.worker)}" if trace.worker else ""
    since = trace.started_at if trace.phase is Phase.RUNNING else None
    if since is not None:
        return f"{on} for {duration(max(0.0, (view.age.now - since).total_seconds()))}"
    return f"{on}, {ago(trace.ended_at, view.age.now)}" if trace.ended_at else on


def _nowhere(view: TaskView) -> list[str]:
    if view.place is None:
        return ["Nothing was heard of it, and it could not be looked for."]
    if view.place.result_state is not None:
        return ["Nothing was heard of it; only its result is stored.", *_unsearched(view.place)]
    said = ["❓ Nothing was heard of it, and it is in no queue, no worker's hands and no result that was looked at."]
    if not _ID.fullmatch(view.id) and "." in view.id:
        said.append(f"If that is a task's name: `/celery tasks {name(view.id, 100)}`")
    return [*said, *_unsearched(view.place)]


def _unsearched(place: TaskPlace | None) -> list[str]:
    if place is None or place.searched_all:
        return []
    missed = "; ".join(place.unsearched) or "there is more than was looked at"
    return [f"⚠️ Not everything was searched, so it may still be somewhere: {told(missed, 300)}"]


def _history(view: TaskView) -> list[str]:
    trace = view.trace
    if trace is None:
        return []
    steps = {"received": trace.received_at, "begun": trace.started_at, _end(trace): trace.ended_at}
    shown = [f"{what} {when(at, view.age.now, seconds=True)}" for what, at in steps.items() if at]
    facts = [
        *([f"queue {name(trace.queue)}"] if trace.queue else []),
        *([f"ran {duration(trace.runtime)}"] if trace.runtime is not None else []),
        *([f"retried {trace.retries} times" if trace.retries != 1 else "retried once"] if trace.retries else []),
    ]
    return [*([capital(" → ".join(shown))] if shown else []), *([capital(" · ".join(facts))] if facts else [])]


def _end(trace: TaskTrace) -> str:
    return "to be tried again since" if trace.phase is Phase.RETRY else trace.phase.value


def _result(place: TaskPlace | None) -> list[str]:
    if place is None or place.result_state is None:
        return []
    error = f": {told(place.result_error, 400)}" if place.result_error else ""
    return [f"Stored result: {name(place.result_state)}{error}"]
