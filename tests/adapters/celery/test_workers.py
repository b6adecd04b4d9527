"""What a snapshot says of workers: of every pool, busy, frozen, gone, and of what is no worker."""

import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.adapters.celery.control import CeleryClusterControl
from playground.celery_worker import child_environment
from playground.processes import ChildProcess
from playground.services import RedisServer
from tests.adapters.celery.conftest import MakeControl, wait_for
from tests.services.sample_app import make_app
from tests.services.workers import StartWorker

pytestmark = pytest.mark.service


def unknown_of(control: CeleryClusterControl, what: str) -> list[str]:
    """What a fresh snapshot could not learn of something."""
    return [u.why for u in control.snapshot().unknown if u.what == what]


def test_nobody_listens_is_answered_at_once(control: CeleryClusterControl) -> None:
    """Without any worker there is nobody to wait for."""
    snapshot = control.snapshot()
    assert (snapshot.workers, snapshot.unknown) == ((), ())
    assert snapshot.took_seconds < 1


@pytest.mark.parametrize(("pool", "slots"), [("prefork", 3), ("threads", 3), ("solo", 1)])
def test_each_pool_says_its_slots_and_tasks(
    redis_server: RedisServer, control: CeleryClusterControl, celery_worker: StartWorker, pool: str, slots: int
) -> None:
    """The pool's name, its size, its queues and its totals."""
    app = make_app({"SAMPLE_BROKER_URL": redis_server.url()})
    celery_worker(redis_server.url(), queues=["booking", "analytics"], pool=pool, concurrency=3)
    app.send_task("sample.add", (1, 1), queue="booking").get(timeout=20)
    wait_for(lambda: control.snapshot().workers[0].active == ())  # its result comes a moment before its end
    snapshot = control.snapshot()
    (worker,) = snapshot.workers
    assert (worker.name, worker.pool, worker.slots, worker.answered) == ("w1@test", pool, slots, True)
    assert worker.queues is not None
    assert sorted(worker.queues) == ["analytics", "booking"]
    assert (worker.active, worker.reserved, worker.scheduled) == ((), (), ())
    assert worker.totals == {"sample.add": 1}
    assert worker.uptime_seconds is not None
    assert snapshot.unknown == ()


def test_slots_follow_a_pool_that_grows(
    redis_server: RedisServer, control: CeleryClusterControl, celery_worker: StartWorker
) -> None:
    """`max-concurrency` stays as it was, so processes are counted."""
    celery_worker(redis_server.url(), concurrency=1)
    make_app({"SAMPLE_BROKER_URL": redis_server.url()}).control.pool_grow(2, destination=["w1@test"])
    wait_for(lambda: control.snapshot().workers[0].slots == 3)


def test_running_tasks_name_their_queue(
    redis_server: RedisServer, control: CeleryClusterControl, celery_worker: StartWorker
) -> None:
    """A task in hand says its queue, its name and since when it runs."""
    app = make_app({"SAMPLE_BROKER_URL": redis_server.url()})
    celery_worker(redis_server.url(), queues=["booking", "analytics"], concurrency=2)
    sent = {app.send_task("sample.sleep", (60,), queue=q).id: q for q in ("booking", "analytics")}
    wait_for(lambda: control.snapshot().workers[0].busy == 2)
    snapshot = control.snapshot()
    tasks = snapshot.workers[0].active or ()
    assert {t.id: t.queue for t in tasks} == sent
    for task in tasks:
        assert task.name == "sample.sleep"
        assert task.started_at is not None
        assert -5 < (snapshot.taken_at - task.started_at).total_seconds() < 60


def test_a_frozen_worker_is_silent_within_the_deadline(
    redis_server: RedisServer, control: CeleryClusterControl, celery_worker: StartWorker
) -> None:
    """It is shown as busy or unreachable; the others and all depths are there; it is back when it is."""
    app = make_app({"SAMPLE_BROKER_URL": redis_server.url()})
    frozen = celery_worker(redis_server.url(), name="frozen", queues=["booking"], pool="solo")
    celery_worker(redis_server.url(), name="well", queues=["analytics"], pool="solo")
    assert len(control.snapshot().workers) == 2
    frozen.pause()
    app.send_task("sample.add", (1, 1), queue="lonely")
    snapshot = control.snapshot(deadline=1.0)
    assert snapshot.took_seconds < 1.3
    assert [(w.name, w.answered, w.queues) for w in snapshot.workers] == [
        ("frozen@test", False, None),
        ("well@test", True, ("analytics",)),
    ]
    assert [u.why for u in snapshot.unknown] == [
        "frozen@test did not answer within 0.9 s: busy or unreachable",
    ]
    assert {q.name: q.depth for q in snapshot.queues} == {"booking": 0, "analytics": 0}
    assert control.consumers(deadline=0.5) == {"frozen@test": None, "well@test": frozenset({"analytics"})}
    frozen.resume()
    wait_for(lambda: all(w.answered for w in control.snapshot().workers))
    assert control.snapshot().unknown == ()


def test_a_frozen_worker_that_was_never_seen_is_counted(
    redis_server: RedisServer, control: CeleryClusterControl, celery_worker: StartWorker
) -> None:
    """Its name is unknown, but somebody listens and does not answer. It is waited for once, not every time."""
    celery_worker(redis_server.url(), name="well", pool="solo")
    frozen = celery_worker(redis_server.url(), name="frozen", pool="solo")
    frozen.pause()
    (why,) = unknown_of(control, "workers")
    assert why.startswith("1 more process listens for remote control and did not answer within 1.9 s")
    second = control.snapshot()
    assert second.took_seconds < 1
    assert [w.name for w in second.workers] == ["well@test"]
    frozen.resume()
    wait_for(lambda: [w.name for w in control.snapshot().workers] == ["frozen@test", "well@test"])


