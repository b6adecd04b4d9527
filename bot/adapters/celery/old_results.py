"""Deletes results of tasks that ended long ago from a Redis result backend, page by page.

When a task ended stands in its result (celery's `backends/base.py`, `_get_result_meta`: `date_done`, and `group_id` of
one of a group). Keys are walked with SCAN and freed with UNLINK, so Redis is never held up for long. What belongs to a
group or chord itself (`celery-taskset-meta-…`) is never touched, nor are results of one whose keys are still there.
"""

import json
import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any, TypeVar

import redis

from bot.adapters.celery.answers import moment
from bot.adapters.celery.broker import Work
from bot.adapters.celery.keys import literally
from bot.adapters.celery.results import META, ResultBackend
from bot.adapters.celery.watched import WatchedCluster
from bot.domain.errors import ClusterUnreachable, OutsideUnreachable
from bot.domain.old_results import Cleaned, ResultsFound, ResultsWanted, StoredResult, Tally
from bot.ports.archives import Told
from bot.ports.outside import Clock

PAGE = 1000
"""Keys that one SCAN looks at."""

AT_ONCE = 100
"""Values in one MGET, and keys in one step that deletes: results may be long, and Redis answers nobody meanwhile."""

SAMPLE = 5000
"""Results that a preview looks at closely; all others are counted alone."""

STEP_SECONDS = 3.0

_GONE, _ENDLESS = -2, -1
"""What TTL says of a key that is not there, and of one that never expires."""

_GROUP = "celery-taskset-meta-"
_GROUP_KEYS = ("", ".j", ".t", ".s")
"""A saved group; what a chord has collected, its total, its size (celery's `backends/redis.py`)."""

DELETE = """
-- KEYS: results. ARGV: for each how it says when its task ended
local deleted = 0
for i = 1, #KEYS do
  local result = redis.call('GET', KEYS[i])
  if result and string.find(result, ARGV[i], 1, true) then deleted = deleted + redis.call('UNLINK', KEYS[i]) end
end
return deleted
"""
"""A task that was run again under its id since has another end, or none yet: its result stays."""

T = TypeVar("T")


