"""A purge of a million messages that can be undone, against Celery's own, which cannot; and one by task name.

What a purge costs everybody else is the stall: how long Redis answers nobody. The server frees a deleted key at once,
as Redis does unless it is told otherwise; messages are as long as those of Celery.
"""

import json
import statistics
import time
from datetime import UTC, datetime, timedelta
from typing import Any

from celery import Celery

from benchmarks._row import Row, at_least, at_most
from benchmarks._stall import stall
from bot.adapters.celery.archives import CeleryArchives
from bot.adapters.celery.connection import ClusterConnection
from bot.adapters.celery.watched import WatchedCluster
from bot.domain.archive import Archive, ArchiveWanted
from bot.domain.cluster import ClusterSpec
from playground.services import RedisServer

MESSAGES, PAGE, ROUNDS = 1_000_000, 10_000, 3
QUEUE = "mail"
BODY = "W1sxLCAyXSwge30sIHsiY2FsbGJhY2tzIjogbnVsbCwgImVycmJhY2tzIjogbnVsbCwgImNoYWluIjogbnVsbCwgImNob3JkIjogbnVsbH1d"


def main() -> None:
    """Print what was measured."""
    for row in rows():
        print(row)


def rows() -> list[Row]:
    """Measure; takes some two minutes, and 1.2 GB in Redis."""
    with RedisServer(options=("--lazyfree-lazy-user-del", "no")) as server:
        archives = CeleryArchives(WatchedCluster(ClusterConnection("shop", server.url()), ClusterSpec(name="shop")))
        theirs, their_stall = _theirs(server)
        ours, our_stall = _ours(server, archives)
        sorted_stall, kept = _sorted(server, archives)
    return [
        at_least("purge: 1 M messages and back", ours, theirs, "ms", 10),
        at_most("purge: stall of 1 M messages and back", our_stall, their_stall, "ms", 5),
        Row(
            "purge: each message once after the undo",
            float(kept),
            float(MESSAGES),
            "messages",
            kept / MESSAGES,
            "= 1 M",
            kept == MESSAGES,
        ),
        at_most("purge: stall by task name, 10 % of 1 M", sorted_stall, None, "ms", 10),
    ]


def _fill(server: RedisServer) -> None:
    with server.client(timeout=60) as client:
        client.flushall()
        for start in range(0, MESSAGES, PAGE):
            names = ("reports.build" if i % 10 == 0 else "mail.send" for i in range(start, start + PAGE))
            client.lpush(QUEUE, *(_message(start + i, name) for i, name in enumerate(names)))


def _message(number: int, task: str) -> str:
    return _TEMPLATE.replace("ID", f"{number:08d}-59e6-4b0c-9f36-0c1de5b5a9d1").replace("NAME", task)


_TEMPLATE = json.dumps(
    {
        "body": BODY,
        "content-encoding": "utf-8",
        "content-type": "application/json",
        "headers": {
            "lang": "py",
            "task": "NAME",
            "id": "ID",
            **dict.fromkeys(("shadow", "eta", "expires", "group", "group_index", "parent_id")),
            "retries": 0,
            "timelimit": [None, None],
            "root_id": "ID",
            "argsrepr": "(1, 2)",
            "kwargsrepr": "{}",
            "origin": "gen1@web1",
            "ignore_result": False,
        },
        "properties": {
            "correlation_id": "ID",
            "reply_to": "d8f5b2d6-1a3c-3f5e-b1c0-5d1f2a3b4c5d",
            "delivery_mode": 2,
            "delivery_info": {"exchange": "", "routing_key": QUEUE},
            "priority": 0,
            "body_encoding": "base64",
            "delivery_tag": "ID",
        },
    }
)
"""What Celery 5.7 writes for a task of two arguments."""


def _theirs(server: RedisServer) -> tuple[float, float]:
    """Return milliseconds and stall of a warm `queue_purge`."""
    took = []
    with Celery("bench", broker=server.url()).connection_for_write() as connection:
        channel: Any = connection.default_channel  # the virtual transport's, which its stubs do not know
        for _ in range(ROUNDS):
            _fill(server)
            with stall(server) as waited:
                began = time.perf_counter()
                channel.queue_purge(QUEUE)
                took.append((time.perf_counter() - began) * 1000)
    return statistics.median(took), waited[0]


def _ours(server: RedisServer, archives: CeleryArchives) -> tuple[float, float]:
    """Return milliseconds and stall of setting aside and putting back."""
    took, stalls = [], []
    _fill(server)
    for number in range(ROUNDS):
        with stall(server) as waited:
            began = time.perf_counter()
            archives.set_aside(_wanted(f"a{number}"), lambda _: None)
            archives.put_back(f"a{number}", lambda _: None)
            took.append((time.perf_counter() - began) * 1000)
        stalls.append(waited[0])
    return statistics.median(took), max(stalls)


def _sorted(server: RedisServer, archives: CeleryArchives) -> tuple[float, int]:
    """Return the stall of a purge by name with its undo, and how many distinct messages are there after it."""
    with stall(server) as waited:
        made = archives.set_aside(_wanted("named", "reports.build"), lambda _: None)
        assert isinstance(made, Archive)
        assert made.messages == MESSAGES // 10
        archives.put_back("named", lambda _: None)
    seen: set[bytes] = set()
    with server.client(timeout=60) as client:
        for start in range(0, MESSAGES, PAGE):
            seen.update(client.lrange(QUEUE, start, start + PAGE - 1))
        assert client.llen(QUEUE) == MESSAGES
    return waited[0], len(seen)


def _wanted(id_: str, task: str | None = None) -> ArchiveWanted:
    now = datetime.now(UTC)
    return ArchiveWanted(
        id=id_, queue=QUEUE, made_at=now, ends_at=now + timedelta(days=1), most=2 * MESSAGES, task=task
    )
