"""Messages that were taken and not acknowledged: whose they are, which are nobody's, which run twice.

Read first what is unacknowledged, then ask the workers, then look which of those that nobody named are still there: so
what was taken or finished meanwhile is never called an orphan. The ones taken first are read first, because they have
waited longest for a worker that may be dead.

Tasks that wait for their rate limit are in no list of a worker (celery's `worker/strategy.py`: `limit_task` comes
before `task_reserved`), and `query_task` does not know them either. What is left is inference: a worker that answers,
limits this task's rate, consumes its queue, ran already when the message was taken, and has room for it.
"""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import redis

from bot.adapters.celery import answers, messages
from bot.adapters.celery.keys import text
from bot.adapters.celery.pidbox import Command, Replies
from bot.adapters.celery.watched import WatchedCluster, workers_of
from bot.adapters.celery.wording import refusal
from bot.domain.broker import Postponed, Unacknowledged, UnacknowledgedMessages, postponed_beyond
from bot.domain.cluster import Worker
from bot.domain.wording import listed

MOST = 5000
"""How many messages are looked at, the ones taken first; beyond it, the answer says "at least"."""

PAGE = 500
LOOKING_SECONDS = 0.2
"""What is kept of the deadline to look again after the last worker was waited for."""

SKEW = timedelta(seconds=30)
"""How far a worker's clock may be off: one that started so long after a message was taken cannot hold it."""

_QUESTIONS = (
    Command("active_queues"),
    Command("active", {"safe": True}),
    Command("reserved"),
    Command("scheduled"),
    Command("stats"),
    Command("registered", {"taskinfoitems": ["rate_limit"]}),
    Command("ping"),
)


@dataclass(frozen=True)
class _Holder:
    """A worker that answered: what it lists, which tasks it limits, and how many messages it may have taken."""

    worker: Worker
    ids: frozenset[str]
    limited: frozenset[str]
    prefetch: int | None
    started_at: datetime | None

    def may_hold(self, message: Unacknowledged) -> bool:
        """Whether it may keep this message back for the rate limit of its task."""
        if message.task not in self.limited:
            return False
        if message.queue is not None and self.worker.queues is not None and message.queue not in self.worker.queues:
            return False
        return self.started_at is None or message.taken_at is None or message.taken_at > self.started_at - SKEW


def find(watched: WatchedCluster, client: "redis.Redis", now: datetime, until: float) -> UnacknowledgedMessages:
    """Return what is unacknowledged, and whose it is."""
    watched.topology.refresh(client, until)
    found, at_least = _read(watched, client, until)
    base = UnacknowledgedMessages(
        at=now,
        messages=found,
        at_least=at_least,
        visibility_timeout=watched.connection.visibility_timeout,
        postponed=_postponed(found, (), now, watched.connection.visibility_timeout),
    )
    if not found:
        return base
    try:
        replies = watched.ask(client, _QUESTIONS, until - LOOKING_SECONDS)
        holders = _holders(watched, replies, now)
        why = _doubt(watched, replies, holders)
        holders = _without_unlimited(watched, client, holders, found, until - LOOKING_SECONDS)
    except redis.ResponseError as error:  # full or read-only: neither we nor a worker can write a reply
        why = f"the broker passes on no replies: {refusal(error)}"
        return base.model_copy(update={"uncertain": True, "why_uncertain": why})
    lost = _still_there(watched, client, _unnamed(found, holders)) if holders or not replies.listeners else ()
    held = tuple(m for m in lost if any(h.may_hold(m) for h in holders))
    return base.model_copy(
        update={
            "orphans": tuple(m for m in lost if m not in held),
            "held": held,
            "answered": tuple(sorted(h.worker.name for h in holders)),
            "held_at_most": _room(holders, found, held),
            "uncertain": why is not None,
            "why_uncertain": why,
            "postponed": _postponed(found, holders, now, base.visibility_timeout),
        }
    )


def _read(watched: WatchedCluster, client: "redis.Redis", until: float) -> tuple[tuple[Unacknowledged, ...], bool]:
    """Return the messages taken first, and whether there are more."""
    look = client.pipeline(transaction=False)
    look.zrange(watched.keys.unacked_index, 0, MOST - 1, withscores=True)
    look.hlen(watched.keys.unacked)
    index, total = look.execute()
    found: list[Unacknowledged] = []
    for start in range(0, len(index), PAGE):
        if time.monotonic() >= until:
            return tuple(found), True
        page = index[start : start + PAGE]
        entries = client.hmget(watched.keys.unacked, [tag for tag, _ in page])
        found += [
            messages.unacknowledged(text(tag), raw, taken_at, watched.topology)
            for (tag, taken_at), raw in zip(page, entries, strict=True)
            if raw is not None  # acknowledged meanwhile
        ]
    return tuple(found), total > len(index)


def _still_there(
    watched: WatchedCluster, client: "redis.Redis", unnamed: Sequence[Unacknowledged]
) -> tuple[Unacknowledged, ...]:
    pipeline = client.pipeline(transaction=False)
    for message in unnamed:
        pipeline.hexists(watched.keys.unacked, message.tag)
    return tuple(m for m, there in zip(unnamed, pipeline.execute(), strict=True) if there)


