"""A purge of a queue whose tasks are for later: they sit in a real worker, and the purge says that it leaves them."""

import pytest

from bot.actions.purge_queue import PurgeParams, PurgeQueue
from bot.adapters.celery.archives import CeleryArchives
from bot.adapters.celery.control import CeleryClusterControl
from bot.adapters.clock import SystemClock
from bot.domain.action import Preview
from bot.domain.cluster import ClusterSpec, QueueSpec
from bot.domain.errors import BadInput
from bot.ports import Means, Target
from playground.services import RedisServer
from tests.adapters.celery.conftest import wait_for
from tests.services.sample_app import make_app
from tests.services.workers import StartWorker

pytestmark = pytest.mark.service

SPEC = ClusterSpec(name="shop", queues=(QueueSpec(name="booking"),))


def previewed(control: CeleryClusterControl) -> Preview:
    """Preview a purge of `booking` as it is now."""
    target = Target(
        spec=SPEC,
        control=control,
        clock=SystemClock(),
        means=Means(archives=CeleryArchives(control.watched)),
        wait=lambda _: None,
    )
    params = PurgeParams(queue="booking")
    return PurgeQueue().preview(params, PurgeQueue().observe(params, target, control.snapshot()), SPEC)


def test_a_purge_says_how_many_tasks_for_later_remain(
    redis_server: RedisServer, control: CeleryClusterControl, celery_worker: StartWorker
) -> None:
    """The queue is empty though seven tasks are on their way; a silent worker may hold more."""
    app = make_app({"SAMPLE_BROKER_URL": redis_server.url()})
    worker = celery_worker(redis_server.url(), queues=["booking"], pool="solo")
    for _ in range(7):
        app.send_task("sample.add", (1, 1), queue="booking", countdown=600)
    wait_for(lambda: len(control.snapshot().workers[0].scheduled or ()) == 7)
    nothing = "Nothing waits in `booking`: there is nothing to set aside."
    with pytest.raises(BadInput) as empty:
        previewed(control)
    assert str(empty.value) == f"{nothing} 7 tasks with a later time wait in workers and will run."
    worker.pause()
    with pytest.raises(BadInput) as unsure:
        previewed(control)
    assert str(unsure.value) == f"{nothing} Not every worker answered: more may be held by them."
    worker.resume()
    wait_for(lambda: app.control.cancel_consumer("booking", reply=True, timeout=5, limit=1))
    app.send_task("sample.add", (1, 1), queue="booking")
    wait_for(lambda: len(control.snapshot().workers[0].scheduled or ()) == 7)
    preview = previewed(control)
    assert preview.summary.startswith("1 message in booking would be set aside")
    assert "7 tasks with a later time wait in workers and will run." in preview.notes
