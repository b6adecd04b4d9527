"""Ends of pauses in the face of freezes, other executions, and a broker that hides workers."""

import contextlib
import dataclasses
from typing import Any

import pytest

from bot.actions.pause_queue import PauseQueue
from bot.adapters.clusters import ConfiguredClusters
from bot.domain.action import ClaimRefusal, Execution, ExecutionState, Proposal
from bot.domain.approval import ApprovalRequest
from bot.domain.cluster import ClusterSnapshot, Mode, Unknown
from bot.domain.errors import ClusterUnreachable
from bot.domain.mitigation import MitigationState
from bot.usecases import buttons, requests, switches
from bot.usecases.executions import execute
from bot.usecases.reconcile import reconcile
from bot.usecases.requests import Submitted
from bot.usecases.sweep import sweep
from tests.usecases.test_pauses import pause, run_dispatched, the_pause
from tests.usecases.world import SPEC, World


def end_queued(world: World) -> None:
    """Have a pause reach its end, whose execution is queued and not yet run."""
    pause(world)
    world.dispatcher.sent.clear()
    world.clock.pass_time(minutes=30)
    sweep(world.ports)
    assert the_pause(world).state is MitigationState.ENDING
    assert len(world.dispatcher.sent) == 1


def consumes(world: World, worker: str = "worker1@a", queue: str = "analytics") -> bool:
    """Return whether a worker consumes a queue."""
    return queue in world.cluster.consuming[worker]


def test_a_freeze_between_the_queueing_of_an_end_and_its_claim_only_delays_it(world: World) -> None:
    """The end is refused while frozen; after the freeze the pause still ends by itself."""
    end_queued(world)
    switches.freeze(world.ports, "U0BEN")
    run_dispatched(world)
    switches.unfreeze(world.ports, "U0BEN")
    for _ in range(3):
        world.clock.pass_time(minutes=1)
        sweep(world.ports)
        run_dispatched(world)
    assert (the_pause(world).state, consumes(world)) == (MitigationState.ENDED, True)


def test_a_worker_that_comes_up_between_the_queueing_of_an_end_and_its_claim_does_not_keep_the_pause_for_ever(
    world: World,
) -> None:
    """Drift is for consent to something new; an end was consented to when the pause began."""
    end_queued(world)
    world.cluster.consuming["worker3@a"] = {"booking"}
    run_dispatched(world)
    for _ in range(3):
        world.clock.pass_time(minutes=1)
        sweep(world.ports)
        run_dispatched(world)
    assert (the_pause(world).state, consumes(world)) == (MitigationState.ENDED, True)


def test_a_cluster_that_was_set_to_observe_during_a_pause_ends_it_once_it_may_act_again(world: World) -> None:
    """A dry run of an end changes nothing: the pause is still in force, and is ended when the mode is act again."""
    pause(world)
    world.dispatcher.sent.clear()
    world.clock.pass_time(minutes=30)
    observing = ConfiguredClusters(
        {"prod": SPEC.model_copy(update={"mode": Mode.OBSERVE})}, {"prod": world.cluster}, {"C0ONCALL": "prod"}
    )
    observed = dataclasses.replace(world.ports, clusters=observing)
    sweep(observed)
    for sent in list(world.dispatcher.sent):
        execute(observed, sent)
    world.dispatcher.sent.clear()
    for _ in range(3):
        world.clock.pass_time(minutes=1)
        sweep(world.ports)
        run_dispatched(world)
    assert (the_pause(world).state, consumes(world)) == (MitigationState.ENDED, True)


def test_an_extension_that_runs_before_a_queued_end_wins(world: World) -> None:
    """Somebody extended in time, saw it verified; the end that was queued a moment before must not resume the queue."""
    end_queued(world)
    (end,) = world.dispatcher.sent
    extended = buttons.extend(world.ports, the_pause(world).id, "U0ANA", int(the_pause(world).ends_at.timestamp()))
    assert isinstance(extended, Submitted)
    assert extended.execution is not None
    ran = execute(world.ports, extended.execution.id)
    assert isinstance(ran, Execution)
    assert ran.state is ExecutionState.VERIFIED
    execute(world.ports, end)
    assert (the_pause(world).state, consumes(world)) == (MitigationState.IN_FORCE, False)


