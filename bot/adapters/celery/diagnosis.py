"""What the doctor wants to know of a watched cluster: is it the right one, and will the bot see what happens there."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import redis

from bot.adapters.celery import answers
from bot.adapters.celery.broker import Broker
from bot.adapters.celery.connection import ClusterConnection
from bot.adapters.celery.envelope import unwrap
from bot.adapters.celery.keys import prefix_of, text
from bot.adapters.celery.pidbox import Command, Pidbox, Replies
from bot.adapters.celery.topology import Topology
from bot.domain.cluster import ClusterSpec
from bot.domain.errors import ClusterUnreachable

PAGES, PAGE = 100, 1000
"""How far each database is searched for bindings."""

_QUESTIONS = (Command("active_queues"), Command("conf"), Command("ping"))
LISTEN_SECONDS = 2.5
"""Heartbeats come every 2 s; task events are listened for as long."""

_LISTEN_AGAIN = 0.05


@dataclass(frozen=True)
class Place:
    """Where on the server a Celery application keeps its queues."""

    db: int
    prefix: str


@dataclass(frozen=True)
class Events:
    """What was heard on the event channels. `configured` are workers whose settings turn task events on.

    `-E` on the command line turns them on too and is not in the settings, so only hearing them proves anything.
    """

    heartbeats: frozenset[str] = frozenset()
    task_events: bool = False
    configured: frozenset[str] = frozenset()
    listened_seconds: float = 0.0


@dataclass(frozen=True)
class Diagnosis:
    """What was found. With `why` set, the broker cannot be read, and the rest is empty.

    `elsewhere` are places with queues other than the configured one: with no queue found here, the prefix or the
    database is probably wrong. `undiscovered` are declared queues that no producer or worker has ever used here.
    `unanswered` is how many listeners to remote control kept silent.
    """

    address: str
    why: str | None = None
    server: str | None = None
    round_trip_seconds: float | None = None
    queues: tuple[str, ...] = ()
    undiscovered: tuple[str, ...] = ()
    elsewhere: tuple[Place, ...] = ()
    workers: tuple[str, ...] = ()
    unanswered: int = 0
    events: Events = field(default_factory=Events)


def diagnose(connection: ClusterConnection, spec: ClusterSpec, deadline: float = 5.0) -> Diagnosis:
    """Look at a cluster for up to `deadline` seconds; heartbeats come every 2 s, so less may miss them."""
    broker = Broker(connection)
    try:
        return broker.read(lambda client, until: _look(client, connection, spec, until), deadline)
    except ClusterUnreachable as error:
        return Diagnosis(connection.address, why=error.why)
    finally:
        broker.close()


def _look(client: "redis.Redis", connection: ClusterConnection, spec: ClusterSpec, until: float) -> Diagnosis:
    started = time.monotonic()
    client.ping()
    round_trip = time.monotonic() - started
    topology = Topology(connection.keys, ())
    topology.refresh(client, until)
    listener = client.pubsub(ignore_subscribe_messages=True)  # type: ignore[no-untyped-call]  # redis-py has none
    try:
        listener.psubscribe(connection.keys.event_channels)
        replies = Pidbox(connection.keys).ask(
            client, _QUESTIONS, min(until, time.monotonic() + 1), lambda r: r.everybody
        )
        workers = tuple(sorted(n for n, said in replies.by_node.items() if answers.is_worker(said)))
        elsewhere = tuple(
            p for p in _places(client, connection) if p != Place(connection.db, connection.global_keyprefix)
        )
        events = _listen(listener, replies, frozenset(workers), until)
    finally:
        listener.close()
    return Diagnosis(
        address=connection.address,
        server=_server(client),
        round_trip_seconds=round_trip,
        queues=topology.names,
        undiscovered=tuple(q.name for q in spec.queues if q.name not in topology.names),
        elsewhere=elsewhere,
        workers=workers,
        unanswered=max(0, replies.listeners - replies.pongs),
        events=events,
    )


def _listen(listener: Any, replies: Replies, workers: frozenset[str], until: float) -> Events:
    """Listen for a while, and until every worker's heart was heard or the end; not at all when nobody is there."""
    started, heartbeats, tasks = time.monotonic(), set[str](), False
    enough = min(until, started + LISTEN_SECONDS)
    while replies.listeners and time.monotonic() < (enough if workers <= heartbeats else until):
        message = listener.get_message(timeout=_LISTEN_AGAIN)
        if message is None:
            continue
        kind = text(message["channel"]).rpartition("/")[2]
        tasks = tasks or kind.startswith("task")
        if kind == "worker.heartbeat":
            heartbeats.add(_sender(message["data"]))
    on = {n for n, said in replies.by_node.items() if _setting(said.get("conf"), "worker_send_task_events")}
    return Events(frozenset(heartbeats), tasks, frozenset(on), time.monotonic() - started)


def _sender(raw: bytes) -> str:
    try:
        _, event = unwrap(raw)
    except ValueError:  # not of Celery, or not in JSON
        return ""
    return str(event.get("hostname")) if isinstance(event, dict) else ""


def _setting(conf: object, name: str) -> bool:
    return isinstance(conf, dict) and bool(conf.get(name))


def _server(client: "redis.Redis") -> str | None:
    try:
        info = client.info("server")
    except redis.ResponseError:  # an ACL may forbid it
        return None
    if "valkey_version" in info:
        return f"Valkey {info['valkey_version']}"
    return f"Redis {info.get('redis_version')}"


def _places(client: "redis.Redis", connection: ClusterConnection) -> Iterator[Place]:
    """Yield every place with bindings, over all databases that hold keys."""
    try:
        others = {int(name.removeprefix("db")) for name in client.info("keyspace")}
    except redis.ResponseError:  # an ACL may forbid it
        others = set()
    for db in sorted({*others, connection.db}):
        pool = connection.pool(db)
        try:
            for prefix in sorted(_prefixes(redis.Redis(connection_pool=pool))):
                yield Place(db, prefix)
        finally:
            pool.disconnect()


def _prefixes(client: "redis.Redis") -> set[str]:
    found, cursor = set[str](), 0
    for _ in range(PAGES):
        cursor, keys = client.scan(cursor, match="*_kombu.binding.*", count=PAGE)
        found |= {prefix for k in keys if (prefix := prefix_of(text(k))) is not None}
        if not cursor:
            break
    return found
