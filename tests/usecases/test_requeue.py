"""A requeue: failed tasks are sent again once each, whoever clicks, dies or runs beside it."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.domain.action import ExecutionState
from bot.domain.errors import BadInput, OncallError, UnknownName
from bot.domain.requeue import Became, FailedWanted, RequeueState
from bot.domain.requeue_words import verdict
from bot.usecases.executions import execute, settle
from playground.services import RedisServer
from tests.services.workers import StartWorker
from tests.usecases.requeueing import QUEUE, FailedShop
from tests.usecases.revoking import wait


@pytest.fixture
def shop(tmp_path: Path, redis_server: RedisServer) -> Iterator[FailedShop]:
    """Return one without workers."""
    shop = FailedShop(tmp_path, redis_server)
    yield shop
    shop.close()


def test_recorded_failures_are_sent_again_once_with_their_arguments_and_importance(
    shop: FailedShop, celery_worker: StartWorker
) -> None:
    """The new message is the old one under a new id that names the old; a real worker runs it once."""
    old = shop.fail(3, priority=6)
    execution = shop.requeued(task="sample.count")
    assert execution.state is ExecutionState.VERIFIED, (execution.error, execution.verdict)
    lane = [json.loads(raw) for raw in shop.redis.lrange(f"{QUEUE}\x06\x166", 0, -1)]
    assert [m["headers"]["oncall_requeue_of"] for m in reversed(lane)] == old
    assert all(m["headers"]["retries"] == 0 and m["headers"]["id"] not in old for m in lane)
    celery_worker(shop.server.url(), queues=[QUEUE])
    wait(lambda: len(shop.ran()) == 3)
    wait(lambda: not shop.redis.llen(f"{QUEUE}\x06\x166") and not shop.redis.hlen("unacked"))
    assert shop.ran() == {m["headers"]["id"]: 1 for m in lane}


def test_only_its_own_queue_gets_it_though_others_share_the_exchange(shop: FailedShop) -> None:
    """A queue without an exchange of its own is bound to the default one, which sends to all of them."""
    for queue in (QUEUE, "booking"):
        shop.redis.sadd("_kombu.binding.celery", "\x06\x16".join(("celery", "", queue)))
    shop.fail(1, exchange="celery", routing_key="celery")
    assert shop.requeued(task="sample.count").state is ExecutionState.VERIFIED
    assert (shop.redis.llen(QUEUE), shop.redis.llen("booking")) == (1, 0)


def test_clicked_twice_it_is_sent_once(shop: FailedShop) -> None:
    """The second finds nothing left, and says that they were sent again before."""
    shop.fail(5)
    shop.requeued(task="sample.count")
    with pytest.raises(BadInput, match="5 sent again before"):
        shop.draft(task="sample.count")
    assert shop.redis.llen(QUEUE) == 5


def test_two_requeues_at_once_send_each_task_once(shop: FailedShop) -> None:
    """Both looked before either sent: what one has sent the other leaves out, and says so."""
    old = shop.fail(5)
    first, second = shop.approved(task="sample.count"), shop.approved(ids=old)
    one, other = shop.prepared(first, task="sample.count"), shop.prepared(second, ids=old)
    assert (one.total, other.total) == (5, 5)
    execute(shop.ports, first)
    made = shop.requeues.send(second, lambda _: None, lambda _: False)
    assert shop.redis.llen(QUEUE) == 5
    assert (made.state, made.sent, made.doubled) == (RequeueState.DONE, 0, 5)
    assert "5 had been sent again by another requeue" in verdict(made, Became()).sentence


class Died(BaseException):
    """The ops worker is killed here."""


class Dying:
    """A broker connection whose process dies at the so-manieth effect, before or after it took place."""

    def __init__(self, shop: FailedShop, steps: int, *, after: bool) -> None:
        self._broker, self._left, self._after = shop.control.watched.broker, steps, after
        self._effect = self._broker._send
        self._broker._send = self._dying  # type: ignore[method-assign,assignment]  # death is what is tested

    def _dying(self, *args: Any) -> Any:
        self._left -= 1
        if self._left < 0 and not self._after:
            raise Died
        done = self._effect(*args)
        if self._left < 0:
            raise Died
        return done

    def alive(self) -> None:
        """Another process: its broker is whole."""
        self._broker._send = self._effect  # type: ignore[method-assign]  # as above


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("steps", range(5))
def test_killed_at_any_step_each_task_is_sent_once(shop: FailedShop, steps: int, *, after: bool) -> None:
    """Another process goes on where it stopped; what was sent is not sent again, and nothing is lost."""
    old = shop.fail(25)
    for one in old[:10]:
        shop.ended_well(shop.new_id_after(one, "exe-1"))
    execution_id = shop.approved(task="sample.count")
    assert execution_id == "exe-1"
    dying = Dying(shop, steps, after=after)
    with pytest.raises(Died):
        execute(shop.ports, execution_id)
    dying.alive()
    shop.world.clock.pass_time(minutes=1)
    ended = settle(shop.ports, execution_id)
    assert ended is not None
    assert ended.state is ExecutionState.VERIFIED, (ended.error, ended.verdict)
    assert sorted(shop.sent_again(QUEUE)) == sorted(old)


def test_it_stops_by_itself_when_the_first_ones_fail_again(shop: FailedShop) -> None:
    """Ten are sent, most fail again: the others stay where they are and may be requeued later."""
    old = shop.fail(30)
    for one in old[:10]:
        shop.record(shop.new_id_after(one, "exe-1"), shop.message("sample.other"))
    execution = shop.requeued(task="sample.count", exception="ValueError")
    assert execution.state is ExecutionState.FAILED
    assert execution.verdict is not None
    assert "10 tasks are sent again" in execution.verdict.sentence
    assert "the other 20 stay where they are" in execution.verdict.sentence
    assert shop.redis.llen(QUEUE) == 10
    made = shop.requeues.get(execution.id)
    assert made is not None
    assert made.state is RequeueState.STOPPED
    assert shop.preview(ids=old[10:]).radius.messages == 20


def test_members_of_groups_are_left_out_unless_forced(shop: FailedShop) -> None:
    """What waited for them was told of the failure, and is not told again."""
    shop.fail(2)
    shop.fail(1, group="a-group")
    preview = shop.preview(task="sample.count")
    assert preview.radius.messages == 2
    assert any("1 part of a group, chord or chain" in note for note in preview.notes)
    forced = shop.preview(task="sample.count", force=True)
    assert forced.radius.messages == 3
    assert any("groups, chords and chains" in warning for warning in forced.warnings)


def test_what_expired_is_left_out_and_an_old_eta_is_dropped(shop: FailedShop) -> None:
    """A task that nobody wants any more is not sent; one whose time has passed runs at once."""
    past = (shop.world.clock.at - timedelta(minutes=5)).isoformat()
    shop.fail(1, expires=past)
    (late,) = shop.fail(1, eta=past)
    execution = shop.requeued(task="sample.count")
    assert execution.state is ExecutionState.VERIFIED
    (message,) = [json.loads(raw) for raw in shop.redis.lrange(QUEUE, 0, -1)]
    assert (message["headers"]["oncall_requeue_of"], message["headers"]["eta"]) == (late, None)


def test_secrets_in_arguments_are_not_shown(shop: FailedShop) -> None:
    """A preview shows how a task was called, without its passwords."""
    shop.record("one", shop.message("sample.count", kwargs={"password": "correct-horse"}))
    preview = shop.preview(ids=["one"])
    assert "password" in str(preview.notes)
    assert "correct-horse" not in str(preview)


def test_results_are_enough_where_they_hold_the_arguments(shop: FailedShop, celery_worker: StartWorker) -> None:
    """With `result_extended` a task that failed on a real worker is sent again with what it was called with."""
    celery_worker(shop.server.url(), queues=[QUEUE], env={"SAMPLE_EXTENDED": "1"})
    sent = shop.app.tasks["sample.fail"].apply_async(("no card",), queue=QUEUE)
    wait(lambda: b"FAILURE" in (shop.redis.get(f"celery-task-meta-{sent.id}") or b""))
    preview = shop.preview(task="sample.fail")
    assert any("no card" in note for note in preview.notes)
    assert any("Results do not tell importance" in note for note in preview.notes)
    sometime = shop.world.clock.at - timedelta(hours=1)
    execution = shop.requeued(task="sample.fail", exception="ValueError")
    assert execution.state is ExecutionState.VERIFIED
    made = shop.requeues.get(execution.id)
    assert made is not None
    wait(lambda: b"FAILURE" in (shop.redis.get(f"celery-task-meta-{made.first[0]}") or b""))
    (again,) = shop.requeues.find(FailedWanted(ids=frozenset(made.first), since=sometime)).failed
    assert again.arguments.startswith('["no card"]')


def test_results_without_arguments_are_refused_with_the_setting_that_keeps_them(
    shop: FailedShop, celery_worker: StartWorker
) -> None:
    """Celery's default keeps no arguments: nothing is made up."""
    celery_worker(shop.server.url(), queues=[QUEUE])
    sent = shop.app.tasks["sample.fail"].apply_async(queue=QUEUE)
    wait(lambda: b"FAILURE" in (shop.redis.get(f"celery-task-meta-{sent.id}") or b""))
    with pytest.raises(BadInput, match="result_extended"):
        shop.draft(task="sample.fail")


