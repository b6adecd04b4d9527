"""Purge and restore while producers send and workers run: every task exactly once."""

import threading
import time

import pytest

from bot.adapters.celery.archives import CeleryArchives
from bot.adapters.celery.connection import ClusterConnection
from bot.adapters.celery.watched import WatchedCluster
from bot.domain.archive import Archive
from bot.domain.cluster import ClusterSpec
from playground.services import RedisServer
from tests.adapters.celery.test_archives import quiet, wanted
from tests.services.sample_app import executions, make_app
from tests.services.workers import StartWorker

ROUNDS = 20

BACKLOG = 3000
"""Messages that wait before the worker starts: it may be faster than the producer."""


class Producer(threading.Thread):
    """Sends counting tasks of two names and two priorities until it is told to stop, and remembers their ids."""

    def __init__(self, server: RedisServer) -> None:
        super().__init__(daemon=True)
        self._app = make_app({"SAMPLE_BROKER_URL": server.url()})
        self._over = threading.Event()
        self.sent: list[str] = []

    def run(self) -> None:
        """Send."""
        with self._app.producer_pool.acquire(block=True) as producer:
            while not self._over.is_set():
                n = len(self.sent)
                name, priority = ("sample.count", "sample.also")[n // 2 % 2], 9 * (n % 2)
                done = self._app.send_task(name, queue="mail", producer=producer, ignore_result=True, priority=priority)
                self.sent.append(done.id)

    def stop(self) -> None:
        """Stop, and return when nothing more comes."""
        self._over.set()
        self.join(10)


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("task", [None, "sample.count"])
def test_each_task_runs_once_through_twenty_purges_and_restores(
    redis_server: RedisServer, celery_worker: StartWorker, task: str | None
) -> None:
    """A producer and a prefork worker go on all the while; whether set aside or to stay, none is lost or doubled."""
    connection = ClusterConnection("shop", redis_server.url())
    archives = CeleryArchives(WatchedCluster(connection, ClusterSpec(name="shop")))
    producer = Producer(redis_server)
    producer.start()
    _grown(producer, BACKLOG)
    celery_worker(redis_server.url(), queues=("mail",))
    set_aside = []
    try:
        for number in range(ROUNDS):
            _grown(producer, len(producer.sent) + 50)
            name = f"a{number}"
            made = archives.set_aside(wanted(id=name, task=task), quiet)
            assert isinstance(made, Archive)
            set_aside.append(made.messages)
            archives.put_back(name, quiet)
    finally:
        producer.stop()
    assert all(set_aside)
    with redis_server.client() as client:
        deadline = time.monotonic() + 120
        while len(executions(client)) < len(producer.sent) and time.monotonic() < deadline:
            time.sleep(0.2)
        assert executions(client) == dict.fromkeys(producer.sent, 1)


def _grown(producer: Producer, to: int) -> None:
    """Return when so many tasks were sent."""
    deadline = time.monotonic() + 30
    while len(producer.sent) < to:
        assert time.monotonic() < deadline
        time.sleep(0.005)
