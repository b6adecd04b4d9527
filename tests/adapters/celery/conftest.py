"""A control of the code under test on the test's own broker, and ways to wait for what workers do."""

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

import pytest

from bot.adapters.celery.connection import ClusterConnection
from bot.adapters.celery.control import CeleryClusterControl
from bot.adapters.celery.diagnostics import CeleryDiagnostics
from bot.adapters.clock import SystemClock
from bot.domain.cluster import ClusterSpec, QueueSpec
from playground.services import RedisServer

Diagnose = Callable[[CeleryClusterControl], CeleryDiagnostics]


class MakeControl(Protocol):
    """What the `make_control` fixture gives: a function that makes a control, closed at the end of the test."""

    def __call__(self, url: str, queues: Sequence[str] = (), **options: Any) -> CeleryClusterControl:
        """`queues` are the declared ones; `options` go to ClusterConnection."""


@pytest.fixture
def make_control() -> Iterator[MakeControl]:
    """A function that makes controls; they are closed with the test."""
    made: list[CeleryClusterControl] = []

    def make(url: str, queues: Sequence[str] = (), **options: Any) -> CeleryClusterControl:
        connection = ClusterConnection("shop", url, **options)
        spec = ClusterSpec(name="shop", queues=tuple(QueueSpec(name=q) for q in queues))
        made.append(CeleryClusterControl(connection, spec, SystemClock()))
        return made[-1]

    yield make
    for control in made:
        control.close()


@pytest.fixture
def control(redis_server: RedisServer, make_control: MakeControl) -> CeleryClusterControl:
    """A control of the test's own broker that declares `booking` and `analytics`."""
    return make_control(redis_server.url(), ["booking", "analytics"])


def wait_for(condition: Callable[[], object], seconds: float = 20) -> None:
    """Poll until the condition holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition never came true"
        time.sleep(0.02)


@pytest.fixture
def diagnose() -> Iterator[Diagnose]:
    """A function that makes the diagnostics of a control's cluster; workers called `…@test` are on its host."""
    made: list[CeleryDiagnostics] = []

    def make(control: CeleryClusterControl) -> CeleryDiagnostics:
        made.append(CeleryDiagnostics(control.watched, SystemClock(), host="test"))
        return made[-1]

    yield make
    for one in made:
        one.close()
