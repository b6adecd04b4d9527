"""A restore of orphans: each message that a killed worker took runs once, and none that a worker may still hold."""

import json
import signal
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from kombu import Connection

from bot.adapters.celery.connection import ClusterConnection
from bot.adapters.celery.diagnostics import CeleryDiagnostics
from bot.adapters.celery.keys import text
from bot.adapters.celery.orphans import AT_ONCE, CeleryOrphans
from bot.adapters.celery.watched import WatchedCluster
from bot.adapters.clock import SystemClock
from bot.adapters.events.consumer import EventConsumer
from bot.adapters.events.recorder import Recorder
from bot.domain.action import Execution, ExecutionState
from bot.domain.broker import UnacknowledgedMessages
from bot.domain.errors import BadInput, OncallError, UnknownName
from bot.domain.live import LiveWorker, Presence
from bot.domain.orphans import why_not
from bot.usecases.executions import execute, settle
from bot.usecases.gone import note_gone
from playground.services import RedisServer
from tests.checks.fakes import FakeLive
from tests.services.workers import StartWorker
from tests.usecases.leftovers import LATE, QUEUE, LeftShop
from tests.usecases.revoking import wait
from tests.usecases.world import SPEC

pytestmark = pytest.mark.service


@pytest.fixture
def shop(tmp_path: Path, redis_server: RedisServer) -> Iterator[LeftShop]:
    """Return one without workers."""
    shop = LeftShop(tmp_path, redis_server)
    yield shop
    shop.close()


def test_what_a_killed_worker_took_goes_back_and_runs_once(shop: LeftShop, celery_worker: StartWorker) -> None:
    """Kill -9, a restore, another worker: every task ran once, and none is left behind."""
    ids = shop.left(celery_worker, 5)
    preview = shop.preview(queue=QUEUE)
    assert (
        preview.summary == f"6 messages that a lost worker took would go back to {QUEUE}, to be taken next, each once."
    )
    assert preview.notes[0] == "By task: 5 × sample.count, 1 × sample.sleep."
    assert any("Left alone, a worker brings them back from " in note for note in preview.notes)
    assert any("may have run in part or whole already" in warning for warning in preview.warnings)
    execution = shop.revoked(queue=QUEUE)
    assert execution.state is ExecutionState.VERIFIED, (execution.error, execution.verdict)
    assert execution.outcome is not None
    assert execution.outcome.summary == "6 messages are put back."
    assert shop.redis.rpop(QUEUE)  # the long one, which was taken first
    assert shop.waiting() == ids
    celery_worker(shop.server.url(), name="next", queues=[QUEUE], env=LATE)
    shop.all_ran(ids)
    assert (shop.redis.hlen("unacked"), shop.redis.zcard("unacked_index")) == (0, 0)


@pytest.mark.slow
def test_what_living_workers_hold_is_left_to_them(shop: LeftShop, celery_worker: StartWorker) -> None:
    """One runs, keeps tasks for later and takes what comes, while another is killed: each task runs once, or waits."""
    well = celery_worker(shop.server.url(), name="well", queues=["booking"], concurrency=1, env=LATE)
    later = shop.count(3, queue="booking", countdown=3600)
    shop.app.send_task("sample.sleep", (120,), queue="booking")
    held = shop.count(2, queue="booking")
    shop.held(5)
    ids = shop.left(celery_worker, 4)
    assert shop.revoked().state is ExecutionState.VERIFIED
    assert shop.redis.llen("booking") == 0
    assert shop.redis.rpop(QUEUE)  # the long one
    celery_worker(shop.server.url(), name="next", queues=[QUEUE], env=LATE)
    shop.all_ran(ids)
    assert {m.task_id for m in shop.unacknowledged().messages} >= {*later, *held}
    assert not shop.ran().keys() & {*later, *held}
    assert well.alive


# --- when nobody can tell --------------------------------------------------------------------------------------------


def test_nothing_goes_back_while_a_silent_worker_may_hold_it(shop: LeftShop, celery_worker: StartWorker) -> None:
    """A frozen worker has what nobody lists: it is refused, also for what surely is not its own."""
    shop.lie(3)
    worker = shop.busy(celery_worker, name="frozen")
    worker.pause()
    with pytest.raises(BadInput, match=r"cannot be told: .* did not answer: busy or unreachable"):
        shop.draft()
    worker.resume()
    assert (shop.redis.hlen("unacked"), shop.waiting()) == (4, [])