def test_what_cannot_be_meant_is_refused_in_words(shop: FailedShop) -> None:
    """A name nobody knows is met with a suggestion; a queue that is none is refused."""
    shop.fail(1)
    with pytest.raises(UnknownName, match=r"sample\.count"):
        shop.draft(task="sample.cuont")
    with pytest.raises(UnknownName, match="analytics"):
        shop.draft(task="sample.count", queue="analitics")
    with pytest.raises(UnknownName, match="ValueError"):
        shop.draft(exception="ValeuError")


def test_an_undo_revokes_the_new_tasks(shop: FailedShop) -> None:
    """Those that still wait are taken out of their queue under their new ids."""
    shop.fail(2)
    execution = shop.requeued(task="sample.count")
    assert execution.undo is not None
    assert execution.undo.action == "revoke_tasks"
    waiting = {json.loads(raw)["headers"]["id"] for raw in shop.redis.lrange(QUEUE, 0, -1)}
    assert set(execution.undo.params["ids"]) == waiting


def test_nothing_is_left_in_the_broker_without_an_end(shop: FailedShop) -> None:
    """What a requeue writes down ends by itself; which tasks were sent again is forgotten after 8 days."""
    shop.fail(15)
    shop.requeued(task="sample.count")
    keys = [k.decode() for k in shop.redis.scan_iter("oncall.requeues*")]
    assert keys
    assert all(shop.redis.ttl(key) > 0 for key in keys)


