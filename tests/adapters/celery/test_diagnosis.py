"""What the doctor is told of a cluster that is right, wrong, or away."""

import pytest

from bot.adapters.celery.connection import ClusterConnection
from bot.adapters.celery.diagnosis import Place, diagnose
from bot.domain.cluster import ClusterSpec, QueueSpec
from playground.services import RedisServer
from tests.services.sample_app import make_app
from tests.services.workers import StartWorker

SPEC = ClusterSpec(name="shop", queues=(QueueSpec(name="booking"), QueueSpec(name="typo")))


@pytest.mark.service
def test_a_sound_cluster(redis_server: RedisServer, celery_worker: StartWorker) -> None:
    """Server, queues, workers and their heartbeats; task events are off, as Celery has them."""
    celery_worker(redis_server.url(), queues=["booking"], pool="solo")
    found = diagnose(ClusterConnection("shop", redis_server.url()), SPEC, deadline=10)
    assert found.why is None
    assert found.server is not None
    assert found.round_trip_seconds is not None
    assert (found.queues, found.undiscovered, found.elsewhere) == (("booking",), ("typo",), ())
    assert (found.workers, found.unanswered) == (("w1@test",), 0)
    assert found.events.heartbeats == {"w1@test"}
    assert (found.events.task_events, found.events.configured) == (False, frozenset())


@pytest.mark.service
def test_task_events_are_heard(redis_server: RedisServer, celery_worker: StartWorker) -> None:
    """Of workers that send them; each task makes some."""
    celery_worker(redis_server.url(), pool="threads", extra=["-E"])
    app = make_app({"SAMPLE_BROKER_URL": redis_server.url()})
    for _ in range(100):
        app.send_task("sample.sleep", (0.1,))
    assert diagnose(ClusterConnection("shop", redis_server.url()), SPEC, deadline=10).events.task_events


@pytest.mark.service
def test_the_wrong_prefix_or_database_is_told_where_the_queues_are(redis_server: RedisServer) -> None:
    """Nothing is found here, and every place on the server that has queues is named."""
    for db, prefix in ((0, "eu:"), (3, "")):
        app = make_app({"SAMPLE_BROKER_URL": redis_server.url(db), "SAMPLE_PREFIX": prefix})
        app.send_task("sample.add", (1, 1), queue="booking")
    found = diagnose(ClusterConnection("shop", redis_server.url()), SPEC)
    assert found.queues == ()
    assert found.elsewhere == (Place(0, "eu:"), Place(3, ""))
    right = diagnose(ClusterConnection("shop", redis_server.url(), global_keyprefix="eu:"), SPEC)
    assert (right.queues, right.elsewhere) == (("booking",), (Place(3, ""),))


def test_a_broker_that_is_away(refused_port: int) -> None:
    """One clause says why, and nothing else is claimed."""
    found = diagnose(ClusterConnection("shop", f"redis://127.0.0.1:{refused_port}/0"), SPEC)
    assert found.why == f"nothing listens at 127.0.0.1:{refused_port}"
    assert (found.server, found.queues, found.workers) == (None, (), ())
