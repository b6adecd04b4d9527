"""Looks for one task: in the queues, in workers' hands, among what is unacknowledged, among the results.

In that order, which is the way of a task, so that one that moves on meanwhile is met further on. What could not be
looked at is said.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import redis

from bot.adapters.celery import answers, messages
from bot.adapters.celery.keys import text
from bot.adapters.celery.pidbox import Command
from bot.adapters.celery.watched import WatchedCluster, workers_of
from bot.adapters.celery.wording import refusal
from bot.domain.broker import TaskPlace
from bot.domain.cluster import TaskInHand, Worker
from bot.domain.wording import listed

PAGE, OVERLAP = 500, 100
"""How many messages of a lane are read at once, and how many of them again: workers take from it meanwhile."""

MOST_OF_A_LANE, MOST_OF_ALL = 10_000, 100_000
"""How many messages are looked at, those that are next first."""

MOST_UNACKED = 5000


@dataclass
class Search:
    """What was found so far, and what could not be looked at, in clauses."""

    place: TaskPlace | None = None
    unsearched: list[str] = field(default_factory=list)


def find(watched: WatchedCluster, client: "redis.Redis", id: str, until: float) -> Search:
    """Look in queues, in workers' hands, and among unacknowledged messages. Ends at `until`, or soon after."""
    search, half = Search(), time.monotonic() + (until - time.monotonic()) / 2
    watched.topology.refresh(client, half)
    for look in (_in_queues, _in_hand, _unacknowledged):
        look(watched, client, id, half if look is _in_queues else until, search)
        if search.place is not None:
            break
    return search


@dataclass
class Lane:
    """A lane that is being looked through from its right end. `before` is how many wait in more urgent lanes."""

    queue: str
    key: str
    length: int
    before: int
    read: int = 0

    @property
    def done(self) -> bool:
        return self.read >= min(self.length, MOST_OF_A_LANE)


def _in_queues(watched: WatchedCluster, client: "redis.Redis", id: str, until: float, search: Search) -> None:
    lanes, total = lanes_of(watched, client), 0
    while open_ := [lane for lane in lanes if not lane.done]:
        if time.monotonic() >= until or total >= MOST_OF_ALL:
            break
        pipeline = client.pipeline(transaction=False)
        for lane in open_:
            pipeline.lrange(lane.key, -(lane.read + PAGE), -(max(lane.read - OVERLAP, 0) + 1))
        for lane, page in zip(open_, pipeline.execute(raise_on_error=False), strict=True):
            if not isinstance(page, list):
                lane.read = lane.length  # no list any more
                continue
            search.place = _among(page, lane, id)
            if search.place is not None:
                return
            lane.read += PAGE
            total += len(page)
    cut = sorted({lane.queue for lane in lanes if lane.read < lane.length})
    if cut:
        search.unsearched.append(f"the rest of {listed(cut)} behind what is next there")


def lanes_of(watched: WatchedCluster, client: "redis.Redis") -> list[Lane]:
    """Return every lane that holds messages, unread."""
    names, keys = watched.topology.names, watched.keys
    pipeline = client.pipeline(transaction=False)
    for name in names:
        for key in keys.lanes(name):
            pipeline.llen(key)
    lengths = iter(pipeline.execute(raise_on_error=False))
    lanes = []
    for name in names:
        before = 0
        for key in keys.lanes(name):
            length = next(lengths)
            if isinstance(length, int) and length:
                lanes.append(Lane(name, key, length, before))
                before += length
    return lanes


def _among(page: Sequence[bytes], lane: Lane, id: str) -> TaskPlace | None:
    wanted = id.encode()
    start = max(lane.read - OVERLAP, 0)
    for position, raw in enumerate(reversed(page), start=1 + start):
        if wanted not in raw:
            continue
        message = messages.read(raw)
        if message.id == id:
            n = lane.before + position
            return TaskPlace(
                id=id,
                place=f"waits in {lane.queue}, about {ordinal(n)}",
                task=TaskInHand(id=id, name=message.task or "?", queue=lane.queue, eta=message.eta),
                queue=lane.queue,
            )
    return None


