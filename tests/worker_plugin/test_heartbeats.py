"""What the plugin adds to heartbeats, from real workers of each pool, and what the bot makes of it."""

import os
import subprocess
from collections.abc import Iterator
from typing import Any

import celery_oncall_worker as plugin
import psutil
import pytest
from celery.events.state import State

from bot.adapters.celery.connection import ClusterConnection
from bot.adapters.clock import SystemClock
from bot.adapters.events.consumer import EventConsumer
from bot.adapters.events.recorder import Recorder
from bot.domain.live import LiveWorker
from playground.services import RedisServer
from tests.services.sample_app import make_app
from tests.usecases.revoking import wait
from tests.worker_plugin.conftest import StartPlugged


@pytest.fixture
def recorder(redis_server: RedisServer) -> Iterator[Recorder]:
    """A live state that hears the test's broker."""
    recorder = Recorder(SystemClock())
    consumer = EventConsumer(ClusterConnection("shop", redis_server.url()), recorder, SystemClock())
    consumer.start()
    wait(lambda: recorder.feed().connected)
    yield recorder
    consumer.close()


def told(recorder: Recorder, name: str, children: int) -> LiveWorker | None:
    """What heartbeats told of a worker, once they told of so many children."""
    found = {w.name: w for w in recorder.workers(SystemClock().now())}.get(name)
    memory = found.memory if found else None
    return found if memory is not None and len(memory.children or ()) == children else None


@pytest.mark.service
@pytest.mark.parametrize(("pool", "children"), [("prefork", 2), ("threads", 0), ("gevent", 0), ("solo", 0)])
def test_a_heartbeat_tells_the_version_and_the_memory_of_parent_and_children(
    redis_server: RedisServer, plugged: StartPlugged, recorder: Recorder, pool: str, children: int
) -> None:
    """Only prefork has children. Celery's own monitor takes such a heartbeat as well."""
    worker = plugged(queues=["booking"], pool=pool)
    wait(lambda: told(recorder, worker.node, children))
    found = told(recorder, worker.node, children)
    assert found is not None
    assert found.memory is not None
    assert found.plugin == plugin.__version__
    process = psutil.Process(worker.process.pid)
    assert found.memory.parent == pytest.approx(process.memory_info().rss, rel=0.3)
    whole = process.memory_info().rss + sum(c.memory_info().rss for c in process.children(recursive=True))
    assert found.memory.parent + sum(found.memory.children or ()) == pytest.approx(whole, rel=0.3)
    assert monitored(redis_server) == 1


def monitored(server: RedisServer) -> int:
    """How many workers Celery's own monitor knows after one heartbeat."""
    state: Any = State()
    app = make_app({"SAMPLE_BROKER_URL": server.url()})

    def on_beat(event: Any) -> None:
        state.event(event)
        receiver.should_stop = True

    with app.connection_for_read() as connection:
        receiver = app.events.Receiver(connection, handlers={"worker-heartbeat": on_beat})
        receiver.capture(limit=None, timeout=20)
    app.close()
    return len(state.workers)


def test_memory_is_measured_now_and_then() -> None:
    """Heartbeats come every two seconds; one in five says it."""
    meter = plugin.Meter()
    first = meter.read()
    assert first["parent"] == pytest.approx(psutil.Process().memory_info().rss, rel=0.1)
    assert isinstance(first["children"], list)
    assert meter.read() == {}


def test_children_of_children_are_counted_with_and_without_proc() -> None:
    """A task may start programs; where the kernel tells nothing of them, psutil does if it is there."""
    with subprocess.Popen(["sh", "-c", "sleep 60 & wait"]) as shell:
        try:
            wait(lambda: psutil.Process(shell.pid).children())
            (sleep,) = psutil.Process(shell.pid).children()
            if os.path.exists("/proc/self/task"):
                assert {shell.pid, sleep.pid} <= set(plugin._descendants(os.getpid()))
                assert len(plugin._by_proc()["children"]) >= 2
            assert len(plugin._by_psutil()["children"]) >= 2
        finally:
            sleep.kill()
