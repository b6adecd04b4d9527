"""Looks for many tasks at once, outside workers' lists: those that wait, and those taken and not acknowledged.

In that order, which is the way of a task: one that is taken meanwhile is met further on.
"""

import time
from collections.abc import Collection
from typing import cast

import redis

from bot.adapters.celery import finding, messages
from bot.adapters.celery.keys import text
from bot.adapters.celery.watched import WatchedCluster
from bot.domain.revoke import Sought

MOST_UNACKED = 50_000


def seek(
    watched: WatchedCluster,
    client: "redis.Redis",
    ids: Collection[str],
    task: str | None,
    queue: str | None,
    until: float,
) -> Sought:
    """Return where these ids wait; and which of them, or of a task or queue, were taken and not acknowledged."""
    unsearched: list[str] = []
    watched.topology.refresh(client, until)
    waiting = _waiting(watched, client, frozenset(ids), until) if ids else Sought()
    unlisted = _unlisted(watched, client, frozenset(ids), task, queue, until, unsearched)
    return waiting.model_copy(update={"unlisted": unlisted, "unsearched": tuple(unsearched)})


def _waiting(watched: WatchedCluster, client: "redis.Redis", ids: frozenset[str], until: float) -> Sought:
    found: dict[str, str] = {}
    linked: set[str] = set()
    lanes = finding.lanes_of(watched, client)
    while open_ := [lane for lane in lanes if not lane.done]:
        if time.monotonic() >= until or len(found) == len(ids):
            break
        pipeline = client.pipeline(transaction=False)
        for lane in open_:
            pipeline.lrange(lane.key, -(lane.read + finding.PAGE), -(max(lane.read - finding.OVERLAP, 0) + 1))
        for lane, page in zip(open_, pipeline.execute(raise_on_error=False), strict=True):
            if not isinstance(page, list):
                lane.read = lane.length  # no list any more
                continue
            lane.read += finding.PAGE
            here = {one: raw for raw in page if (one := messages.read(raw).id) in ids}
            found |= dict.fromkeys(here, lane.queue)
            linked |= {one for one, raw in here.items() if messages.linked_in(raw)}
    cut = sorted({lane.queue for lane in lanes if lane.read < lane.length})
    behind = tuple(cut) if len(found) < len(ids) else ()
    return Sought(waiting=found, linked=frozenset(linked), behind=behind)


def _unlisted(
    watched: WatchedCluster,
    client: "redis.Redis",
    ids: frozenset[str],
    task: str | None,
    queue: str | None,
    until: float,
    unsearched: list[str],
) -> frozenset[str]:
    found, cursor, seen = set(), 0, 0
    while True:
        cursor, page = client.hscan(watched.keys.unacked, cursor, count=finding.PAGE)
        entries = cast("dict[bytes, bytes]", page)  # redis-py types it for every protocol at once
        seen += len(entries)
        for tag, raw in entries.items():
            one = messages.unacknowledged(text(tag), raw, None, watched.topology)
            meant = one.task_id in ids if ids else task in (None, one.task)
            if one.task_id is not None and meant and queue in (None, one.queue):
                found.add(one.task_id)
        if not cursor:
            return frozenset(found)
        if seen >= MOST_UNACKED or time.monotonic() >= until:
            unsearched.append(f"unacknowledged messages beyond {seen:,}")
            return frozenset(found)
