"""What a cluster looks like now, for a narrow screen: no table, one queue a line, worst first."""

from bot.domain.card import QueueLine, StatusView
from bot.domain.cluster import Mode, Unknown
from bot.domain.mitigation import Mitigation
from bot.domain.wording import counted
from bot.slack.ids import ActionId
from bot.slack.views.blocks import Block, actions, button, context, lines, message, section, sections
from bot.slack.views.formatting import bold, clip, count, lasted, mention, name, prose, rate, when
from bot.slack.views.message import Message
from bot.slack.views.workers import worker_lines

MOST_QUEUES = 60
MOST_WORKERS = 40


def status_message(view: StatusView, *, shared: bool = False) -> Message:
    """Return the cluster as counted; `shared`: everybody sees it, so it has no buttons of one person's."""
    if view.trouble:
        return _unreadable(view, shared=shared)
    first = _summary(view)
    return message(
        f"{name(view.cluster)}: {first}",
        section(f"{bold(name(view.cluster))}: {first}"),
        lines(_alarms(view), 20),
        *sections([_queue(line, view) for line in view.queues if line.queue.name not in view.orphaned], MOST_QUEUES),
        *sections(worker_lines(view), MOST_WORKERS),
        lines(_unknown(view), 8),
        context(_age(view)),
        None if shared else _buttons(view),
    )


def _unreadable(view: StatusView, *, shared: bool) -> Message:
    line = f"🔴 {prose(view.trouble or '')}"
    return message(line, section("\n".join([line, *_conditions(view)])), None if shared else _buttons(view))


def _buttons(view: StatusView) -> Block | None:
    share = None if view.trouble else button("Share here", ActionId.STATUS_SHARE, view.cluster)
    return actions("status", share, button("Refresh", ActionId.STATUS_REFRESH, view.cluster))


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
    """Return what comes before all numbers: messages nobody takes, workers that were never started."""
    orphaned = [_queue(line, view) for line in view.queues if line.queue.name in view.orphaned]
    missing = [f"⚠️ {name(g)}: no worker is started for it" for g in view.missing_groups]
    return [*orphaned, *missing, *_conditions(view)]


def _conditions(view: StatusView) -> list[str]:
    frozen = ["❄️ Executions are frozen. `/celery unfreeze` ends that."] if view.frozen else []
    return [*frozen, *(["👀 Observe mode: the bot changes nothing here."] if view.mode is Mode.OBSERVE else [])]


def _queue(line: QueueLine, view: StatusView) -> str:
    """Return the queue's depth and trend, then, smaller in importance, who works on it."""
    queue = line.queue
    depth = "depth unknown" if queue.depth is None else f"{count(queue.depth)} waiting"
    net = line.net_per_minute
    moves = net is not None and queue.depth and (line.backed_up or round(net))
    first = f"{_mark(line, view)} *{name(queue.name)}* {depth}{f', {rate(net)}' if net is not None and moves else ''}"
    held = line.pause is not None and line.consumers == 0  # that it is paused says as much
    first += "" if held else f" · {_consumers(line, view)}"
    more = [*([_paused(line.pause, view)] if line.pause else []), *_more(line)]
    return f"{first}\n↳ {' · '.join(more)}" if more else first


def _mark(line: QueueLine, view: StatusView) -> str:
    if line.queue.name in view.orphaned:
        return "❓" if line.consumers is None else "❌"
    return "⏸️" if line.pause else "🔴" if line.backed_up else "⚪"


def _consumers(line: QueueLine, view: StatusView) -> str:
    if line.queue.name in view.orphaned:
        return "perhaps no worker takes them" if line.consumers is None else "no worker takes them"
    if line.consumers is None:
        return "workers unknown"
    return counted(line.consumers, "worker") if line.consumers else "no worker"


def _paused(pause: Mitigation, view: StatusView) -> str:
    return f"paused by {mention(pause.owner)} until {when(pause.ends_at, view.now)}"


def _more(line: QueueLine) -> list[str]:
    queue = line.queue
    least = "at least " if queue.unacked_at_least else ""
    unacked = [f"{least}{count(queue.unacked)} taken, not finished"] if queue.unacked else []
    scheduled = [f"{count(line.scheduled)} for later"] if line.scheduled else []
    undeclared = [] if queue.declared else ["not in the settings"]
    return [*unacked, *scheduled, *undeclared]


def _unknown(view: StatusView) -> list[str]:
    """Return what is not known, and why; a worker that has its own line needs no second one."""
    silent = {w.name for w in view.workers if not w.answered}
    return [_not_known(u) for u in view.unknown if u.what not in silent]


def _not_known(unknown: Unknown) -> str:
    why = unknown.why.removeprefix(unknown.what).lstrip()
    return f"❓ {clip(name(unknown.what, 120), 300)}: {prose(why, 200)}"


def _age(view: StatusView) -> str:
    if view.taken_at is None:
        return "Not counted yet."
    return (
        f"Numbers of {when(view.taken_at, view.now, seconds=True)}, {lasted(view.now - view.taken_at)} old when shown"
    )