def _unnamed(found: Iterable[Unacknowledged], holders: Iterable[_Holder]) -> list[Unacknowledged]:
    """Return messages that no worker lists; one without an id could be anybody's, and is left out."""
    named = frozenset[str]().union(*(h.ids for h in holders))
    return [m for m in found if m.task_id is not None and m.task_id not in named]


def _holders(watched: WatchedCluster, replies: Replies, now: datetime) -> list[_Holder]:
    said = workers_of(replies)
    for one in said.values():
        watched.topology.learn(answers.queue_declarations(one))
    return [_holder(answers.worker(name, one, watched.topology), one, now) for name, one in said.items()]


def _holder(worker: Worker, said: Mapping[str, Any], now: datetime) -> _Holder:
    tasks = (*(worker.active or ()), *(worker.reserved or ()), *(worker.scheduled or ()))
    stats = said.get("stats")
    prefetch = stats.get("prefetch_count") if isinstance(stats, Mapping) else None
    uptime = worker.uptime_seconds
    return _Holder(
        worker=worker,
        ids=frozenset(t.id for t in tasks),
        limited=_limited(said.get("registered")),
        prefetch=prefetch if isinstance(prefetch, int) and prefetch > 0 else None,  # 0 is without a limit
        started_at=None if uptime is None else now - timedelta(seconds=uptime),
    )


def _limited(registered: object) -> frozenset[str]:
    """Return the tasks with a rate limit, from lines such as `shop.mail [rate_limit=10/m]`."""
    lines = [line for line in registered if isinstance(line, str)] if isinstance(registered, list) else []
    rows = [line.partition(" [rate_limit=") for line in lines]
    return frozenset(name for name, limit, value in rows if limit and not value.startswith(("0]", "0/", "None")))


def _without_unlimited(
    watched: WatchedCluster,
    client: "redis.Redis",
    holders: list[_Holder],
    found: Sequence[Unacknowledged],
    until: float,
) -> list[_Holder]:
    """Return the workers; asks, if it matters, which of them obey no rate limit (`worker_disable_rate_limits`)."""
    if not any(h.may_hold(m) for m in _unnamed(found, holders) for h in holders):
        return holders
    replies = workers_of(watched.ask(client, (Command("conf"), Command("ping")), until))
    free = {name for name, said in replies.items() if _disabled(said.get("conf"))}
    return [
        _Holder(h.worker, h.ids, frozenset(), h.prefetch, h.started_at) if h.worker.name in free else h for h in holders
    ]


def _disabled(conf: object) -> bool:
    return isinstance(conf, Mapping) and bool(conf.get("worker_disable_rate_limits"))


def _room(holders: Iterable[_Holder], found: Sequence[Unacknowledged], held: Sequence[Unacknowledged]) -> int | None:
    """Return how many unlisted messages the workers concerned have room for; None when one has no limit.

    A worker takes up to its prefetch count of messages before it acknowledges one; for each task with an ETA that
    count is raised by one.
    """
    total = 0
    for holder in holders:
        if any(holder.may_hold(m) for m in held):
            if holder.prefetch is None:
                return None
            total += max(0, holder.prefetch - sum(1 for m in found if m.task_id in holder.ids))
    return total if held else None


def _doubt(watched: WatchedCluster, replies: Replies, holders: Iterable[_Holder]) -> str | None:
    """Return why somebody unheard may hold a message; None when everybody was heard."""
    silent = watched.call_roll(replies).silent
    if silent:
        return f"{listed(silent)} did not answer: busy or unreachable"
    strangers = replies.listeners - replies.pongs
    if strangers > 0:
        return f"{strangers} that listen for remote control did not answer: busy or unreachable, or no worker"
    if replies.unreadable:
        return f"{replies.unreadable} replies were not in JSON, which alone is read"
    mute = [h.worker.name for h in holders if None in (h.worker.active, h.worker.reserved, h.worker.scheduled)]
    return f"{listed(mute)} did not list the tasks in hand" if mute else None


def _postponed(
    found: Sequence[Unacknowledged], holders: Iterable[_Holder], now: datetime, visibility_timeout: int
) -> tuple[Postponed, ...]:
    """Return the tasks that are delivered again before they are due, the first to be so first."""
    late: dict[str | None, Postponed] = {}
    for message in found:
        one = postponed_beyond(message, now, visibility_timeout)
        if one is not None:
            late.setdefault(one.task_id, one)
    seen = {m.task_id for m in found}
    again_at = now + timedelta(seconds=visibility_timeout)
    for holder in holders:
        for task in holder.worker.scheduled or ():
            if task.id in late:
                late[task.id] = late[task.id].model_copy(update={"worker": holder.worker.name})
            elif task.id not in seen and task.eta is not None and task.eta > again_at:
                late[task.id] = Postponed(
                    task_id=task.id,
                    task=task.name,
                    queue=task.queue,
                    eta=task.eta,
                    again_at=again_at,
                    worker=holder.worker.name,
                )
    return tuple(sorted(late.values(), key=lambda p: (p.again_at, p.eta)))
