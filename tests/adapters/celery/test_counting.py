"""Depths, lanes, unacknowledged and scheduled messages, counted on real queues."""

import pytest
from celery import Celery
from kombu import Exchange, Queue

from bot.domain.errors import ClusterUnreachable
from playground.services import RedisServer
from tests.adapters.celery.conftest import MakeControl, wait_for
from tests.services.sample_app import make_app
from tests.services.workers import StartWorker

pytestmark = pytest.mark.service

ODD_ENV = {"SAMPLE_PREFIX": "shop:", "SAMPLE_SEP": "|", "SAMPLE_STEPS": "0,5"}
ODD_OPTIONS = {"global_keyprefix": "shop:", "sep": "|", "priority_steps": (0, 5)}


def sample_app(url: str, **env: str) -> Celery:
    """The sample application as a producer."""
    return make_app({"SAMPLE_BROKER_URL": url, **env})


def test_depth_is_the_sum_of_all_lanes(redis_server: RedisServer, make_control: MakeControl) -> None:
    """Messages of every priority count, and the lanes are shown from the most urgent."""
    app = sample_app(redis_server.url())
    for priority in (0, 1, 4, 9, 9, 9):
        app.send_task("sample.add", (1, 1), queue="booking", priority=priority)
    control = make_control(redis_server.url(), ["booking", "empty"])
    assert control.depths() == {"booking": 6, "empty": 0}
    queue = control.snapshot().queue("booking")
    assert queue is not None
    assert (queue.depth, queue.lanes, queue.unacked, queue.declared) == (6, (2, 1, 0, 3), 0, True)


def test_depth_minds_prefix_separator_steps_and_database(redis_server: RedisServer, make_control: MakeControl) -> None:
    """All four change where a queue lies; with the wrong ones it looks empty."""
    app = sample_app(redis_server.url(3), **ODD_ENV)
    for priority in (0, 7):
        app.send_task("sample.add", (1, 1), queue="booking", priority=priority)
    assert make_control(redis_server.url(3), ["booking"], **ODD_OPTIONS).depths() == {"booking": 2}
    assert make_control(redis_server.url(3), ["booking"]).depths() == {"booking": 0}
    assert make_control(redis_server.url(), ["booking"], **ODD_OPTIONS).depths() == {"booking": 0}


def test_queues_that_nobody_declared_are_found(redis_server: RedisServer, make_control: MakeControl) -> None:
    """A queue that has messages, and no worker, is found by its binding, a part of all keys at a time."""
    with redis_server.client() as client:
        client.mset({f"celery-task-meta-{n}": "x" for n in range(50_000)})
    sample_app(redis_server.url()).send_task("sample.add", (1, 1), queue="forgotten")
    control = make_control(redis_server.url(), ["booking"])
    wait_for(lambda: control.depths() == {"booking": 0, "forgotten": 1})
    queue = control.snapshot().queue("forgotten")
    assert queue is not None
    assert (queue.depth, queue.declared) == (1, False)


def test_an_empty_queue_that_nobody_declared_or_consumes_is_not_shown(
    redis_server: RedisServer, make_control: MakeControl
) -> None:
    """Bindings stay for ever, so an old name alone means nothing."""
    app = sample_app(redis_server.url())
    with app.connection_for_write() as connection:
        Queue("old", Exchange("old"), "old")(connection.default_channel).declare()
    assert [q.name for q in make_control(redis_server.url(), ["booking"]).snapshot().queues] == ["booking"]


def test_a_key_that_is_no_queue_is_unknown(redis_server: RedisServer, make_control: MakeControl) -> None:
    """A key of another type is neither empty nor an error of the whole snapshot."""
    with redis_server.client() as client:
        client.set("booking", "not a list")
    control = make_control(redis_server.url(), ["booking", "analytics"])
    assert control.depths() == {"analytics": 0}
    snapshot = control.snapshot()
    assert [(q.name, q.depth) for q in snapshot.queues] == [("booking", None), ("analytics", 0)]
    assert [(u.what, u.why) for u in snapshot.unknown] == [
        ("booking", "its key in Redis is not a queue, or may not be read")
    ]


def test_tasks_for_later_are_scheduled_and_not_waiting(
    redis_server: RedisServer, make_control: MakeControl, celery_worker: StartWorker
) -> None:
    """Tasks with an ETA leave the list at once; they are in a worker's hands, and unacknowledged."""
    app = sample_app(redis_server.url())
    celery_worker(redis_server.url(), queues=["booking"])
    for _ in range(12):
        app.send_task("sample.add", (1, 1), queue="booking", countdown=600)
    control = make_control(redis_server.url(), ["booking"])
    wait_for(lambda: len(control.snapshot().workers[0].scheduled or ()) == 12)
    snapshot = control.snapshot()
    queue = snapshot.queue("booking")
    assert queue is not None
    assert (queue.depth, queue.unacked, queue.unacked_at_least) == (0, 12, False)
    tasks = snapshot.workers[0].scheduled or ()
    assert {(t.queue, t.eta is not None and t.eta > snapshot.taken_at) for t in tasks} == {("booking", True)}


