"""What the checks find on real Redis and real workers, against what was sent, failed, delayed and killed."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.adapters.discovery import DiscoveredRegistry
from bot.domain.run import Finding, Level
from bot.domain.window import Span
from bot.ports import Target
from bot.usecases.checks import asked_for, run_checks
from playground.services import RedisServer
from tests.adapters.celery.conftest import wait_for
from tests.checks.conftest import StartBeat, Watch
from tests.services.sample_app import make_app
from tests.services.workers import StartWorker

pytestmark = pytest.mark.service
REGISTRY = DiscoveredRegistry()


def ask(target: Target, name: str, **params: Any) -> Finding:
    """Run one check on a fresh snapshot, and remember that one as the bot does."""
    snapshot = target.control.snapshot()
    (found,) = run_checks([asked_for(REGISTRY, name, params)], snapshot, target, deadline=20)
    assert target.samples is not None
    target.samples.take(snapshot)
    return found


def eventually(
    target: Target, name: str, what: Callable[[Finding], object], patience: float = 30, **params: Any
) -> Finding:
    """Ask until the finding is so, and return that one."""
    found: list[Finding] = []

    def holds() -> object:
        found.append(ask(target, name, **params))
        return what(found[-1])

    wait_for(holds, patience)
    return found[-1]


def rows(finding: Finding) -> list[tuple[str, ...]]:
    """Return the rows of its table."""
    return list(finding.table.rows) if finding.table else []


def test_known_tasks_are_counted_by_every_check_that_counts_them(
    redis_server: RedisServer, celery_worker: StartWorker, watch: Watch
) -> None:
    """Seven succeed, three fail, one runs on, two wait for their time, five wait in a queue that nobody consumes."""
    target = watch(redis_server.url(), visibility_timeout=600, result_backend=redis_server.url())
    celery_worker(redis_server.url(), queues=["booking"], concurrency=2, extra=["-E"])
    app = make_app({"SAMPLE_BROKER_URL": redis_server.url()})
    for _ in range(7):
        app.send_task("sample.add", (1, 1), queue="booking")
    for _ in range(3):
        app.send_task("sample.fail", queue="booking")
    for minutes in (5, 50):
        eta = datetime.now(UTC) + timedelta(minutes=minutes)
        app.send_task("sample.add", (2, 2), queue="booking", eta=eta)
    for _ in range(5):
        app.send_task("sample.add", (1, 1), queue="analytics")
    wait_for(lambda: target.live.window(Span.MINUTE, target.clock.now()).total().ended == 10)
    running = app.send_task("sample.sleep", (60,), queue="booking").id
    eventually(target, "tasks_in_hand", lambda f: f.values == {"active": 1, "reserved": 0, "scheduled": 2, "held": 0})

    failed = ask(target, "failures")
    assert (failed.level, failed.values["failed"], failed.values["causes"]) == (Level.BAD, 3, 1)
    assert rows(failed)[0][:3] == ("sample.fail", "ValueError", "3")
    assert ask(target, "failures", task="sample.add").values["failed"] == 0
    completion = ask(target, "completion")
    assert (completion.level, completion.values["n"], completion.values["rate"]) == (Level.BAD, 10, 0.7)
    assert rows(ask(target, "task_durations"))[0][4] in ("7", "3")

    slow = eventually(target, "slow_tasks", lambda f: f.values.get("ids") == [running], seconds=1)
    assert slow.unknown == ()
    consumers = ask(target, "consumers")
    assert (consumers.level, consumers.values) == (Level.BAD, {"without": ["analytics"], "waiting": 5})
    assert rows(consumers) == [("analytics", "5", "nobody"), ("booking", "0", "w1")]
    assert ask(target, "queue_depths").values["depths"] == {"analytics": 5, "booking": 0}
    late = ask(target, "late_etas")
    assert (late.level, late.values) == (Level.BAD, {"n": 1, "timeout": 600})
    assert ask(target, "orphans").values == {"n": 0, "left_behind": 0, "unacknowledged": 2}
    results = ask(target, "old_results")
    assert (results.level, results.values["n"], results.values["without_end"]) == (Level.OK, 10, 0)


def test_a_well_cluster_is_well_by_every_check_of_its_broker_and_workers(
    redis_server: RedisServer, celery_worker: StartWorker, watch: Watch
) -> None:
    """Redis of the test keeps nothing on disk, which is said; memory counts the children of a prefork pool."""
    target = watch(redis_server.url())
    celery_worker(redis_server.url(), queues=["booking", "analytics"], concurrency=3, extra=["-E"])
    ping = ask(target, "redis_ping")
    assert (ping.values["up"], ping.values["role"]) == (True, "master")
    clients = ask(target, "redis_clients")
    with redis_server.client() as client:
        assert clients.values["max"] == int(client.config_get("maxclients")["maxclients"])
    assert clients.values["connected"] >= 4
    memory = ask(target, "redis_memory")
    assert (memory.values["policy"], memory.values["persists"]) == ("noeviction", False)
    assert memory.sentence.startswith("Nothing is kept on disk")
    workers = ask(target, "workers")
    assert (workers.level, rows(workers)) == (Level.OK, [("w1@test", "0/3", "prefork")])
    resident = ask(target, "worker_memory")
    assert resident.level is Level.OK
    assert rows(resident)[0][2].endswith(" in 3")
    assert ask(target, "worker_memory", warn="1MB", alert="100GB").level is Level.WARN
    versions = ask(target, "worker_versions")
    assert (versions.level, versions.values) == (Level.OK, {"differing": [], "workers": 1})
    feed = eventually(target, "event_feed", lambda f: f.level is Level.OK)
    assert feed.values["connected"] is True


def test_tasks_held_by_a_rate_limit_are_shown_as_held(
    redis_server: RedisServer, celery_worker: StartWorker, watch: Watch
) -> None:
    """No list of the worker has them: of three, one ran and two are held."""
    target = watch(redis_server.url())
    celery_worker(redis_server.url(), queues=["booking"], concurrency=1)
    app = make_app({"SAMPLE_BROKER_URL": redis_server.url()})
    assert app.control.rate_limit("sample.add", "1/h", reply=True, destination=["w1@test"])
    for _ in range(3):
        app.send_task("sample.add", (1, 1), queue="booking")
    found = eventually(target, "tasks_in_hand", lambda f: f.values.get("held") == 2)
    assert found.level is Level.WARN
    assert found.sentence.startswith("2 tasks held back by a rate limit (sample.add)")


def test_orphans_after_kill_9(redis_server: RedisServer, celery_worker: StartWorker, watch: Watch) -> None:
    """What a late-acknowledging worker held when it was killed is nobody's."""
    target = watch(redis_server.url())
    dying = celery_worker(redis_server.url(), queues=["booking"], concurrency=1, env={"SAMPLE_ACKS_LATE": "1"})
    app = make_app({"SAMPLE_BROKER_URL": redis_server.url()})
    lost = app.send_task("sample.sleep", (60,), queue="booking").id
    eventually(target, "orphans", lambda f: f.values == {"n": 0, "left_behind": 0, "unacknowledged": 1})
    dying.kill()
    found = eventually(target, "orphans", lambda f: f.level is Level.BAD)
    assert (found.values["n"], rows(found)[0][0], rows(found)[0][3]) == (1, "sample.sleep", lost[:8])


