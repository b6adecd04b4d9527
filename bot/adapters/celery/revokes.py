"""Tells workers to run some tasks no more, without keeping any of them from its work, and remembers whom to tell.

For each id a worker asks its result backend twice (celery's `worker/control.py`), in the loop that also feeds its pool:
one list of 10,000 ids stops it for some 3 s. So ids go a few at a time, and the next only when it has answered.
A revoke in force is two keys beside the queues: a hash that says what it is, and a set of ids.
"""

import json
import time
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import redis

from bot.adapters.celery import seeking
from bot.adapters.celery.keys import text
from bot.adapters.celery.pidbox import Command
from bot.adapters.celery.results import ResultBackend
from bot.adapters.celery.watched import WatchedCluster
from bot.domain.errors import BadInput, OutsideUnreachable
from bot.domain.revoke import Revoke, Sought
from bot.domain.wording import counted
from bot.ports.archives import Told

FIRST, MOST = 10, 100
"""Ids of the first command, and of any."""

IN_IT = 0.06
"""Seconds for which one command should keep a worker; how many ids that is depends on its result backend."""

BREATH = 1.0
"""Times as long as the last command took, workers are left to their own work before the next."""

TOLD_EVERY = 0.5

ANSWER_SECONDS = 2.0
STEP_SECONDS = 2.0

_MOST_RESULTS = 1000


