"""Remote control: several commands to the workers at once, and their replies on a key that never outlives us.

Celery's own `app.control` sends one command and waits, for a second of silence, before the next. Here all commands
are published in one transaction, with a ping at the end. A worker takes commands in order and one by one (kombu's
`pidbox.py`), so its pong means: nothing more will come from it. `PUBLISH` says how many processes heard the ping, so
when as many have answered it, everybody has. Beat of Celery 5.7 answers the ping alone, and is no worker.

Where replies go: workers route them by a table of bindings. The table is our own, one for each process of ours, and
expires by itself. The list that receives them always holds one anchor and expires too. So when we are killed, what is
left goes away, and a late reply finds no table and is dropped.
"""

import os
import secrets
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import redis

from bot.adapters.celery.envelope import unwrap, wrap
from bot.adapters.celery.keys import Keys

TABLE_SECONDS = 30
LIST_SECONDS = 90
"""The list must outlive the table, or a reply after its end would make it anew, without an end."""

_ANCHOR = b""
_FIRST_PAUSE, _LONGEST_PAUSE = 0.001, 0.02


@dataclass(frozen=True)
class Command:
    """A remote control command, such as `active` or `cancel_consumer`."""

    method: str
    arguments: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class Replies:
    """What came back: for each node the reply to each method. `listeners` is how many processes heard the commands.

    `pongs` counts those that are done answering; two nodes of one name are two, also in `pongs_of`.
    """

    listeners: int = 0
    pongs: int = 0
    unreadable: int = 0
    by_node: dict[str, dict[str, Any]] = field(default_factory=dict)
    pongs_of: Counter[str] = field(default_factory=Counter)

    @property
    def everybody(self) -> bool:
        """Whether every listener is done."""
        return self.pongs >= self.listeners

    def take(self, node: str, method: str, reply: object) -> None:
        """Add one reply."""
        self.by_node.setdefault(node, {})[method] = reply
        if method == "ping":
            self.pongs += 1
            self.pongs_of[node] += 1


class Pidbox:
    """Our end of the control exchange. Safe to use from many threads."""

    def __init__(self, keys: Keys) -> None:
        """Do no I/O."""
        self._keys = keys
        self._exchange = f"reply.celery-oncall.{socket.gethostname()}.{os.getpid()}.{secrets.token_hex(4)}"
        self._lock = threading.Lock()
        self._finished: set[str] = set()

    def ask(
        self,
        client: "redis.Redis",
        commands: Sequence[Command],
        until: float,
        enough: Callable[[Replies], bool],
        destination: Sequence[str] | None = None,
    ) -> Replies:
        """Send the commands at once and collect replies until `enough`, or until `until`.

        Raises redis-py's errors. A broker that refuses to write (full, read-only) raises ResponseError, and then
        nothing was sent.
        """
        inbox = f"{self._exchange}.{secrets.token_hex(8)}"
        tickets = {f"{inbox}.{c.method}": c.method for c in commands}
        try:
            replies = Replies(listeners=self._publish(client, inbox, commands, destination))
            self._collect(client, inbox, tickets, replies, until, enough)
        finally:
            with self._lock:
                self._finished.add(inbox)
        self._tidy(client)
        return replies

    def _publish(
        self, client: "redis.Redis", inbox: str, commands: Sequence[Command], destination: Sequence[str] | None
    ) -> int:
        # A transaction: no worker may subscribe between the first command and the last.
        pipeline = client.pipeline(transaction=True)
        table, list_ = self._keys.bindings(self._exchange), self._keys.lane(inbox, 0)
        pipeline.sadd(table, self._keys.row(inbox, inbox))
        pipeline.expire(table, TABLE_SECONDS)
        pipeline.rpush(list_, _ANCHOR)
        pipeline.expire(list_, LIST_SECONDS)
        for command in commands:
            pipeline.publish(self._keys.control_channel, self._message(command, inbox, destination))
        return int(pipeline.execute()[-1])

    def _message(self, command: Command, inbox: str, destination: Sequence[str] | None) -> bytes:
        body = {
            "method": command.method,
            "arguments": dict(command.arguments),
            "destination": None if destination is None else list(destination),
            "pattern": None,
            "matcher": None,
            "ticket": f"{inbox}.{command.method}",
            "reply_to": {"exchange": self._exchange, "routing_key": inbox},
        }
        return wrap(body, f"{self._keys.control_exchange}.pidbox")

    def _collect(
        self,
        client: "redis.Redis",
        inbox: str,
        tickets: Mapping[str, str],
        replies: Replies,
        until: float,
        enough: Callable[[Replies], bool],
    ) -> None:
        # A blocking pop would take the anchor, and with it the end of the key; and a look takes all replies at once.
        list_, pause = self._keys.lane(inbox, 0), _FIRST_PAUSE
        while replies.listeners and not enough(replies) and time.monotonic() < until:
            time.sleep(max(0.0, min(pause, until - time.monotonic())))
            look = client.pipeline(transaction=True)
            look.lrange(list_, 0, -2)
            look.ltrim(list_, -1, -1)
            found = look.execute()[0]
            for raw in reversed(found):
                _take(raw, tickets, replies)
            pause = _FIRST_PAUSE if found else min(pause * 1.5, _LONGEST_PAUSE)

    def _tidy(self, client: "redis.Redis") -> None:
        """Remove what we are done with, and what earlier calls left when their connection broke."""
        with self._lock:
            finished, self._finished = self._finished, set()
        pipeline = client.pipeline(transaction=False)
        for inbox in finished:
            pipeline.srem(self._keys.bindings(self._exchange), self._keys.row(inbox, inbox))
            pipeline.delete(self._keys.lane(inbox, 0))
        try:
            pipeline.execute()
        except (redis.RedisError, OSError):
            with self._lock:
                self._finished |= finished
            raise


def _take(raw: bytes, tickets: Mapping[str, str], replies: Replies) -> None:
    try:
        ticket, body = unwrap(raw)
    except ValueError:
        replies.unreadable += 1
        return
    method = tickets.get(ticket or "")
    if method is not None and isinstance(body, dict):
        for node, reply in body.items():
            replies.take(str(node), method, reply)
