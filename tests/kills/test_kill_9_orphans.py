"""Kill -9 of a worker, and then of the ops worker that puts back what it took: each task runs once."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.domain.action import ExecutionState
from bot.domain.orphans import STARTED_SECONDS
from playground.celery_worker import CeleryWorker, WorkerSpec
from playground.services import RedisServer
from tests.kills.test_kill_9 import Shop, known
from tests.services.require import require
from tests.usecases.revoking import wait

pytestmark = [pytest.mark.service, pytest.mark.slow, pytest.mark.timeout(300)]

PLACES = [0, 1, 3]
"""The so-manieth step towards Redis, which is not made any more."""

N = 180
"""Messages: more than three steps put back."""

Lost = tuple[Shop, dict[int, list[str]]]


@pytest.fixture(scope="module")
def lost(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lost]:
    """Return a cluster where for each place a worker has died; its Redis has run for a while."""
    folder = tmp_path_factory.mktemp("kills")
    require("redis")
    with RedisServer() as server, RedisServer() as ops_server:
        made = Shop(folder, server, ops_server, [*(f"left{p}" for p in PLACES), "idle"])
        taken = {place: left(made, folder, server, f"left{place}") for place in PLACES}
        end = time.monotonic() + STARTED_SECONDS + 10
        while server.client().info("server")["uptime_in_seconds"] < STARTED_SECONDS + 2:
            assert time.monotonic() < end
            time.sleep(0.5)
        yield made, taken
        made.close()


def left(shop: Shop, folder: Path, server: RedisServer, queue: str) -> list[str]:
    """Let a worker take a long task and all others behind it, and kill it; returns the others' ids."""
    env = {"SAMPLE_BROKER_URL": server.url(), "SAMPLE_ACKS_LATE": "1"}
    many = ("--prefetch-multiplier", str(2 * N))
    spec = WorkerSpec("tests.services.sample_app", f"{queue}@test", (queue,), 1, "prefork", many, env)
    worker = CeleryWorker(spec, folder)
    worker.start()
    worker.wait_ready(shop.app, 60)
    shop.app.send_task("sample.sleep", (120,), queue=queue)
    before = shop.redis.hlen("unacked")
    ids = shop.send(queue, N)
    wait(lambda: shop.redis.llen(queue) == 0 and shop.redis.hlen("unacked") >= before + N)
    worker.kill()
    return ids


@pytest.mark.parametrize("place", PLACES)
def test_a_restore_of_orphans(lost: Lost, place: int) -> None:
    """What was not put back when it died is put back by who goes on, or is asked for again."""
    (shop, taken), queue = lost, f"left{place}"
    execution = shop.ops.killed(shop.ops.approved("restore_orphans", queue=queue, older_than=30), place, after=False)
    known(execution)
    if execution.state is ExecutionState.INTERRUPTED:
        again = shop.ops.ran(shop.ops.approved("restore_orphans", queue=queue, older_than=30))
        assert again.state is ExecutionState.VERIFIED, again
    assert shop.redis.llen(queue) == N + 1
    assert shop.redis.rpop(queue)  # the long one
    shop.consume(queue)
    assert shop.counted(taken[place]) == {}
