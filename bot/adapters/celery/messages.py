"""Task messages as they lie in Redis: who they are for, from the headers alone, but for what follows them.

From Celery's message protocol 2 and kombu's `transport/virtual/base.py`. A message of protocol 1 says nothing in its
headers; of such a one only its queue is known.
"""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from bot.adapters.celery.answers import moment
from bot.adapters.celery.fast_json import decode
from bot.adapters.celery.topology import Topology
from bot.domain.broker import PUBLISHED_AT, Unacknowledged

LATEST_STAMP = 1e11
"""No task was published later (in the year 5138): such a number is a stamp in milliseconds, or none at all."""


@dataclass(frozen=True)
class Message:
    """What the headers of a task message say; None where they say nothing that makes sense."""

    task: str | None = None
    id: str | None = None
    eta: datetime | None = None
    published_at: float | None = None
    redelivered: bool = False


def read(raw: bytes | str) -> Message:
    """Return what a message in a queue says of itself; an empty one when it is none of Celery's."""
    try:
        return of(json.loads(raw))
    except (ValueError, RecursionError):
        return Message()


def of(message: object) -> Message:
    """Return what a message says of itself."""
    headers = _mapping(message, "headers")
    delivery = _mapping(_mapping(message, "properties"), "delivery_info")
    return Message(
        task=_text(headers.get("task")),
        id=_text(headers.get("id")),
        eta=moment(headers.get("eta")),
        published_at=_stamp(headers.get(PUBLISHED_AT)),
        redelivered=bool(headers.get("redelivered") or delivery.get("redelivered")),
    )


def linked_in(raw: bytes) -> bool:
    """Return whether a message is one of a chord, or has tasks that follow it: what waits for it would wait for ever.

    That stands in the body beside the arguments (protocol 2: `[args, kwargs, embed]`); only JSON is opened.
    """
    try:
        return is_linked(decode(raw))
    except (ValueError, RecursionError):
        return False


def is_linked(message: Any) -> bool:
    """Return the same of a message that was read from JSON."""
    try:
        body = message["body"]
        if message["properties"].get("body_encoding") == "base64":
            body = base64.b64decode(body)
        embed = decode(body)[2]
        return bool(embed.get("chord") or embed.get("chain") or embed.get("callbacks"))
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError):
        return False


def unacknowledged(tag: str, raw: bytes | str, taken_at: float | None, topology: Topology) -> Unacknowledged:
    """Return an entry of `unacked`, which is the JSON of `[message, exchange, routing_key]`."""
    queue, message = None, Message()
    try:
        inner, exchange, routing_key = json.loads(raw)
    except (ValueError, TypeError, RecursionError):  # no JSON, or another shape: not kombu's
        pass
    else:
        queue = topology.queue_of(str(exchange or ""), str(routing_key or ""))
        message = of(inner)
    return Unacknowledged(
        tag=tag,
        task_id=message.id,
        task=message.task,
        queue=queue,
        taken_at=None if taken_at is None else datetime.fromtimestamp(taken_at, UTC),
        eta=message.eta,
        redelivered=message.redelivered,
    )


def _mapping(of: object, key: str) -> Mapping[str, Any]:
    found = of.get(key) if isinstance(of, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def _stamp(value: Any) -> float | None:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if number and 0 < value < LATEST_STAMP else None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
