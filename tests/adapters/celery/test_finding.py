"""Where one task is: waiting, running, prefetched, for later, taken, or only a result; and where was not looked."""

import pytest

from bot.adapters.celery.control import CeleryClusterControl
from playground.services import RedisServer
from tests.adapters.celery.conftest import Diagnose, MakeControl, wait_for
from tests.services.sample_app import make_app
from tests.services.workers import StartWorker

pytestmark = pytest.mark.service
ODD_ENV = {"SAMPLE_PREFIX": "shop:", "SAMPLE_SEP": "|", "SAMPLE_STEPS": "0,5"}
ODD_OPTIONS = {"global_keyprefix": "shop:", "sep": "|", "priority_steps": (0, 5)}


def test_a_waiting_task_has_a_place_in_its_queue(
    redis_server: RedisServer, make_control: MakeControl, diagnose: Diagnose
) -> None:
    """Counted from what is next, more urgent lanes first, over more than a page; with prefix, steps and separator."""
    app = make_app({"SAMPLE_BROKER_URL": redis_server.url(), **ODD_ENV})
    for n in range(7):
        app.send_task("sample.add", (1, 1), queue="booking", task_id=f"urgent-{n}", priority=0)
    for n in range(1203):
        app.send_task("sample.add", (1, 1), queue="booking", task_id=f"later-{n}", priority=9)
    options = {"result_backend": redis_server.url(), **ODD_OPTIONS}
    diagnostics = diagnose(make_control(redis_server.url(), ["booking", "empty"], **options))
    for task, place in (("urgent-0", "1st"), ("urgent-6", "7th"), ("later-4", "12th"), ("later-1202", "1,210th")):
        found = diagnostics.find_task(task, deadline=10)
        assert (found.place, found.queue) == (f"waits in booking, about {place}", "booking")
        assert found.task is not None
        assert (found.task.name, found.worker, found.searched_all, found.unsearched) == ("sample.add", None, True, ())


@pytest.mark.parametrize("pool", ["prefork", "threads"])
def test_tasks_in_a_workers_hands_are_found_there(
    redis_server: RedisServer,
    control: CeleryClusterControl,
    diagnose: Diagnose,
    celery_worker: StartWorker,
    pool: str,
) -> None:
    """Running, prefetched, kept for later: each says so, with worker, queue and name."""
    app = make_app({"SAMPLE_BROKER_URL": redis_server.url()})
    celery_worker(redis_server.url(), queues=["booking"], concurrency=1, pool=pool)
    running = app.send_task("sample.sleep", (60,), queue="booking").id
    diagnostics = diagnose(control)
    wait_for(lambda: (diagnostics.find_task(running).place or "").startswith("runs"))
    fetched = app.send_task("sample.sleep", (60,), queue="booking").id
    later = app.send_task("sample.add", (1, 1), queue="booking", countdown=600).id
    wait_for(lambda: diagnostics.find_task(later).worker and diagnostics.find_task(fetched).worker)
    found = [diagnostics.find_task(task) for task in (running, fetched, later)]
    assert [f.place for f in found] == [
        "runs on w1@test",
        "is prefetched by w1@test",
        "is kept for later by w1@test",
    ]
    assert [(f.queue, f.worker, f.task.name if f.task else None) for f in found] == [
        ("booking", "w1@test", "sample.sleep"),
        ("booking", "w1@test", "sample.sleep"),
        ("booking", "w1@test", "sample.add"),
    ]
    assert found[2].task is not None
    assert found[2].task.eta is not None


