"""What a cluster looks like now, for a narrow screen: no table, one queue a line, worst first."""

from bot.domain.card import StatusView
from bot.domain.cluster import Mode
from bot.domain.views import Age
from bot.domain.wording import counted
from bot.slack.ids import ActionId
from bot.slack.views.activity import mitigation_line
from bot.slack.views.blocks import Block, actions, button, context, lines, message, section, sections
from bot.slack.views.formatting import bold, count, name, prose
from bot.slack.views.frame import aged, trouble_lines, unknown_lines
from bot.slack.views.message import Message
from bot.slack.views.queue_lines import queue_line
from bot.slack.views.workers import plugin_lines, worker_lines

MOST_QUEUES = 60
MOST_WORKERS = 40
QUEUES_ROOM, WORKERS_ROOM = 4000, 2000
"""Characters for each of them, so that what is unknown and how old it all is find room below."""


def status_message(view: StatusView, *, shared: bool = False) -> Message:
    """Return the cluster as counted; `shared`: everybody sees it, so it has no buttons of one person's."""
    if view.trouble and view.taken_at is None:
        return _unreadable(view, view.trouble, shared=shared)
    first = f"{bold(name(view.cluster))}: {_summary(view)}"
    age = Age(now=view.now, taken_at=view.taken_at, trouble=view.trouble)
    return message(
        f"🔴 {prose(view.trouble)}" if view.trouble else f"{name(view.cluster)}: {_summary(view)}",
        section("\n".join([*trouble_lines(age), first])),
        lines(_alarms(view), 20),
        *sections(
            [queue_line(line, view.orphaned, view.now) for line in view.queues if line.queue.name not in view.orphaned],
            MOST_QUEUES,
            QUEUES_ROOM,
        ),
        *sections(worker_lines(view), MOST_WORKERS, WORKERS_ROOM),
        lines(plugin_lines(view.workers)),
        lines(unknown_lines(view.unknown, view.workers), 8),
        context(aged(age)),
        None if shared else _buttons(view),
    )


def _unreadable(view: StatusView, trouble: str, *, shared: bool) -> Message:
    line = f"🔴 {prose(trouble)}"
    return message(line, section("\n".join([line, *_conditions(view)])), None if shared else _buttons(view))


def _buttons(view: StatusView) -> Block | None:
    share = None if view.trouble else button("Share here", ActionId.STATUS_SHARE, view.cluster)
    act = None if view.frozen or view.trouble else button("Act…", ActionId.ACT, view.cluster)
    return actions("status", share, button("Refresh", ActionId.STATUS_REFRESH, view.cluster), act)


def _summary(view: StatusView) -> str:
    """Return the one line that phones show."""
    depths = [line.queue.depth for line in view.queues]
    waiting = sum(d for d in depths if d is not None)
    atleast = "at least " if None in depths else ""
    up = [w for w in view.workers if w.answered]
    slots, busy = sum(w.slots or 0 for w in up), sum(w.busy or 0 for w in up)
    work = f"{counted(len(up), 'worker')}, {count(busy)} of {counted(slots, 'slot')} busy"
    return f"{atleast}{count(waiting)} waiting in {counted(len(depths), 'queue')}; {work}"


def _alarms(view: StatusView) -> list[str]:
    """Return what comes before all numbers: messages nobody takes, workers never started, what keeps tasks back."""
    orphaned = [queue_line(line, view.orphaned, view.now) for line in view.queues if line.queue.name in view.orphaned]
    missing = [f"⚠️ {name(g)}: no worker is started for it" for g in view.missing_groups]
    limits = [mitigation_line(limit, view.now) for limit in view.limits]
    return [*orphaned, *missing, *limits, *_conditions(view)]


def _conditions(view: StatusView) -> list[str]:
    frozen = ["❄️ Executions are frozen. `/celery unfreeze` ends that."] if view.frozen else []
    return [*frozen, *(["👀 Observe mode: the bot changes nothing here."] if view.mode is Mode.OBSERVE else [])]
