"""Counts what waits in a queue by task name, from the messages that are next."""

import time
from datetime import UTC, datetime
from typing import cast

import redis

from bot.adapters.celery.keys import Keys
from bot.adapters.celery.messages import linked_in, read
from bot.domain.archive import Census

MOST = 5000
"""Messages that a census reads at most: those that are next."""

PAGE = 500
"""Messages that one command reads."""


def counted(client: "redis.Redis", keys: Keys, queue: str, until: float) -> Census:
    """Count what waits in a queue, reading no more than `MOST` messages and none after `until` (monotonic seconds).

    Where all were read, they are what was seen: workers take some between the first count and the reading.
    """
    lanes = keys.lanes(queue)
    pipeline = client.pipeline(transaction=True)
    for lane in lanes:
        pipeline.llen(lane)
    lengths = pipeline.execute()
    found: dict[str, int] = {}
    linked: dict[str, int] = {}
    looked_at = stamped = 0
    whole = sum(lengths) <= MOST
    oldest: float | None = None
    for lane, length in zip(lanes, lengths, strict=True):
        for start in range(0, min(length, MOST - looked_at), PAGE):
            if time.monotonic() >= until:
                whole = False
                break
            for raw in cast("list[bytes]", client.lrange(lane, -start - PAGE, -start - 1)):
                message = read(raw)
                looked_at += 1
                name = message.task or "(unknown)"
                found[name] = found.get(name, 0) + 1
                if linked_in(raw):
                    linked[name] = linked.get(name, 0) + 1
                if message.published_at is not None:
                    stamped += 1
                    oldest = message.published_at if oldest is None else min(oldest, message.published_at)
    return Census(
        queue=queue,
        messages=looked_at if whole else sum(lengths),
        looked_at=looked_at,
        by_task=dict(sorted(found.items(), key=lambda item: (-item[1], item[0]))),
        linked=sum(linked.values()),
        linked_by=linked,
        stamped=stamped,
        oldest=None if oldest is None else datetime.fromtimestamp(oldest, UTC),
    )
