"""Pauses: kept while they last, warned of before they end, ended for certain."""

from bot.checks.consumers import Consumers
from bot.checks.workers import NoParams
from bot.domain.action import Execution, ExecutionState, Proposal
from bot.domain.approval import ApprovalRequest, Refused
from bot.domain.card import CardKind
from bot.domain.mitigation import Mitigation, MitigationState, Protection
from bot.domain.run import Level
from bot.usecases import buttons, requests, switches
from bot.usecases.executions import execute
from bot.usecases.requests import Submitted
from bot.usecases.status import status
from bot.usecases.sweep import sweep
from bot.usecases.targets import target_of
from tests.usecases.world import World


def pause(world: World, queue: str = "analytics", minutes: int = 30) -> Execution:
    """Pause a queue by slash command, and run it."""
    proposal = Proposal(action="pause_queue", cluster="prod", params={"queue": queue, "seconds": minutes * 60})
    drafted = requests.draft(world.ports, proposal, "U0ANA", "load", "C0ONCALL")
    assert isinstance(drafted, ApprovalRequest), drafted
    submitted = requests.submit(world.ports, drafted.id, "U0ANA")
    assert isinstance(submitted, Submitted), submitted
    assert submitted.execution is not None
    done = execute(world.ports, submitted.execution.id)
    assert isinstance(done, Execution), done
    return done


def the_pause(world: World) -> Mitigation:
    """Return the one mitigation."""
    with world.store.read() as tx:
        (found,) = tx.mitigations.find(cluster="prod")
    return found


def run_dispatched(world: World) -> None:
    """Run everything that was dispatched, as the ops worker does."""
    while world.dispatcher.sent:
        execute(world.ports, world.dispatcher.sent.pop(0))


def test_a_worker_that_joins_is_held_and_recorded(world: World) -> None:
    """It consumed the paused queue when it started; the reconcile cancels it, and a resume gives it the queue."""
    pause(world)
    world.cluster.consuming["worker3@a"] = {"ai_generation", "analytics"}
    sweep(world.ports)
    assert "analytics" not in world.cluster.consuming["worker3@a"]
    assert the_pause(world).joined == ("worker3@a",)
    world.dispatcher.sent.clear()
    buttons.resume(world.ports, the_pause(world).id, "U0BEN")
    run_dispatched(world)
    assert [w for w, q in world.cluster.consuming.items() if "analytics" in q] == [
        "worker1@a",
        "worker2@a",
        "worker3@a",
    ]


def test_status_tells_which_layer_keeps_each_worker_from_the_paused_queue(world: World) -> None:
    """Cancelled where it consumed it, started without it where it came up during the pause and never did."""
    pause(world)
    world.clock.pass_time(minutes=10)
    world.cluster.consuming["worker1@a"] = {"ai_generation"}
    world.cluster.consuming["worker9@a"] = {"ai_generation"}
    world.cluster.uptime = {"worker1@a": 60, "worker2@a": 9000, "worker9@a": 60, "priority@a": 9000}
    assert status(world.ports, "prod").protection == {
        "worker1@a": Protection.STARTED_WITHOUT,
        "worker2@a": Protection.CANCELLED,
        "worker9@a": Protection.STARTED_WITHOUT,
    }
    world.cluster.consuming["worker9@a"].add("analytics")
    sweep(world.ports)
    assert status(world.ports, "prod").protection["worker9@a"] is Protection.CANCELLED


def test_a_resume_after_a_rolling_deploy_of_all_workers_finds_their_successors(world: World) -> None:
    """All recorded workers are gone; new ones were started without the queue, and their group lists it."""
    pause(world)
    world.cluster.consuming = {
        "worker7@b": {"ai_generation"},
        "worker8@b": {"ai_generation"},
        "priority@b": {"booking"},
    }
    world.dispatcher.sent.clear()
    buttons.resume(world.ports, the_pause(world).id, "U0ANA")
    run_dispatched(world)
    assert [w for w, q in world.cluster.consuming.items() if "analytics" in q] == ["worker7@b", "worker8@b"]
    assert the_pause(world).state is MitigationState.ENDED


def test_a_pause_ends_by_itself_once(world: World) -> None:
    """The sweep queues the end, and a second sweep does not queue another."""
    pause(world)
    world.dispatcher.sent.clear()
    world.clock.pass_time(minutes=30)
    sweep(world.ports)
    sweep(world.ports)
    assert len(world.dispatcher.sent) == 1
    run_dispatched(world)
    assert the_pause(world).state is MitigationState.ENDED
    assert "analytics" in world.cluster.consuming["worker1@a"]
    assert world.events()[-3:] == ["pause reached its end", "execution started", "execution verified"]


def test_the_owner_is_warned_five_minutes_before_once_for_each_end(world: World) -> None:
    """An extension earns a new warning."""
    pause(world)
    world.clock.pass_time(minutes=24)
    sweep(world.ports)
    assert warnings(world) == 0
    world.clock.pass_time(minutes=2)
    sweep(world.ports)
    sweep(world.ports)
    assert warnings(world) == 1
    world.dispatcher.sent.clear()
    extend(world)
    run_dispatched(world)
    world.clock.pass_time(minutes=30)
    sweep(world.ports)
    assert warnings(world) == 2


def extend(world: World, seen_end: int | None = None) -> Submitted | Refused:
    """Press Extend, on a button that shows the pause's end unless told otherwise."""
    pause = the_pause(world)
    return buttons.extend(world.ports, pause.id, "U0ANA", seen_end or int(pause.ends_at.timestamp()))


