"""A revoke holds: over restarts of all workers, over the death of the ops worker, and until its end."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from bot.adapters.celery.connection import ClusterConnection
from bot.adapters.celery.online import WorkerOnlineWatch
from bot.domain.action import Execution, ExecutionState, Proposal, Risk
from bot.domain.approval import ApprovalRequest
from bot.domain.errors import UnknownName
from bot.usecases import requests
from bot.usecases.executions import execute, settle
from bot.usecases.revokes import TOLD_ANEW, keep_revokes, revokes, tell_new_worker
from playground.services import RedisServer
from tests.services.workers import StartWorker
from tests.usecases.revoking import QUEUE, Shop, wait

LATER = 25
"""Seconds until a task is due: long enough for a worker to restart on a slow machine."""


@pytest.fixture
def shop(tmp_path: Path, redis_server: RedisServer) -> Iterator[Shop]:
    """Return one without workers."""
    shop = Shop(tmp_path, redis_server)
    yield shop
    shop.close()


def by_sweeps(shop: Shop) -> Callable[[], None]:
    """Let the sweep find the new worker."""

    def told() -> None:
        def known() -> bool:
            keep_revokes(shop.ports, "prod")
            remembered = shop.revokes.remembered(["w1@test"])["w1@test"]
            return bool(remembered)

        wait(known)

    return told


def by_watch(shop: Shop) -> Callable[[], None]:
    """Let it be told as it comes online."""
    watch = WorkerOnlineWatch(
        ClusterConnection("prod", shop.server.url()), partial(tell_new_worker, shop.ports, "prod")
    )
    watch.start()
    assert watch.wait_connected(10)

    def told() -> None:
        wait(lambda: shop.revokes.remembered(["w1@test"])["w1@test"])
        watch.close()

    return told


@pytest.mark.slow
@pytest.mark.parametrize("way", [by_sweeps, by_watch])
def test_a_revoke_holds_when_all_workers_restart(
    shop: Shop, celery_worker: StartWorker, way: Callable[[Shop], Callable[[], None]]
) -> None:
    """Celery forgets it: the stopped worker gives its tasks back, and the next would run them when they are due."""
    first = celery_worker(shop.server.url(), queues=[QUEUE])
    later = shop.count(3, countdown=LATER)
    shop.held(3)
    execution = shop.revoked(ids=later)
    assert execution.state is ExecutionState.VERIFIED, execution.verdict
    (other,) = shop.count(countdown=LATER)
    shop.held(4)
    first.stop()
    wait(lambda: shop.server.client().llen(QUEUE) == 4)
    told = way(shop)
    celery_worker(shop.server.url(), queues=[QUEUE])
    told()
    wait(lambda: other in shop.ran())
    wait(lambda: not shop.server.client().hlen("unacked") and not shop.server.client().llen(QUEUE))
    assert shop.ran() == {other: 1}
    assert TOLD_ANEW in shop.world.events()


def test_after_its_end_a_revoke_is_forgotten(shop: Shop, celery_worker: StartWorker) -> None:
    """No worker is told any more, and nothing of it is left in the broker."""
    celery_worker(shop.server.url(), queues=[QUEUE])
    (later,) = shop.count(countdown=600)
    shop.held(1)
    assert shop.revoked(ids=[later], hold="8h").state is ExecutionState.VERIFIED
    keep_revokes(shop.ports, "prod")
    (revoke,) = shop.revokes.all()
    assert (set(revoke.ids), set(revoke.told)) == ({later}, {"w1@test"})
    shop.world.clock.pass_time(hours=9)
    keep_revokes(shop.ports, "prod")
    assert (shop.revokes.all(), shop.server.client().keys("oncall.revokes*")) == ((), [])
    assert "revoke ended" in shop.world.events()


def test_a_revoke_is_listed_and_ended_before_its_time(shop: Shop, celery_worker: StartWorker) -> None:
    """Workers that start from then on are not told; one that nobody knows is refused, with those there are."""
    celery_worker(shop.server.url(), queues=[QUEUE])
    (later,) = shop.count(countdown=600)
    shop.held(1)
    made = shop.revoked(ids=[later], hold="8h")
    assert [r.id for r in revokes(shop.ports, "prod").revokes] == [made.id]
    with pytest.raises(UnknownName, match=f"`{made.id}`"):
        draft(shop, "exe-99")
    wanted = draft(shop, made.id)
    assert wanted.risk is Risk.LOW
    assert "which is of 1 task" in wanted.preview.summary
    requests.submit(shop.ports, wanted.id, "U0ANA")
    with shop.world.store.read() as tx:
        (execution,) = tx.executions.find(request_id=wanted.id)
    ended = execute(shop.ports, execution.id)
    assert isinstance(ended, Execution)
    assert (ended.state, revokes(shop.ports, "prod").revokes) == (ExecutionState.VERIFIED, ())


def draft(shop: Shop, revoke: str) -> ApprovalRequest:
    """Ask for the end of a revoke."""
    proposal = Proposal(action="end_revoke", cluster="prod", params={"revoke": revoke})
    made = requests.draft(shop.ports, proposal, "U0ANA", "", "C0ONCALL", None)
    assert isinstance(made, ApprovalRequest)
    return made


class Died(BaseException):
    """The ops worker is killed here."""


class Dying:
    """A broker connection whose process dies at the so-manieth effect, before or after it took place."""

    def __init__(self, shop: Shop, steps: int, *, after: bool) -> None:
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
        """Let the next process live."""
        self._broker._send = self._effect  # type: ignore[method-assign]  # as above


STEPS = 9


@pytest.mark.slow
@pytest.mark.parametrize("after", [False, True])
def test_a_revoke_whose_process_died_is_resumed_or_never_began(
    shop: Shop, celery_worker: StartWorker, after: bool
) -> None:
    """Killed before or after any step: what was revoked never runs, and what was not runs once."""
    celery_worker(shop.server.url(), queues=[QUEUE])
    aside: list[str] = []
    others: list[str] = []
    states: list[ExecutionState] = []
    for steps in range(STEPS):
        waiting, stays = shop.count(2, queue="booking"), shop.count(1, queue="booking")
        later, runs = shop.count(2, countdown=LATER), shop.count(1, countdown=LATER)
        shop.until(lambda s, ids={*later, *runs}: ids <= {t.id for w in s.workers for t in w.scheduled or ()})  # type: ignore[misc]
        execution_id = shop.approved(ids=[*waiting, *later])
        dying = Dying(shop, steps, after=after)
        try:
            execute(shop.ports, execution_id)
        except Died:
            dying.alive()
            shop.world.clock.pass_time(seconds=30)
            assert settle(shop.ports, execution_id) is not None
        dying.alive()
        with shop.world.store.read() as tx:
            execution = tx.executions.get(execution_id)
        states.append(execution.state)
        others += [*stays, *runs]
        if execution.state is ExecutionState.VERIFIED:
            aside += waiting
        else:
            others += [*waiting, *later]
    assert states.count(ExecutionState.INTERRUPTED) == (0 if after else 1)
    assert states.count(ExecutionState.VERIFIED) == STEPS - states.count(ExecutionState.INTERRUPTED)
    celery_worker(shop.server.url(), name="w2", queues=["booking"])
    wait(lambda: not shop.server.client().hlen("unacked") and set(others) <= shop.ran().keys())
    assert shop.ran() == dict.fromkeys(others, 1)
    for archive in shop.archives.all():
        shop.archives.put_back(archive.id, lambda line: None)
    wait(lambda: set(aside) <= shop.ran().keys())
    assert shop.ran() == dict.fromkeys([*others, *aside], 1)
