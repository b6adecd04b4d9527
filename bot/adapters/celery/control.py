"""One watched Celery cluster on Redis, as the port `ClusterControl` wants it."""

import time
from collections.abc import Mapping, Sequence

import redis

from bot.adapters.celery import answers, counting
from bot.adapters.celery.connection import ClusterConnection
from bot.adapters.celery.pidbox import Command, Replies
from bot.adapters.celery.roll import Absent
from bot.adapters.celery.watched import WatchedCluster, workers_of
from bot.adapters.celery.wording import refusal
from bot.domain.cluster import ClusterSnapshot, ClusterSpec, Queue, Unknown, Worker
from bot.domain.errors import BadInput
from bot.ports import Clock

COUNTING_SECONDS = 0.1
"""What a snapshot keeps of its deadline to count messages after the last worker was waited for."""

EFFECT_SECONDS = 2.0
LOOK_UP_SECONDS = 0.6
"""Together they and the broker's slack stay below 3 s."""


class CeleryClusterControl:
    """Reads and steers one cluster. Connects on first use; safe to use from many threads.

    Celery's remote control is not used for it: see `pidbox`. Messages and replies are JSON alone. `watched` is what
    others who ask the same cluster share with it.
    """

    def __init__(self, connection: ClusterConnection, spec: ClusterSpec, clock: Clock) -> None:
        """Do no I/O."""
        self._spec, self._clock = spec, clock
        self.watched = WatchedCluster(connection, spec)
        self._keys = self.watched.keys
        self._broker = self.watched.broker
        self._topology = self.watched.topology

    def close(self) -> None:
        """Close every connection."""
        self.watched.close()

    def snapshot(self, deadline: float = 2.0) -> ClusterSnapshot:
        """Count everything anew; raises ClusterUnreachable."""
        return self._broker.read(lambda client, until: self._snapshot(client, until), deadline)

    def depths(self, deadline: float = 1.0) -> Mapping[str, int]:
        """Return the true depth of every known queue; raises ClusterUnreachable."""

        def work(client: "redis.Redis", until: float) -> dict[str, int]:
            self._topology.refresh(client, until)
            lanes = counting.lanes(client, self._keys, self._topology.names)
            return {queue: sum(lengths) for queue, lengths in lanes.items() if lengths is not None}

        return self._broker.read(work, deadline)

    def consumers(self, deadline: float = 2.0) -> Mapping[str, frozenset[str] | None]:
        """Return per worker the queues it consumes; None when it did not say. Raises ClusterUnreachable."""

        def work(client: "redis.Redis", until: float) -> dict[str, frozenset[str] | None]:
            replies = self.watched.ask(client, answers.CONSUMERS, until)
            absent = self.watched.call_roll(replies)
            said = {name: answers.queues_of(r) for name, r in workers_of(replies).items()}
            return dict.fromkeys(absent.silent) | {n: None if q is None else frozenset(q) for n, q in said.items()}

        return self._broker.read(work, deadline)

    def cancel_consumer(self, queue: str, workers: Sequence[str]) -> Mapping[str, str]:
        """Tell exactly these workers to stop consuming `queue`; returns what each replied ("no reply" for none).

        Raises BadInput, ClusterUnreachable (nothing was sent) or EffectUncertain.
        """
        return self._tell(f"“stop consuming {queue}”", workers, Command("cancel_consumer", {"queue": queue}))

    def add_consumer(self, queue: str, workers: Sequence[str]) -> Mapping[str, str]:
        """Tell exactly these workers to consume `queue`, by the binding it has; returns what each replied.

        Raises BadInput, ClusterUnreachable (nothing was sent) or EffectUncertain.
        """
        _check_destination(workers)
        if self._topology.binding_of(queue) is None:
            self._broker.read(self._topology.refresh, LOOK_UP_SECONDS)
        return self._tell(f"“consume {queue}”", workers, Command("add_consumer", self._declaration(queue)))

    def resize_pool(self, worker: str, by: int) -> str:
        """Tell exactly this worker to add `by` slots to its pool, or to take them away; returns what it replied.

        "ok" is said before anything changes. It is sent once: raises BadInput, ClusterUnreachable (nothing was sent) or
        EffectUncertain.
        """
        if by == 0:
            raise BadInput("A pool is grown or shrunk by one slot at least. Nothing was sent.")
        method = "pool_grow" if by > 0 else "pool_shrink"
        return self._tell(f"“{method} {abs(by)}”", [worker], Command(method, {"n": abs(by)}))[worker]

    def _declaration(self, queue: str) -> dict[str, str]:
        # A worker that never knew the queue makes it as told. The name alone would bind it anew, and a task may then
        # go to two queues.
        binding = self._topology.binding_of(queue)
        if binding is None:
            return {"queue": queue, "exchange": queue, "exchange_type": "direct", "routing_key": queue}
        kind = "topic" if binding.pattern else "direct"
        return {
            "queue": queue,
            "exchange": binding.exchange,
            "exchange_type": kind,
            "routing_key": binding.routing_key,
        }

    def _tell(self, what: str, workers: Sequence[str], command: Command) -> Mapping[str, str]:
        _check_destination(workers)
        wanted = set(workers)

        def work(client: "redis.Redis", until: float) -> dict[str, str]:
            replies = self.watched.pidbox.ask(
                client, [command], until, lambda r: wanted <= r.by_node.keys(), destination=sorted(wanted)
            )
            return {w: _reply(replies.by_node.get(w, {}).get(command.method)) for w in sorted(wanted)}

        return self._broker.effect(f"{what} to {', '.join(sorted(wanted))}", work, EFFECT_SECONDS)

    def _snapshot(self, client: "redis.Redis", until: float) -> ClusterSnapshot:
        started = time.monotonic()
        self._topology.refresh(client, until)
        workers, unknown, replies = self._see_workers(client, until - COUNTING_SECONDS)
        queues, uncounted = self._count_queues(client, workers, until)
        return ClusterSnapshot(
            cluster=self._spec.name,
            taken_at=self._clock.now(),
            queues=queues,
            workers=workers,
            unknown=(*unknown, *uncounted),
            beats=_beats(replies),
            twins=tuple(sorted(n for n in workers_of(replies) if replies.pongs_of[n] > 1)),
            took_seconds=time.monotonic() - started,
        )

    def _see_workers(self, client: "redis.Redis", until: float) -> tuple[tuple[Worker, ...], list[Unknown], Replies]:
        started = time.monotonic()
        try:
            replies = self.watched.ask(client, answers.EVERYTHING, until)
        except redis.ResponseError as error:  # full or read-only: neither we nor a worker can write a reply
            return (), [Unknown(what="workers", why=f"the broker passes on no replies: {refusal(error)}")], Replies()
        waited = time.monotonic() - started
        seen = workers_of(replies)
        for said in seen.values():
            self._topology.learn(answers.queue_declarations(said))
        absent = self.watched.call_roll(replies)
        workers = [answers.worker(name, said, self._topology) for name, said in seen.items()]
        workers += [Worker(name=name, answered=False) for name in absent.silent]
        unknown = [u for name, said in seen.items() for u in answers.unsaid(name, said)]
        unknown += _absences(absent, replies, waited)
        return tuple(sorted(workers, key=lambda w: w.name)), unknown, replies

    def _count_queues(
        self, client: "redis.Redis", workers: Sequence[Worker], until: float
    ) -> tuple[tuple[Queue, ...], list[Unknown]]:
        names, unknown = self._topology.names, []
        lanes = counting.lanes(client, self._keys, names)
        try:
            unacked = counting.unacked(client, self._keys, self._topology, until)
        except redis.ResponseError as error:
            unacked, unknown = None, [Unknown(what="unacknowledged messages", why=refusal(error))]
        unknown += [
            Unknown(what=n, why="its key in Redis is not a queue, or may not be read")
            for n in names
            if lanes[n] is None
        ]
        declared = {q.name for q in self._spec.queues}
        queues = [_queue(n, lanes[n], unacked, n in declared) for n in names]
        consumed = {q for w in workers for q in w.queues or ()}
        return tuple(q for q in queues if q.declared or q.depth or q.unacked or q.name in consumed), unknown


