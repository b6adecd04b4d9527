"""The messages at the ends of queues: which is next, and since when the oldest waits."""

from collections.abc import Iterable, Sequence

import redis

from bot.adapters.celery.keys import Keys
from bot.adapters.celery.messages import Message, read
from bot.domain.broker import OldestMessage

Ends = tuple[Message, Message]
"""The head of a lane (taken next) and its tail."""


def oldest(client: "redis.Redis", keys: Keys, queues: Sequence[str], now: float) -> dict[str, OldestMessage]:
    """Return the oldest message of every queue that has any, in one round trip; `now` in seconds since 1970."""
    pipeline = client.pipeline(transaction=False)
    for queue in queues:
        for lane in keys.lanes(queue):
            pipeline.lindex(lane, -1)
            pipeline.lindex(lane, 0)
    found = iter(pipeline.execute(raise_on_error=False))
    ends = {queue: [(next(found), next(found)) for _ in keys.steps] for queue in queues}
    lanes = {
        queue: [(read(head), read(tail)) for head, tail in rows if _both(head, tail)] for queue, rows in ends.items()
    }
    return {queue: _oldest(queue, rows, now) for queue, rows in lanes.items() if rows}


def _both(head: object, tail: object) -> bool:
    return isinstance(head, bytes) and isinstance(tail, bytes)  # else the lane is empty, or the key is no list


def _oldest(queue: str, lanes: Sequence[Ends], now: float) -> OldestMessage:
    next_ = lanes[0][0]
    stamps = [head.published_at for head, _ in lanes if head.published_at is not None]
    return OldestMessage(
        queue=queue,
        task=next_.task,
        task_id=next_.id,
        age=max(0.0, now - min(stamps)) if stamps else None,
        tasks=_names(message for ends in lanes for message in ends),
    )


def _names(messages: Iterable[Message]) -> tuple[str, ...]:
    return tuple(sorted({m.task for m in messages if m.task is not None}))
