"""Which queues there are, and which exchange and routing key lead to which queue."""

import threading
import time
from collections.abc import Collection, Iterable, Mapping
from typing import Any

import redis
from kombu.transport.virtual.exchange import TopicExchange

from bot.adapters.celery.keys import Binding, Keys, text

REFRESH_SECONDS = 30.0
PAGE = 1000
PAGES_AT_ONCE = 20
"""A scan walks all keys of the database, results too; this many pages take some 10 ms, and the next call goes on."""

_TOPIC = TopicExchange(None)


class Topology:
    """Bindings read from the broker and from what workers say. Safe to use from many threads."""

    def __init__(self, keys: Keys, declared: Iterable[str]) -> None:
        """Know the declared queues at once, and others from the first look."""
        self._keys = keys
        self._declared = tuple(dict.fromkeys(declared))
        self._lock = threading.Lock()
        self._bindings: dict[str, frozenset[Binding]] = {}
        self._said: dict[str, Binding] = {}
        self._exchanges: set[str] = set()
        self._cursor = 0
        self._refreshed: float | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Every known queue: the declared ones in their order, then the others by name."""
        with self._lock:
            found = {b.queue for table in self._bindings.values() for b in table} | set(self._said)
        return (*self._declared, *sorted(found - set(self._declared)))

    def refresh(self, client: "redis.Redis", until: float) -> None:
        """Look for exchanges and read their tables, now and then and a part at a time."""
        with self._lock:
            recent = self._refreshed is not None and time.monotonic() - self._refreshed < REFRESH_SECONDS
        if not recent:
            self._scan(client, until)
            self._read_tables(client)

    def learn(self, queues: Iterable[Mapping[str, Any]]) -> None:
        """Take in a worker's reply to `active_queues`."""
        said = [b for b in map(_said, queues) if b is not None]
        with self._lock:
            self._said |= {b.queue: b for b in said}

    def queue_of(self, exchange: str, routing_key: str, among: Collection[str] | None = None) -> str | None:
        """Return the queue that such a message comes from; None when it is not known, or could be one of several.

        `among` are the queues that its worker consumes, which often decides.
        """
        if not exchange:
            return routing_key or None  # the default exchange leads to the queue named so
        with self._lock:
            rows = (*self._bindings.get(exchange, ()), *(b for b in self._said.values() if b.exchange == exchange))
        queues = {b.queue for b in rows if b.takes(routing_key)}
        if among is not None and len(queues) > 1:
            queues &= set(among)
        if not queues and exchange == routing_key:
            return routing_key  # Celery's own naming of a queue that nobody configured
        return queues.pop() if len(queues) == 1 else None

    def binding_of(self, queue: str) -> Binding | None:
        """Return the binding by which tasks reach a queue: what a worker said, else what the broker has."""
        with self._lock:
            said = self._said.get(queue)
            rows = [b for table in self._bindings.values() for b in table if b.queue == queue]
        return said or min(rows, key=lambda b: (b.exchange != queue, b.exchange, b.routing_key), default=None)

    def _scan(self, client: "redis.Redis", until: float) -> None:
        with self._lock:
            cursor = self._cursor
        found: set[str] = set()
        for _ in range(PAGES_AT_ONCE):
            cursor, keys = client.scan(cursor, match=self._keys.any_bindings, count=PAGE)
            found |= {e for k in keys if (e := self._keys.exchange_of(text(k))) is not None}
            if not cursor or time.monotonic() >= until:
                break
        with self._lock:
            self._exchanges |= found
            self._cursor = cursor
            if not cursor:
                self._refreshed = time.monotonic()

    def _read_tables(self, client: "redis.Redis") -> None:
        with self._lock:
            # Celery names the exchange of a queue like the queue, so most are found without a scan.
            exchanges = sorted({*self._exchanges, *self._declared, "celery"})
        pipeline = client.pipeline(transaction=False)
        for exchange in exchanges:
            pipeline.smembers(self._keys.bindings(exchange))
        tables = pipeline.execute(raise_on_error=False)
        read = {
            exchange: frozenset(b for row in table if (b := self._keys.binding(exchange, text(row))) is not None)
            for exchange, table in zip(exchanges, tables, strict=True)
            if isinstance(table, set)
        }
        with self._lock:
            self._bindings = read


def _said(queue: Mapping[str, Any]) -> Binding | None:
    name, exchange = queue.get("name"), queue.get("exchange")
    if not isinstance(name, str) or not isinstance(exchange, Mapping) or exchange.get("type") == "fanout":
        return None
    routing_key = str(queue.get("routing_key") or "")
    pattern = _TOPIC.key_to_pattern(routing_key) if exchange.get("type") == "topic" else ""
    return Binding(str(exchange.get("name") or ""), routing_key, pattern, name)
