"""A queue in a line or two, as status and `queues` show it."""

from collections.abc import Collection
from datetime import datetime

from bot.domain.card import QueueLine
from bot.domain.mitigation import Mitigation
from bot.domain.wording import counted
from bot.slack.views.formatting import count, mention, name, rate, when


def queue_line(line: QueueLine, orphaned: Collection[str], now: datetime) -> str:
    """Return depth, trend and workers, and below what else there is. `orphaned` are the queues that nobody takes."""
    more = more_of(line, now)
    first = queue_headline(line, orphaned)
    return f"{first}\n↳ {' · '.join(more)}" if more else first


def queue_headline(line: QueueLine, orphaned: Collection[str]) -> str:
    """Return the queue's depth and trend, and who works on it."""
    queue = line.queue
    depth = "depth unknown" if queue.depth is None else f"{count(queue.depth)} waiting"
    net = line.net_per_minute
    moves = net is not None and queue.depth and (line.backed_up or round(net))
    first = f"{_mark(line, orphaned)} *{name(queue.name)}* {depth}"
    first += f", {rate(net)}" if net is not None and moves else ""
    held = line.pause is not None and line.consumers == 0  # that it is paused says as much
    return first if held else f"{first} · {consumers_of(line, orphaned)}"


def _mark(line: QueueLine, orphaned: Collection[str]) -> str:
    if line.queue.name in orphaned:
        return "❓" if line.consumers is None else "❌"
    return "⏸️" if line.pause else "🔴" if line.backed_up else "⚪"


def consumers_of(line: QueueLine, orphaned: Collection[str]) -> str:
    """Return how many workers take from the queue."""
    if line.queue.name in orphaned:
        return "perhaps no worker takes them" if line.consumers is None else "no worker takes them"
    if line.consumers is None:
        return "workers unknown"
    return counted(line.consumers, "worker") if line.consumers else "no worker"


def paused(pause: Mitigation, now: datetime) -> str:
    """Return who paused it and until when."""
    return f"paused by {mention(pause.owner)} until {when(pause.ends_at, now)}"


def more_of(line: QueueLine, now: datetime) -> list[str]:
    """Return its pause, and what has left the queue without being done."""
    queue = line.queue
    held = [paused(line.pause, now)] if line.pause else []
    unacked = [f"{taken(line)} taken, not finished"] if queue.unacked else []
    scheduled = [f"{count(line.scheduled)} for later"] if line.scheduled else []
    aside = [f"📦 {count(line.set_aside)} set aside (`/celery archives`)"] if line.set_aside else []
    undeclared = [] if queue.declared else ["not in the settings"]
    return [*held, *aside, *unacked, *scheduled, *undeclared]


def taken(line: QueueLine) -> str:
    """Return how many messages are delivered and unacknowledged: "at least 5,000"."""
    return ("at least " if line.queue.unacked_at_least else "") + count(line.queue.unacked or 0)