def test_a_lane_that_is_refused_stops_it_and_the_rest_goes_later_each_once(shop: FailedShop) -> None:
    """What was sent before stays sent; no mark is left on what was not; each lane keeps its order."""
    old = [f"00000000-0000-4000-8000-{n:012}" for n in range(6)]
    for n, priority in enumerate((0, 0, 6, 6, 0, 6)):
        shop.record(old[n], shop.message("sample.count", priority=priority), seconds_ago=600 - n)
    urgent, later = QUEUE, f"{QUEUE}\x06\x166"
    shop.redis.set(later, "no list")
    shop.prepared("exe-1", task="sample.count")
    with pytest.raises(OncallError):
        shop.requeues.send("exe-1", lambda _: None, lambda _: False)
    assert shop.redis.zrange("oncall.requeued", 0, -1) == [one.encode() for one in old[:2]]
    shop.redis.delete(later)
    made = shop.requeues.send("exe-1", lambda _: None, lambda _: False)
    assert (made.state, made.sent, made.doubled) == (RequeueState.DONE, 6, 0)
    assert shop.sent_again(urgent) == [old[0], old[1], old[4]]
    assert shop.sent_again(later) == [old[2], old[3], old[5]]


def test_prepared_by_two_at_once_the_first_to_be_whole_counts(shop: FailedShop) -> None:
    """One that was thought dead writes down what another has sent meanwhile: it begins nothing anew."""
    shop.fail(3)
    found = shop.requeues.find(FailedWanted(task="sample.count", since=shop.world.clock.now() - timedelta(hours=1)))
    others: list[str] = []

    def told(line: str) -> None:
        if not others:
            others.append(line)
            shop.requeues.prepare("exe-1", found.failed, None, lambda _: None)
            shop.requeues.send("exe-1", lambda _: None, lambda _: False)

    made = shop.requeues.prepare("exe-1", found.failed, None, told)
    assert (made.state, made.sent, made.doubled) == (RequeueState.DONE, 3, 0)
    assert [k.decode() for k in shop.redis.scan_iter("oncall.requeues*")] == ["oncall.requeues.exe-1"]
    assert shop.redis.llen(QUEUE) == 3


def test_a_task_that_is_named_twice_is_sent_once(shop: FailedShop) -> None:
    """Also when both lie in the same step."""
    shop.fail(3)
    found = shop.requeues.find(FailedWanted(task="sample.count", since=shop.world.clock.now() - timedelta(hours=1)))
    shop.requeues.prepare("exe-1", [*found.failed, *found.failed], None, lambda _: None)
    made = shop.requeues.send("exe-1", lambda _: None, lambda _: False)
    assert (made.state, made.total, made.sent, made.doubled) == (RequeueState.DONE, 6, 3, 3)
    assert shop.sent_again(QUEUE) == [t.id for t in found.failed]
