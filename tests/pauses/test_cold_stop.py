"""What a stop of a worker does to the task that it runs: SIGQUIT loses it, unless it is acknowledged late."""

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.domain.errors import BadInput
from bot.drivers.process import ProcessDriver
from playground.celery_worker import CeleryWorker, child_environment
from playground.services import RedisServer
from tests.pauses.shop import APP, wait_for
from tests.services.workers import StartWorker
from tests.usecases.revoking import QUEUE, Shop

pytestmark = pytest.mark.service


@pytest.fixture
def shop(tmp_path: Path, redis_server: RedisServer) -> Iterator[Shop]:
    """Return one without workers."""
    shop = Shop(tmp_path, redis_server)
    yield shop
    shop.close()


def quit_worker(worker: CeleryWorker) -> None:
    """Stop it as `kill -QUIT <pid>` does, and wait until it has ended."""
    pid = worker.process.pid
    assert pid is not None
    os.kill(pid, signal.SIGQUIT)
    wait_for(lambda: not worker.alive)


def in_broker(shop: Shop) -> tuple[int, int]:
    """Return how many messages wait, and how many are unacknowledged."""
    client = shop.server.client()
    return int(client.llen(QUEUE)), int(client.hlen("unacked"))


def test_a_cold_stop_loses_the_running_task_that_was_acknowledged_early(shop: Shop, celery_worker: StartWorker) -> None:
    """Celery's default: it is nowhere in the broker, so nobody runs it again."""
    worker = celery_worker(shop.server.url(), queues=[QUEUE], concurrency=1)
    shop.running(shop.sleep(600))
    quit_worker(worker)
    assert in_broker(shop) == (0, 0)


@pytest.mark.parametrize("soft", ["0", "1"])
def test_a_cold_stop_brings_a_task_back_that_is_acknowledged_late(
    shop: Shop, celery_worker: StartWorker, soft: str
) -> None:
    """With and without a soft shutdown, which it outlasts: it lies in its queue, and another worker runs it."""
    late = {"SAMPLE_ACKS_LATE": "1", "SAMPLE_SOFT_STOP": soft}
    worker = celery_worker(shop.server.url(), queues=[QUEUE], concurrency=1, env=late)
    task = shop.sleep(600)
    shop.running(task)
    quit_worker(worker)
    assert in_broker(shop) == (1, 0)
    celery_worker(shop.server.url(), name="w2", queues=[QUEUE], concurrency=1, env=late)
    shop.running(task)


def test_a_soft_shutdown_lets_a_task_end_that_is_nearly_done(shop: Shop, celery_worker: StartWorker) -> None:
    """Acknowledged early, it would have been lost."""
    worker = celery_worker(shop.server.url(), queues=[QUEUE], concurrency=1, env={"SAMPLE_SOFT_STOP": "6"})
    task = shop.sleep(2)
    shop.running(task)
    quit_worker(worker)
    assert shop.app.AsyncResult(task).state == "SUCCESS"


def test_a_restart_by_the_driver_lets_the_running_task_end(shop: Shop, tmp_path: Path) -> None:
    """It stops a worker by SIGTERM alone, and starts it again when what ran has ended well."""
    env = child_environment({"SAMPLE_BROKER_URL": shop.server.url()})
    command = [sys.executable, "-m", "celery", "-A", APP, "worker", "-Q", QUEUE, "-c", "1"]
    driver = ProcessDriver({"w1": command}, tmp_path / "records", Path.cwd(), env, stop_seconds=60)
    try:
        driver.start("w1@test", [])
        task = shop.sleep(3)
        shop.running(task)
        old = pid_of(tmp_path)
        driver.restart("w1@test", [])
        assert shop.app.AsyncResult(task).state == "SUCCESS"
        assert pid_of(tmp_path) != old
    finally:
        os.killpg(pid_of(tmp_path), signal.SIGKILL)


def pid_of(folder: Path) -> int:
    """Return the process id that the driver wrote down; it leads a group of its own."""
    return int((folder / "records" / "w1@test.pid").read_text().split()[0])


def test_the_driver_refuses_an_environment_that_makes_its_stop_a_cold_one(tmp_path: Path) -> None:
    """`REMAP_SIGTERM=SIGQUIT` would lose what runs at every restart."""
    with pytest.raises(BadInput, match="what they run would be lost"):
        ProcessDriver({"w1": ["celery", "worker"]}, tmp_path, tmp_path, {"REMAP_SIGTERM": "SIGQUIT"})
