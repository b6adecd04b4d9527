"""Results of tasks in a Redis result backend: how many, until when, and the one of a task.

The backend may be another server than the broker. Keys are walked with SCAN, never with KEYS, which stops the server
until it is done. From Celery's `backends/base.py` and `backends/redis.py`.
"""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

import redis

from bot.adapters.celery.broker import Broker
from bot.adapters.celery.connection import ClusterConnection
from bot.adapters.celery.keys import literally, text
from bot.domain.broker import StoredResults
from bot.domain.errors import BadInput, ClusterUnreachable, OutsideUnreachable

T = TypeVar("T")

META = "celery-task-meta-"
PAGE = 1000
FETCHED_AT_ONCE = 100
"""Values in one MGET: results may be long, and Redis answers nobody else meanwhile."""

SAMPLE = 1000
"""Of how many results the end and the size are looked at."""


class ResultBackend:
    """The result backend of one cluster; connects on first use. Safe to use from many threads."""

    def __init__(self, connection: ClusterConnection) -> None:
        """Do no I/O, and refuse nothing yet: clusters without results are watched too."""
        self._cluster, self._url = connection.name, connection.result_backend
        self._prefix = _prefix(connection.result_keyprefix)
        self._tls = connection.tls
        self._broker: Broker | None = None

    def close(self) -> None:
        """Close every connection."""
        if self._broker is not None:
            self._broker.close()

    def count(self, now: datetime, deadline: float) -> StoredResults:
        """Return how many results there are, as far as the deadline allows. Raises BadInput or OutsideUnreachable."""
        broker = self.reached()

        def work(client: "redis.Redis", until: float) -> StoredResults:
            return _count(client, f"{self._prefix}{META}", until, now, broker.connection.address)

        return self._read(broker, work, deadline)

    def of(self, id: str, deadline: float) -> Mapping[str, Any] | None:
        """Return the stored result of a task, without its value; None when there is none.

        Raises BadInput or OutsideUnreachable. What is not in JSON is not opened: it has a status of None.
        """
        broker = self.reached()
        raw = self._read(broker, lambda client, _: client.get(f"{self._prefix}{META}{id}"), deadline)
        return None if raw is None else _meta(raw)

    def metas(self, ids: Sequence[str], deadline: float) -> dict[str, Mapping[str, Any]]:
        """Return all that is stored of these tasks, values too; those with no result, or none in JSON, are left out.

        Raises as `of`.
        """
        keys = [f"{self._prefix}{META}{each}" for each in ids]

        def work(client: "redis.Redis", until: float) -> list[Any]:  # noqa: ARG001 - the broker's signature
            return _fetched(client, keys)

        read = self._read(self.reached(), work, deadline) if keys else []
        return {i: meta for i, raw in zip(ids, read, strict=True) if (meta := _whole(raw)) is not None}

    def failed(self, deadline: float) -> tuple[dict[str, Mapping[str, Any]], bool]:
        """Return all that is stored of tasks that failed, and whether all results were looked at. Raises as `of`."""
        start = f"{self._prefix}{META}"

        def work(client: "redis.Redis", until: float) -> tuple[dict[str, Mapping[str, Any]], bool]:
            found: dict[str, Mapping[str, Any]] = {}
            cursor = 0
            while True:
                cursor, keys = client.scan(cursor, match=f"{literally(start)}*", count=PAGE)
                for key, raw in zip(keys, _fetched(client, keys), strict=True):
                    # Most results are of tasks that succeeded: only what may be a failure is opened.
                    if raw and b"FAILURE" in raw and (meta := _whole(raw)) and meta.get("status") == "FAILURE":
                        found[text(key).removeprefix(start)] = meta
                if not cursor or time.monotonic() >= until:
                    return found, not cursor

        return self._read(self.reached(), work, deadline)

    @property
    def start(self) -> str:
        """Return what the keys of all results begin with."""
        return f"{self._prefix}{META}"

    def reached(self) -> Broker:
        """Return the bounded client of the backend. Raises BadInput where there is none on Redis."""
        if self._broker is None:
            self._broker = Broker(self._connection())
        return self._broker

    def _connection(self) -> ClusterConnection:
        if not self._url:
            raise BadInput(
                f"No result backend is set for `{self._cluster}`: write the application's `result_backend` under "
                f"`clusters.{self._cluster}` if it keeps results."
            )
        scheme = self._url.partition(":")[0]
        if scheme not in ("redis", "rediss"):
            raise BadInput(
                f"The result backend of `{self._cluster}` is `{scheme}`; results can be read from `redis://` and "
                "`rediss://` alone."
            )
        tls = self._tls if scheme == "rediss" else {}
        return ClusterConnection(name=f"{self._cluster}'s result backend", broker_url=self._url, tls=tls)

    def _read(self, broker: Broker, work: Callable[["redis.Redis", float], T], deadline: float) -> T:
        try:
            return broker.read(work, deadline)
        except ClusterUnreachable as error:
            raise OutsideUnreachable(f"The result backend of `{self._cluster}`", error.why, error.seconds) from error


def _prefix(configured: str) -> str:
    """Return the prefix as Celery writes it: with an underscore behind it, unless it ends in a separator."""
    return f"{configured}_" if configured and configured[-1] not in ":_-." else configured


def _count(client: "redis.Redis", start: str, until: float, now: datetime, address: str) -> StoredResults:
    sample: list[bytes | str] = []
    cursor, n = 0, 0
    while True:
        cursor, keys = client.scan(cursor, match=f"{literally(start)}*", count=PAGE)
        n += len(keys)
        sample += keys[: SAMPLE - len(sample)]
        if not cursor or time.monotonic() >= until:
            break
    ends, sizes = _looked_at(client, sample)
    return StoredResults(
        at=now,
        backend=address,
        n=n,
        sampled=len(ends),
        without_end=sum(1 for end in ends if end == -1),
        oldest_end=min((end for end in ends if end >= 0), default=None),
        bytes_sampled=sum(sizes) if sizes else None,
        at_least=bool(cursor),
    )


def _looked_at(client: "redis.Redis", keys: list[bytes | str]) -> tuple[list[int], list[int]]:
    """Return the seconds to the end of each key (-1: none) and its size in bytes; expired ones are left out."""
    pipeline = client.pipeline(transaction=False)
    for key in keys:
        pipeline.ttl(key)
        pipeline.strlen(key)
    said = pipeline.execute(raise_on_error=False)
    rows = [(end, size) for end, size in zip(said[::2], said[1::2], strict=True) if isinstance(end, int) and end != -2]
    return [end for end, _ in rows], [size for _, size in rows if isinstance(size, int)]


def _fetched(client: "redis.Redis", keys: Sequence[Any]) -> list[Any]:
    pipeline = client.pipeline(transaction=False)
    for i in range(0, len(keys), FETCHED_AT_ONCE):
        pipeline.mget(keys[i : i + FETCHED_AT_ONCE])
    return [raw for page in pipeline.execute() for raw in page]


def _whole(raw: bytes | None) -> Mapping[str, Any] | None:
    try:
        found = json.loads(raw) if raw else None
    except ValueError:  # as in `_meta`
        return None
    return found if isinstance(found, dict) else None


def _meta(raw: bytes | str) -> Mapping[str, Any]:
    try:
        found = json.loads(raw)
    except ValueError:  # pickle, say, which would run whatever it holds
        return {"status": None}
    return {k: v for k, v in found.items() if k in ("status", "result", "date_done")} if isinstance(found, dict) else {}