def test_a_task_held_by_a_rate_limit_or_a_dead_worker_was_taken(
    redis_server: RedisServer, control: CeleryClusterControl, diagnose: Diagnose, celery_worker: StartWorker
) -> None:
    """No list has it, the unacknowledged have; both causes are named, and neither is claimed."""
    app = make_app({"SAMPLE_BROKER_URL": redis_server.url()})
    celery_worker(redis_server.url(), queues=["booking"], concurrency=1)
    assert app.control.rate_limit("sample.add", "1/h", reply=True)
    held = [app.send_task("sample.add", (1, 1), queue="booking").id for _ in range(2)][1]
    diagnostics = diagnose(control)
    wait_for(lambda: (diagnostics.find_task(held).place or "").startswith("was taken by a worker"))
    found = diagnostics.find_task(held)
    assert (found.queue, found.task.name if found.task else None) == ("booking", "sample.add")
    assert "held back by a rate limit" in (found.place or "")


def test_a_failed_task_is_only_a_result_with_its_error_and_no_secret(
    redis_server: RedisServer, make_control: MakeControl, diagnose: Diagnose, celery_worker: StartWorker
) -> None:
    """Its state and its exception, and no password that stands in it."""
    app = make_app({"SAMPLE_BROKER_URL": redis_server.url()})
    celery_worker(redis_server.url(), queues=["booking"], pool="solo")
    failed = app.send_task("sample.fail", ("no seat; redis://u:hunter2@h/0",), queue="booking")
    failed.get(timeout=20, propagate=False)
    done = app.send_task("sample.add", (1, 1), queue="booking")
    done.get(timeout=20)
    diagnostics = diagnose(make_control(redis_server.url(), ["booking"], result_backend=redis_server.url()))
    found = diagnostics.find_task(failed.id)
    assert (found.place, found.result_state) == ("is only among the results", "FAILURE")
    assert found.result_error == "ValueError: no seat; redis://********@h/0"
    found = diagnostics.find_task(done.id)
    assert (found.result_state, found.result_error, found.searched_all) == ("SUCCESS", None, True)


def test_an_unknown_id_is_nowhere_and_where_was_looked_is_said(
    redis_server: RedisServer, make_control: MakeControl, diagnose: Diagnose, celery_worker: StartWorker
) -> None:
    """With everything looked at it is nowhere; else it says what was not looked at."""
    celery_worker(redis_server.url(), queues=["booking"], pool="solo")
    whole = diagnose(make_control(redis_server.url(), ["booking"], result_backend=redis_server.url()))
    found = whole.find_task("no-such-id")
    assert (found.place, found.task, found.result_state, found.searched_all) == (None, None, None, True)
    found = diagnose(make_control(redis_server.url(), ["booking"])).find_task("no-such-id")
    assert (found.searched_all, found.unsearched) == (False, ("results, as no result backend that can be read is set",))


def test_of_a_long_queue_what_is_next_is_looked_through(
    redis_server: RedisServer, make_control: MakeControl, diagnose: Diagnose
) -> None:
    """A million messages are not read at 3 a.m.; the rest is said not to have been."""
    message = '{"headers": {"id": "%s", "task": "sample.add"}}'
    with redis_server.client() as client:
        client.rpush("booking", message % "last", *[message % f"id-{n}" for n in range(15_000)])
    diagnostics = diagnose(make_control(redis_server.url(), ["booking"], result_backend=redis_server.url()))
    assert diagnostics.find_task("id-14999", deadline=20).place == "waits in booking, about 1st"
    found = diagnostics.find_task("last", deadline=20)
    assert (found.place, found.searched_all) == (None, False)
    assert found.unsearched == ("the rest of booking behind what is next there",)


def test_a_silent_worker_may_hold_it_and_is_named(
    redis_server: RedisServer, make_control: MakeControl, diagnose: Diagnose, celery_worker: StartWorker
) -> None:
    """A busy solo worker answers nothing, so the search was not of all; in time, and never called down."""
    frozen = celery_worker(redis_server.url(), queues=["booking"], pool="solo")
    control = make_control(redis_server.url(), ["booking"], result_backend=redis_server.url())
    assert control.snapshot().workers
    frozen.pause()
    found = diagnose(control).find_task("no-such-id")
    assert (found.place, found.searched_all) == (None, False)
    assert found.unsearched == ("what w1@test holds, which did not answer: busy or unreachable",)
