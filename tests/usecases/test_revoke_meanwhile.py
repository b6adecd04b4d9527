"""What a revoke does about tasks that run on, begin meanwhile, or lie with a worker that does not answer."""

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.domain.action import ExecutionState
from bot.domain.archive import Archive, ArchiveWanted, QueueMoved
from bot.domain.cluster import ClusterSnapshot
from bot.domain.revoke import Revoke
from bot.ports.archives import Told
from bot.usecases.revokes import keep_revokes
from playground.services import RedisServer
from tests.services.workers import StartWorker
from tests.usecases.revoking import QUEUE, Shop, refusal, sentence, wait


@pytest.fixture
def shop(tmp_path: Path, redis_server: RedisServer) -> Iterator[Shop]:
    """Return one without workers."""
    shop = Shop(tmp_path, redis_server)
    yield shop
    shop.close()


@pytest.mark.parametrize("pool", ["prefork", "threads"])
def test_of_a_task_that_runs_on_no_retry_runs(shop: Shop, celery_worker: StartWorker, pool: str) -> None:
    """On its own worker, nor on one that starts later; a retry is a new message under the same id."""
    celery_worker(shop.server.url(), queues=[QUEUE], pool=pool, concurrency=1)
    busy = shop.waiting_for("end", "sample.again")
    shop.running(busy)
    (waits,) = shop.count(queue="booking")
    execution = shop.revoked(ids=[busy, waits])
    assert execution.state is ExecutionState.VERIFIED, sentence(execution)
    assert "; 1 ran on" in sentence(execution)
    celery_worker(shop.server.url(), name="w2", queues=[QUEUE])
    keep_revokes(shop.ports, "prod")
    assert shop.revokes.remembered(["w2@test"]) == {"w2@test": frozenset({busy})}
    shop.release("end", 5)
    shop.until(lambda s: all(w.active == () for w in s.workers))
    wait(lambda: not shop.server.client().hlen("unacked") and not shop.server.client().llen(QUEUE))
    (after,) = shop.count()
    wait(lambda: after in shop.ran())
    assert shop.ran() == {busy: 1, after: 1}


def test_a_prefetched_task_that_began_just_before_its_worker_was_told_is_ended(
    shop: Shop, celery_worker: StartWorker
) -> None:
    """It was to be stopped by a plain revoke, which comes too late for it."""
    celery_worker(shop.server.url(), queues=[QUEUE], concurrency=1)
    first, second = shop.waiting_for("first"), shop.waiting_for("second")
    shop.running(first)
    shop.held(1)
    keep = shop.revokes.keep

    def late(revoke: Revoke) -> None:
        keep(revoke)
        shop.release("first")
        shop.running(second)

    shop.revokes.keep = late  # type: ignore[method-assign]  # what happens meanwhile is tested
    execution = shop.revoked(ids=[second], terminate=True)
    assert execution.state is ExecutionState.VERIFIED, sentence(execution)
    assert sentence(execution) == "1 task in workers' hands stopped, 1 of them while it ran."
    (after,) = shop.count()
    wait(lambda: shop.ran() == {after: 1})


def test_one_that_ended_by_itself_meanwhile_is_not_counted_as_ended_by_force(
    shop: Shop, celery_worker: StartWorker
) -> None:
    """It ran when it was looked for, and was over before anybody was told; it is not called stopped either."""
    celery_worker(shop.server.url(), queues=[QUEUE], concurrency=2)
    quick, stuck = shop.waiting_for("quick"), shop.waiting_for("stuck")
    shop.running(quick, stuck)
    (later,) = shop.count(countdown=600)
    shop.held(1)
    keep = shop.revokes.keep

    def late(revoke: Revoke) -> None:
        keep(revoke)
        shop.release("quick")
        shop.until(lambda s: [t.id for w in s.workers for t in w.active or ()] == [stuck])

    shop.revokes.keep = late  # type: ignore[method-assign]  # as above
    execution = shop.revoked(ids=[quick, stuck, later], terminate=True)
    assert (execution.state, sentence(execution)) == (
        ExecutionState.VERIFIED,
        "2 tasks in workers' hands stopped, 1 of them while it ran; 1 ended before it could be stopped.",
    )


