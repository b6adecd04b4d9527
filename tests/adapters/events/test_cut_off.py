"""Redis cuts the bot off in the middle of a storm of events."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import redis

from bot.adapters.celery.connection import ClusterConnection
from bot.adapters.celery.control import CeleryClusterControl
from bot.adapters.clock import SystemClock
from bot.domain.cluster import ClusterSpec, QueueSpec
from bot.domain.window import Span, Window
from playground.services import RedisServer
from tests.adapters.celery.conftest import wait_for
from tests.adapters.events.conftest import Listen, Listener
from tests.services.sample_app import executions, make_app
from tests.services.workers import StartWorker

pytestmark = [pytest.mark.service, pytest.mark.slow, pytest.mark.timeout(900)]

TASKS = 17_000
"""Three events each: 51,000."""

CUTS = 3


@pytest.fixture
def control(redis_server: RedisServer) -> Iterator[CeleryClusterControl]:
    """What asks the workers."""
    spec = ClusterSpec(name="shop", queues=(QueueSpec(name="mail"),))
    made = CeleryClusterControl(ClusterConnection("shop", redis_server.url()), spec, SystemClock())
    yield made
    made.close()


def window(listener: Listener) -> Window:
    """What was counted in the last hour."""
    return listener.recorder.window(Span.HOUR, datetime.now(UTC))


def runs(client: "redis.Redis") -> int:
    """How often a task ran, by its own count: workers that were cut off, too, may run one twice."""
    return sum(executions(client).values())


def send(server: RedisServer, n: int) -> None:
    """Put so many tasks into a queue quickly."""
    app: Any = make_app({"SAMPLE_BROKER_URL": server.url()})
    with app.producer_pool.acquire(block=True) as producer:
        for _ in range(n):
            app.send_task("sample.count", queue="mail", producer=producer, ignore_result=True)


def test_a_cut_in_the_middle_of_50_000_events_is_seen_closed_and_its_starts_are_found(
    redis_server: RedisServer, celery_worker: StartWorker, control: CeleryClusterControl, listen: Listen
) -> None:
    """Each cut is a gap within 10 s that closes; starts end right by the workers' own count; ends stay marked."""
    send(redis_server, TASKS)
    listener = listen(redis_server.url(), settings={"resync": control.snapshot})
    for name in ("w1", "w2"):
        celery_worker(redis_server.url(), name=name, queues=["mail"], extra=["-E"])
    with redis_server.client() as client:
        for cut in range(CUTS):
            wait_for(lambda cut=cut: listener.total().started > (cut + 1) * TASKS / 10, 300)  # type: ignore[misc]
            began = time.monotonic()
            client.client_kill_filter(_type="pubsub")
            wait_for(lambda cut=cut: len(listener.gaps) > cut, 10)  # type: ignore[misc]
            wait_for(lambda: all(closed for _, closed in listener.gaps), 10)
            assert time.monotonic() - began < 10
        wait_for(lambda: client.llen("mail") == 0, 600)

        def settled() -> bool:
            snapshot = control.snapshot()
            listener.recorder.learn(snapshot)
            return listener.total().started == sum(sum(worker.totals.values()) for worker in snapshot.workers)

        wait_for(settled, 60)
        ran = runs(client)
    found = window(listener)
    missed = sum(gap.missed or 0 for gap in found.gaps)
    total = found.total()
    assert {row.name for row in found.tasks} <= {"sample.count", "(name not heard)"}
    assert (total.failed, total.lost) == (0, 0)
    # A worker that was cut off, too, forgets what its pool began just then: it runs, and is in nobody's count.
    assert ran - 10 * CUTS <= total.started <= ran
    assert total.started - 3 * missed - 100 <= total.succeeded <= ran
    assert not found.whole
