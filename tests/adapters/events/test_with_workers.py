"""The live state of real workers, held against tasks that the test counts itself."""

from datetime import UTC, datetime

import pytest

from bot.domain.live import LiveWorker, Phase, Presence, TaskEvents
from bot.domain.window import Figures, Span
from playground.services import RedisServer
from tests.adapters.celery.conftest import wait_for
from tests.adapters.events.conftest import Listen, Listener
from tests.services.sample_app import make_app
from tests.services.workers import StartWorker

pytestmark = pytest.mark.service


def worker(listener: Listener) -> LiveWorker:
    """The only worker there is."""
    [found] = listener.recorder.workers(datetime.now(UTC))
    return found


def figures(listener: Listener) -> dict[tuple[str, str | None], Figures]:
    """What was counted in the last hour, by name and queue."""
    window = listener.recorder.window(Span.HOUR, datetime.now(UTC))
    return {(row.name, row.queue): row.figures for row in window.tasks}


@pytest.mark.parametrize("prefix", ["", "shop:"])
def test_every_task_is_counted_once_under_its_name_and_queue(
    redis_server: RedisServer,
    celery_worker: StartWorker,
    listen: Listen,
    prefix: str,
) -> None:
    """60 succeed, 5 fail, 3 are revoked, one runs: on two queues and in another database."""
    url, env = redis_server.url(2), {"SAMPLE_PREFIX": prefix}
    listener = listen(url, global_keyprefix=prefix)
    app = make_app({"SAMPLE_BROKER_URL": url} | env)
    app.conf.task_send_sent_event = True
    celery_worker(url, queues=["mail", "images"], env=env, extra=["-E"])
    revoked = [app.send_task("sample.add", (1, 1), queue="mail", countdown=2) for _ in range(3)]
    wait_for(lambda: figures(listener)["sample.add", "mail"].received == 3)
    app.control.revoke([result.id for result in revoked])
    for n in range(60):
        app.send_task("sample.add", (n, n), queue="images" if n % 3 else "mail")
    for _ in range(5):
        app.send_task("sample.fail", ("no seat",), queue="mail")
    running = app.send_task("sample.sleep", (30,), queue="mail")
    wait_for(lambda: sum(f.ended + f.revoked for f in figures(listener).values()) == 68)
    found = figures(listener)
    assert {key: (f.sent, f.succeeded, f.failed, f.revoked) for key, f in found.items()} == {
        ("sample.add", "mail"): (23, 20, 0, 3),
        ("sample.add", "images"): (40, 40, 0, 0),
        ("sample.fail", "mail"): (5, 0, 5, 0),
        ("sample.sleep", "mail"): (1, 0, 0, 0),
    }
    assert (found["sample.add", "images"].wait.n, found["sample.add", "images"].runtime.n) == (40, 40)
    [failures] = listener.recorder.failures(Span.HOUR, datetime.now(UTC))
    assert (failures.n, failures.exception, failures.message) == (5, "ValueError", "no seat")
    assert "raise ValueError" in (failures.traceback or "")
    trace = listener.recorder.task(running.id)
    assert trace
    assert (trace.phase, trace.queue, trace.worker) == (Phase.RUNNING, "mail", "w1@test")
    wait_for(lambda: worker(listener).processed == 66)
    assert (worker(listener).task_events, listener.gaps) == (TaskEvents.ON, [])


def test_tasks_of_a_worker_without_events_are_known_to_be_missed(
    redis_server: RedisServer,
    celery_worker: StartWorker,
    listen: Listen,
) -> None:
    """It was started without `-E`: its heartbeats count on; nothing is made up for what nobody told."""
    listener = listen(redis_server.url())
    celery_worker(redis_server.url())
    app = make_app({"SAMPLE_BROKER_URL": redis_server.url()})
    for n in range(30):
        app.send_task("sample.add", (n, n))
    wait_for(lambda: worker(listener).task_events is TaskEvents.OFF)
    wait_for(lambda: sum(gap.missed or 0 for gap in listener.recorder.feed().gaps) == 30)
    assert {why for why, _ in listener.gaps} <= {"w1@test sends no task events", "events of w1@test were missed"}
    assert "-E" in (listener.recorder.feed().trouble or "")


@pytest.mark.slow
def test_a_killed_worker_loses_what_it_ran_and_a_new_one_takes_its_name(
    redis_server: RedisServer,
    celery_worker: StartWorker,
    listen: Listen,
) -> None:
    """The tasks of the old process are lost, those of the new one run."""
    listener = listen(redis_server.url())
    first = celery_worker(redis_server.url(), extra=["-E"])
    app = make_app({"SAMPLE_BROKER_URL": redis_server.url()})
    lost = app.send_task("sample.sleep", (60,))
    wait_for(lambda: (trace := listener.recorder.task(lost.id)) and trace.phase is Phase.RUNNING)
    old = worker(listener).pid
    first.kill()
    celery_worker(redis_server.url(), extra=["-E"])
    app.send_task("sample.add", (1, 1)).get(timeout=20)
    wait_for(lambda: worker(listener).pid != old)
    wait_for(lambda: (trace := listener.recorder.task(lost.id)) and trace.phase is Phase.LOST, 30)
    assert (listener.total().lost, listener.total().succeeded) == (1, 1)


def test_a_worker_that_is_stopped_says_goodbye_and_its_task_ends_heard(
    redis_server: RedisServer,
    celery_worker: StartWorker,
    listen: Listen,
) -> None:
    """A deploy loses nothing, and nothing is called lost."""
    listener = listen(redis_server.url())
    started = celery_worker(redis_server.url(), extra=["-E"])
    app = make_app({"SAMPLE_BROKER_URL": redis_server.url()})
    app.send_task("sample.sleep", (2,))
    wait_for(lambda: listener.total().started == 1)
    started.stop()
    wait_for(lambda: worker(listener).presence is Presence.OFFLINE)
    wait_for(lambda: listener.total().succeeded == 1)
