"""Messages that a lost worker took: which may go back to their queues, and when nobody can tell."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from bot.domain.amounts import since
from bot.domain.broker import Unacknowledged, UnacknowledgedMessages
from bot.domain.cluster import Value
from bot.domain.duration import lasting
from bot.domain.live import LiveWorker, Presence
from bot.domain.wording import counted

SETTLED = timedelta(seconds=60)
"""For so long a worker that was heard and is gone may come back: kombu connects again within 2 to 30 s."""

STARTED_SECONDS = 90
"""For so long after Redis started, workers may still be connecting again."""


class Seen(Value):
    """How it stood at one look: how many messages are unacknowledged, orphans, or `held` back by a rate limit.

    `answered` are the workers that did; `at_least`: not all messages were looked at. `why_not` says in a clause why
    somebody unheard may hold any of them.
    """

    at: datetime
    unacknowledged: int = 0
    orphans: int = 0
    held: int = 0
    at_least: bool = False
    answered: tuple[str, ...] = ()
    visibility_timeout: int = 3600
    why_not: str | None = None


class Chosen(Value):
    """Which orphans go back: `messages`, oldest first. `left_out` says in clauses which others do not, with counts."""

    messages: tuple[Unacknowledged, ...] = ()
    left_out: tuple[tuple[str, int], ...] = ()

    @property
    def queues(self) -> tuple[str, ...]:
        """Return the queues they go back to."""
        return tuple(sorted({m.queue for m in self.messages if m.queue is not None}))


class PutBack(Value):
    """What putting back did: `restored` were put back; `gone` had been acknowledged or delivered again meanwhile."""

    restored: int = 0
    gone: int = 0


def choose(found: UnacknowledgedMessages, queue: str | None, older_than: int, most: int) -> Chosen:
    """Choose the oldest orphans of a queue, or of all, that were taken longer than `older_than` seconds ago."""
    mine = [m for m in found.orphans if m.task is not None and (queue is None or m.queue == queue)]
    routed = [m for m in mine if m.queue is not None]
    before = found.at - timedelta(seconds=older_than)
    old = [m for m in routed if m.taken_at is not None and m.taken_at <= before]
    old.sort(key=lambda m: (m.taken_at or before, m.tag))
    counts = (
        (f"taken less than {lasting(older_than)} ago", len(routed) - len(old)),
        ("of which nobody can tell the one queue they belong to", len(mine) - len(routed)),
        (f"beyond the {most:,} of one request, the oldest of which go first", len(old) - most),
    )
    return Chosen(messages=tuple(old[:most]), left_out=tuple((why, n) for why, n in counts if n > 0))


def seen(found: UnacknowledgedMessages, why: str | None) -> Seen:
    """Return what people are told of a look."""
    return Seen(
        at=found.at,
        unacknowledged=len(found.messages),
        orphans=len(found.orphans),
        held=len(found.held),
        at_least=found.at_least,
        answered=found.answered,
        visibility_timeout=found.visibility_timeout,
        why_not=why,
    )


def why_not(
    found: UnacknowledgedMessages, workers: Iterable[LiveWorker], uptime: int | None, now: datetime
) -> str | None:
    """Return in a clause why somebody may hold what nobody lists; None when nobody does, as far as can be known.

    `workers` are those whose events are heard (none where nobody listens); `uptime` is Redis' own, in seconds.
    """
    if found.uncertain:
        return found.why_uncertain or "a worker did not answer"
    if uptime is not None and uptime < STARTED_SECONDS:
        return f"Redis started {lasting(max(0, uptime))} ago, and workers may still be connecting again"
    known = tuple(workers)
    lately = (w for w in known if w.name not in found.answered and now - w.seen_at < SETTLED)
    return stopping(found, known, now) or next((_lately(w, now) for w in lately), None)


def stopping(found: UnacknowledgedMessages, workers: Iterable[LiveWorker], now: datetime) -> str | None:
    """Return in a clause which worker said goodbye and may still work.

    It stops listening at once, and goes on until what it runs has ended: a long task, for hours.
    """
    for worker in workers:
        if worker.presence is Presence.OFFLINE and worker.active != 0 and worker.name not in found.answered:
            n = counted(worker.active, "task") if worker.active else "tasks"
            ago = since(worker.seen_at, now)
            return f"{worker.name} said {ago} ago that it stops, with {n} running, and may be finishing them"
    return None


def _lately(worker: LiveWorker, now: datetime) -> str:
    ago = since(worker.seen_at, now)
    return f"{worker.name} was heard {ago} ago and does not answer: it may be busy, or about to come back"


def taken(message: Unacknowledged) -> str:
    """Return what tells one taking of a message from the next: kombu keeps a message's tag when it delivers it anew."""
    at = message.taken_at
    return f"{message.tag}@{at.timestamp():.6f}" if at else message.tag


def again_at(at: Seen, chosen: Chosen) -> datetime | None:
    """Return when the first of them is delivered again without us."""
    first = min((m.taken_at for m in chosen.messages if m.taken_at), default=None)
    return first + timedelta(seconds=at.visibility_timeout) if first else None