def test_a_second_press_of_extend_does_not_extend_twice(world: World) -> None:
    """Neither while the first is on its way, nor after it: the button showed an end that is no longer the end."""
    pause(world)
    seen = int(the_pause(world).ends_at.timestamp())
    assert isinstance(extend(world, seen), Submitted)
    assert isinstance(extend(world, seen), Refused)
    run_dispatched(world)
    assert int(the_pause(world).ends_at.timestamp()) == seen + 1800
    late = extend(world, seen)
    assert isinstance(late, Refused)
    assert late.detail == "extended"


def test_a_warning_follows_when_the_end_is_moved_or_comes_early(world: World) -> None:
    """Its buttons must not stay behind."""
    pause(world)
    world.clock.pass_time(minutes=26)
    sweep(world.ports)
    extend(world)
    run_dispatched(world)
    with world.store.read() as tx:
        (warning,) = tx.cards.of_kind(CardKind.ENDING)
    assert warning.wanted == 2
    buttons.resume(world.ports, the_pause(world).id, "U0ANA")
    run_dispatched(world)
    with world.store.read() as tx:
        (warning,) = tx.cards.of_kind(CardKind.ENDING)
    assert warning.wanted == 3


def warnings(world: World) -> int:
    """Return how many warnings were wanted so far."""
    with world.store.read() as tx:
        return len(tx.cards.of_kind(CardKind.ENDING))


def test_a_second_pause_extends_and_never_stacks(world: World) -> None:
    """There is one pause, with the later end; one resume ends it."""
    first_end = (pause(world), the_pause(world).ends_at)[1]
    world.clock.pass_time(minutes=10)
    pause(world, minutes=10)
    assert the_pause(world).ends_at == first_end
    pause(world, minutes=45)
    assert (the_pause(world).ends_at - world.clock.now()).total_seconds() == 45 * 60


def test_a_broker_that_is_down_at_the_end_only_delays_it(world: World) -> None:
    """The pause is still in force, and the next sweep ends it."""
    pause(world)
    world.dispatcher.sent.clear()
    world.clock.pass_time(minutes=31)
    world.cluster.down = True
    sweep(world.ports)
    assert (the_pause(world).state, world.dispatcher.sent) == (MitigationState.IN_FORCE, [])
    world.cluster.down = False
    sweep(world.ports)
    run_dispatched(world)
    assert the_pause(world).state is MitigationState.ENDED


def test_a_broker_that_dies_between_queueing_the_end_and_running_it_only_delays_it(world: World) -> None:
    """The failed end is recorded, the pause is in force again, and the next sweep ends it."""
    pause(world)
    world.dispatcher.sent.clear()
    world.clock.pass_time(minutes=31)
    sweep(world.ports)
    world.cluster.down = True
    run_dispatched(world)
    assert the_pause(world).state is MitigationState.IN_FORCE
    world.cluster.down = False
    world.clock.pass_time(seconds=10)
    sweep(world.ports)
    run_dispatched(world)
    assert the_pause(world).state is MitigationState.ENDED


def test_a_frozen_bot_keeps_the_pause_and_says_so_once(world: World) -> None:
    """After the freeze it ends."""
    pause(world)
    world.dispatcher.sent.clear()
    switches.freeze(world.ports, "U0BEN")
    world.clock.pass_time(minutes=31)
    sweep(world.ports)
    sweep(world.ports)
    with world.store.read() as tx:
        (notice,) = tx.cards.of_kind(CardKind.NOTICE)
    assert "executions are frozen" in (notice.text or "")
    assert world.dispatcher.sent == []
    switches.unfreeze(world.ports, "U0BEN")
    sweep(world.ports)
    run_dispatched(world)
    assert the_pause(world).state is MitigationState.ENDED


def test_a_frozen_bot_still_holds_workers_that_join(world: World) -> None:
    """A freeze stops new executions; it does not let a pause in force leak."""
    pause(world)
    switches.freeze(world.ports, "U0BEN")
    world.cluster.consuming["worker3@a"] = {"analytics"}
    sweep(world.ports)
    assert world.cluster.consuming["worker3@a"] == set()


def test_a_worker_that_says_ok_and_goes_on_is_not_believed(world: World) -> None:
    """A reply is no outcome: the execution has failed in part, names the worker, and the pause is kept."""
    world.cluster.deaf = {"worker2@a"}
    done = pause(world)
    assert done.state is ExecutionState.FAILED
    assert done.verdict is not None
    assert done.verdict.sentence.startswith("1 of 2 workers stopped consuming analytics")
    assert done.verdict.missing == ("worker2@a",)
    world.cluster.deaf = set()
    sweep(world.ports)
    assert "analytics" not in world.cluster.consuming["worker2@a"]


def test_a_silent_worker_is_named_and_not_counted_as_stopped(world: World) -> None:
    """It may consume the queue, so the pause is not verified."""
    world.cluster.silent = {"worker2@a"}
    done = pause(world)
    assert done.verdict is not None
    assert done.state is ExecutionState.FAILED
    assert done.verdict.sentence.startswith("1 of 2 workers stopped consuming analytics")
    assert done.verdict.sentence.endswith("no answer from worker2@a.")


def test_a_pause_holds_a_queue_without_consumers_and_status_says_so(world: World) -> None:
    """Paused messages are no emergency; unconsumed ones come first."""
    pause(world)
    view = status(world.ports, "prod")
    assert view.orphaned == ()
    assert {line.queue.name: line.pause is not None for line in view.queues}["analytics"]
    found = Consumers().run(NoParams(), world.cluster.snapshot(), target_of(world.ports, "prod"))
    assert found.level is Level.WARN
    world.cluster.depths_["mystery"] = 7
    assert status(world.ports, "prod", fresh=True).orphaned == ("mystery",)
