"""Telling chosen workers to stop or start consuming a queue, and what the others do meanwhile: nothing."""

from collections import Counter

import pytest
import redis

from bot.adapters.celery.connection import CLIENT_NAME
from bot.adapters.celery.control import CeleryClusterControl
from playground.services import RedisServer
from tests.adapters.celery.conftest import MakeControl, wait_for
from tests.services.sample_app import executions, make_app
from tests.services.workers import StartWorker

pytestmark = pytest.mark.service


def tables(client: "redis.Redis") -> dict[bytes, object]:
    """Every table of bindings of task queues."""
    keys = [k for k in client.scan_iter("_kombu.binding.*") if b"pidbox" not in k and b"celeryev" not in k]
    return {key: client.smembers(key) for key in keys}


@pytest.mark.parametrize("pool", ["prefork", "threads", "solo"])
def test_cancel_and_add_reach_the_named_workers_alone(
    redis_server: RedisServer, control: CeleryClusterControl, celery_worker: StartWorker, pool: str
) -> None:
    """Verified by what workers say they consume; the queues of the others stay as they were."""
    for name in ("one", "two"):
        celery_worker(redis_server.url(), name=name, queues=["booking", "analytics"], pool=pool)
    celery_worker(redis_server.url(), name="three", queues=["booking"], pool="solo")
    both, one = frozenset({"booking", "analytics"}), frozenset({"booking"})
    assert control.consumers() == {"one@test": both, "two@test": both, "three@test": one}

    assert control.cancel_consumer("analytics", ["one@test", "two@test"]) == {"one@test": "ok", "two@test": "ok"}
    wait_for(lambda: set(control.consumers().values()) == {one})

    assert control.add_consumer("analytics", ["two@test"]) == {"two@test": "ok"}
    wait_for(lambda: control.consumers()["two@test"] == both)
    assert control.consumers() == {"one@test": one, "two@test": both, "three@test": one}


def test_a_paused_queue_waits_and_each_task_runs_once_after_it(
    redis_server: RedisServer, control: CeleryClusterControl, celery_worker: StartWorker
) -> None:
    """Nothing is lost and nothing doubles."""
    app = make_app({"SAMPLE_BROKER_URL": redis_server.url()})
    celery_worker(redis_server.url(), queues=["analytics", "booking"])
    control.cancel_consumer("analytics", ["w1@test"])
    wait_for(lambda: control.consumers() == {"w1@test": frozenset({"booking"})})
    sent = {app.send_task("sample.count", queue="analytics").id for _ in range(50)}
    app.send_task("sample.add", (1, 1), queue="booking").get(timeout=20)
    assert control.depths() == {"booking": 0, "analytics": 50}
    control.add_consumer("analytics", ["w1@test"])
    with redis_server.client() as client:
        wait_for(lambda: len(executions(client)) == 50)
        wait_for(lambda: control.depths()["analytics"] == 0)
        assert executions(client) == dict.fromkeys(sent, 1)


def test_a_worker_that_never_knew_the_queue_joins_without_a_new_binding(
    redis_server: RedisServer, control: CeleryClusterControl, celery_worker: StartWorker
) -> None:
    """Messages neither fan in from other queues nor go to two: the tables stay as they were."""
    app = make_app({"SAMPLE_BROKER_URL": redis_server.url()})
    celery_worker(redis_server.url(), name="knows", queues=["analytics"], pool="solo")
    celery_worker(redis_server.url(), name="new", queues=["booking"], pool="solo")
    with redis_server.client() as client:
        before = tables(client)
        assert control.add_consumer("analytics", ["new@test"]) == {"new@test": "ok"}
        wait_for(lambda: control.consumers()["new@test"] == frozenset({"booking", "analytics"}))
        assert tables(client) == before
        sent = [app.send_task("sample.count", queue=q).id for q in ("analytics", "booking") for _ in range(20)]
        wait_for(lambda: len(executions(client)) == len(sent))
        wait_for(lambda: sum(control.depths().values()) == 0)
        assert executions(client) == dict(Counter(sent))


def test_a_queue_with_a_binding_of_its_own_keeps_it(
    redis_server: RedisServer, make_control: MakeControl, celery_worker: StartWorker
) -> None:
    """A queue bound to another exchange by another key is declared just so, also by a bot that has just started."""
    app = make_app({"SAMPLE_BROKER_URL": redis_server.url()})
    celery_worker(redis_server.url(), pool="solo")
    app.control.add_consumer("trips", "travel", "topic", routing_key="trips.#", destination=["w1@test"], reply=True)
    wait_for(lambda: "trips" in (make_control(redis_server.url()).consumers()["w1@test"] or ()))
    celery_worker(redis_server.url(), name="w2", queues=["booking"], pool="solo")
    with redis_server.client() as client:
        before = tables(client)
        make_control(redis_server.url()).add_consumer("trips", ["w2@test"])
        wait_for(lambda: "trips" in (make_control(redis_server.url()).consumers()["w2@test"] or ()))
        assert tables(client) == before


def test_what_a_worker_says_is_passed_on(
    redis_server: RedisServer, control: CeleryClusterControl, celery_worker: StartWorker
) -> None:
    """A worker that is not there gives no reply, which is no failure of the others."""
    celery_worker(redis_server.url(), queues=["analytics"], pool="solo")
    replies = control.cancel_consumer("analytics", ["w1@test", "nobody@test"])
    assert replies == {"w1@test": "ok", "nobody@test": "no reply"}


def test_our_connections_can_be_told_from_others(redis_server: RedisServer, control: CeleryClusterControl) -> None:
    """By name in CLIENT LIST; and a closed control keeps none."""
    control.snapshot()

    def ours() -> int:
        with redis_server.client() as client:
            return sum(c["name"] == CLIENT_NAME for c in client.client_list())

    assert ours() == 1
    control.close()
    wait_for(lambda: ours() == 0)