@pytest.mark.slow
def test_a_worker_that_takes_no_commands_is_heard_by_its_heartbeat(
    tmp_path: Path, redis_server: RedisServer, celery_worker: StartWorker
) -> None:
    """It listens to nothing, so nobody is silent; a process that hears no events listens before it believes that."""
    shop = LeftShop(tmp_path, redis_server, listen=4.5)
    deaf = ["--", "worker_enable_remote_control=0"]
    worker = celery_worker(redis_server.url(), queues=[QUEUE], concurrency=1, env=LATE, extra=deaf, wait=False)
    wait(lambda: worker.logged_ready)
    shop.sleep(60)
    wait(lambda: shop.unacknowledged().orphans)
    with pytest.raises(BadInput, match="w1@test cannot be asked, and lives: heartbeats are heard"):
        shop.draft()
    shop.close()


def test_a_worker_that_stops_warmly_is_not_taken_for_dead(
    tmp_path: Path, redis_server: RedisServer, celery_worker: StartWorker
) -> None:
    """It listens no more, lists nothing and sends no heartbeat, and goes on with what it runs: its goodbye tells."""
    recorder = Recorder(SystemClock())
    feed = EventConsumer(ClusterConnection("prod", redis_server.url()), recorder, SystemClock())
    feed.start()
    shop = LeftShop(tmp_path, redis_server, live=recorder)
    worker = shop.busy(celery_worker, name="w1")
    wait(lambda: [w.active for w in recorder.workers(SystemClock().now())] == [1])
    worker.process.send(signal.SIGTERM)
    wait(lambda: [w.presence for w in recorder.workers(SystemClock().now())] == [Presence.OFFLINE])
    wait(lambda: shop.unacknowledged().orphans)
    with pytest.raises(BadInput, match=r"w1@test said \d min ago that it stops, with 1 task running"):
        shop.draft()
    feed.close()
    shop.close()


def test_a_goodbye_between_consent_and_execution_stops_a_process_that_hears_nothing(
    tmp_path: Path, redis_server: RedisServer
) -> None:
    """The bot heard it and wrote it down; the ops worker, which does not listen, reads that before it puts back."""
    ids = LeftShop(tmp_path, redis_server).lie(2)
    now = datetime.now(UTC)
    stopping = LiveWorker("w1@a", Presence.OFFLINE, now, now - timedelta(hours=1), active=1)
    deaf = LeftShop(tmp_path, redis_server)
    execution_id = deaf.approved()
    hearing = LeftShop(tmp_path, redis_server, live=FakeLive(heard=(stopping,)))
    note_gone(hearing.ports, "prod")
    refused = execute(deaf.ports, execution_id)
    assert isinstance(refused, Execution)
    assert refused.state is ExecutionState.FAILED
    assert "w1@a said 2 min ago that it stops, with 1 task running" in (refused.error or "")
    assert (deaf.waiting(), deaf.redis.hlen("unacked")) == ([], len(ids))
    deaf.world.clock.pass_time(minutes=10)
    assert isinstance(done := execute(deaf.ports, deaf.approved()), Execution)
    assert done.state is ExecutionState.VERIFIED


def test_a_redis_that_just_started_is_waited_for(tmp_path: Path, redis_server: RedisServer) -> None:
    """After a failover all workers are gone for some seconds, and all they hold looks left behind."""
    shop = LeftShop(tmp_path, redis_server, uptime=7)
    shop.lie(2)
    with pytest.raises(BadInput, match="Redis started 7 s ago, and workers may still be connecting again"):
        shop.draft()
    shop.close()


@pytest.mark.parametrize(
    ("presence", "seconds", "active", "why"),
    [
        (
            Presence.OFFLINE,
            300,
            2,
            "w1@a said 5 min ago that it stops, with 2 tasks running, and may be finishing them",
        ),
        (Presence.OFFLINE, 300, None, "w1@a said 5 min ago that it stops, with tasks running"),
        (Presence.OFFLINE, 300, 0, None),
        (Presence.OFFLINE, 20, 0, "w1@a was heard 20 s ago and does not answer"),
        (Presence.SILENT, 20, 1, "w1@a was heard 20 s ago and does not answer: it may be busy, or about to come back"),
        (Presence.SILENT, 120, 1, None),
    ],
)
def test_a_worker_that_was_heard_lately_may_still_work(
    shop: LeftShop, presence: Presence, seconds: int, active: int | None, why: str | None
) -> None:
    """One that stops warmly listens no more, and finishes what it runs; one that was cut off comes back."""
    now = shop.world.clock.now()
    worker = LiveWorker("w1@a", presence, now - timedelta(seconds=seconds), now - timedelta(hours=1), active=active)
    said = why_not(UnacknowledgedMessages(at=now), [worker], 86_400, now)
    assert (said or "").startswith(why or "")
    assert (said is None) == (why is None)
    assert why_not(UnacknowledgedMessages(at=now, answered=("w1@a",)), [worker], 86_400, now) is None