class CeleryRevokes:
    """The revokes of one cluster. Each method may be called again after it broke off. Used from many threads."""

    def __init__(self, watched: WatchedCluster) -> None:
        """Do no I/O."""
        self._watched, self._keys, self._broker = watched, watched.keys, watched.broker
        self._results = ResultBackend(watched.connection)

    def close(self) -> None:
        """Close the connections to the result backend; those to the broker are the control's."""
        self._results.close()

    def seek(
        self, ids: Collection[str] = (), *, task: str | None = None, queue: str | None = None, deadline: float = 2.0
    ) -> Sought:
        """Look for tasks outside workers' lists; raises ClusterUnreachable."""
        sought = self._broker.read(
            lambda client, until: seeking.seek(self._watched, client, ids, task, queue, until), deadline
        )
        rest = [i for i in ids if i not in sought.waiting and i not in sought.unlisted]
        results, unsearched = self._states(rest)
        return sought.model_copy(update={"results": results, "unsearched": (*sought.unsearched, *unsearched)})

    def _states(self, ids: list[str]) -> tuple[dict[str, str], list[str]]:
        found: dict[str, str] = {}
        try:
            for each in ids[:_MOST_RESULTS]:
                meta = self._results.of(each, STEP_SECONDS)
                if meta is not None:
                    found[each] = str(meta.get("status") or "stored, not in JSON")
        except BadInput:
            return found, ["results, as no result backend that can be read is set"] if ids else []
        except OutsideUnreachable as error:
            return found, [f"results: {error.why}"]
        return found, []

    def keep(self, revoke: Revoke) -> None:
        """Write a revoke down; once more adds ids. Raises ClusterUnreachable (nothing was sent) or EffectUncertain."""
        about = {
            "began_at": revoke.began_at.timestamp(),
            "ends_at": revoke.ends_at.timestamp(),
            "ending": json.dumps(sorted(revoke.ending)),
            "spared": json.dumps(sorted(revoke.spared)),
            "running": json.dumps(sorted(revoke.running)),
        }

        def work(client: "redis.Redis", until: float) -> None:  # noqa: ARG001 - the broker's signature
            pipeline = client.pipeline(transaction=True)
            pipeline.hset(self._about(revoke.id), mapping=about)  # type: ignore[arg-type]  # numbers are fine
            for some in _chunks(sorted(revoke.ids), 1000):
                pipeline.sadd(self._ids(revoke.id), *some)
            pipeline.sadd(self._index, revoke.id)
            pipeline.execute()

        self._step("writing a revoke down", work)

    def tell(self, ids: Collection[str], workers: Collection[str], told: Told, signal: str = "") -> Mapping[str, str]:
        """Tell exactly these workers, a few ids at a time; returns what each said at last ("no reply" for none)."""
        said, going, left = dict.fromkeys(workers, "ok"), sorted(workers), sorted(ids)
        n, next_told = FIRST, 0.0
        while left and going:
            began = time.monotonic()
            if began >= next_told:
                told(f"{len(ids) - len(left):,} of {len(ids):,} tasks are told to {counted(len(going), 'worker')}.")
                began = time.monotonic()
                next_told = began + TOLD_EVERY
            said |= self._say(left[:n], going, signal)
            left, going = left[n:], [w for w in going if said[w] == "ok"]
            took = time.monotonic() - began
            n = max(1, min(MOST, round(n * IN_IT / took)))
            if left:
                time.sleep(BREATH * min(took, ANSWER_SECONDS / 4))
        return said

    def _say(self, ids: list[str], workers: list[str], signal: str) -> dict[str, str]:
        arguments = {"task_id": ids, **({"terminate": True, "signal": signal} if signal else {})}
        wanted = set(workers)

        def work(client: "redis.Redis", until: float) -> dict[str, str]:
            replies = self._watched.pidbox.ask(
                client, [Command("revoke", arguments)], until, lambda r: wanted <= r.by_node.keys(), destination=workers
            )
            return {w: _reply(replies.by_node.get(w, {}).get("revoke")) for w in workers}

        what = f"“revoke {len(ids)} tasks” to {', '.join(workers)}"
        return self._broker.effect(what, work, ANSWER_SECONDS)

    def note_told(self, id: str, workers: Collection[str], at: datetime) -> None:
        """Write down which workers took all ids of a revoke. Raises as `keep`."""

        def work(client: "redis.Redis", until: float) -> None:  # noqa: ARG001 - the broker's signature
            client.hset(self._about(id), mapping={f"told:{w}": at.timestamp() for w in workers})

        if workers:
            self._step("writing down who was told", work)

    def remembered(self, workers: Collection[str], deadline: float = 3.0) -> Mapping[str, frozenset[str] | None]:
        """Return the ids that each worker will not run; None for one that did not say. Raises ClusterUnreachable."""
        wanted = set(workers)
        if not wanted:
            return {}

        def work(client: "redis.Redis", until: float) -> dict[str, frozenset[str] | None]:
            replies = self._watched.pidbox.ask(
                client, [Command("revoked")], until, lambda r: wanted <= r.by_node.keys(), destination=sorted(wanted)
            )
            said = {w: replies.by_node.get(w, {}).get("revoked") for w in wanted}
            return {w: frozenset(map(str, ids)) if isinstance(ids, list) else None for w, ids in said.items()}

        return self._broker.read(work, deadline)

    def get(self, id: str, deadline: float = 1.0) -> Revoke | None:
        """Return one that is in force, or None. Raises ClusterUnreachable."""

        def work(client: "redis.Redis", until: float) -> Any:  # noqa: ARG001 - the broker's signature
            pipeline = client.pipeline(transaction=True)
            pipeline.hgetall(self._about(id))
            pipeline.smembers(self._ids(id))
            return pipeline.execute()

        about, ids = self._broker.read(work, deadline)
        return _revoke(id, {text(k): text(v) for k, v in about.items()}, ids) if about else None

    def all(self, deadline: float = 1.0) -> tuple[Revoke, ...]:
        """Return all that are in force, the oldest first. Raises ClusterUnreachable."""
        names = self._broker.read(lambda client, _: client.smembers(self._index), deadline)
        found = [revoke for name in names if (revoke := self.get(text(name), deadline))]
        return tuple(sorted(found, key=lambda r: (r.began_at, r.id)))

    def end(self, id: str) -> None:
        """Forget one. Raises as `keep`."""

        def work(client: "redis.Redis", until: float) -> None:  # noqa: ARG001 - the broker's signature
            pipeline = client.pipeline(transaction=True)
            pipeline.unlink(self._about(id), self._ids(id))
            pipeline.srem(self._index, id)
            pipeline.execute()

        self._step("ending a revoke", work)

    def _step(self, what: str, work: Any) -> None:
        self._broker.effect(what, work, STEP_SECONDS)

    @property
    def _index(self) -> str:
        return f"{self._keys.prefix}oncall.revokes"

    def _about(self, id: str) -> str:
        return f"{self._keys.prefix}oncall.revokes.{id}"

    def _ids(self, id: str) -> str:
        return f"{self._keys.prefix}oncall.revokes.{id}.ids"


def _revoke(id: str, said: Mapping[str, str], ids: Iterable[bytes]) -> Revoke:
    told = {k.removeprefix("told:"): _moment(v) for k, v in said.items() if k.startswith("told:")}
    return Revoke(
        id=id,
        began_at=_moment(said["began_at"]),
        ends_at=_moment(said["ends_at"]),
        ids=frozenset(text(i) for i in ids),
        ending=frozenset(json.loads(said["ending"])),
        spared=frozenset(json.loads(said["spared"])),
        running=frozenset(json.loads(said.get("running", "[]"))),
        told=told,
    )


def _moment(seconds: str) -> datetime:
    return datetime.fromtimestamp(float(seconds), UTC)


def _chunks(items: list[str], n: int) -> Iterable[list[str]]:
    return (items[i : i + n] for i in range(0, len(items), n))


def _reply(said: object) -> str:
    if said is None:
        return "no reply"
    if isinstance(said, Mapping) and "error" in said:
        return str(said["error"])
    return "ok"