def test_two_workers_of_one_name_are_told(redis_server: RedisServer, celery_worker: StartWorker, watch: Watch) -> None:
    """Both answer; one hides the other in every list."""
    target = watch(redis_server.url())
    for _ in range(2):
        celery_worker(redis_server.url(), name="same", queues=["booking"], pool="solo")
    found = eventually(target, "workers", lambda f: f.values.get("twins") == 1)
    assert "two processes are named same@test" in found.sentence


def test_two_beats_one_and_the_one_that_went(redis_server: RedisServer, start_beat: StartBeat, watch: Watch) -> None:
    """Two of one name answer twice; when the last one stops, that is noticed because it was seen."""
    target = watch(redis_server.url())
    assert ask(target, "beat").level is Level.UNKNOWN
    first, second = start_beat("first"), start_beat("second")
    two = eventually(target, "beat", lambda f: f.values.get("n") == 2, patience=40)
    assert two.level is Level.BAD
    assert "every periodic task is sent twice" in two.sentence
    assert rows(two)[0][1] == "2"
    first.kill()
    eventually(target, "beat", lambda f: f.level is Level.OK)
    second.kill()
    gone = eventually(target, "beat", lambda f: f.values.get("n") == 0)
    assert gone.level is Level.BAD
    assert "does not now: stopped, stuck or unreachable" in gone.sentence


@pytest.mark.parametrize("how", ["gone", "frozen"])
def test_every_check_answers_while_the_broker_does_not(
    redis_server: RedisServer, celery_worker: StartWorker, watch: Watch, how: str
) -> None:
    """None hangs, none breaks, none says that all is well of what it cannot see; the ping is bad."""
    target = watch(redis_server.url())
    celery_worker(redis_server.url(), queues=["booking"], pool="solo", extra=["-E"])
    snapshot = target.control.snapshot()
    asking = ("redis_ping", "redis_clients", "redis_memory", "orphans", "late_etas", "worker_memory", "worker_versions")
    if how == "gone":
        redis_server.kill()
    else:
        redis_server.pause()
    try:
        found = run_checks([asked_for(REGISTRY, name, {}) for name in asking], snapshot, target)
    finally:
        if how == "frozen":
            redis_server.resume()
    assert [f.level for f in found] == [Level.BAD] + [Level.UNKNOWN] * (len(asking) - 1)
    assert all("cannot be read" in f.sentence or "did not answer within" in f.sentence for f in found)
