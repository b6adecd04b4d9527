"""Workers as the domain knows them, from their replies to remote control.

A reply is believed as far as it makes sense: a worker's own subclasses may put anything there.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from bot.adapters.celery.pidbox import Command
from bot.adapters.celery.topology import Topology
from bot.domain.cluster import Plugin, TaskInHand, Unknown, Worker

CONSUMERS = (Command("active_queues"), Command("ping"))
EVERYTHING = (
    Command("active_queues"),
    Command("active", {"safe": True}),  # arguments as cut text: they are not shown, and may be of any size
    Command("reserved"),
    Command("scheduled"),
    Command("stats"),
    Command("ping"),
)

_MEANINGS = {
    "active_queues": "the queues it consumes",
    "active": "the tasks it runs",
    "reserved": "the tasks it holds prefetched",
    "scheduled": "the tasks it holds for later",
    "stats": "its slots and totals",
}


def is_worker(replies: Mapping[str, Any]) -> bool:
    """Whether a node that answered so is a worker: beat answers the ping alone."""
    return any(method != "ping" for method in replies)


def queues_of(replies: Mapping[str, Any]) -> tuple[str, ...] | None:
    """Return the names of the queues that a worker says it consumes; None when it did not say."""
    said = replies.get("active_queues")
    return None if not isinstance(said, list) else tuple(q["name"] for q in _dicts(said) if "name" in q)


def queue_declarations(replies: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the declarations of the queues that a worker consumes."""
    return list(_dicts(replies.get("active_queues")))


def worker(name: str, replies: Mapping[str, Any], topology: Topology) -> Worker:
    """Return what a worker said of itself."""
    stats = replies.get("stats")
    stats = stats if isinstance(stats, Mapping) and "pool" in stats else {}
    queues = queues_of(replies)
    return Worker(
        name=name,
        pool=_pool(stats),
        slots=_slots(stats),
        queues=queues,
        active=_tasks(replies.get("active"), queues, topology),
        reserved=_tasks(replies.get("reserved"), queues, topology),
        scheduled=_scheduled(replies.get("scheduled"), queues, topology),
        totals={str(k): v for k, v in (stats.get("total") or {}).items() if isinstance(v, int)},
        uptime_seconds=stats["uptime"] if isinstance(stats.get("uptime"), int) else None,
        autoscaled=isinstance(stats.get("autoscaler"), Mapping),
        plugin=_plugin(stats),
    )


def unsaid(name: str, replies: Mapping[str, Any]) -> list[Unknown]:
    """Return what a worker that answered did not say, or said wrong."""
    return [
        Unknown(what=name, why=f"it did not say {meaning}{_complaint(replies.get(method))}")
        for method, meaning in _MEANINGS.items()
        if not _makes_sense(method, replies.get(method))
    ]


def _makes_sense(method: str, reply: object) -> bool:
    return isinstance(reply, Mapping) and "pool" in reply if method == "stats" else isinstance(reply, list)


def _complaint(reply: object) -> str:
    return f": {reply['error']}" if isinstance(reply, dict) and "error" in reply else ""


def _pool(stats: Mapping[str, Any]) -> str | None:
    """Return the pool's name from "celery.concurrency.prefork:TaskPool", as `--pool` spells it."""
    implementation = (stats.get("pool") or {}).get("implementation")
    if not isinstance(implementation, str):
        return None
    name = implementation.partition(":")[0].rpartition(".")[2]
    return {"thread": "threads"}.get(name, name)


def _slots(stats: Mapping[str, Any]) -> int | None:
    """Return the size of the pool now: `max-concurrency` never changes when a prefork pool grows or shrinks."""
    pool = stats.get("pool") or {}
    processes, limit = pool.get("processes"), pool.get("max-concurrency")
    if isinstance(processes, list):
        return len(processes)
    return limit if isinstance(limit, int) else None


def _plugin(stats: Mapping[str, Any]) -> Plugin | None:
    """Return what the worker plugin tells, as a part of the worker: celery adds each part's own to its `stats`."""
    said = stats.get("oncall")
    if not isinstance(said, Mapping):
        return None
    left_out = said.get("left_out")
    return Plugin(
        version=str(said.get("version")),
        left_out=tuple(map(str, left_out)) if isinstance(left_out, list) else (),
    )


def _tasks(
    said: object, queues: Collection[str] | None, topology: Topology, eta: datetime | None = None
) -> tuple[TaskInHand, ...] | None:
    if not isinstance(said, list):
        return None
    return tuple(_task(request, queues, topology, eta) for request in _dicts(said))


def _scheduled(said: object, queues: Collection[str] | None, topology: Topology) -> tuple[TaskInHand, ...] | None:
    if not isinstance(said, list):
        return None
    return tuple(
        _task(entry["request"], queues, topology, moment(entry.get("eta")))
        for entry in _dicts(said)
        if isinstance(entry.get("request"), Mapping)
    )


def _task(
    request: Mapping[str, Any], queues: Collection[str] | None, topology: Topology, eta: datetime | None
) -> TaskInHand:
    delivery = request.get("delivery_info") or {}
    exchange, routing_key = str(delivery.get("exchange") or ""), str(delivery.get("routing_key") or "")
    started = request.get("time_start")
    return TaskInHand(
        id=str(request.get("id")),
        name=str(request.get("name")),
        queue=topology.queue_of(exchange, routing_key, queues),
        started_at=datetime.fromtimestamp(started, UTC) if isinstance(started, int | float) else None,
        eta=eta,
    )


def moment(text: object) -> datetime | None:
    """Read an ETA; workers that run without UTC write it without a zone."""
    try:
        found = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return found if found is None or found.tzinfo else found.replace(tzinfo=UTC)


def _dicts(items: object) -> Iterable[Mapping[str, Any]]:
    return (i for i in items if isinstance(i, Mapping)) if isinstance(items, list) else ()