# --- once, whoever else does it --------------------------------------------------------------------------------------


def test_a_worker_that_restores_at_the_same_time_and_we_put_each_message_back_once(shop: LeftShop) -> None:
    """Kombu's own restore of what is older than the visibility timeout, in a loop beside ours."""
    ids = shop.lie(400, age=7200)
    chosen = shop.unacknowledged().orphans
    done = threading.Event()

    def worker() -> None:
        with Connection(shop.server.url(), transport_options={"visibility_timeout": 3600}) as connection:
            channel: Any = connection.channel()
            while not done.is_set():
                channel.qos.restore_visible(num=10, interval=1)

    def told(_: str) -> None:
        seen = shop.redis.llen(QUEUE)
        wait(lambda: seen < shop.redis.llen(QUEUE) or not shop.redis.hlen("unacked"))

    thread = threading.Thread(target=worker)
    thread.start()
    made = shop.orphans.put_back(chosen, told)
    done.set()
    thread.join()
    assert made.restored + made.gone == 400
    assert made.gone > 0
    assert sorted(shop.waiting()) == sorted(ids)
    assert (shop.redis.hlen("unacked"), shop.redis.zcard("unacked_index")) == (0, 0)


def test_a_message_that_was_restored_and_taken_again_is_left_to_who_took_it(shop: LeftShop) -> None:
    """It has the tag of the lost delivery; only the moment when it was taken differs."""
    shop.lie(2)
    chosen = shop.unacknowledged().orphans
    shop.redis.zadd("unacked_index", {chosen[0].tag: shop.world.clock.at.timestamp()})
    made = shop.orphans.put_back(chosen, lambda _: None)
    assert (made.restored, made.gone) == (1, 1)
    assert shop.waiting() == [chosen[1].task_id]
    assert shop.redis.hexists("unacked", chosen[0].tag)


