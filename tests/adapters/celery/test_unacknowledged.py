"""Whose the unacknowledged messages are: real workers that are killed, frozen, limited, or keep tasks for later."""

import time

import pytest

from bot.adapters.celery.control import CeleryClusterControl
from bot.domain.broker import UnacknowledgedMessages
from playground.services import RedisServer
from tests.adapters.celery.conftest import Diagnose, MakeControl, wait_for
from tests.services.sample_app import make_app
from tests.services.workers import StartWorker

pytestmark = pytest.mark.service
LATE = {"SAMPLE_ACKS_LATE": "1"}
ODD_ENV = {"SAMPLE_PREFIX": "shop:", "SAMPLE_SEP": "|", "SAMPLE_STEPS": "0,5"}
ODD_OPTIONS = {"global_keyprefix": "shop:", "sep": "|", "priority_steps": (0, 5)}


def ids(messages: object) -> set[str | None]:
    """The task ids of messages."""
    return {m.task_id for m in messages}  # type: ignore[attr-defined]  # either kind of message has one


def test_tasks_of_a_killed_worker_are_orphans_and_those_of_a_living_one_are_not(
    redis_server: RedisServer, make_control: MakeControl, diagnose: Diagnose, celery_worker: StartWorker
) -> None:
    """Kill -9: what it ran and what it held prefetched, and nothing of its neighbour's; with prefix, steps and sep."""
    app = make_app({"SAMPLE_BROKER_URL": redis_server.url(), **ODD_ENV})
    dying = celery_worker(redis_server.url(), name="dying", queues=["booking"], concurrency=1, env={**LATE, **ODD_ENV})
    celery_worker(redis_server.url(), name="well", queues=["analytics"], concurrency=1, env={**LATE, **ODD_ENV})
    lost = {app.send_task("sample.sleep", (60,), queue="booking").id for _ in range(3)}
    kept = {app.send_task("sample.sleep", (60,), queue="analytics").id for _ in range(2)}
    control = make_control(redis_server.url(), ["booking", "analytics"], **ODD_OPTIONS)
    diagnostics = diagnose(control)
    wait_for(lambda: ids(diagnostics.unacknowledged().messages) == lost | kept)
    before = diagnostics.unacknowledged()
    assert (before.orphans, before.held, before.uncertain, before.at_least) == ((), (), False, False)
    dying.kill()
    wait_for(lambda: ids(diagnostics.unacknowledged().orphans) == lost)
    after = diagnostics.unacknowledged()
    assert (after.uncertain, after.held, after.by_queue()) == (False, (), {"booking": 3, "analytics": 2})
    for orphan in after.orphans:
        assert (orphan.task, orphan.queue, orphan.eta) == ("sample.sleep", "booking", None)
        assert orphan.taken_at is not None
        assert 0 <= (after.at - orphan.taken_at).total_seconds() < 60


def test_orphans_are_uncertain_while_a_known_worker_is_silent(
    redis_server: RedisServer, control: CeleryClusterControl, diagnose: Diagnose, celery_worker: StartWorker
) -> None:
    """A frozen worker may hold them; when it answers again they are its own. Within the deadline all the same."""
    app = make_app({"SAMPLE_BROKER_URL": redis_server.url()})
    frozen = celery_worker(redis_server.url(), name="frozen", queues=["booking"], concurrency=1, env=LATE)
    celery_worker(redis_server.url(), name="well", queues=["analytics"], pool="solo")
    diagnostics = diagnose(control)
    sent = app.send_task("sample.sleep", (60,), queue="booking").id
    wait_for(lambda: ids(diagnostics.unacknowledged().messages) == {sent} and not diagnostics.unacknowledged().orphans)
    frozen.pause()
    found = diagnostics.unacknowledged(deadline=1.0)
    assert (ids(found.orphans), found.uncertain) == ({sent}, True)
    assert found.why_uncertain == "frozen@test did not answer: busy or unreachable"
    assert (found.held_in("booking"), found.why_held_unknown()) == (None, found.why_uncertain)
    frozen.resume()
    wait_for(lambda: not diagnostics.unacknowledged().uncertain)
    assert diagnostics.unacknowledged().orphans == ()


@pytest.mark.parametrize("pool", ["prefork", "threads", "solo"])
def test_tasks_held_by_a_rate_limit_are_held_and_no_orphans(
    redis_server: RedisServer,
    control: CeleryClusterControl,
    diagnose: Diagnose,
    celery_worker: StartWorker,
    pool: str,
) -> None:
    """They are in no list of their worker: neither running, nor prefetched, nor scheduled, nor known by its query."""
    app = make_app({"SAMPLE_BROKER_URL": redis_server.url()})
    celery_worker(redis_server.url(), queues=["booking", "analytics"], concurrency=1, pool=pool)
    assert app.control.rate_limit("sample.add", "1/h", reply=True, destination=["w1@test"])
    for _ in range(3):
        app.send_task("sample.add", (1, 1), queue="booking")
    diagnostics = diagnose(control)
    wait_for(lambda: diagnostics.unacknowledged().held_in("booking") == 2)
    found = diagnostics.unacknowledged()
    (worker,) = control.snapshot().workers
    assert (worker.active, worker.reserved, worker.scheduled) == ((), (), ())
    assert (found.orphans, found.uncertain, found.left_behind) == ((), False, 0)
    assert (found.held_in("analytics"), found.why_held_unknown()) == (0, None)