def ordinal(n: int) -> str:
    """Return "1st", "12th", "1,003rd"."""
    ending = "th" if n % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(n % 10, "th")
    return f"{n:,}{ending}"


# --- workers ---------------------------------------------------------------------------------------------------------


def _in_hand(watched: WatchedCluster, client: "redis.Redis", id: str, until: float, search: Search) -> None:
    # Celery before 5.7 does not find tasks with an ETA by `query_task`, so they are listed.
    questions = (Command("active_queues"), Command("query_task", {"ids": [id]}), Command("scheduled"), Command("ping"))
    try:
        replies = watched.ask(client, questions, until)
    except redis.ResponseError as error:  # full or read-only: neither we nor a worker can write a reply
        search.unsearched.append(f"what workers hold: the broker passes on no replies ({refusal(error)})")
        return
    silent = watched.call_roll(replies).silent
    for name, said in sorted(workers_of(replies).items()):
        watched.topology.learn(answers.queue_declarations(said))
        found = _held_by(name, said, id, watched)
        if found is not None:
            search.place = found
            return
    if silent:
        search.unsearched.append(f"what {listed(silent)} holds, which did not answer: busy or unreachable")
    elif not replies.everybody:
        search.unsearched.append("what a worker holds that did not answer: busy or unreachable")


_WORDS = {"active": "runs on", "reserved": "is prefetched by", "ready": "has just ended on"}


def _held_by(name: str, said: Mapping[str, Any], id: str, watched: WatchedCluster) -> TaskPlace | None:
    known = said.get("query_task")
    state, info = known[id] if isinstance(known, dict) and _pair(known.get(id)) else (None, None)
    lists = {"active_queues": said.get("active_queues"), "scheduled": said.get("scheduled")}
    if state is not None and state != "scheduled":
        lists["active"] = [info]
    worker = answers.worker(name, lists, watched.topology)
    task = _of(worker, id)
    if task is None and state is None:
        return None
    clause = f"{_WORDS[state]} {name}" if state in _WORDS else f"is kept for later by {name}"
    return TaskPlace(id=id, place=clause, task=task, worker=name, queue=task.queue if task else None)


def _pair(value: object) -> bool:
    return isinstance(value, list) and len(value) == 2


def _of(worker: Worker, id: str) -> TaskInHand | None:
    return next((t for t in (*(worker.active or ()), *(worker.scheduled or ())) if t.id == id), None)


# --- unacknowledged --------------------------------------------------------------------------------------------------


def _unacknowledged(watched: WatchedCluster, client: "redis.Redis", id: str, until: float, search: Search) -> None:
    wanted, cursor, seen = id.encode(), 0, 0
    while True:
        cursor, page = client.hscan(watched.keys.unacked, cursor, count=PAGE)
        entries = cast("dict[bytes, bytes]", page)  # redis-py types it for every protocol at once
        seen += len(entries)
        for tag, raw in entries.items():
            if wanted in raw and _found(watched, client, text(tag), raw, id, search):
                return
        if not cursor:
            return
        if seen >= MOST_UNACKED or time.monotonic() >= until:
            search.unsearched.append(f"unacknowledged messages beyond {seen:,}")
            return


def _found(watched: WatchedCluster, client: "redis.Redis", tag: str, raw: bytes, id: str, search: Search) -> bool:
    taken_at = client.zscore(watched.keys.unacked_index, tag)
    message = messages.unacknowledged(tag, raw, taken_at, watched.topology)
    if message.task_id != id:
        return False
    search.place = TaskPlace(
        id=id,
        place="was taken by a worker and not acknowledged; no worker that answered lists it: held back by a rate "
        "limit, or its worker is busy or died",
        task=TaskInHand(id=id, name=message.task or "?", queue=message.queue, eta=message.eta),
        queue=message.queue,
    )
    return True
