"""Exactly once: many clicks, many processes, a process that dies in the middle."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from bot.actions.pause_queue import PauseQueue
from bot.domain.action import ClaimRefusal, Execution, ExecutionState
from bot.domain.approval import Answer, Decided, Refused
from bot.domain.mitigation import MitigationState
from bot.usecases import approvals
from bot.usecases.executions import execute, settle
from bot.usecases.sweep import sweep
from tests.usecases.test_consent import approved, asked
from tests.usecases.test_road import take_up
from tests.usecases.world import World


class Killed(BaseException):
    """Ends a use case as a killed process does: nothing after it runs."""


def test_fifty_approvals_at_once_make_one_execution(world: World) -> None:
    """One is taken, all others are told so."""
    request = asked(world)
    with ThreadPoolExecutor(16) as pool:
        outcomes = list(
            pool.map(lambda _: approvals.answer(world.ports, request.id, "U0BEN", Answer.APPROVE), range(50))
        )
    assert sum(isinstance(o, Decided) for o in outcomes) == 1
    assert sum(isinstance(o, Refused) for o in outcomes) == 49
    assert len(world.dispatcher.sent) == 1


def test_many_processes_with_one_execution_run_it_once(world: World) -> None:
    """The claim is one row in the database; the audit has one start."""
    execution_id = approved(world, asked(world))
    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(lambda _: execute(world.ports, execution_id), range(16)))
    assert sum(isinstance(o, Execution) and o.state is ExecutionState.VERIFIED for o in outcomes) == 1
    assert sum(isinstance(o, ClaimRefusal) for o in outcomes) == 15
    assert world.events().count("execution started") == 1
    started = next(e for e in world.store.export_audit() if e.event == "execution started")
    assert (started.facts["action"], started.facts["queue"]) == ("pause_queue", "notifications")
    assert len([c for c in world.cluster.calls if c[0] == "cancel"]) == 1


def killed_in(world: World, monkeypatch: pytest.MonkeyPatch, method: str, execution_id: str) -> None:
    """Run an execution whose process dies when it calls a method of the cluster."""
    original = getattr(type(world.cluster), method)

    def die(*args: Any, **kwargs: Any) -> Any:
        original(*args, **kwargs)
        raise Killed

    with monkeypatch.context() as m:
        m.setattr(type(world.cluster), method, die)
        with pytest.raises(Killed):
            execute(world.ports, execution_id)


def test_a_process_that_dies_after_the_effect_is_settled_as_verified(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The effect is looked at, not repeated; until the claim's lease is over nobody touches it."""
    take_up(world, world.fire().id)
    execution_id = world.dispatcher.sent[-1]
    killed_in(world, monkeypatch, "cancel_consumer", execution_id)
    assert settle(world.ports, execution_id) is None
    assert execute(world.ports, execution_id) is ClaimRefusal.ALREADY_CLAIMED
    world.clock.pass_time(seconds=21)
    calls = list(world.cluster.calls)
    sweep(world.ports)
    with world.store.read() as tx:
        done = tx.executions.get(execution_id)
        (pause,) = tx.mitigations.find(cluster="prod")
    assert done.state is ExecutionState.VERIFIED
    assert pause.state is MitigationState.IN_FORCE
    assert world.cluster.calls == calls
    assert world.events().count("execution started") == 1


def test_a_process_that_dies_before_the_effect_leaves_it_interrupted(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A person must look; the bot does not run it again by itself."""
    take_up(world, world.fire().id)
    execution_id = world.dispatcher.sent[-1]

    def die(*_: Any, **__: Any) -> Any:
        raise Killed

    with monkeypatch.context() as m:
        m.setattr(PauseQueue, "run", die)
        with pytest.raises(Killed):
            execute(world.ports, execution_id)
    world.clock.pass_time(seconds=21)
    settle(world.ports, execution_id)
    with world.store.read() as tx:
        done = tx.executions.get(execution_id)
    assert done.state is ExecutionState.INTERRUPTED
    assert world.cluster.calls == []


def test_a_process_that_comes_back_after_its_claim_was_settled_stops(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The claim is checked before each effect: a process that slept through its lease does nothing more."""
    take_up(world, world.fire().id)
    execution_id = world.dispatcher.sent[-1]
    world.cluster.deaf = {"worker1@a"}
    slept: list[int] = []
    original = type(world.cluster).consumers

    def sleep_through(*args: Any, **kwargs: Any) -> Any:
        if not slept:
            slept.append(1)
            world.clock.pass_time(seconds=60)
            settle(world.ports, execution_id)
        return original(*args, **kwargs)

    monkeypatch.setattr(type(world.cluster), "consumers", sleep_through)
    execute(world.ports, execution_id)
    assert len([c for c in world.cluster.calls if c[0] == "cancel"]) == 1
    with world.store.read() as tx:
        assert tx.executions.get(execution_id).state is ExecutionState.INTERRUPTED


def test_what_no_ops_worker_claims_is_run_by_the_sweep(world: World) -> None:
    """Dead ops processes delay an action, they do not lose it."""
    take_up(world, world.fire().id)
    sweep(world.ports)
    assert world.cluster.calls == []
    world.clock.pass_time(seconds=31)
    sweep(world.ports)
    with world.store.read() as tx:
        assert tx.executions.get(world.dispatcher.sent[-1]).state is ExecutionState.VERIFIED


def test_a_bug_in_an_action_is_recorded_and_the_cluster_looked_at(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No traceback for people; the execution ends and says where to look."""
    take_up(world, world.fire().id)

    def broken(*_: Any, **__: Any) -> Any:
        raise ZeroDivisionError

    monkeypatch.setattr(PauseQueue, "run", broken)
    done = execute(world.ports, world.dispatcher.sent[-1])
    assert isinstance(done, Execution)
    assert done.state is ExecutionState.INTERRUPTED
    assert "log holds the details" in (done.error or "")
