"""Task events are switched on, on real workers: at their start, after a restart, after a freeze; and on ours alone."""

import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from structlog.testing import capture_logs

from bot.adapters.celery.connection import ClusterConnection
from bot.adapters.celery.envelope import unwrap
from bot.adapters.celery.event_switch import EventSwitch
from bot.adapters.celery.told import Sighting
from playground.services import RedisServer
from tests.adapters.celery.conftest import wait_for
from tests.services.network import SilentServer
from tests.services.sample_app import make_app
from tests.services.workers import StartWorker

pytestmark = pytest.mark.service


class Ear:
    """Hears everything that is published on a server, and keeps it by channel."""

    def __init__(self, server: RedisServer) -> None:
        """Begin to listen."""
        self._client = server.client()
        self._subscription = self._client.pubsub()  # type: ignore[no-untyped-call]  # redis-py leaves it untyped
        self._subscription.psubscribe("*")
        self._subscription.get_message(timeout=5)
        self._closed = threading.Event()
        self.heard: list[tuple[str, Any]] = []
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop."""
        self._closed.set()
        self._thread.join(5)
        self._client.close()

    def task_events_of(self, node: str) -> set[str]:
        """The types of task events that a worker sent."""
        events = [e for channel, body in self.heard if "/task." in channel for e in body]
        return {e["type"] for e in events if e["hostname"] == node}

    def told(self) -> list[tuple[str, ...]]:
        """Who was told to send events, command by command."""
        commands = [body for channel, body in self.heard if channel.endswith(".pidbox")]
        return [tuple(c["destination"]) for c in commands if c.get("method") == "enable_events"]

    def _run(self) -> None:
        while not self._closed.is_set():
            message = self._subscription.get_message(timeout=0.1)
            if message and message["type"] == "pmessage":
                with suppress(ValueError):
                    _, body = unwrap(message["data"])
                    channel = message["channel"].decode()
                    self.heard.append((channel, body if isinstance(body, list) or "method" in body else [body]))


class Life:
    """What is known of workers, as a test says; also collects who was confirmed."""

    def __init__(self) -> None:
        self.known: list[Sighting] = []
        self.confirmed: list[str] = []

    def sees(self, *names: str, pid: int = 1) -> None:
        """From now on these are known."""
        now = datetime.now(UTC)
        self.known = [Sighting(name, pid, now) for name in names]


@pytest.fixture
def ear(redis_server: RedisServer) -> Iterator[Ear]:
    """Hears what is published on the test's server."""
    ear = Ear(redis_server)
    yield ear
    ear.close()


@pytest.fixture
def life() -> Life:
    """What a test says is known."""
    return Life()


@pytest.fixture
def switch(life: Life) -> Iterator[Callable[..., EventSwitch]]:
    """A function that starts switches; they end with the test."""
    made: list[EventSwitch] = []

    def start(url: str, **options: Any) -> EventSwitch:
        connection = ClusterConnection("shop", url, **options)
        made.append(EventSwitch(connection, lambda: life.known, life.confirmed.append))
        made[-1].start()
        return made[-1]

    yield start
    for each in made:
        each.close()


def run_one(url: str, **env: str) -> None:
    """Have a worker run one task to its end."""
    make_app({"SAMPLE_BROKER_URL": url, **env}).send_task("sample.add", (1, 1)).get(timeout=20)


def test_a_worker_without_e_sends_task_events_and_a_restarted_one_again(
    redis_server: RedisServer, celery_worker: StartWorker, ear: Ear, life: Life, switch: Callable[..., EventSwitch]
) -> None:
    """Each life of its process is told; nothing but its own restart makes that needed."""
    worker = celery_worker(redis_server.url(), pool="solo")
    run_one(redis_server.url())
    assert not ear.task_events_of(worker.node)
    switch(redis_server.url())
    life.sees(worker.node)
    wait_for(lambda: life.confirmed == [worker.node])
    run_one(redis_server.url())
    wait_for(lambda: "task-succeeded" in ear.task_events_of(worker.node))

    worker.kill()
    worker.start()
    worker.wait_ready(make_app({"SAMPLE_BROKER_URL": redis_server.url()}))
    ear.heard.clear()
    life.sees(worker.node, pid=2)
    wait_for(lambda: life.confirmed == [worker.node] * 2)
    run_one(redis_server.url())
    wait_for(lambda: "task-succeeded" in ear.task_events_of(worker.node))


def test_a_worker_is_told_until_it_hears(
    redis_server: RedisServer, celery_worker: StartWorker, ear: Ear, life: Life, switch: Callable[..., EventSwitch]
) -> None:
    """It announces itself before it subscribes to commands, so the first ones are lost."""
    switch(redis_server.url()).came_online("w1@test")
    wait_for(lambda: len(ear.told()) >= 2)
    assert not life.confirmed
    worker = celery_worker(redis_server.url(), pool="solo")
    wait_for(lambda: life.confirmed == [worker.node])
    run_one(redis_server.url())
    wait_for(lambda: "task-received" in ear.task_events_of(worker.node))


