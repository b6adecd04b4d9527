"""A purge of a million messages that can be undone, against Celery's own, which cannot; and one by task name.

Celery's own is measured as a call over a warm connection, and as the command line that people type.

What a purge costs everybody else is the stall: how long Redis answers nobody. The server frees a deleted key at once,
as Redis does unless it is told otherwise; messages are as long as those of Celery.
"""

import json
import statistics
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from celery import Celery

from benchmarks._row import Row, at_least, at_most
from benchmarks._stall import stall
from bot.adapters.celery.archives import CeleryArchives
from bot.adapters.celery.connection import ClusterConnection
from bot.adapters.celery.watched import WatchedCluster
from bot.domain.archive import ArchiveWanted
from bot.domain.cluster import ClusterSpec
from playground.celery_worker import child_environment
from playground.services import RedisServer

MESSAGES, PAGE, ROUNDS = 1_000_000, 10_000, 3
QUEUE = "mail"
BODY = "W1sxLCAyXSwge30sIHsiY2FsbGJhY2tzIjogbnVsbCwgImVycmJhY2tzIjogbnVsbCwgImNoYWluIjogbnVsbCwgImNob3JkIjogbnVsbH1d"


def main() -> None:
    """Print what was measured."""
    for row in rows():
        print(row)


def rows() -> list[Row]:
    """Measure; takes some three minutes, and 1.2 GB in Redis."""
    with RedisServer(options=("--lazyfree-lazy-user-del", "no")) as server:
        archives = archives_of(server.url())
        by_hand = _by_hand(server)
        theirs, their_stall = _theirs(server)
        ours, our_stall = _ours(server, archives)
        sorted_stall, grown, kept = _sorted(server, archives)
    return [
        at_least("purge: 1 M messages and back", ours, theirs, "ms", 10),
        at_least("purge: 1 M messages and back, celery purge by hand", ours, by_hand, "ms", 10),
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
        at_most("purge: memory of the bot by task name, 10 % of 1 M", grown, None, "MB", 10),
    ]


def archives_of(url: str) -> CeleryArchives:
    """Return the archives of a broker."""
    return CeleryArchives(WatchedCluster(ClusterConnection("shop", url), ClusterSpec(name="shop")))


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


def _by_hand(server: RedisServer) -> float:
    """Return milliseconds of `celery purge`, as it is typed."""
    took = []
    for _ in range(ROUNDS):
        _fill(server)
        began = time.perf_counter()
        _run("celery", "-b", server.url(), "purge", "-f", "-Q", QUEUE)
        took.append((time.perf_counter() - began) * 1000)
        with server.client() as client:
            assert not client.exists(QUEUE)
    return statistics.median(took)


def _run(module: str, *arguments: str) -> str:
    """Run a module of Python's in a process of its own, and return what it prints."""
    command = [sys.executable, "-m", module, *arguments]
    root = Path(__file__).resolve().parents[1]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=root, env=child_environment({}))
    return done.stdout


def _ours(server: RedisServer, archives: CeleryArchives) -> tuple[float, float]:
    """Return milliseconds and stall of setting aside and putting back."""
    took, stalls = [], []
    _fill(server)
    for number in range(ROUNDS):
        with stall(server) as waited:
            began = time.perf_counter()
            archives.set_aside(wanted(f"a{number}"), lambda _: None)
            archives.put_back(f"a{number}", lambda _: None)
            took.append((time.perf_counter() - began) * 1000)
        stalls.append(waited[0])
    return statistics.median(took), max(stalls)


def _sorted(server: RedisServer, archives: CeleryArchives) -> tuple[float, float, int]:
    """Return stall and megabytes of a purge by name with its undo, and how many messages it leaves, each once."""
    with stall(server) as waited:
        grown = float(_run("benchmarks._purge_side", server.url()))
        made = archives.get("named")
        assert made is not None
        assert (made.messages, made.kept) == (MESSAGES // 10, MESSAGES - MESSAGES // 10)
        archives.put_back("named", lambda _: None)
    seen: set[bytes] = set()
    with server.client(timeout=60) as client:
        for start in range(0, MESSAGES, PAGE):
            seen.update(client.lrange(QUEUE, start, start + PAGE - 1))
        assert client.llen(QUEUE) == MESSAGES
    return waited[0], grown, len(seen)


def wanted(id_: str, task: str | None = None) -> ArchiveWanted:
    """Return what is to be set aside: all, or messages of one task."""
    now = datetime.now(UTC)
    return ArchiveWanted(
        id=id_, queue=QUEUE, made_at=now, ends_at=now + timedelta(days=1), most=2 * MESSAGES, task=task
    )
