"""Failed tasks of a cluster: found in the worker plugin's record and the result backend, and sent again.

A requeue is a hash that says how far it is, and a list of what is still to be sent. Both end by themselves.
"""

import json
import secrets
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar

import redis

from bot.adapters.celery import failed_messages as messages
from bot.adapters.celery import requeue_scripts as scripts
from bot.adapters.celery.fast_json import decode, encode
from bot.adapters.celery.keys import text
from bot.adapters.celery.results import ResultBackend
from bot.adapters.celery.watched import WatchedCluster
from bot.domain.errors import OncallError, UnknownName
from bot.domain.requeue import (
    FIRST_BATCH,
    REMEMBERED,
    Became,
    FailedFound,
    FailedTask,
    FailedWanted,
    Requeue,
    RequeueState,
    Source,
    new_id,
)
from bot.ports.archives import Told
from bot.ports.outside import Clock

PAGE, SENT = 1000, 200
"""Tasks that one step prepares, and that one sends: Redis answers nobody for a millisecond or so."""

STEP_SECONDS = 2.0
KEPT = REMEMBERED + timedelta(days=1)

MOST_READ = 20_000
"""Records of the plugin's that are read at most, the newest; it keeps 10,000."""


class CeleryRequeues:
    """The failed tasks of one cluster. Each method may be called again after it broke off. Used from many threads."""

    def __init__(self, watched: WatchedCluster, clock: Clock) -> None:
        """Do no I/O."""
        self._watched, self._keys, self._broker, self._clock = watched, watched.keys, watched.broker, clock
        self._results = ResultBackend(watched.connection)

    def close(self) -> None:
        """Close the connections to the result backend; those to the broker are the control's."""
        self._results.close()

    def find(self, wanted: FailedWanted, deadline: float = 3.0) -> FailedFound:
        """Look for failed tasks in both sources; one found in both is taken whole. Raises ClusterUnreachable."""
        now = self._clock.now()
        kept = self._recorded(wanted, now, deadline / 2)
        metas, whole, trouble = self._stored(wanted, deadline / 2)
        found = {i: t for i, meta in metas.items() if (t := messages.stored(i, meta, self._watched.topology))}
        found |= kept  # a whole message says more than a result
        meant = sorted((t for t in found.values() if wanted.takes(t)), key=lambda t: (t.failed_at, t.id))
        again = self._again([t.id for t in meant])
        return FailedFound(
            failed=tuple(t for t in meant if t.id not in again),
            again=len(again),
            at_least=not whole,
            without=sum(1 for i, m in metas.items() if m.get("status") == "FAILURE" and i not in found),
            tasks=frozenset(t.task for t in found.values()),
            exceptions=frozenset(t.exception.rpartition(".")[2] for t in found.values()),
            trouble=trouble,
        )

    def prepare(self, id: str, failed: Sequence[FailedTask], queue: str | None, told: Told) -> Requeue:
        """Write down what is to be sent, before any of it is. Raises ClusterUnreachable or EffectUncertain.

        Each preparation has a list of its own; the first that is whole counts, and one left behind ends by itself.
        """
        if made := self.get(id):
            return made
        todo = f"{self._about(id)}.{secrets.token_hex(4)}"
        queues = {queue or f.queue or "" for f in failed}
        lanes = sorted({lane for each in queues for lane in self._keys.lanes(each)})
        for page in _pages(failed):
            told("Writing down what is to be sent again.")
            self._append(todo, self._entries(id, page, queue, lanes))
        first = [new_id(id, self._watched.spec.name, f.id) for f in failed[:FIRST_BATCH]]
        arguments = [int(KEPT.total_seconds()), json.dumps(first), json.dumps(lanes)]
        self._step("preparing a requeue", scripts.BEGIN, [self._about(id), todo], arguments)
        return self._known(id)

    def send(self, id: str, told: Told, enough: Callable[[Requeue], bool]) -> Requeue:
        """Send what was prepared, each task once whoever sends. Raises ClusterUnreachable or EffectUncertain."""
        about = self._opened(id)
        keys = [self._about(id), about["todo"], self._sent_again, *json.loads(about["lanes"])]
        made = _requeue(id, about)
        while made.state is RequeueState.SENDING and not enough(made):
            told(f"{made.sent:,} of {made.total:,} tasks are sent again.")
            now = self._clock.now()
            most = SENT if made.sent + made.doubled >= FIRST_BATCH else FIRST_BATCH
            arguments = [most, now.timestamp(), (now - KEPT).timestamp()]
            state, sent, doubled = self._step("sending tasks again", scripts.SEND, keys, arguments)
            if state is None:
                raise UnknownName("requeue", id, ())
            said = {"state": RequeueState(text(state)), "sent": int(sent), "doubled": int(doubled)}
            made = made.model_copy(update=said)
        return made

    def mark_tried(self, id: str) -> None:
        """Write down that the first ones did not fail again. Raises as `send`."""
        self._step("going on with a requeue", scripts.MARK_TRIED, [self._about(id)], [])

    def stop(self, id: str) -> Requeue:
        """Send no more of it. Raises as `send`."""
        self._step("stopping a requeue", scripts.STOP, [self._about(id), self._opened(id)["todo"]], [])
        return self._known(id)

    def became(self, ids: Collection[str]) -> Became:
        """Return what became of tasks, as far as results and the plugin's record say. Raises ClusterUnreachable."""
        wanted = sorted(ids)
        failed = {i for i, raw in self._records(wanted, STEP_SECONDS).items() if raw}
        try:
            metas = self._results.metas(wanted, STEP_SECONDS)
        except OncallError:  # no result backend, or none that can be read: the plugin's record alone tells
            metas = {}
        states = {i: meta.get("status") for i, meta in metas.items()}
        failed |= {i for i, state in states.items() if state == "FAILURE"}
        succeeded = {i for i, state in states.items() if state == "SUCCESS"} - failed
        return Became(succeeded=len(succeeded), failed=len(failed), unknown=len(wanted) - len(succeeded) - len(failed))

    def get(self, id: str, deadline: float = 1.0) -> Requeue | None:
        """Return one that was prepared wholly, or None. Raises ClusterUnreachable."""
        about = self._about_of(id, deadline)
        return _requeue(id, about) if about else None

    def _known(self, id: str) -> Requeue:
        return _requeue(id, self._opened(id))

    def _about_of(self, id: str, deadline: float) -> dict[str, str]:
        said: Any = self._broker.read(lambda client, _: client.hgetall(self._about(id)), deadline)
        return {text(k): text(v) for k, v in said.items()}

    def _opened(self, id: str) -> dict[str, str]:
        about = self._about_of(id, STEP_SECONDS)
        if not about:
            raise UnknownName("requeue", id, ())
        return about

    def _append(self, todo: str, entries: Sequence[int | str | bytes]) -> None:
        def work(client: "redis.Redis", until: float) -> None:  # noqa: ARG001 - the broker's signature
            pipeline = client.pipeline(transaction=True)
            pipeline.rpush(todo, *entries)
            pipeline.expire(todo, int(KEPT.total_seconds()))
            pipeline.execute()

        if entries:
            self._broker.step("preparing a requeue", work, STEP_SECONDS)

    def _entries(
        self, id: str, page: Sequence[FailedTask], queue: str | None, lanes: Sequence[str]
    ) -> list[int | str | bytes]:
        """Return lane, old id and message of each task of a page but those of which nothing is kept any more."""
        now = self._clock.now()
        records = self._records([f.id for f in page if f.source is Source.PLUGIN], STEP_SECONDS)
        rest = [f.id for f in page if f.source is Source.RESULTS]
        metas = self._results.metas(rest, STEP_SECONDS) if rest else {}
        entries: list[int | str | bytes] = []
        for failed in page:
            new, to = new_id(id, self._watched.spec.name, failed.id), queue or failed.queue or ""
            if (raw := records.get(failed.id)) and (record := _document(raw)):
                priority, message = messages.from_record(record, new, to, now)
            elif meta := metas.get(failed.id):
                priority, message = messages.from_result(failed.id, meta, new, to, now)
            else:
                continue
            entries += (lanes.index(self._keys.lane(to, priority)) + 1, failed.id, encode(message))
        return entries

    def _recorded(self, wanted: FailedWanted, now: datetime, deadline: float) -> dict[str, FailedTask]:
        def newest(client: "redis.Redis", until: float) -> list[str]:
            self._watched.topology.refresh(client, until)
            since = wanted.since.timestamp()
            found: Any = client.zrangebyscore(self._record_times, since, "+inf", start=0, num=MOST_READ)
            return [text(i) for i in found]

        ids = sorted(wanted.ids) or self._broker.read(newest, deadline)
        records = map(_document, self._records(ids, deadline).values())
        read = (messages.recorded(record, self._watched.topology, now) for record in records if record)
        return {t.id: t for t in read if t is not None}

    def _records(self, ids: Sequence[str], deadline: float) -> dict[str, bytes]:
        """Return the plugin's records of these ids as they lie there; those it has none of are left out."""

        def work(client: "redis.Redis", until: float) -> list[Any]:  # noqa: ARG001 - the broker's signature
            pipeline = client.pipeline(transaction=False)
            for page in _pages(ids):
                pipeline.hmget(self._record, list(page))
            return [raw for page in pipeline.execute() for raw in page]

        read = self._broker.read(work, deadline) if ids else []
        return {i: raw for i, raw in zip(ids, read, strict=True) if raw}

    def _stored(self, wanted: FailedWanted, deadline: float) -> tuple[dict[str, Mapping[str, Any]], bool, str | None]:
        """Return failed results, whether all were looked at, and why none could be."""
        try:
            if wanted.ids:
                return self._results.metas(sorted(wanted.ids), deadline), True, None
            found, whole = self._results.failed(deadline)
        except OncallError as error:
            return {}, True, str(error)
        return found, whole, None

    def _again(self, ids: Sequence[str]) -> frozenset[str]:
        """Return which of these were sent again before."""

        def work(client: "redis.Redis", until: float) -> list[Any]:  # noqa: ARG001 - the broker's signature
            pipeline = client.pipeline(transaction=False)
            for page in _pages(ids):
                pipeline.zmscore(self._sent_again, list(page))
            return [score for page in pipeline.execute() for score in page]

        scores = self._broker.read(work, STEP_SECONDS) if ids else []
        return frozenset(i for i, score in zip(ids, scores, strict=True) if score is not None)

    def _step(self, what: str, script: str, keys: Sequence[str], arguments: Sequence[object]) -> Any:
        def work(client: "redis.Redis", until: float) -> Any:  # noqa: ARG001 - the broker's signature
            return client.eval(script, len(keys), *keys, *(str(a) for a in arguments))

        return self._broker.step(what, work, STEP_SECONDS)

    def _about(self, id: str) -> str:
        return f"{self._keys.prefix}oncall.requeues.{id}"

    @property
    def _sent_again(self) -> str:
        return f"{self._keys.prefix}oncall.requeued"

    @property
    def _record(self) -> str:
        return f"{self._keys.prefix}oncall.failed"

    @property
    def _record_times(self) -> str:
        return f"{self._keys.prefix}oncall.failed.at"


T = TypeVar("T")


def _pages(items: Sequence[T]) -> Iterable[Sequence[T]]:
    return (items[i : i + PAGE] for i in range(0, len(items), PAGE))


def _requeue(id: str, about: Mapping[str, str]) -> Requeue:
    return Requeue(
        id=id,
        state=RequeueState(about["state"]),
        total=int(about["total"]),
        sent=int(about["sent"]),
        doubled=int(about["doubled"]),
        tried="tried" in about,
        first=tuple(json.loads(about["first"])),
    )


def _document(raw: bytes) -> Mapping[str, Any] | None:
    try:
        found = decode(raw)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None