def test_a_frozen_worker_sends_them_once_it_runs_again(
    redis_server: RedisServer, celery_worker: StartWorker, ear: Ear, life: Life, switch: Callable[..., EventSwitch]
) -> None:
    """The command waits for it; it holds up nobody else."""
    frozen = celery_worker(redis_server.url(), name="frozen", pool="solo")
    celery_worker(redis_server.url(), name="other", pool="solo", queues=["other"])
    frozen.pause()
    life.sees("frozen@test", "other@test")
    switch(redis_server.url())
    wait_for(lambda: life.confirmed == ["other@test"])
    wait_for(lambda: ("frozen@test",) in ear.told())
    frozen.resume()
    wait_for(lambda: "frozen@test" in life.confirmed)
    run_one(redis_server.url())
    wait_for(lambda: "task-succeeded" in ear.task_events_of(frozen.node))


def test_only_workers_of_the_own_prefix_are_told(
    redis_server: RedisServer, celery_worker: StartWorker, ear: Ear, life: Life, switch: Callable[..., EventSwitch]
) -> None:
    """Two clusters may share one server, and even the names of their workers."""
    ours = celery_worker(redis_server.url(), pool="solo", env={"SAMPLE_PREFIX": "ours:"})
    theirs = celery_worker(redis_server.url(), pool="solo", env={"SAMPLE_PREFIX": "theirs:"})
    assert ours.node == theirs.node
    life.sees(ours.node)
    switch(redis_server.url(), global_keyprefix="ours:")
    wait_for(lambda: life.confirmed)
    run_one(redis_server.url(), SAMPLE_PREFIX="theirs:")
    run_one(redis_server.url(), SAMPLE_PREFIX="ours:")
    wait_for(lambda: ear.task_events_of(ours.node))
    assert {channel.partition(":")[0] for channel, _ in ear.heard if "/task." in channel} == {"ours"}


def test_nobody_is_told_by_broadcast_and_nobody_twice(
    redis_server: RedisServer, celery_worker: StartWorker, ear: Ear, life: Life, switch: Callable[..., EventSwitch]
) -> None:
    """A worker that nobody named keeps its events to itself, and one that said yes is left alone."""
    celery_worker(redis_server.url(), name="named", pool="solo", queues=["named"])
    other = celery_worker(redis_server.url(), name="other", pool="solo")
    life.sees("named@test")
    mine = switch(redis_server.url())
    wait_for(lambda: life.confirmed == ["named@test"])
    told = len(ear.told())
    mine.came_online("named@test")
    wait_for(lambda: life.confirmed == ["named@test"] * 2)
    assert set(ear.told()) == {("named@test",)}
    assert len(ear.told()) > told
    for _ in range(2):  # by the second, what was buffered during the first has gone out
        run_one(redis_server.url())
    assert not ear.task_events_of(other.node)


def test_a_worker_that_cannot_send_events_is_named_and_let_be(
    redis_server: RedisServer, celery_worker: StartWorker, life: Life, switch: Callable[..., EventSwitch]
) -> None:
    """Without heartbeat, gossip and `-E` it has no dispatcher of events at all."""
    worker = celery_worker(redis_server.url(), pool="solo", extra=["--without-heartbeat", "--without-gossip"])
    life.sees(worker.node)
    with capture_logs() as logged:
        switch(redis_server.url())
        wait_for(lambda: any(line["event"] == "this worker cannot send task events" for line in logged))
    assert not life.confirmed


def test_it_waits_for_a_broker_that_is_away_and_says_so_once(
    redis_server: RedisServer, celery_worker: StartWorker, life: Life, switch: Callable[..., EventSwitch]
) -> None:
    """Workers come back with the broker, and are told then."""
    worker = celery_worker(redis_server.url(), pool="solo")
    redis_server.kill()
    life.sees(worker.node)
    with capture_logs() as logged:
        switch(redis_server.url())
        wait_for(lambda: logged)
        redis_server.start()
        wait_for(lambda: life.confirmed == [worker.node])
    assert [line["event"] for line in logged if line["log_level"] == "warning"] == [
        "task events not switched on until the broker answers"
    ]


def test_a_silent_broker_does_not_hold_up_the_close(silent_server: SilentServer, life: Life) -> None:
    """The thread ends when it is told to, or soon after."""
    life.sees("w@h")
    mine = EventSwitch(ClusterConnection("shop", silent_server.url()), lambda: life.known, life.confirmed.append)
    mine.start()
    wait_for(lambda: silent_server.connections)
    mine.close()
    wait_for(lambda: not [t for t in threading.enumerate() if t.name == "event-switch-shop"])
