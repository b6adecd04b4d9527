"""The one place that knows how Celery's transport names its keys in Redis.

From kombu's `transport/redis.py` and `transport/virtual/exchange.py` (5.3 to 5.7): a queue is a list for each priority
step; an exchange's table of bindings is a set; fan-out is publish/subscribe.
"""

import re
from bisect import bisect
from dataclasses import dataclass

_BINDING = "_kombu.binding."


@dataclass(frozen=True)
class Binding:
    """One row of an exchange's table; `pattern` is a regular expression, set for topic exchanges alone."""

    exchange: str
    routing_key: str
    pattern: str
    queue: str

    def takes(self, routing_key: str) -> bool:
        """Whether a message with this routing key goes to the queue."""
        if self.pattern:
            return re.match(self.pattern, routing_key) is not None
        return self.routing_key == routing_key


@dataclass(frozen=True)
class Keys:
    """Key names of one cluster: `prefix` is its `global_keyprefix`, which stands before all of them."""

    prefix: str
    db: int
    sep: str
    steps: tuple[int, ...]
    control_exchange: str = "celery"

    def lanes(self, queue: str) -> tuple[str, ...]:
        """The lists of a queue, from the most urgent step to the least."""
        return tuple(self.lane(queue, step) for step in self.steps)

    def lane(self, queue: str, priority: int) -> str:
        """The list that takes a message of this priority (0 is the most urgent), as kombu's `_q_for_pri` does."""
        step = self.steps[bisect(self.steps, priority) - 1]
        return f"{self.prefix}{queue}{self.sep}{step}" if step else f"{self.prefix}{queue}"

    @property
    def unacked(self) -> str:
        """The hash of delivered and unacknowledged messages of all queues."""
        return f"{self.prefix}unacked"

    @property
    def unacked_index(self) -> str:
        """The sorted set of their tags by when they were taken, in seconds since 1970 by the worker's clock."""
        return f"{self.prefix}unacked_index"

    @property
    def control_channel(self) -> str:
        """Where control commands are published."""
        return f"{self.prefix}/{self.db}.{self.control_exchange}.pidbox"

    @property
    def event_channels(self) -> str:
        """The pattern of the channels of task and worker events, for PSUBSCRIBE."""
        return literally(f"{self.prefix}/{self.db}.celeryev") + "*"

    def bindings(self, exchange: str) -> str:
        """The set that is an exchange's table."""
        return f"{self.prefix}{_BINDING}{exchange}"

    @property
    def any_bindings(self) -> str:
        """The pattern of all exchanges' tables, for SCAN."""
        return literally(f"{self.prefix}{_BINDING}") + "*"

    def exchange_of(self, key: str) -> str | None:
        """The exchange whose table this key is; None for other keys and for Celery's internal exchanges."""
        if not key.startswith(f"{self.prefix}{_BINDING}"):
            return None
        exchange = key.removeprefix(f"{self.prefix}{_BINDING}")
        internal = exchange == "celeryev" or exchange.endswith(".pidbox") or exchange.startswith("reply.")
        return None if internal else exchange

    def row(self, routing_key: str, queue: str) -> str:
        """The member of a direct exchange's table that binds `queue`."""
        return self.sep.join((routing_key, "", queue))

    def binding(self, exchange: str, row: str) -> Binding | None:
        """Read a member of an exchange's table; None for what is not a task queue."""
        parts = row.split(self.sep)
        if len(parts) != 3:  # written with another separator
            return None
        routing_key, pattern, queue = parts
        if not queue or queue.endswith(".pidbox") or queue.startswith(("celeryev.", "bcast.")):
            return None  # mailboxes, and Broadcast queues, which are publish/subscribe and have no depth
        return Binding(exchange, routing_key, pattern, queue)


def prefix_of(key: str) -> str | None:
    """The `global_keyprefix` that a table of bindings reveals, or None when the key is no such table."""
    prefix, found, _ = key.rpartition(_BINDING)
    return prefix if found else None


def text(raw: bytes | str) -> str:
    """A key or a value of Redis as text; bytes that are no UTF-8 stay recognisable."""
    return raw if isinstance(raw, str) else raw.decode(errors="backslashreplace")


def literally(name: str) -> str:
    """A pattern for SCAN and PSUBSCRIBE that matches this name alone."""
    return re.sub(r"([*?\[\]\\^])", r"\\\1", name)