def _queue(name: str, lanes: tuple[int, ...] | None, unacked: counting.Unacked | None, declared: bool) -> Queue:
    return Queue(
        name=name,
        depth=None if lanes is None else sum(lanes),
        lanes=lanes or (),
        unacked=None if unacked is None else unacked.by_queue[name],
        unacked_at_least=unacked is not None and unacked.at_least,
        declared=declared,
    )


def _absences(absent: Absent, replies: Replies, waited: float) -> list[Unknown]:
    in_time = f"within {waited:.1f} s"
    found = [Unknown(what=n, why=f"{n} did not answer {in_time}: busy or unreachable") for n in absent.silent]
    found += [
        Unknown(what=n, why=f"{n} answered before and has left the broker: stopped, or reconnecting")
        for n in absent.gone
    ]
    if replies.unreadable:
        why = f"{replies.unreadable} replies were not in JSON, which alone is read; see `task_serializer`"
        found.append(Unknown(what="workers", why=why))
    strangers = replies.listeners - replies.pongs - len(absent.silent)
    if strangers > 0:
        who = "1 more process listens" if strangers == 1 else f"{strangers} more processes listen"
        why = f"{who} for remote control and did not answer {in_time}: busy or unreachable, or no worker"
        found.append(Unknown(what="workers", why=why))
    return found


def _beats(replies: Replies) -> tuple[str, ...]:
    """Return the nodes that answered the ping alone, each as often as it did: two of one name are two processes."""
    return tuple(sorted(n for n in replies.pongs_of.elements() if n not in workers_of(replies)))


def _reply(said: object) -> str:
    if said is None:
        return "no reply"
    if isinstance(said, Mapping) and "ok" in said:
        return "ok"
    return str(said["error"]) if isinstance(said, Mapping) and "error" in said else str(said)


def _check_destination(workers: Sequence[str]) -> None:
    """Refuse what Celery would send to everybody: a command without a destination reaches every worker."""
    if isinstance(workers, str) or not workers:
        raise BadInput("A control command needs the workers it is for; without them it would reach every worker.")
    for name in workers:
        if not all(name.partition("@")) or "*" in name:
            raise BadInput(f"`{name}` is not the full name of a worker, such as `worker1@host`. Nothing was sent.")