def test_a_worker_that_left_the_broker_is_not_called_silent(
    redis_server: RedisServer, control: CeleryClusterControl, celery_worker: StartWorker
) -> None:
    """Everybody who listens has answered, so nobody is waited for; the one that left is still spoken of."""
    celery_worker(redis_server.url(), name="well", pool="solo")
    dying = celery_worker(redis_server.url(), name="dying", pool="solo")
    assert len(control.snapshot().workers) == 2
    dying.kill()
    wait_for(lambda: len(control.snapshot().workers) == 1)
    snapshot = control.snapshot()
    assert snapshot.took_seconds < 1
    assert [w.name for w in snapshot.workers] == ["well@test"]
    assert [u.why for u in snapshot.unknown] == [
        "dying@test answered before and has left the broker: stopped, or reconnecting"
    ]
    assert set(control.consumers()) == {"well@test"}


def test_a_busy_solo_worker_is_busy_or_unreachable(
    redis_server: RedisServer, control: CeleryClusterControl, celery_worker: StartWorker
) -> None:
    """It answers nothing while its one task runs, and is never called down."""
    app = make_app({"SAMPLE_BROKER_URL": redis_server.url()})
    celery_worker(redis_server.url(), queues=["booking"], pool="solo")
    assert control.snapshot().workers[0].answered
    app.send_task("sample.sleep", (3,), queue="booking")
    wait_for(lambda: unknown_of(control, "w1@test"))
    (why,) = unknown_of(control, "w1@test") or ["answered meanwhile"]
    assert why.endswith("busy or unreachable") or why == "answered meanwhile"
    wait_for(lambda: control.snapshot().workers[0].answered)


@pytest.fixture
def beat(redis_server: RedisServer, tmp_path: Path) -> Iterator[ChildProcess]:
    """A real beat on the test's broker, which answers pings."""
    command = [sys.executable, "-m", "celery", "-A", "tests.services.sample_app", "beat", "--enable-remote-control"]
    command += ["--schedule", str(tmp_path / "schedule")]
    env = child_environment({"SAMPLE_BROKER_URL": redis_server.url()})
    process = ChildProcess(command, log=tmp_path / "beat.log", cwd=tmp_path, env=env)
    app = make_app({"SAMPLE_BROKER_URL": redis_server.url()})
    process.wait_until(
        lambda: any("celerybeat@" in node for r in app.control.ping(timeout=0.3) or [] for node in r),
        seconds=30,
        what="Beat",
    )
    yield process
    process.kill()


def test_beat_is_no_worker_and_is_not_waited_for(
    redis_server: RedisServer, control: CeleryClusterControl, celery_worker: StartWorker, beat: ChildProcess
) -> None:
    """It answers the ping alone; that ends the wait for it, and it is in no list."""
    celery_worker(redis_server.url(), pool="solo")
    snapshot = control.snapshot()
    assert [w.name for w in snapshot.workers] == ["w1@test"]
    assert snapshot.unknown == ()
    assert snapshot.took_seconds < 1
    assert set(control.consumers()) == {"w1@test"}


def test_two_clusters_on_one_server_do_not_see_each_other(
    redis_server: RedisServer, make_control: MakeControl, celery_worker: StartWorker
) -> None:
    """By prefix and by database: neither workers nor queues nor commands cross over."""
    celery_worker(redis_server.url(), name="plain", queues=["booking"], pool="solo")
    celery_worker(redis_server.url(), name="prefixed", queues=["booking"], pool="solo", env={"SAMPLE_PREFIX": "eu:"})
    celery_worker(redis_server.url(1), name="second", queues=["booking"], pool="solo")
    make_app({"SAMPLE_BROKER_URL": redis_server.url()}).send_task("sample.add", (1, 1), queue="only-here")
    plain = make_control(redis_server.url())
    prefixed = make_control(redis_server.url(), global_keyprefix="eu:")
    second = make_control(redis_server.url(1))
    seen = [
        ([w.name for w in s.workers], [q.name for q in s.queues])
        for s in (c.snapshot() for c in (plain, prefixed, second))
    ]
    assert seen == [
        (["plain@test"], ["booking", "only-here"]),
        (["prefixed@test"], ["booking"]),
        (["second@test"], ["booking"]),
    ]
    assert prefixed.cancel_consumer("booking", ["plain@test"]) == {"plain@test": "no reply"}
    assert plain.consumers() == {"plain@test": frozenset({"booking"})}


def test_32_threads_ask_at_once(
    redis_server: RedisServer, control: CeleryClusterControl, celery_worker: StartWorker
) -> None:
    """All are answered; Celery's own control deadlocks with ten."""
    celery_worker(redis_server.url(), name="one", pool="solo")
    celery_worker(redis_server.url(), name="two", pool="solo")
    answered: list[int] = []
    threads = [
        threading.Thread(target=lambda: answered.append(len(control.snapshot(deadline=20).workers))) for _ in range(32)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert answered == [2] * 32


def test_a_full_broker_still_shows_depths(redis_server: RedisServer, control: CeleryClusterControl) -> None:
    """Workers cannot reply when Redis has no memory left, which is said; what can be counted is."""
    make_app({"SAMPLE_BROKER_URL": redis_server.url()}).send_task("sample.add", (1, 1), queue="booking")
    with redis_server.client() as client:
        client.config_set("maxmemory", "1mb")
    snapshot = control.snapshot()
    assert [u.why for u in snapshot.unknown] == ["the broker passes on no replies: its memory is full"]
    assert {q.name: q.depth for q in snapshot.queues} == {"booking": 1, "analytics": 0}