def test_unacked_counts_running_tasks_that_are_acknowledged_late(
    redis_server: RedisServer, make_control: MakeControl, celery_worker: StartWorker
) -> None:
    """By queue: two run and are unacknowledged in one, one of them prefetched in the other."""
    app = sample_app(redis_server.url(), **ODD_ENV)
    late = {"SAMPLE_ACKS_LATE": "1", **ODD_ENV}
    celery_worker(redis_server.url(), name="b", queues=["booking"], concurrency=2, env=late)
    celery_worker(redis_server.url(), name="a", queues=["analytics"], concurrency=1, env=late)
    for queue, count in (("booking", 2), ("analytics", 3)):
        for _ in range(count):
            app.send_task("sample.sleep", (60,), queue=queue)
    control = make_control(redis_server.url(), ["booking", "analytics"], **ODD_OPTIONS)
    wait_for(lambda: sum(len(w.active or ()) for w in control.snapshot().workers) == 3)
    snapshot = control.snapshot()
    assert [(q.name, q.depth, q.unacked) for q in snapshot.queues] == [("booking", 0, 2), ("analytics", 0, 3)]
    worker = snapshot.worker("a@test")
    assert worker is not None
    assert (worker.running_on("analytics"), worker.fetched_from("analytics")) == (1, 3)


def test_unacked_beyond_the_limit_is_a_lower_bound(redis_server: RedisServer, make_control: MakeControl) -> None:
    """A long history of unacknowledged messages is not read to its end."""
    entry = '[{"body": ""}, "booking", "booking"]'
    with redis_server.client() as client:
        client.hset("unacked", mapping={f"tag-{n}": entry for n in range(20_000)})
    queue = make_control(redis_server.url(), ["booking"]).snapshot().queue("booking")
    assert queue is not None
    assert queue.unacked_at_least
    assert 4000 <= (queue.unacked or 0) < 8000


def test_unacked_of_a_topic_goes_to_the_queue_that_takes_it(
    redis_server: RedisServer, make_control: MakeControl
) -> None:
    """A routing key need not be a queue's name; what may be one of two queues counts for neither."""
    app = sample_app(redis_server.url())
    with app.connection_for_write() as connection:
        for name, exchange, key in (
            ("travel", Exchange("trips", "topic"), "trips.#"),
            ("one", Exchange("both"), "both"),
            ("two", Exchange("both"), "both"),
        ):
            Queue(name, exchange, key)(connection.default_channel).declare()
    with redis_server.client() as client:
        entries = (
            '[{}, "trips", "trips.rome"]',
            '[{}, "both", "both"]',
            '[{}, "", "one"]',
            "rubbish",
            '{"a": 1}',
            "7",
            "null",
        )
        client.hset("unacked", mapping={f"tag-{n}": entry for n, entry in enumerate(entries)})
    snapshot = make_control(redis_server.url(), ["travel", "one", "two"]).snapshot()
    assert {q.name: q.unacked for q in snapshot.queues} == {"travel": 1, "one": 1, "two": 0}


def test_what_is_broken_off_in_the_middle_of_an_answer_is_not_taken_for_the_next_one(
    redis_server: RedisServer, make_control: MakeControl
) -> None:
    """Lengths are read as they come; a connection with answers that nobody read is not used again."""
    names = [f"q{n}" for n in range(50)]
    with redis_server.client() as client:
        client.rpush("q0", "x")
        control = make_control(redis_server.url(), names)
        assert control.depths()["q0"] == 1
        redis_server.pause()
        with pytest.raises(ClusterUnreachable):
            control.depths()
        redis_server.resume()
        client.rpush("q0", "x")
        assert control.depths() == {name: 2 if name == "q0" else 0 for name in names}
        assert len(control.snapshot().queues) == 50


def test_depths_of_many_queues_are_one_round_trip(redis_server: RedisServer, make_control: MakeControl) -> None:
    """400 lanes arrive at the server in a few reads of the socket, as it counts them itself."""
    control = make_control(redis_server.url(), [f"q{n}" for n in range(100)])
    control.depths()  # connects, and looks for queues
    with redis_server.client() as client:
        before = client.info("stats")["total_reads_processed"]
        assert len(control.depths()) == 100
        assert client.info("stats")["total_reads_processed"] - before < 10
