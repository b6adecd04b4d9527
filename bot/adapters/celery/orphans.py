"""Puts messages that a lost worker took back into their queues, each once, beside workers that may do the same.

A worker restores what was not acknowledged within the visibility timeout (kombu's `transport/redis.py`,
`restore_by_tag`): it watches `unacked`, and takes an entry out in the transaction that pushes the message. Here the
same is one script, so whoever comes second finds nothing. A message keeps its tag when it is delivered again: only the
moment when it was taken tells the lost delivery from a new one, which a living worker holds.
"""

import json
import time
from collections.abc import Sequence
from contextlib import closing
from typing import Any

import redis

from bot.adapters.celery.envelope import unwrap
from bot.adapters.celery.watched import WatchedCluster
from bot.domain.broker import Unacknowledged
from bot.domain.orphans import PutBack
from bot.ports.archives import Told

LISTEN_SECONDS = 5.0
"""Two heartbeats and a half, at Celery's own rate of one in 2 s."""

AT_ONCE = 50
"""Messages that one step puts back: bodies may be long, and Redis answers nobody meanwhile."""

STEP_SECONDS = 2.0

_SIGNS = ("worker.heartbeat", "worker.online", "worker.offline")

PUT_BACK = """
-- KEYS: unacked, unacked_index, lanes. ARGV: for each message its tag, when it was taken, its lane, the message
redis.call('HDEL', KEYS[1], 'celery-oncall')
redis.call('ZREM', KEYS[2], 'celery-oncall')
local restored, gone = 0, 0
for i = 1, #ARGV, 4 do
  local score = redis.call('ZSCORE', KEYS[2], ARGV[i])
  local same = score and math.abs(tonumber(score) - tonumber(ARGV[i + 1])) < 0.001
  if same and redis.call('HEXISTS', KEYS[1], ARGV[i]) == 1 then
    local pushed = redis.pcall('RPUSH', KEYS[2 + ARGV[i + 2]], ARGV[i + 3])
    if type(pushed) == 'table' and pushed.err then
      if restored + gone == 0 then return pushed end
      break
    end
    redis.call('HDEL', KEYS[1], ARGV[i])
    redis.call('ZREM', KEYS[2], ARGV[i])
    restored = restored + 1
  else
    gone = gone + 1
  end
end
return {restored, gone}
"""
"""Redis takes back nothing of a script that it refuses in the middle. So what may be refused comes first: an HDEL and
a ZREM of nothing, which an ACL refuses like any other, then the push. What follows a push cannot be refused any more.
Where a push is refused, the ones before it are told, and the next call begins with the one that was."""


class CeleryOrphans:
    """What lost workers left in one cluster's broker. Used from many threads."""

    def __init__(
        self, watched: WatchedCluster, event_exchange: str = "celeryev", listen_seconds: float = LISTEN_SECONDS
    ) -> None:
        """Do no I/O. `event_exchange` is the setting of that name of the watched application."""
        self._keys, self._broker = watched.keys, watched.broker
        self._channels = [f"{self._keys.prefix}/{self._keys.db}.{event_exchange}/{sign}" for sign in _SIGNS]
        self._seconds = listen_seconds

    def heard(self) -> frozenset[str]:
        """Listen for a few seconds, and return the workers that gave a sign of life. Raises ClusterUnreachable."""
        return self._broker.read(lambda client, _: self._listened(client), self._seconds + STEP_SECONDS)

    def _listened(self, client: "redis.Redis") -> frozenset[str]:
        found, end = set(), time.monotonic() + self._seconds
        with closing(client.pubsub()) as subscription:  # type: ignore[no-untyped-call]  # redis-py leaves it untyped
            subscription.subscribe(*self._channels)
            while (left := end - time.monotonic()) > 0:
                message = subscription.get_message(timeout=min(left, 0.2))
                if message is not None and message["type"] == "message":
                    found |= _sender(message["data"])
        return frozenset(found)

    def uptime(self) -> int | None:
        """Return for how many seconds the broker has run; None where an ACL or a proxy keeps it. As `heard`."""

        def work(client: "redis.Redis", until: float) -> Any:  # noqa: ARG001 - the broker's signature
            try:
                return client.info("server").get("uptime_in_seconds")
            except redis.ResponseError:
                return None

        said = self._broker.read(work, STEP_SECONDS)
        return said if isinstance(said, int) else None

    def put_back(self, some: Sequence[Unacknowledged], told: Told) -> PutBack:
        """Put these back into their queues, to be taken next; the oldest is pushed last, since that end is taken first.

        Raises ClusterUnreachable (nothing was sent) or EffectUncertain. Each message is one step.
        """
        newest_first = sorted(some, key=lambda m: (m.taken_at is not None, m.taken_at, m.tag), reverse=True)
        restored = gone = 0
        while left := newest_first[restored + gone :]:
            told(f"{restored:,} of {len(some):,} messages are put back.")
            one, other = self._put_back(left[:AT_ONCE])
            restored, gone = restored + one, gone + other
        return PutBack(restored=restored, gone=gone)

    def _put_back(self, some: Sequence[Unacknowledged]) -> tuple[int, int]:
        """Put back as many of the first as Redis takes, at least one; returns how many, and how many were gone."""
        raws = self._broker.read(
            lambda client, _: client.hmget(self._keys.unacked, [m.tag for m in some]), STEP_SECONDS
        )
        lanes: list[str] = []
        arguments: list[object] = []
        for message, raw in zip(some, raws, strict=True):
            lane, payload = self._restored(message, raw)
            if lane not in lanes:
                lanes.append(lane)
            taken_at = message.taken_at.timestamp() if message.taken_at and raw is not None else -1  # -1: never as told
            arguments += [message.tag, repr(taken_at), lanes.index(lane) + 1, payload]

        def work(client: "redis.Redis", until: float) -> Any:  # noqa: ARG001 - the broker's signature
            keys = [self._keys.unacked, self._keys.unacked_index, *lanes]
            return client.eval(PUT_BACK, len(keys), *keys, *arguments)  # type: ignore[arg-type]  # redis-py encodes numbers

        restored, gone = self._broker.effect("putting messages back", work, STEP_SECONDS)
        return int(restored), int(gone)

    def _restored(self, message: Unacknowledged, raw: bytes | str | None) -> tuple[str, str]:
        """Return the lane and the message as kombu's `_do_restore_message` writes it; nothing for one that is gone."""
        payload = json.loads(raw)[0] if raw is not None else {}
        headers, properties = payload.get("headers"), payload.get("properties")
        if isinstance(headers, dict):
            headers["redelivered"] = True
        if isinstance(properties, dict) and isinstance(properties.get("delivery_info"), dict):
            properties["delivery_info"]["redelivered"] = True
        priority = properties.get("priority") if isinstance(properties, dict) else None
        return self._keys.lane(message.queue or "", _priority(priority)), json.dumps(payload)


def _priority(value: object) -> int:
    """Return a message's priority as kombu's `_get_message_priority` reads it: 0 to 9, 0 where there is none."""
    try:
        return max(min(int(value), 9), 0)  # type: ignore[call-overload, no-any-return]  # what is no number raises
    except (TypeError, ValueError):
        return 0


def _sender(raw: bytes) -> set[str]:
    try:
        _, event = unwrap(raw)
        return {str(event["hostname"])}
    except (ValueError, KeyError, TypeError):  # not in JSON, or none of Celery's
        return set()
