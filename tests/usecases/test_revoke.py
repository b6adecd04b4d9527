"""A revoke stops tasks wherever they are, as far as pools allow, and says where they do not."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.domain.action import Execution, ExecutionState
from bot.domain.approval import ApprovalRequest
from bot.usecases import requests
from bot.usecases.executions import execute
from playground.services import RedisServer
from tests.services.probing import probing
from tests.services.workers import StartWorker
from tests.usecases.revoking import QUEUE, Shop, refusal, sentence, wait


@pytest.fixture
def shop(tmp_path: Path, redis_server: RedisServer) -> Iterator[Shop]:
    """Return one without workers."""
    shop = Shop(tmp_path, redis_server)
    yield shop
    shop.close()


def undone(shop: Shop, execution: Execution) -> Execution:
    """Undo it."""
    assert execution.undo is not None
    draft = requests.draft(shop.ports, execution.undo, "U0ANA", "", "C0ONCALL", None)
    assert isinstance(draft, ApprovalRequest)
    requests.submit(shop.ports, draft.id, "U0ANA")
    with shop.world.store.read() as tx:
        (made,) = tx.executions.find(request_id=draft.id)
    ended = execute(shop.ports, made.id)
    assert isinstance(ended, Execution)
    return ended


def test_a_waiting_task_is_taken_out_of_its_queue_and_can_be_put_back(shop: Shop, celery_worker: StartWorker) -> None:
    """No worker is told: so the undo is whole, and the others of the queue run."""
    one, other = shop.count(2)
    execution = shop.revoked(ids=[one])
    assert execution.state is ExecutionState.VERIFIED, sentence(execution)
    celery_worker(shop.server.url(), queues=[QUEUE])
    wait(lambda: shop.ran() == {other: 1})
    assert undone(shop, execution).state is ExecutionState.VERIFIED
    wait(lambda: shop.ran() == {other: 1, one: 1})


@pytest.mark.parametrize("pool", ["prefork", "threads", "gevent", "solo"])
def test_a_task_kept_for_later_does_not_run(shop: Shop, celery_worker: StartWorker, pool: str) -> None:
    """In every pool; gevent does not even list it."""
    celery_worker(shop.server.url(), queues=[QUEUE], pool=pool, concurrency=1)
    later, other = shop.count(2, countdown=6)
    wait(lambda: shop.server.client().hlen("unacked") == 2)
    execution = shop.revoked(ids=[later])
    assert execution.state is ExecutionState.VERIFIED, sentence(execution)
    assert "1 task in workers' hands stopped" in sentence(execution)
    wait(lambda: other in shop.ran())
    wait(lambda: shop.server.client().hlen("unacked") == 0)
    assert shop.ran() == {other: 1}


def test_a_queue_is_revoked_where_it_waits_and_where_workers_hold_it_and_no_other(
    shop: Shop, celery_worker: StartWorker
) -> None:
    """What is sent afterwards runs, and so does what waits elsewhere."""
    celery_worker(shop.server.url(), queues=[QUEUE], concurrency=1)
    busy = shop.sleep(600)
    shop.running(busy)
    shop.count(20)
    shop.held(3)
    (elsewhere,) = shop.count(queue="booking")
    preview = shop.preview(queue=QUEUE)
    assert "1 task runs already and will run on, without retries; `terminate` would end it." in preview.notes
    execution = shop.revoked(queue=QUEUE, terminate=True)
    assert execution.state is ExecutionState.VERIFIED, sentence(execution)
    assert "set aside; " in sentence(execution)
    (after,) = shop.count()
    celery_worker(shop.server.url(), name="w2", queues=["booking"])
    wait(lambda: shop.ran() == {after: 1, elsewhere: 1})


def test_tasks_that_wait_in_two_queues_are_revoked_queue_by_queue(shop: Shop) -> None:
    """One undo puts one archive back."""
    shop.count(2)
    shop.count(1, queue="booking")
    assert "`/celery revoke task sample.count queue analytics`." in refusal(shop, task="sample.count")
    execution = shop.revoked(task="sample.count", queue="booking")
    assert execution.state is ExecutionState.VERIFIED, sentence(execution)
    assert (shop.control.depths()["booking"], shop.control.depths()[QUEUE]) == (0, 2)


@pytest.mark.slow
def test_thousands_of_revokes_keep_no_other_task_of_the_worker_from_running(
    shop: Shop, celery_worker: StartWorker
) -> None:
    """Celery's own would be one list, and the loop in it for seconds; how long a probe waits is a benchmark."""
    celery_worker(shop.server.url(), queues=[QUEUE, "booking"])
    later = shop.count(2000, countdown=600)
    shop.held(len(later))
    with probing(shop.app, "booking") as probes:
        execution = shop.revoked(task="sample.count")
    assert execution.state is ExecutionState.VERIFIED, sentence(execution)
    assert probes.seconds()
    known = shop.revokes.remembered(["w1@test"])["w1@test"]
    assert known is not None
    assert set(later) <= known


