"""10,000 failed tasks are sent again, each once, against the loop over `apply_async` that people write.

On both sides what failed was looked up before. Theirs sends what it was given and keeps no book: run twice, it sends
twice. Ours writes down what is to be sent, and sends it under a guard. Its wait for what becomes of the first ten is
not measured: it is a matter of the tasks.
"""

import base64
import json
import statistics
import time
import uuid
from datetime import UTC, datetime, timedelta

import redis
from celery import Celery

from benchmarks._row import Row, at_least, at_most
from benchmarks._stall import stall
from bot.adapters.celery.connection import ClusterConnection
from bot.adapters.celery.requeues import CeleryRequeues
from bot.adapters.celery.watched import WatchedCluster
from bot.adapters.clock import SystemClock
from bot.domain.cluster import ClusterSpec, QueueSpec
from bot.domain.requeue import FailedWanted, Requeue
from playground.services import RedisServer

TASKS, ROUNDS = 10_000, 3
BODY = base64.b64encode(
    b'[[1], {"number": 1}, {"callbacks": null, "errbacks": null, "chain": null, "chord": null}]'
).decode()
QUEUE, TASK = "mail", "mail.send"


def main() -> None:
    """Print what was measured."""
    for row in rows():
        print(row)


def rows() -> list[Row]:
    """Measure; takes about a minute."""
    with RedisServer() as server:
        theirs = statistics.median(_theirs(server) for _ in range(ROUNDS))
        took, stalls, sent, twice = [], [], 0, 0
        for _ in range(ROUNDS):
            seconds, waited, sent, twice = _ours(server)
            took.append(seconds)
            stalls.append(waited)
    return [
        at_least("requeue: 10 k failed tasks", statistics.median(took) * 1000, theirs * 1000, "ms", 15),
        at_most("requeue: stall of 10 k", max(stalls), None, "ms", 10),
        Row(
            "requeue: sent, when asked for twice at once",
            float(sent + twice),
            float(2 * TASKS),
            "messages",
            None,
            f"= {TASKS}",
            (sent, twice) == (TASKS, 0),
        ),
    ]


def _theirs(server: RedisServer) -> float:
    """Return seconds of the loop, over one warm connection, with what to send in memory already."""
    app = Celery("bench", broker=server.url(), set_as_current=False)

    @app.task(name=TASK)
    def send(address: int, number: int = 0) -> None:
        """Never run here."""

    calls = [({"number": n}, QUEUE) for n in range(TASKS)]
    with app.producer_pool.acquire(block=True) as producer:
        send.apply_async((0,), queue=QUEUE, producer=producer)
        began = time.perf_counter()
        for kwargs, queue in calls:
            send.apply_async((1,), kwargs, queue=queue, producer=producer)
        took = time.perf_counter() - began
    app.close()
    with server.client() as client:
        client.flushall()
    return took


def _ours(server: RedisServer) -> tuple[float, float, int, int]:
    """Return seconds, stall, how many were sent, and how many more by a second requeue that was prepared with it."""
    spec = ClusterSpec(name="shop", queues=(QueueSpec(name=QUEUE),))
    watched = WatchedCluster(ClusterConnection("shop", server.url(), result_backend=server.url()), spec)
    requeues = CeleryRequeues(watched, SystemClock())
    with server.client() as client:
        client.flushall()
        _fail(client)
        failed = requeues.find(FailedWanted(task=TASK, since=datetime.now(UTC) - timedelta(hours=1))).failed
        with stall(server) as waited:
            began = time.perf_counter()
            requeues.prepare("first", failed, None, _quiet)
            took = time.perf_counter() - began
            requeues.prepare("second", failed, None, _quiet)
            began = time.perf_counter()
            requeues.send("first", _quiet, _never)
            took += time.perf_counter() - began
        sent = int(client.llen(QUEUE))
        requeues.send("second", _quiet, _never)
        twice = int(client.llen(QUEUE)) - sent
    requeues.close()
    watched.close()
    return took, waited[0], sent, twice


def _quiet(line: str) -> None:
    """Say nothing."""


def _never(made: Requeue) -> bool:  # noqa: ARG001 - it is never enough
    return False


def _fail(client: "redis.Redis") -> None:
    """Put failures on record, as the worker plugin does, of messages as Celery writes them."""
    now = time.time()
    with client.pipeline(transaction=False) as pipeline:
        for number in range(TASKS):
            each = str(uuid.uuid4())
            record = {"id": each, "task": TASK, "queue": QUEUE, "failed_at": now, "message": _message(each, number)}
            record |= {"exception": "builtins.ValueError", "error": "", "worker": "w1@bench", "retries": 0}
            pipeline.hset("oncall.failed", each, json.dumps(record))
            pipeline.zadd("oncall.failed.at", {each: now})
            if not number % 1000:
                pipeline.execute()
        pipeline.execute()


def _message(id_: str, number: int) -> dict[str, object]:
    empty = dict.fromkeys(("shadow", "eta", "expires", "group", "group_index", "parent_id"))
    headers = {"lang": "py", "task": TASK, "id": id_, **empty, "retries": 3, "timelimit": [None, None], "root_id": id_}
    headers |= {"argsrepr": "(1,)", "kwargsrepr": f"{{'number': {number}}}", "origin": "gen1@web1"}
    properties = {"correlation_id": id_, "delivery_mode": 2, "priority": 0, "body_encoding": "base64"}
    properties |= {"delivery_info": {"exchange": "", "routing_key": QUEUE}, "delivery_tag": id_}
    return {
        "body": BODY,
        "content-encoding": "utf-8",
        "content-type": "application/json",
        "headers": headers,
        "properties": properties,
    }