class CeleryOldResults:
    """The result backend of one cluster. Each method may be called again after it broke off. Used from many threads."""

    def __init__(self, watched: WatchedCluster, clock: Clock) -> None:
        """Do no I/O."""
        self._cluster, self._clock = watched.connection.name, clock
        self._backend = ResultBackend(watched.connection)

    def close(self) -> None:
        """Close every connection."""
        self._backend.close()

    def census(self, wanted: ResultsWanted, deadline: float = 3.0) -> ResultsFound:
        """Count results, and look closely at the first `SAMPLE`. Raises BadInput or OutsideUnreachable."""
        broker, at = self._backend.reached(), self._clock.now()

        def work(client: "redis.Redis", until: float) -> ResultsFound:
            tally, n, looked_at, cursor = Tally(wanted), 0, 0, 0
            while True:
                cursor, keys = self._page(client, cursor)
                n += len(keys)
                for part in _parts(keys[: SAMPLE - looked_at]):
                    looked_at += len(part)
                    for stored, groups in self._looked_at(client, part):
                        tally.take(stored, groups)
                if not cursor or time.monotonic() >= until:
                    break
            address = broker.connection.address
            return tally.found(at, address, n, looked_at, at_least=bool(cursor))

        return self._read(work, deadline)

    def clean(self, wanted: ResultsWanted, most: int, told: Told) -> Cleaned:
        """Delete what is meant, `most` of them. Raises BadInput, OutsideUnreachable or EffectUncertain."""
        deleted, looked_at, cursor, begun = 0, 0, 0, False
        while (cursor or not begun) and deleted < most:
            begun = True
            told(f"{looked_at:,} results are looked at, {deleted:,} deleted.")
            cursor, keys = self._read(lambda client, _, at=cursor: self._page(client, at), STEP_SECONDS)  # type: ignore[misc]
            for part in _parts(keys):
                meant = self._meant(wanted, part)[: most - deleted]
                looked_at += len(part)
                if meant:
                    told(f"{looked_at:,} results are looked at, {deleted:,} deleted.")
                    deleted += self._delete(meant)
        return Cleaned(deleted=deleted, looked_at=looked_at, whole=not cursor and deleted < most)

    def _meant(self, wanted: ResultsWanted, keys: Sequence[bytes]) -> list[StoredResult]:
        def work(client: "redis.Redis", until: float) -> list[StoredResult]:  # noqa: ARG001 - the broker's signature
            return [s for s, groups in self._looked_at(client, keys) if wanted.why_kept(s, groups) is None]

        return self._read(work, STEP_SECONDS)

    def _delete(self, meant: Sequence[StoredResult]) -> int:
        keys, stamps = [s.key for s in meant], [s.stamp for s in meant]

        def work(client: "redis.Redis", until: float) -> Any:  # noqa: ARG001 - the broker's signature
            return client.eval(DELETE, len(keys), *keys, *stamps)

        try:
            return int(self._backend.reached().effect("deleting old results", work, STEP_SECONDS))
        except ClusterUnreachable as error:
            raise self._unreachable(error) from error

    def _page(self, client: "redis.Redis", cursor: int) -> tuple[int, list[bytes]]:
        found: Any = client.scan(cursor, match=f"{literally(self._backend.start)}*", count=PAGE)
        return int(found[0]), list(found[1])

    def _looked_at(self, client: "redis.Redis", keys: Sequence[bytes]) -> Iterator[tuple[StoredResult, frozenset[str]]]:
        """Yield each result that is there, with those of all their groups whose own keys are."""
        pipeline = client.pipeline(transaction=False)
        pipeline.mget(keys)
        for key in keys:
            pipeline.ttl(key)
        raws, *ends = pipeline.execute() if keys else [[]]
        stored = [_stored(key, raw, end) for key, raw, end in zip(keys, raws, ends, strict=True) if end != _GONE]
        groups = self._kept(client, {s.group for s in stored if s.group})
        return ((s, groups) for s in stored)

    def _kept(self, client: "redis.Redis", groups: Collection[str]) -> frozenset[str]:
        """Return the groups of which any key is there."""
        start = self._backend.start.removesuffix(META) + _GROUP
        pipeline = client.pipeline(transaction=False)
        for group in groups:
            pipeline.exists(*(f"{start}{group}{end}" for end in _GROUP_KEYS))
        there = pipeline.execute() if groups else []
        return frozenset(group for group, n in zip(groups, there, strict=True) if n)

    def _read(self, work: Work[T], deadline: float) -> T:
        try:
            return self._backend.reached().read(work, deadline)
        except ClusterUnreachable as error:
            raise self._unreachable(error) from error

    def _unreachable(self, error: ClusterUnreachable) -> OutsideUnreachable:
        return OutsideUnreachable(f"The result backend of `{self._cluster}`", error.why, error.seconds)


def _parts(keys: Sequence[bytes]) -> Iterable[Sequence[bytes]]:
    return (keys[i : i + AT_ONCE] for i in range(0, len(keys), AT_ONCE))


def _stored(key: bytes, raw: bytes | None, end: int) -> StoredResult:
    """Return what a result says of itself; what is not in JSON, no text at all, or of no task that ended has no age."""
    plain = StoredResult(key, len(raw or b""), end == _ENDLESS)
    if raw is None:
        return plain
    try:
        meta = json.loads(raw)
        stamp = meta["date_done"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return plain
    ended_at = moment(stamp)
    if ended_at is None or json.dumps(stamp).encode() not in raw:
        return plain
    return StoredResult(
        key,
        len(raw),
        end == _ENDLESS,
        ended_at,
        json.dumps(stamp),
        _text(meta.get("status")),
        _text(meta.get("name")),
        _text(meta.get("group_id")),
    )


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