def test_two_bots_at_once_put_each_message_back_once(
    tmp_path: Path, redis_server: RedisServer, celery_worker: StartWorker
) -> None:
    """Two installations, both approved, both at work; then a worker runs each once."""
    shops = [LeftShop(tmp_path / name, redis_server) for name in ("one", "two") if not (tmp_path / name).mkdir()]  # type: ignore[func-returns-value]
    ids = shops[0].lie(AT_ONCE * 3)
    approved = [shop.approved() for shop in shops]
    threads = [threading.Thread(target=execute, args=(s.ports, one)) for s, one in zip(shops, approved, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for shop, execution_id in zip(shops, approved, strict=True):
        with shop.world.store.read() as tx:
            assert tx.executions.get(execution_id).state is ExecutionState.VERIFIED
    assert sorted(shops[0].waiting()) == sorted(ids)
    celery_worker(redis_server.url(), queues=[QUEUE], env=LATE, pool="threads")
    shops[0].all_ran(ids)
    for shop in shops:
        shop.close()


class Died(BaseException):
    """The ops worker is killed here."""


@pytest.mark.parametrize(("steps", "after"), [(0, False), (0, True), (1, True), (2, False)])
def test_killed_at_any_step_each_message_goes_back_once(shop: LeftShop, steps: int, after: bool) -> None:
    """Before or after a step took place: the sweep goes on with what is left."""
    ids = shop.lie(AT_ONCE * 2 + 20)
    execution_id = shop.approved()
    broker, left = shop.control.watched.broker, [steps]
    effect = broker.effect

    def dying(*args: Any) -> Any:
        left[0] -= 1
        if left[0] < 0 and not after:
            raise Died
        done = effect(*args)
        if left[0] < 0:
            raise Died
        return done

    broker.effect = dying  # type: ignore[method-assign,assignment]  # death is what is tested
    with pytest.raises(Died):
        execute(shop.ports, execution_id)
    broker.effect = effect  # type: ignore[method-assign]  # as above
    assert len(shop.waiting()) == AT_ONCE * (steps + after)
    shop.world.clock.pass_time(minutes=1)
    ended = settle(shop.ports, execution_id)
    assert ended is not None
    assert ended.state is ExecutionState.VERIFIED, (ended.error, ended.verdict)
    assert shop.waiting() == ids


def test_a_resume_asks_again_who_holds_what(shop: LeftShop) -> None:
    """What nobody held when it began may be held by somebody of no known name by the time that it goes on."""
    shop.lie(AT_ONCE + 5)
    execution_id = shop.approved()
    broker = shop.control.watched.broker
    effect = broker.effect

    def dying(*args: Any) -> Any:
        raise Died

    broker.effect = dying  # type: ignore[method-assign,assignment]  # death is what is tested
    with pytest.raises(Died):
        execute(shop.ports, execution_id)
    broker.effect = effect  # type: ignore[method-assign]  # as above
    shop.world.clock.pass_time(minutes=1)
    with closing(shop.redis.pubsub()) as somebody:  # type: ignore[no-untyped-call]  # redis-py leaves it untyped
        somebody.subscribe(shop.control.watched.keys.control_channel)
        assert somebody.get_message(timeout=10)
        ended = settle(shop.ports, execution_id)
    assert ended is not None
    assert ended.state is ExecutionState.INTERRUPTED
    assert "1 that listen for remote control did not answer" in (ended.error or "")
    assert shop.waiting() == []


# --- whole or not at all ---------------------------------------------------------------------------------------------


def test_a_push_that_redis_refuses_takes_nothing_out(shop: LeftShop) -> None:
    """The queue's name is taken by a key of another kind: what was taken stays as it was."""
    shop.lie(3)
    entries = shop.redis.hgetall("unacked")
    shop.redis.set(QUEUE, "x")
    with pytest.raises(OncallError):
        shop.orphans.put_back(shop.unacknowledged().orphans, lambda _: None)
    assert (shop.redis.hgetall("unacked"), shop.redis.zcard("unacked_index")) == (entries, 3)


def test_a_redis_that_is_out_of_memory_takes_messages_back_all_the_same(shop: LeftShop) -> None:
    """Nothing is added, but moved. The action refuses before it comes to that: nobody can be asked then."""
    ids = shop.lie(AT_ONCE + 5)
    chosen = shop.unacknowledged().orphans
    shop.redis.config_set("maxmemory", "1mb")
    with pytest.raises(OncallError, match="its memory is full"):
        shop.draft()
    assert shop.orphans.put_back(chosen, lambda _: None).restored == AT_ONCE + 5
    assert shop.waiting() == ids


@pytest.mark.parametrize("refused", ["hdel", "zrem", "rpush", "eval"])
def test_an_acl_that_lacks_a_command_changes_nothing(shop: LeftShop, refused: str) -> None:
    """Whichever it is: no message is in two places, and none is in no place."""
    shop.lie(2)
    chosen = shop.unacknowledged().orphans
    shop.redis.acl_setuser(
        "few", enabled=True, passwords=["+pw"], keys=["*"], channels=["*"], commands=["+@all", f"-{refused}"]
    )
    url = shop.server.url().replace("//", "//few:pw@")
    watched = WatchedCluster(ClusterConnection("prod", url), SPEC)
    with pytest.raises(OncallError, match=f"ACL refuses `{refused}`"):
        CeleryOrphans(watched).put_back(chosen, lambda _: None)
    watched.close()
    assert (shop.waiting(), shop.redis.hlen("unacked"), shop.redis.zcard("unacked_index")) == ([], 2, 2)


def test_what_one_queue_refuses_does_not_keep_others_from_going_back(shop: LeftShop) -> None:
    """Of a page, what comes before the refused one is done, and each is in one place."""
    shop.lie(2, queue="booking", age=900)
    late = shop.lie(2, age=600)
    shop.redis.set("booking", "x")
    with pytest.raises(OncallError):
        shop.orphans.put_back(shop.unacknowledged().orphans, lambda _: None)
    assert sorted(shop.waiting()) == sorted(late)
    assert shop.redis.hlen("unacked") == shop.redis.zcard("unacked_index") == 2


# --- where to, in which order, and which -----------------------------------------------------------------------------


def test_it_goes_to_its_own_lane_with_prefix_separator_and_steps_as_kombu_would_put_it(
    redis_server: RedisServer, shop: LeftShop
) -> None:
    """Byte for byte what kombu's own restore writes, in the place where it would."""
    options = {"global_keyprefix": "shop:", "sep": "|", "priority_steps": [0, 5]}
    redis = redis_server.client()
    placed = []
    for priority in (0, 7, "6", 99, None):
        with Connection(redis_server.url(), transport_options=options) as connection:
            channel: Any = connection.channel()
            headers = {"id": "id-1", "task": "sample.count"}
            message = channel.prepare_message("[[], {}, {}]", priority=None, headers=headers)
            message["properties"] |= {"delivery_info": {"exchange": "", "routing_key": QUEUE}, "delivery_tag": "t1"}
            message["properties"]["priority"] = priority
            places = []
            for restore in (lambda c=channel: c.qos.restore_by_tag("t1"), lambda: _ours(redis_server, options)):
                redis.flushall()
                redis.hset("shop:unacked", "t1", json.dumps([message, "", QUEUE]))
                redis.zadd("shop:unacked_index", {"t1": 1000})
                restore()
                (key,) = redis.keys("*")
                places.append((key, redis.lrange(key, 0, -1)))
        assert places[0] == places[1]
        assert b'"redelivered": true' in places[0][1][0]
        placed.append(text(places[0][0]))
    assert placed == ["shop:analytics", *["shop:analytics|5"] * 3, "shop:analytics"]


def _ours(server: RedisServer, options: dict[str, Any]) -> None:
    steps = tuple(options["priority_steps"])
    connection = ClusterConnection("prod", server.url(), **(options | {"priority_steps": steps}))
    watched = WatchedCluster(connection, SPEC)
    diagnostics = CeleryDiagnostics(watched, SystemClock())
    made = CeleryOrphans(watched).put_back(diagnostics.unacknowledged().orphans, lambda _: None)
    assert (made.restored, made.gone) == (1, 0)
    diagnostics.close()
    watched.close()


def test_the_oldest_is_taken_next_before_all_that_waits(shop: LeftShop) -> None:
    """As kombu does: to the end that is consumed, the oldest last."""
    left = shop.lie(AT_ONCE + 10)
    waiting = shop.count(2)
    assert shop.revoked().state is ExecutionState.VERIFIED
    assert shop.waiting() == left + waiting


def test_queue_age_and_limit_choose_and_what_is_left_out_is_said(shop: LeftShop) -> None:
    """Those taken first go first; the rest is told of."""
    ids = shop.lie(5)
    shop.lie(2, queue="booking")
    shop.lie(3, age=-110)  # taken 10 s before the look
    preview = shop.preview(queue=QUEUE, limit=2)
    assert preview.radius.messages == 2
    assert preview.radius.queues == (QUEUE,)
    assert (
        "Left out: 3 taken less than 1 min ago, 3 beyond the 2 of one request, the oldest of which go first."
        in preview.notes
    )
    execution = shop.revoked(queue=QUEUE, limit=2)
    assert execution.state is ExecutionState.VERIFIED
    assert shop.waiting() == ids[:2]
    assert shop.redis.llen("booking") == 0


def test_a_message_that_could_be_of_several_queues_is_left_out(shop: LeftShop) -> None:
    """Kombu would push it to each of them, and the task would run as often."""
    shop.lie(1)
    for queue in (QUEUE, "booking"):
        shop.redis.sadd("_kombu.binding.celery", "\x06\x16".join(("celery", "", queue)))
    ((tag, raw),) = shop.redis.hgetall("unacked").items()
    shop.redis.hset("unacked", tag, json.dumps([json.loads(raw)[0], "celery", "celery"]))
    with pytest.raises(BadInput, match="1 of which nobody can tell the one queue they belong to"):
        shop.draft()


def test_what_cannot_be_meant_is_refused_in_words(shop: LeftShop) -> None:
    """A queue that nobody knows, and nothing to put back."""
    with pytest.raises(UnknownName, match="Did you mean `analytics`"):
        shop.draft(queue="analitycs")
    with pytest.raises(BadInput, match="There is no message to put back: no worker has one"):
        shop.draft()
    shop.lie(2)
    with pytest.raises(BadInput, match="There is no message of booking to put back"):
        shop.draft(queue="booking")


def test_what_was_delivered_again_before_is_warned_of(shop: LeftShop) -> None:
    """A task that kills its worker goes round and round."""
    shop.lie(2)
    assert shop.revoked().state is ExecutionState.VERIFIED
    for _ in range(2):
        raw: Any = shop.redis.rpop(QUEUE)
        message = json.loads(raw)
        assert message["headers"]["redelivered"]
        tag = message["properties"]["delivery_tag"]
        shop.redis.hset("unacked", tag, json.dumps([message, "", QUEUE]))
        shop.redis.zadd("unacked_index", {tag: 1000})
    preview = shop.preview()
    assert any(w.startswith("2 messages were delivered again before") for w in preview.warnings)
    assert any(note.startswith("They are overdue") for note in preview.notes)


def test_an_undo_sets_aside_what_still_waits(shop: LeftShop) -> None:
    """Of one queue: by their ids. Of several it says how to do it by hand."""
    ids = shop.lie(3)
    execution = shop.revoked()
    assert execution.undo is not None
    assert execution.undo.params == {"ids": ids, "queue": QUEUE}
    shop.redis.delete(QUEUE)
    shop.lie(1)
    shop.lie(1, queue="booking")
    assert "sets aside those that wait" in (shop.revoked().irreversible or "")