def test_a_stale_end_does_not_end_a_newer_pause(world: World) -> None:
    """The end waited for a worker; meanwhile somebody resumed by hand and somebody else paused anew."""
    end_queued(world)
    (end,) = world.dispatcher.sent
    first = the_pause(world)
    with world.store.write() as tx:  # a resume by hand got through first
        m = tx.mitigations.get(first.id)
        tx.mitigations.save(m.model_copy(update={"state": MitigationState.ENDED, "ended_at": world.clock.now()}))
    world.cluster.add_consumer("analytics", ["worker1@a", "worker2@a"])
    pause(world)
    execute(world.ports, end)
    with world.store.read() as tx:
        second = tx.mitigations.find(cluster="prod")[-1]
    assert second.id != first.id
    assert (second.state, consumes(world)) == (MitigationState.IN_FORCE, False)


def test_a_resume_that_a_worker_did_not_follow_is_not_forgotten(world: World) -> None:
    """A busy worker does not take its queue back in time; it gets it later, by itself."""
    pause(world)
    world.dispatcher.sent.clear()
    world.cluster.deaf = {"worker1@a", "worker2@a"}
    buttons.resume(world.ports, the_pause(world).id, "U0ANA")
    run_dispatched(world)
    world.cluster.deaf = set()
    for _ in range(5):
        world.clock.pass_time(minutes=10)
        sweep(world.ports)
        run_dispatched(world)
    assert consumes(world, "worker1@a")
    assert consumes(world, "worker2@a")