def test_prefetched_tasks_of_a_name_are_stopped_and_a_running_one_runs_on_unless_it_is_to_be_ended(
    shop: Shop, celery_worker: StartWorker
) -> None:
    """Prefork: a plain revoke first, and then by id with terminate."""
    celery_worker(shop.server.url(), queues=[QUEUE], concurrency=1)
    busy = shop.sleep(600)
    shop.running(busy)
    shop.count(6)
    shop.held(3)
    execution = shop.revoked(task="sample.count")
    assert execution.state is ExecutionState.VERIFIED, sentence(execution)
    assert "Add `terminate` to end it" in refusal(shop, ids=[busy])
    ended = shop.revoked(ids=[busy], terminate=True)
    assert (ended.state, ended.undo) == (ExecutionState.VERIFIED, None), sentence(ended)
    assert "1 task in workers' hands stopped, 1 of them while it ran" in sentence(ended)
    (after,) = shop.count()
    wait(lambda: shop.ran() == {after: 1})


@pytest.mark.parametrize("terminate", [False, True])
def test_what_threads_have_taken_cannot_be_stopped_and_that_is_said_before_and_after(
    shop: Shop, celery_worker: StartWorker, terminate: bool
) -> None:
    """Celery says ok to the revoke of a prefetched task, writes REVOKED, and runs it."""
    celery_worker(shop.server.url(), queues=[QUEUE], pool="threads", concurrency=1)
    busy = shop.sleep(8)
    shop.running(busy)
    (taken,) = shop.count()
    shop.held(1)
    (later,) = shop.count(countdown=60)
    shop.held(2)
    asked = {"ids": [taken, later], "terminate": terminate}
    assert "cannot be stopped and will run" in shop.preview(**asked).warnings[0]
    execution = shop.revoked(**asked)
    assert execution.state is not ExecutionState.VERIFIED
    assert "1 prefetched runs yet: their pool cannot be told" in sentence(execution)
    assert shop.app.AsyncResult(taken).state == "PENDING"
    wait(lambda: shop.ran() == {taken: 1})


def test_gevent_ends_what_runs_and_what_is_about_to(shop: Shop, celery_worker: StartWorker) -> None:
    """With terminate; the pool holds the prefetched one already."""
    celery_worker(shop.server.url(), queues=[QUEUE], pool="gevent", concurrency=1)
    busy = shop.sleep(600)
    shop.running(busy)
    (taken,) = shop.count()
    shop.held(1)
    execution = shop.revoked(ids=[busy, taken], terminate=True)
    assert execution.state is ExecutionState.VERIFIED, sentence(execution)
    (after,) = shop.count()
    wait(lambda: shop.ran() == {after: 1})


def test_a_busy_solo_worker_keeps_nothing_from_being_taken_out_of_the_queue(
    shop: Shop, celery_worker: StartWorker
) -> None:
    """It hears nothing until its task has ended; what waits is stopped all the same, and its silence is said."""
    celery_worker(shop.server.url(), queues=[QUEUE], pool="solo")
    shop.until(lambda s: bool(s.workers))
    shop.sleep(8)
    wait(lambda: any(w.active is None for w in shop.control.snapshot(0.5).workers))
    (waits,) = shop.count()
    assert "did not answer: busy or unreachable" in " ".join(shop.preview(ids=[waits]).warnings)
    execution = shop.revoked(ids=[waits])
    assert execution.state is ExecutionState.VERIFIED, sentence(execution)
    (after,) = shop.count()
    wait(lambda: shop.ran() == {after: 1})


def test_an_id_that_nobody_knows_is_refused_and_no_result_is_written_for_it(
    shop: Shop, celery_worker: StartWorker
) -> None:
    """Celery would write REVOKED. Among others it is left out, and said."""
    celery_worker(shop.server.url(), queues=[QUEUE])
    assert "is in no queue, with no worker and among no results" in refusal(shop, ids=["nobody"])
    (done,) = shop.count()
    wait(lambda: shop.app.AsyncResult(done).state == "SUCCESS")
    assert "has a result already (SUCCESS)" in refusal(shop, ids=[done])
    (later,) = shop.count(countdown=60)
    shop.held(1)
    assert any("2 ids left out" in note for note in shop.preview(ids=[later, done, "nobody"]).notes)
    assert shop.revoked(ids=[later, done, "nobody"]).state is ExecutionState.VERIFIED
    states = [shop.app.AsyncResult(i).state for i in (later, done, "nobody")]
    assert states == ["REVOKED", "SUCCESS", "PENDING"]