def test_messages_of_a_limited_task_that_no_worker_has_room_for_were_left_behind(
    redis_server: RedisServer, control: CeleryClusterControl, diagnose: Diagnose, celery_worker: StartWorker
) -> None:
    """Two workers held four each, one was killed: nobody can say which four are held, so no number is given."""
    app = make_app({"SAMPLE_BROKER_URL": redis_server.url()})
    workers = [celery_worker(redis_server.url(), name=n, queues=["booking"], concurrency=1) for n in ("one", "two")]
    assert len(app.control.rate_limit("sample.add", "1/h", reply=True) or ()) == 2
    for _ in range(20):
        app.send_task("sample.add", (1, 1), queue="booking")
    diagnostics = diagnose(control)
    wait_for(lambda: len(diagnostics.unacknowledged().held) == 8)
    assert diagnostics.unacknowledged().held_in("booking") == 8
    workers[0].kill()
    wait_for(lambda: diagnostics.unacknowledged().left_behind == 4)
    found = diagnostics.unacknowledged()
    assert (found.held_in("booking"), found.orphans) == (None, ())
    assert found.why_held_unknown() == "some were left behind by a worker that died, and nobody can say which"


def test_a_worker_that_started_later_holds_nothing_that_was_taken_before(
    redis_server: RedisServer, control: CeleryClusterControl, diagnose: Diagnose, celery_worker: StartWorker
) -> None:
    """Its limit says nothing of messages taken long before it was there: they are orphans."""
    app = make_app({"SAMPLE_BROKER_URL": redis_server.url()})
    celery_worker(redis_server.url(), queues=["booking"], pool="solo")
    assert app.control.rate_limit("sample.add", "1/h", reply=True)
    with redis_server.client() as client:
        fill(client, "", 2)
        client.zadd("unacked_index", {"t1": time.time()})
    found = diagnose(control).unacknowledged()
    assert (ids(found.orphans), ids(found.held)) == ({"id-0"}, {"id-1"})


def test_a_worker_that_obeys_no_rate_limit_holds_nothing_back(
    redis_server: RedisServer, control: CeleryClusterControl, diagnose: Diagnose, celery_worker: StartWorker
) -> None:
    """With `worker_disable_rate_limits` a limit means nothing, and what nobody lists is an orphan."""
    app = make_app({"SAMPLE_BROKER_URL": redis_server.url()})
    dying = celery_worker(redis_server.url(), name="dying", queues=["booking"], concurrency=1, env=LATE)
    app.send_task("sample.sleep", (60,), queue="booking")
    diagnostics = diagnose(control)
    wait_for(lambda: diagnostics.unacknowledged().messages)
    dying.kill()
    free = celery_worker(
        redis_server.url(), name="free", queues=["booking"], extra=["--", "worker_disable_rate_limits=1"]
    )
    assert app.control.rate_limit("sample.sleep", "1/h", reply=True, destination=[free.node])
    wait_for(lambda: len(diagnostics.unacknowledged().orphans) == 1)
    assert diagnostics.unacknowledged().held == ()


def test_an_eta_beyond_the_visibility_timeout_is_found(
    redis_server: RedisServer, make_control: MakeControl, diagnose: Diagnose, celery_worker: StartWorker
) -> None:
    """It will be delivered again before it is due; one that is due in time will not. The worker is named."""
    app = make_app({"SAMPLE_BROKER_URL": redis_server.url()})
    celery_worker(redis_server.url(), queues=["booking"])
    late = app.send_task("sample.add", (1, 1), queue="booking", countdown=7200).id
    soon = app.send_task("sample.add", (1, 1), queue="booking", countdown=600).id
    diagnostics = diagnose(make_control(redis_server.url(), ["booking"], visibility_timeout=3600))
    wait_for(lambda: ids(diagnostics.unacknowledged().messages) == {late, soon})
    wait_for(lambda: [p.worker for p in diagnostics.unacknowledged().postponed] == ["w1@test"])
    found = diagnostics.unacknowledged()
    (postponed,) = found.postponed
    assert (postponed.task_id, postponed.task, postponed.queue) == (late, "sample.add", "booking")
    assert 3500 < (postponed.again_at - found.at).total_seconds() <= 3600
    assert 7100 < (postponed.eta - found.at).total_seconds() <= 7200
    assert (found.orphans, found.held, found.visibility_timeout) == ((), (), 3600)
    longer = diagnose(make_control(redis_server.url(), ["booking"], visibility_timeout=86_400))
    assert longer.unacknowledged().postponed == ()


