"""A target on a real broker: what the bot itself works with, events heard and all."""

import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Protocol

import pytest

from bot.adapters.celery.connection import ClusterConnection
from bot.adapters.celery.control import CeleryClusterControl
from bot.adapters.celery.diagnostics import CeleryDiagnostics
from bot.adapters.clock import SystemClock
from bot.adapters.events.consumer import EventConsumer
from bot.adapters.events.recorder import Recorder
from bot.adapters.samples import MemorySamples
from bot.domain.cluster import ClusterSpec, QueueSpec
from bot.ports import Target
from playground.celery_worker import child_environment
from playground.processes import ChildProcess
from playground.services import RedisServer


class Watch(Protocol):
    """What the `watch` fixture gives: a function that makes a target whose events are heard."""

    def __call__(self, url: str, **options: Any) -> Target:
        """`options` go to ClusterConnection; workers called `…@test` are on its host."""


@pytest.fixture
def watch() -> Iterator[Watch]:
    """A function that watches a cluster with the declared queues `booking` and `analytics`, until the test ends."""
    with ExitStack() as stack:

        def begin(url: str, **options: Any) -> Target:
            connection, clock = ClusterConnection("shop", url, **options), SystemClock()
            spec = ClusterSpec(name="shop", queues=(QueueSpec(name="booking"), QueueSpec(name="analytics")))
            control = CeleryClusterControl(connection, spec, clock)
            stack.callback(control.close)
            diagnostics = CeleryDiagnostics(control.watched, clock, host="test")
            stack.callback(diagnostics.close)
            recorder = Recorder(clock)
            consumer = EventConsumer(connection, recorder, clock)
            consumer.start()
            stack.callback(consumer.close)
            assert consumer.wait_connected(10)
            samples = MemorySamples()
            return Target(spec, control, clock, diagnostics=diagnostics, live=recorder, samples=samples)

        yield begin


class StartBeat(Protocol):
    """What the `start_beat` fixture gives: a function that starts one real beat that answers pings."""

    def __call__(self, name: str) -> ChildProcess:
        """Start it; `name` tells its files from those of another."""


@pytest.fixture
def start_beat(redis_server: RedisServer, tmp_path: Path) -> Iterator[StartBeat]:
    """A function that starts beats on the test's broker; all of one host are called `celerybeat@<host>`."""
    started: list[ChildProcess] = []

    def start(name: str) -> ChildProcess:
        command = [sys.executable, "-m", "celery", "-A", "tests.services.sample_app", "beat"]
        command += ["--enable-remote-control", "--schedule", str(tmp_path / f"{name}-schedule"), "--pidfile="]
        env = child_environment({"SAMPLE_BROKER_URL": redis_server.url()})
        started.append(ChildProcess(command, log=tmp_path / f"{name}.log", cwd=tmp_path, env=env))
        return started[-1]

    yield start
    for process in started:
        process.kill()
