"""Counts messages: the true depth of queues, and what was delivered and not acknowledged."""

import json
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import cast

import redis

from bot.adapters.celery.keys import Keys
from bot.adapters.celery.lengths import lengths
from bot.adapters.celery.topology import Topology

MOST_UNACKED = 5000
"""How many unacknowledged messages are looked at; beyond it, counts are "at least"."""

PAGE = 500


@dataclass(frozen=True)
class Unacked:
    """Delivered and unacknowledged messages by queue; `at_least` when not all were looked at."""

    by_queue: Counter[str] = field(default_factory=Counter)
    at_least: bool = False


def lanes(client: "redis.Redis", keys: Keys, queues: Sequence[str]) -> dict[str, tuple[int, ...] | None]:
    """Return the length of every lane of every queue, in one round trip; None where a key is no list."""
    found = iter(lengths(client, [lane for queue in queues for lane in keys.lanes(queue)]))
    return {queue: _whole([next(found) for _ in keys.steps]) for queue in queues}


def _whole(lanes: Sequence[int | None]) -> tuple[int, ...] | None:
    counted = tuple(n for n in lanes if n is not None)
    return counted if len(counted) == len(lanes) else None


def unacked(client: "redis.Redis", keys: Keys, topology: Topology, until: float) -> Unacked:
    """Count unacknowledged messages by queue, over at most `MOST_UNACKED` of them. Raises ResponseError."""
    seen, cursor, count = 0, 0, Counter[str]()
    while True:
        cursor, page = client.hscan(keys.unacked, cursor, count=PAGE)
        entries = cast("dict[bytes, bytes]", page)  # redis-py types it for every protocol at once
        seen += len(entries)
        count.update(q for raw in entries.values() if (q := _queue_of(raw, topology)) is not None)
        if not cursor:
            return Unacked(count)
        if seen >= MOST_UNACKED or time.monotonic() >= until:
            return Unacked(count, at_least=True)


def _queue_of(raw: bytes, topology: Topology) -> str | None:
    """Return the queue of an entry, which is the JSON of `[message, exchange, routing_key]`."""
    try:
        _, exchange, routing_key = json.loads(raw)
    except (ValueError, TypeError):  # no JSON, or another shape: not kombu's
        return None
    return topology.queue_of(str(exchange or ""), str(routing_key or ""))
