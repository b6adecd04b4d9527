"""Targets against an independent count: known tasks on a real Redis and a real worker, and that broker killed."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from bot.adapters.celery.connection import ClusterConnection
from bot.adapters.celery.control import CeleryClusterControl
from bot.adapters.celery.diagnostics import CeleryDiagnostics
from bot.adapters.clock import SystemClock
from bot.adapters.clusters import ConfiguredClusters
from bot.adapters.events.consumer import EventConsumer
from bot.adapters.events.recorder import Recorder
from bot.adapters.memories import KeptMemories
from bot.adapters.samples import MemorySamples
from bot.domain.cluster import ClusterSpec, QueueSpec
from bot.domain.errors import ClusterUnreachable
from bot.domain.targets import Measure, TargetSpec
from bot.domain.views import TargetLine
from bot.ports import Ports
from bot.usecases.measuring import measure, poll_memory, targets
from bot.usecases.watching import sample
from playground.services import RedisServer
from tests.services.sample_app import make_app
from tests.services.workers import StartWorker
from tests.usecases.world import make_world

pytestmark = pytest.mark.service

PREFIX = "shop:"
DURATION = Measure.TASK_DURATION
SPEC = ClusterSpec(
    name="shop",
    queues=(QueueSpec(name="booking"), QueueSpec(name="analytics", alert_above=100)),
    targets=(
        TargetSpec(name="completion", measure=Measure.COMPLETION, target=0.999, alert=0.995),
        TargetSpec(name="latency", measure=Measure.QUEUE_LATENCY, target=0.1, alert=0.5),
        TargetSpec(name="sleeps", measure=DURATION, target=0.1, alert=0.2, tasks=("sample.sl*",), queues=("booking",)),
        TargetSpec(name="memory", measure=Measure.WORKER_MEMORY, target=2e9, alert=3e9),
        TargetSpec(name="depth", measure=Measure.QUEUE_DEPTH, target=100, alert=500),
    ),
)


@pytest.fixture
def ports(redis_server: RedisServer, tmp_path: Path) -> Iterator[Ports]:
    """What a bot has that watches this broker, its events heard."""
    with ExitStack() as stack:
        world, clock = make_world(tmp_path), SystemClock()
        stack.callback(world.store.close)
        connection = ClusterConnection("shop", redis_server.url(), global_keyprefix=PREFIX)
        control = CeleryClusterControl(connection, SPEC, clock)
        stack.callback(control.close)
        diagnostics = CeleryDiagnostics(control.watched, clock, host="test")
        stack.callback(diagnostics.close)
        recorder = Recorder(clock)
        consumer = EventConsumer(connection, recorder, clock)
        consumer.start()
        stack.callback(consumer.close)
        assert consumer.wait_connected(10)
        clusters = ConfiguredClusters({"shop": SPEC}, {"shop": control}, {}, {"shop": recorder}, {"shop": diagnostics})
        yield replace(world.ports, clock=clock, clusters=clusters, samples=MemorySamples(), memories=KeptMemories())


def lines(ports: Ports) -> dict[str, TargetLine]:
    """Return the targets by name, as the view has them."""
    return {line.spec.name: line for line in targets(ports, "shop").targets}


def wait_for(condition: Callable[[], bool], seconds: float = 30) -> None:
    """Poll until it holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never came about"
        time.sleep(0.05)


def test_every_reading_is_what_was_really_sent_failed_and_left_waiting(
    ports: Ports, redis_server: RedisServer, celery_worker: StartWorker
) -> None:
    """23 tasks that succeed, 5 that fail, 130 that nobody takes, in two lanes; then the broker dies."""
    app = make_app({"SAMPLE_BROKER_URL": redis_server.url(), "SAMPLE_PREFIX": PREFIX})
    app.conf.task_send_sent_event = True
    worker = celery_worker(redis_server.url(), queues=["booking"], extra=["-E"], env={"SAMPLE_PREFIX": PREFIX})
    for i in range(20):
        app.send_task("sample.add", (i, i), queue="booking")
    for _ in range(5):
        app.send_task("sample.fail", queue="booking")
    for _ in range(3):
        app.send_task("sample.sleep", (0.35,), queue="booking")
    for i in range(130):
        app.send_task("sample.add", (i, i), queue="analytics", priority=9 if i < 30 else 0)
    wait_for(lambda: lines(ports)["completion"].reading.n == 28)
    sample(ports, "shop")
    poll_memory(ports, "shop")
    measure(ports, "shop")
    found = {name: line.reading for name, line in lines(ports).items()}

    completion = found["completion"]
    assert (completion.value, completion.n, completion.of) == (23 / 28, 28, "sample.fail")
    assert completion.quality is not None
    assert (completion.quality.defects, completion.few) == (5, None)
    assert "The bot has listened" in str(completion.incomplete)
    # A client tells that it sent a task after it did: of one that began before that was heard, no wait is known.
    assert 20 <= (found["latency"].n or 0) <= 28
    assert (found["latency"].of, found["latency"].estimated) == ("booking", None)
    assert (found["sleeps"].n, found["sleeps"].of) == (3, "booking")
    assert 0.3 <= (found["sleeps"].value or 0) < 2
    assert (found["depth"].value, found["depth"].of, found["depth"].alert) == (130.0, "analytics", 100.0)
    process = psutil.Process(worker.process.pid)
    taken = sum(p.memory_info().rss for p in (process, *process.children(recursive=True)))
    assert (found["memory"].of, found["memory"].incomplete) == ("w1@test", None)
    assert found["memory"].value == pytest.approx(taken, rel=0.2)

    redis_server.kill()
    with pytest.raises(ClusterUnreachable):
        sample(ports, "shop")
    poll_memory(ports, "shop")
    view = targets(ports, "shop")
    last = {line.spec.name: line.reading for line in view.targets}
    assert view.age.trouble is not None
    assert (last["depth"].value, last["depth"].at) == (130.0, found["depth"].at)
    assert (last["memory"].value, last["memory"].at) == (found["memory"].value, found["memory"].at)
    assert last["completion"].value == 23 / 28
    wait_for(lambda: "Events are not heard now" in str(lines(ports)["completion"].reading.incomplete))
