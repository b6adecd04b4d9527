"""Kill -9 of the ops worker at five places of each action: nothing is lost, and nothing is sent or run twice."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.domain.action import Execution, ExecutionState
from bot.domain.requeue import new_id
from playground.celery_worker import CeleryWorker, WorkerSpec
from playground.services import RedisServer
from tests.kills.ops import Ops
from tests.services.require import require
from tests.services.sample_app import executions, make_app
from tests.usecases.revoking import wait

pytestmark = [pytest.mark.service, pytest.mark.slow, pytest.mark.timeout(180)]

PLACES = [(0, False), (0, True), (1, True), (2, False), (3, True)]
"""The so-manieth change in Redis, not made any more or made without an answer."""

REVOKE_PLACES = [(1, True, "EVAL"), (5, False, "HSET"), (5, True, "HSET"), (6, False, "revoke"), (6, True, "revoke")]
"""While messages are set aside; then what workers hold is written down, and told to them."""

N = 700
"""Messages: more than a step moves."""


class Shop:
    """A cluster with a worker that counts what it runs, and the ops side."""

    def __init__(self, folder: Path, server: RedisServer, ops_server: RedisServer, queues: list[str]) -> None:
        env = {"SAMPLE_BROKER_URL": server.url()}
        self.redis, self.app = server.client(), make_app(env)
        spec = WorkerSpec("tests.services.sample_app", "w1@test", ("idle",), 1, "prefork", (), env)
        self.worker = CeleryWorker(spec, folder)
        self.worker.start()
        self.worker.wait_ready(self.app, 60)
        self.ops = Ops(folder, server, ops_server, queues)
        self.ops.start()

    def close(self) -> None:
        """End everything."""
        self.ops.close()
        self.worker.kill()
        self.app.close()

    def send(self, queue: str, n: int, name: str = "sample.count") -> list[str]:
        """Send counting tasks."""
        task = self.app.tasks[name]
        with self.app.producer_pool.acquire(block=True) as producer:
            return [task.apply_async(queue=queue, producer=producer).id for _ in range(n)]

    def consume(self, queue: str) -> None:
        """Let the worker take this queue, too."""
        self.app.control.add_consumer(queue, destination=["w1@test"], reply=True, timeout=5)

    def counted(self, ids: list[str]) -> dict[str, int]:
        """Wait until all of these ran, and return those that ran another number of times than once."""
        wait(lambda: len(self._ran(ids)) == len(ids))
        self.settled()
        return {i: n for i, n in self._ran(ids).items() if n != 1}

    def settled(self) -> None:
        """Wait until the worker has nothing to do: a task sent now, after all else, has run."""
        mark = self.send("idle", 1)
        wait(lambda: self._ran(mark))

    def _ran(self, ids: list[str]) -> dict[str, int]:
        wanted = set(ids)
        return {i: n for i, n in executions(self.redis).items() if i in wanted}


def numbered(name: str) -> list[str]:
    """Return the names of an action's queues, one a place."""
    return [f"{name}{i}" for i in range(len(PLACES))]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """Return one for all places: whoever is killed is succeeded by the worker that the next test kills."""
    folder = tmp_path_factory.mktemp("kills")
    queues = [*numbered("purge"), *numbered("restore"), *numbered("revoke"), *numbered("requeue"), "idle"]
    require("redis")
    with RedisServer() as server, RedisServer() as ops_server:
        made = Shop(folder, server, ops_server, queues)
        yield made
        made.close()


def known(execution: Execution) -> None:
    """See that it ended in one of the three ways: verified, or resumed and verified, or interrupted in words."""
    assert execution.state in (ExecutionState.VERIFIED, ExecutionState.INTERRUPTED), execution
    assert execution.state is ExecutionState.VERIFIED or execution.error