def hide_workers(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the real control does when Redis is full (OOM), or a fresh process meets workers too busy to answer."""
    original = type(world.cluster).snapshot

    def hidden(self: Any, deadline: float = 2.0) -> ClusterSnapshot:
        snapshot = original(self, deadline)
        why = "the broker passes on no replies: it is full"
        return snapshot.model_copy(update={"workers": (), "unknown": (Unknown(what="workers", why=why),)})

    monkeypatch.setattr(type(world.cluster), "snapshot", hidden)
    monkeypatch.setattr(type(world.cluster), "consumers", lambda self, deadline=2.0: {})


def test_a_pause_is_not_verified_when_no_worker_could_be_seen(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """That no worker consumes it is a guess when nobody could be asked."""
    hide_workers(world, monkeypatch)
    with pytest.raises(ClusterUnreachable, match="no worker could be asked"):
        pause(world)
    assert consumes(world)  # they do consume it


def test_an_end_while_no_worker_can_be_seen_is_tried_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Redis is full when the pause ends: the workers still exist, and must get their queue back later."""
    pause(world)
    world.dispatcher.sent.clear()
    world.clock.pass_time(minutes=30)
    with monkeypatch.context() as m:
        hide_workers(world, m)
        sweep(world.ports)
        run_dispatched(world)
    for _ in range(3):
        world.clock.pass_time(minutes=1)
        sweep(world.ports)
        run_dispatched(world)
    assert (the_pause(world).state, consumes(world)) == (MitigationState.ENDED, True)


def interrupting(world: World, monkeypatch: pytest.MonkeyPatch, method: str, at: int, what: Any) -> None:
    """Run `what` inside the n-th call of a method of the cluster, after its answer was read."""
    original, calls = getattr(type(world.cluster), method), [0]

    def hooked(self: Any, *args: Any, **kwargs: Any) -> Any:
        answer = original(self, *args, **kwargs)
        calls[0] += 1
        if calls[0] == at:
            what()
        return answer

    monkeypatch.setattr(type(world.cluster), method, hooked)


def ask_for_pause(world: World) -> None:
    """Have Ana ask for a pause, and an ops process take it up at once: it must wait for what works on the queue."""
    proposal = Proposal(action="pause_queue", cluster="prod", params={"queue": "analytics", "seconds": 1200})
    drafted = requests.draft(world.ports, proposal, "U0ANA", "", "C0ONCALL")
    assert isinstance(drafted, ApprovalRequest)
    submitted = requests.submit(world.ports, drafted.id, "U0ANA")
    assert isinstance(submitted, Submitted)
    assert submitted.execution
    assert execute(world.ports, submitted.execution.id) is ClaimRefusal.BUSY
    world.dispatcher.sent.clear()


def test_a_pause_that_runs_while_a_resume_is_closing_is_kept_and_remembered(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two ops processes: whoever closes last must not leave a cancelled queue that nobody remembers."""
    pause(world)
    world.dispatcher.sent.clear()
    resumed = buttons.resume(world.ports, the_pause(world).id, "U0ANA")
    assert isinstance(resumed, Submitted)
    assert resumed.execution
    interrupting(world, monkeypatch, "snapshot", 2, lambda: ask_for_pause(world))  # between verify and close
    execute(world.ports, resumed.execution.id)
    run_dispatched(world)
    with world.store.read() as tx:
        states = [m.state for m in tx.mitigations.find(cluster="prod")]
    assert (states, consumes(world)) == ([MitigationState.ENDED, MitigationState.IN_FORCE], False)


def test_a_resume_during_a_pause_that_is_still_applying_is_not_overruled_by_it(world: World) -> None:
    """worker2 is deaf, so the pause goes on asking for 8 s; meanwhile Ben resumes and is told that it ended."""
    world.cluster.deaf = {"worker2@a"}
    resumed: list[str] = []

    def meanwhile(_: float) -> None:
        if resumed:
            return
        resumed.append("")
        answer = buttons.resume(ports, the_pause(world).id, "U0BEN")
        if isinstance(answer, Submitted) and answer.execution:
            resumed[0] = answer.execution.id
            world.cluster.deaf = set()
            execute(ports, answer.execution.id)

    ports = world.ports
    world.ports = dataclasses.replace(ports, wait=meanwhile)
    pause(world)
    world.ports = ports
    for _ in range(3):
        world.clock.pass_time(seconds=31)
        sweep(world.ports)
        run_dispatched(world)
    with world.store.read() as tx:
        told = tx.executions.get(resumed[0])
    if told.state is ExecutionState.VERIFIED:
        assert (the_pause(world).state, consumes(world)) == (MitigationState.ENDED, True)


def test_a_worker_recorded_while_a_resume_was_looking_gets_its_queue_back_too(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The resume read the pause, then counted for up to 2 s; a worker joined and was held in between."""
    pause(world)
    world.dispatcher.sent.clear()
    resumed = buttons.resume(world.ports, the_pause(world).id, "U0ANA")
    assert isinstance(resumed, Submitted)
    assert resumed.execution
    world.cluster.consuming["extra@a"] = {"analytics"}
    interrupting(world, monkeypatch, "snapshot", 1, lambda: reconcile(world.ports, "prod"))
    execute(world.ports, resumed.execution.id)
    for _ in range(2):
        sweep(world.ports)
        run_dispatched(world)
    assert consumes(world, "extra@a") or the_pause(world).live


class Killed(BaseException):
    """Ends a use case as kill -9 does."""


def test_a_worker_that_joined_while_a_pause_was_applied_is_recorded_before_it_is_cancelled(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process dies after it cancelled a newcomer; the resume must give the newcomer its queue back."""
    original = type(world.cluster).cancel_consumer

    def cancel(self: Any, queue: str, workers: Any) -> Any:
        answer = original(self, queue, workers)
        if "extra@a" in workers:
            raise Killed
        self.consuming["extra@a"] = {"analytics"}
        return answer

    with monkeypatch.context() as m:
        m.setattr(type(world.cluster), "cancel_consumer", cancel)
        with pytest.raises(Killed):
            pause(world)
    world.clock.pass_time(seconds=60)
    sweep(world.ports)
    run_dispatched(world)
    buttons.resume(world.ports, the_pause(world).id, "U0ANA")
    run_dispatched(world)
    assert consumes(world, "extra@a")


def test_one_broken_execution_does_not_stop_the_sweep(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every part fails alone: a mistake while settling one execution must not keep all pauses for ever."""
    pause(world)
    monkeypatch.setattr(PauseQueue, "verify", lambda *_: 1 / 0)
    assert pause(world, minutes=10).state is ExecutionState.INTERRUPTED
    world.dispatcher.sent.clear()
    world.clock.pass_time(minutes=31)
    with contextlib.suppress(ZeroDivisionError):
        sweep(world.ports)
    run_dispatched(world)
    with world.store.read() as tx:
        assert tx.executions.find(state="running") == []
    assert consumes(world)


def test_an_execution_whose_action_changed_its_version_while_it_ran_is_closed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A deploy in the middle: it is interrupted and says so, and does not block the same wish for ever."""

    def die(*_: Any, **__: Any) -> Any:
        raise Killed

    with monkeypatch.context() as m:
        m.setattr(PauseQueue, "run", die)
        with pytest.raises(Killed):
            pause(world)
    monkeypatch.setattr(PauseQueue, "version", 2)
    world.clock.pass_time(seconds=60)
    for _ in range(3):
        sweep(world.ports)
        world.clock.pass_time(seconds=60)
    with world.store.read() as tx:
        assert tx.executions.find(state="running") == []