def test_a_task_that_was_just_given_to_a_process_and_ran_in_no_list_yet_is_ended(
    shop: Shop, celery_worker: StartWorker
) -> None:
    """Celery lets it run, revoked or not, and lists it as prefetched until its process has taken it up."""
    celery_worker(shop.server.url(), queues=[QUEUE], concurrency=1)
    task = shop.waiting_for("end")
    shop.running(task)
    tell, snapshot = shop.revokes.tell, shop.control.snapshot
    hidden: list[bool] = []

    def telling(ids: Collection[str], workers: Collection[str], told: Told, signal: str | None = None) -> Any:
        said = tell(ids, workers, told, signal) if signal else tell(ids, workers, told)
        if signal is None:
            hidden.append(True)
        return said

    def seen() -> ClusterSnapshot:
        found = snapshot()
        if not hidden:
            return found
        hidden.clear()
        listed = [w.model_copy(update={"reserved": w.active, "active": ()}) for w in found.workers]
        return found.model_copy(update={"workers": tuple(listed)})

    shop.revokes.tell = telling  # type: ignore[method-assign]  # as above
    shop.control.snapshot = seen  # type: ignore[method-assign,assignment]  # as above
    execution = shop.revoked(ids=[task], terminate=True)
    assert execution.state is ExecutionState.VERIFIED, sentence(execution)
    assert sentence(execution) == "1 task in workers' hands stopped, 1 of them while it ran."


def test_a_prefetched_task_that_began_meanwhile_and_was_not_to_be_ended_is_told(
    shop: Shop, celery_worker: StartWorker
) -> None:
    """Nobody is called stopped who runs."""
    celery_worker(shop.server.url(), queues=[QUEUE], concurrency=1)
    first, second = shop.waiting_for("first"), shop.waiting_for("second")
    shop.running(first)
    shop.held(1)
    keep = shop.revokes.keep

    def late(revoke: Revoke) -> None:
        keep(revoke)
        shop.release("first")
        shop.running(second)

    shop.revokes.keep = late  # type: ignore[method-assign]  # as above
    execution = shop.revoked(ids=[second])
    assert execution.state is ExecutionState.FAILED
    assert sentence(execution) == "0 tasks in workers' hands stopped; 1 still runs."


def test_what_a_worker_took_just_before_the_queue_was_emptied_is_stopped_there(
    shop: Shop, celery_worker: StartWorker
) -> None:
    """Queues first, then workers: that is the way of a task."""
    celery_worker(shop.server.url(), queues=[QUEUE])
    later = shop.count(3, queue="booking", countdown=600)
    set_aside = shop.archives.set_aside

    def late(wanted: ArchiveWanted, told: Told) -> Archive | QueueMoved:
        shop.app.control.add_consumer("booking", destination=["w1@test"], reply=True, timeout=5)
        shop.held(3)
        return set_aside(wanted, told)

    shop.archives.set_aside = late  # type: ignore[method-assign]  # as above
    execution = shop.revoked(queue="booking")
    assert (execution.state, sentence(execution)) == (
        ExecutionState.VERIFIED,
        "0 messages of booking set aside; 3 tasks in workers' hands stopped.",
    )
    assert shop.revokes.remembered(["w1@test"]) == {"w1@test": frozenset(later)}


@pytest.mark.parametrize("signal", ["QUIT", "KILL"])
def test_a_running_task_is_ended_by_other_signals_too(shop: Shop, celery_worker: StartWorker, signal: str) -> None:
    """INT and USR1 are none: a process of a prefork pool heeds the one not at all, and takes the other for a limit."""
    celery_worker(shop.server.url(), queues=[QUEUE], concurrency=1)
    busy = shop.sleep(600)
    shop.running(busy)
    execution = shop.revoked(ids=[busy], terminate=True, signal=signal)
    assert execution.state is ExecutionState.VERIFIED, sentence(execution)
    (after,) = shop.count()
    wait(lambda: shop.ran() == {after: 1})
    assert "signal" in refusal(shop, ids=[busy], terminate=True, signal="INT")


def test_of_what_lies_with_a_silent_worker_nobody_says_that_it_was_stopped(
    shop: Shop, celery_worker: StartWorker
) -> None:
    """It may run there; when the worker answers again it is told."""
    worker = celery_worker(shop.server.url(), queues=[QUEUE])
    (later,) = shop.count(countdown=600)
    shop.held(1)
    worker.pause()
    preview = shop.preview(ids=[later])
    assert "1 task would be told that a worker which does not answer may hold or run" in preview.summary
    assert "Not looked at: what w1@test holds, which did not answer: busy or unreachable." in preview.warnings
    execution = shop.revoked(ids=[later])
    assert execution.state is ExecutionState.FAILED
    assert sentence(execution) == (
        "1 task may run yet: a worker that does not answer may hold it; no answer from w1@test."
    )
    worker.resume()

    def told() -> bool:
        keep_revokes(shop.ports, "prod")
        return bool(shop.revokes.remembered(["w1@test"])["w1@test"])

    wait(told)