@pytest.mark.parametrize(("place", "after"), PLACES)
def test_a_purge(shop: Shop, place: int, after: bool) -> None:
    """By task name, page by page; what was set aside is put back, and each message runs once, also those that stay."""
    queue = f"purge{PLACES.index((place, after))}"
    ids = [i for _ in range(N // 100) for i in shop.send(queue, 90) + shop.send(queue, 10, "sample.also")]
    execution = shop.ops.killed(shop.ops.approved("purge_queue", queue=queue, task="sample.count"), place, after=after)
    known(execution)
    assert (execution.state is ExecutionState.VERIFIED) == ((place, after) != PLACES[0])  # there nothing was done yet
    if execution.state is ExecutionState.VERIFIED:
        assert shop.redis.llen(queue) == N // 10
        undo = shop.ops.ran(shop.ops.approved("restore_archive", archive=execution.id, queue=queue))
        assert undo.state is ExecutionState.VERIFIED
    assert shop.redis.llen(queue) == N
    shop.consume(queue)
    assert shop.counted(ids) == {}


@pytest.mark.parametrize(("place", "after"), PLACES)
def test_a_restore(shop: Shop, place: int, after: bool) -> None:
    """Behind what came since, a few hundred at a time; each message runs once."""
    queue = f"restore{PLACES.index((place, after))}"
    ids = shop.send(queue, N)
    purge = shop.ops.ran(shop.ops.approved("purge_queue", queue=queue))
    ids += shop.send(queue, N - 10)
    execution = shop.ops.killed(shop.ops.approved("restore_archive", archive=purge.id, queue=queue), place, after=after)
    assert execution.state is ExecutionState.VERIFIED, execution
    assert shop.redis.llen(queue) == 2 * N - 10
    shop.consume(queue)
    assert shop.counted(ids) == {}


@pytest.mark.parametrize(("place", "after", "what"), REVOKE_PLACES)
def test_a_revoke(shop: Shop, place: int, after: bool, what: str) -> None:
    """Of what waits and what a worker holds: what waited comes back and runs once; what was held runs once or never."""
    queue = f"revoke{REVOKE_PLACES.index((place, after, what))}"
    shop.settled()
    shop.consume(queue)
    release = f"release:{queue}"
    shop.app.send_task("sample.wait", (release,), queue=queue)
    held = shop.send(queue, 3)
    wait(lambda: shop.redis.llen(queue) == 0)
    shop.app.control.cancel_consumer(queue, destination=["w1@test"], reply=True, timeout=5)
    waiting = shop.send(queue, N)
    execution = shop.ops.killed(shop.ops.approved("revoke_tasks", task="sample.count", queue=queue), place, after=after)
    assert shop.ops.died_at == what
    assert execution.state is (ExecutionState.VERIFIED if writes_down(place, after) else ExecutionState.FAILED)
    archive = shop.ops.ports.clusters.means("prod").archives.get(execution.id)
    if archive is not None:
        undo = shop.ops.ran(shop.ops.approved("restore_archive", archive=execution.id, queue=queue))
        assert undo.state is ExecutionState.VERIFIED
    shop.redis.lpush(release, "go")
    shop.consume(queue)
    assert shop.counted(waiting) == {}
    times = [shop._ran(held).get(i, 0) for i in held]
    assert times == ([0, 0, 0] if execution.state is ExecutionState.VERIFIED else [1, 1, 1]), execution


def writes_down(place: int, after: bool) -> bool:
    """Return whether it is in the broker by then what workers hold: of what is not, others may have come since."""
    return (place, after) >= (5, True)


@pytest.mark.parametrize(("place", "after"), PLACES)
def test_a_requeue(shop: Shop, place: int, after: bool) -> None:
    """Each failed task runs again once: what is sent is written down first, and gone on with."""
    queue = f"requeue{PLACES.index((place, after))}"
    failed = keep_failures(shop, queue)
    shop.consume(queue)
    wanted = {"task": "sample.count", "exception": f"Of{queue}"}
    execution = shop.ops.killed(shop.ops.approved("requeue_failed", **wanted), place, after=after)
    assert execution.state is ExecutionState.VERIFIED, execution
    assert shop.counted([new_id(execution.id, "prod", old) for old in failed]) == {}
    assert shop.redis.llen(queue) == 0


def keep_failures(shop: Shop, queue: str) -> list[str]:
    """Put failures of counting tasks on record, as the worker plugin does, and return their ids."""
    ids = shop.send(queue, N)
    for raw in shop.redis.lrange(queue, 0, -1):
        message = json.loads(raw)
        failed = message["headers"]["id"]
        record = {"id": failed, "task": "sample.count", "queue": queue, "failed_at": time.time(), "message": message}
        record |= {"exception": f"Of{queue}", "error": "on purpose", "worker": "w1@test", "retries": 0}
        shop.redis.hset("oncall.failed", failed, json.dumps(record))
        shop.redis.zadd("oncall.failed.at", {failed: time.time()})
    shop.redis.delete(queue)
    return ids
