"""What a pause makes of a broker that hides its workers: real Redis, real workers."""

import os
import signal

import pytest

from bot.actions.pause_queue import PauseParams, PauseQueue
from bot.adapters.clock import SystemClock
from bot.domain.cluster import ClusterSpec, QueueSpec
from bot.domain.errors import ClusterUnreachable
from bot.ports import Target
from bot.usecases.looking import look
from playground.services import RedisServer
from tests.adapters.celery.conftest import MakeControl, wait_for
from tests.services.workers import StartWorker

pytestmark = pytest.mark.service
SPEC = ClusterSpec(name="shop", queues=(QueueSpec(name="booking"), QueueSpec(name="analytics")))


def verified(control: object) -> bool:
    """Pause analytics as an execution does; a look that is refused is no verification."""
    target = Target(spec=SPEC, control=control, clock=SystemClock())  # type: ignore[arg-type]
    action, params = PauseQueue(), PauseParams(queue="analytics")
    try:
        before = action.observe(params, target, look(target))
        action.run(params, before, target, lambda *_: None)
        return action.verify(params, before, action.observe(params, target, look(target))).verified
    except ClusterUnreachable:
        return False


def test_a_pause_on_a_full_redis_is_not_verified(
    redis_server: RedisServer, make_control: MakeControl, celery_worker: StartWorker
) -> None:
    """Redis full is why queues back up; the worker consumes analytics all the time."""
    celery_worker(redis_server.url(), name="w1", queues=["booking", "analytics"])
    control = make_control(redis_server.url(), ["booking", "analytics"])
    wait_for(lambda: control.snapshot().consumers("analytics"))
    with redis_server.client() as client:
        client.set("ballast", "x" * 2_000_000)
        client.config_set("maxmemory", "1mb")
    assert not verified(control)


@pytest.mark.parametrize("others", [(), ("w2",)])
def test_a_pause_is_not_verified_by_a_fresh_process_that_meets_a_stopped_worker(
    redis_server: RedisServer, make_control: MakeControl, celery_worker: StartWorker, others: tuple[str, ...]
) -> None:
    """The ops worker has not seen this cluster before (its roll is empty), and the queue's only worker is too busy."""
    worker = celery_worker(redis_server.url(), name="w1", queues=["booking", "analytics"])
    for name in others:
        celery_worker(redis_server.url(), name=name, queues=["booking"])
    seen = make_control(redis_server.url(), ["booking", "analytics"])
    wait_for(lambda: seen.snapshot().consumers("analytics") and len(seen.snapshot().workers) == 1 + len(others))
    pid = getattr(worker, "pid", None) or worker.process.pid
    os.kill(pid, signal.SIGSTOP)
    try:
        assert not verified(make_control(redis_server.url(), ["booking", "analytics"]))
    finally:
        os.kill(pid, signal.SIGCONT)