def test_two_clusters_on_one_server_have_their_own(
    redis_server: RedisServer, make_control: MakeControl, diagnose: Diagnose
) -> None:
    """By prefix and by database; and what nobody listens for is nobody's."""
    with redis_server.client() as client, redis_server.client(1) as other:
        fill(client, "eu:", 3)
        fill(client, "", 2)
        fill(other, "", 1)
    found = [
        diagnose(c).unacknowledged()
        for c in (
            make_control(redis_server.url(), global_keyprefix="eu:"),
            make_control(redis_server.url()),
            make_control(redis_server.url(1)),
        )
    ]
    assert [len(f.messages) for f in found] == [3, 2, 1]
    assert [len(f.orphans) for f in found] == [3, 2, 1]
    assert not any(f.uncertain for f in found)


def fill(client: object, prefix: str, n: int) -> None:
    """Put unacknowledged messages there, as kombu does."""
    entry = '[{"headers": {"id": "id-%d", "task": "sample.add"}}, "booking", "booking"]'
    client.hset(f"{prefix}unacked", mapping={f"t{i}": entry % i for i in range(n)})  # type: ignore[attr-defined]
    client.zadd(f"{prefix}unacked_index", {f"t{i}": 1000 + i for i in range(n)})  # type: ignore[attr-defined]


def test_of_very_many_those_taken_first_are_looked_at(
    redis_server: RedisServer, control: CeleryClusterControl, diagnose: Diagnose
) -> None:
    """They have waited longest; the rest makes it "at least", and no number of held ones is claimed."""
    with redis_server.client() as client:
        fill(client, "", 6000)
    found = diagnose(control).unacknowledged()
    assert (len(found.messages), found.at_least, len(found.orphans)) == (5000, True, 5000)
    assert {m.task_id for m in found.messages} == {f"id-{n}" for n in range(5000)}
    assert (found.held_in("booking"), found.by_queue()) == (None, {"booking": 5000})


def test_rubbish_among_them_is_nobodys_orphan(
    redis_server: RedisServer, control: CeleryClusterControl, diagnose: Diagnose
) -> None:
    """What is no message of Celery's has no id, and so no owner to miss."""
    with redis_server.client() as client:
        entries = ("rubbish", '{"a": 1}', "7", "null", "[1, 2, 3]", '[{"headers": 1}, "", "booking"]')
        client.hset("unacked", mapping={f"t{n}": entry for n, entry in enumerate(entries)})
        client.zadd("unacked_index", {f"t{n}": 1 for n in range(len(entries) + 1)})
    found = diagnose(control).unacknowledged()
    assert (len(found.messages), found.orphans, found.postponed) == (len(entries), (), ())


def test_a_full_broker_passes_no_replies_on_and_nothing_is_called_an_orphan(
    redis_server: RedisServer, control: CeleryClusterControl, diagnose: Diagnose
) -> None:
    """Workers cannot answer, so it is uncertain, and why is said."""
    with redis_server.client() as client:
        fill(client, "", 2)
        client.config_set("maxmemory", "1mb")
    found: UnacknowledgedMessages = diagnose(control).unacknowledged()
    assert (len(found.messages), found.orphans, found.uncertain) == (2, (), True)
    assert found.why_uncertain == "the broker passes on no replies: its memory is full"


def test_a_worker_that_takes_no_commands_makes_orphans_uncertain_by_its_heartbeat(
    redis_server: RedisServer, control: CeleryClusterControl, diagnose: Diagnose, celery_worker: StartWorker
) -> None:
    """It listens to nothing, so nobody is silent; only that it is heard tells that the message may be its own."""
    app = make_app({"SAMPLE_BROKER_URL": redis_server.url()})
    deaf = ["--", "worker_enable_remote_control=0"]
    worker = celery_worker(redis_server.url(), queues=["booking"], concurrency=1, env=LATE, extra=deaf, wait=False)
    wait_for(lambda: worker.logged_ready, 60)
    sent = app.send_task("sample.sleep", (60,), queue="booking").id
    diagnostics = diagnose(control)
    wait_for(lambda: ids(diagnostics.unacknowledged().orphans) == {sent})
    found = diagnostics.unacknowledged()
    assert (found.uncertain, found.answered) == (False, ())
    heard = found.heard(["w1@test"])
    assert (heard.uncertain, heard.held_in("booking")) == (True, None)
    assert heard.why_uncertain == "w1@test cannot be asked, and lives: heartbeats are heard"
