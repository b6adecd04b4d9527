"""Workers that start during a pause, on real parts: how much of the paused queue they run, layer by layer."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bot.adapters.celery.online import WorkerOnlineWatch
from bot.usecases.reconcile import hold_new_worker
from tests.pauses.shop import WAITING, Shop, wait_for

pytestmark = [pytest.mark.service, pytest.mark.slow, pytest.mark.timeout(400)]

MOST_LEAKED = 1000


@contextmanager
def held(shop: Shop) -> Iterator[None]:
    """The bot's watch for new workers, with its hold."""
    watch = WorkerOnlineWatch(shop.connection, lambda worker: hold_new_worker(shop.ports, "shop", worker))
    watch.start()
    try:
        assert watch.wait_connected(10)
        yield
    finally:
        watch.close(15)


def assert_all_ran_once_after_resume(shop: Shop) -> None:
    """Nothing was lost and nothing ran twice, whatever happened in between."""
    shop.resume()
    wait_for(lambda: sum(shop.runs().values()) >= WAITING, seconds=90)
    shop.quiet()
    runs = shop.runs()
    assert (len(runs), set(runs.values())) == (WAITING, {1})


def test_nothing_leaks_from_a_worker_that_the_driver_restarts(shop: Shop) -> None:
    """It never consumes the queue; a resume gives it the queue all the same."""
    shop.start("worker1@test")
    shop.pause()
    shop.fill()
    shop.driver.restart("worker1@test", ["analytics"])
    shop.wait_answers("worker1@test")
    shop.prove_alive()
    assert (shop.runs(), shop.depth(), shop.consumers()) == ({}, WAITING, set())
    assert_all_ran_once_after_resume(shop)


def test_nothing_leaks_from_a_worker_that_run_worker_starts(shop: Shop, tmp_path: Path) -> None:
    """The command stands before the worker's own; the worker obeys a signal as if it stood there alone."""
    shop.start("worker1@test")
    shop.pause()
    shop.fill()
    shop.stop("worker1@test")
    with shop.run_worker("worker1@test", tmp_path / "worker1.log") as process:
        shop.wait_answers("worker1@test")
        shop.prove_alive()
        assert (shop.runs(), shop.depth(), shop.consumers()) == ({}, WAITING, set())
        assert "left out of this worker: analytics (until " in process.output()
        assert_all_ran_once_after_resume(shop)
        process.send(signal.SIGTERM)
        wait_for(lambda: not process.alive)
        assert "Warm shutdown" in process.output()


def test_nothing_leaks_from_a_worker_that_starts_with_the_plugin(shop: Shop, tmp_path: Path) -> None:
    """It reads what is paused before it consumes; under a new name, and it gets the queue back all the same."""
    shop.start("worker1@test")
    shop.pause()
    shop.fill()
    shop.stop("worker1@test")
    with shop.plugged("pod-5d9f@test", tmp_path):
        shop.prove_alive()
        assert (shop.runs(), shop.depth(), shop.consumers()) == ({}, WAITING, set())
        assert_all_ran_once_after_resume(shop)
        assert shop.consumers() == {"pod-5d9f@test"}


def test_a_worker_that_starts_unawares_leaks_little_and_loses_nothing(shop: Shop) -> None:
    """The watch and the hold take the queue from it within a moment; what it ran by then, it ran once."""
    shop.start("worker1@test")
    shop.pause()
    shop.fill()
    with held(shop):
        shop.start("worker2@test")
        wait_for(lambda: shop.the_pause().joined == ("worker2@test",) and not shop.consumers())
        shop.prove_alive()
        shop.quiet()
    leaked = shop.runs()
    assert len(leaked) < MOST_LEAKED
    assert set(leaked.values()) <= {1}
    assert len(leaked) + shop.depth() == WAITING
    assert_all_ran_once_after_resume(shop)


def test_a_resume_after_a_rolling_deploy_of_all_workers_reaches_their_successors(shop: Shop) -> None:
    """One was replaced without the queue, one unawares; both are new names, and both consume it after the resume."""
    for worker in ("worker1@old", "worker2@old"):
        shop.start(worker)
    shop.pause()
    shop.fill()
    with held(shop):
        shop.start("worker1@new", ("analytics",))
        shop.start("worker2@new")
        wait_for(lambda: shop.the_pause().joined == ("worker2@new",) and not shop.consumers())
        shop.stop("worker1@old")
        shop.stop("worker2@old")
    assert_all_ran_once_after_resume(shop)
    assert shop.consumers() == {"worker1@new", "worker2@new"}
