"""More slots in place: consented to, told once, counted afterwards, taken back."""

import dataclasses

import pytest

from bot.adapters.clusters import ConfiguredClusters
from bot.domain.action import ClaimRefusal, Execution, ExecutionState, Proposal, Risk
from bot.domain.approval import Answer, ApprovalRequest, Reason, Refused
from bot.domain.cluster import ClusterSpec, WorkerGroup
from bot.domain.errors import BadInput, OncallError, UnknownName
from bot.domain.run import StepState
from bot.domain.runbook import Runbook, Step
from bot.ports import Ports
from bot.usecases import approvals, cards, requests, runs
from bot.usecases.executions import execute, settle
from bot.usecases.targets import action_of
from tests.usecases.world import RUNBOOK, SPEC, World

SMALL = WorkerGroup(name="worker*", queues=("ai_generation",), concurrency=4, max_workers=2)


def proposal(by: int = 2, **more: object) -> Proposal:
    """More slots for the queue that is backed up."""
    aim = {} if "worker" in more else {"queue": "ai_generation"}
    return Proposal(action="resize_pools", cluster="prod", params={**aim, "by": by, **more})


def drafted(world: World, wish: Proposal, ports: Ports | None = None) -> ApprovalRequest:
    """Draft a wish; it must not be refused."""
    draft = requests.draft(ports or world.ports, wish, "U0ANA", "", "C0ONCALL")
    assert isinstance(draft, ApprovalRequest), draft
    return draft


def approved(world: World, wish: Proposal) -> str:
    """Ask for it and have it approved; returns the execution's id."""
    draft = drafted(world, wish)
    requests.submit(world.ports, draft.id, "U0ANA")
    if draft.risk is not Risk.LOW:
        approvals.answer(world.ports, draft.id, "U0BEN", Answer.APPROVE)
    with world.store.read() as tx:
        (execution,) = tx.executions.find(request_id=draft.id)
    return execution.id


def done(world: World, wish: Proposal) -> Execution:
    """Run it, as the ops worker does."""
    execution = execute(world.ports, approved(world, wish))
    assert isinstance(execution, Execution), execution
    return execution


def with_group(world: World, group: WorkerGroup) -> Ports:
    """Return the world's ports with other worker groups."""
    spec: ClusterSpec = SPEC.model_copy(update={"worker_groups": (group,)})
    clusters = ConfiguredClusters({"prod": spec}, {"prod": world.cluster}, {"C0ONCALL": "prod"})
    return dataclasses.replace(world.ports, clusters=clusters)


def test_the_preview_says_which_pool_gets_what_and_until_when(world: World) -> None:
    """The number is of slots in all: the smallest pools come first."""
    world.cluster.slots = {"worker1@a": 2, "worker2@a": 4}
    draft = drafted(world, proposal(3))
    assert draft.preview.summary == "3 more slots for ai_generation in all: worker1@a 2 → 5."
    assert draft.preview.radius.workers == ("worker1@a",)
    assert draft.preview.notes == (
        "The slots of these workers serve analytics, booking, notifications too.",
        "Each slot of a prefork worker is a process with memory of its own.",
        "It holds until a worker restarts: then that one has its old size again.",
    )
    assert draft.risk is Risk.HIGH


def test_more_slots_than_the_settings_foresee_are_warned_of(world: World) -> None:
    """`max_workers` of so many slots each is what the team said the machine bears."""
    ports = with_group(world, SMALL)
    assert drafted(world, proposal(2), ports).preview.warnings == (
        "worker* would have 10 slots; the settings foresee 8 at most (2 × 4).",
    )
    assert drafted(world, proposal(-2), ports).preview.warnings == ()


def test_two_workers_grow_each_told_once_and_undo_takes_the_slots_back(world: World) -> None:
    """The undo is of low risk where it goes back to what the settings say workers start with."""
    grown = done(world, proposal(2))
    assert (grown.state, world.cluster.slots) == (ExecutionState.VERIFIED, {"worker1@a": 5, "worker2@a": 5})
    assert grown.verdict is not None
    assert grown.verdict.sentence == "2 workers grew: worker1@a 4 → 5, worker2@a 4 → 5."
    assert world.cluster.calls == [("grow", "1", ("worker1@a",)), ("grow", "1", ("worker2@a",))]
    assert grown.undo is not None
    assert drafted(world, grown.undo).risk is Risk.LOW
    back = done(world, grown.undo)
    assert (back.state, world.cluster.slots) == (ExecutionState.VERIFIED, {"worker1@a": 4, "worker2@a": 4})


def test_what_was_not_reached_is_told_and_not_undone(world: World) -> None:
    """A worker says ok and does not grow: the reply is not believed, the other one stays grown, and undo takes that."""
    world.cluster.deaf = {"worker2@a"}
    grown = done(world, proposal(2))
    assert grown.state is ExecutionState.FAILED
    assert grown.verdict is not None
    assert grown.verdict.sentence == "1 of 2 workers grew: worker1@a 4 → 5; not worker2@a (4 slots)."
    assert len(world.cluster.calls) == 2
    world.cluster.deaf = set()
    assert grown.undo is not None
    assert done(world, grown.undo).state is ExecutionState.VERIFIED
    assert world.cluster.slots == {"worker1@a": 4}


def test_a_worker_that_restarted_meanwhile_is_not_shrunk_below_its_size(world: World) -> None:
    """It has its old size again by itself; an undo by the number alone would take slots that it always had."""
    grown = done(world, proposal(2))
    world.cluster.slots["worker1@a"] = 4
    assert grown.undo is not None
    done(world, grown.undo)
    assert world.cluster.slots == {"worker1@a": 4, "worker2@a": 4}


def test_a_shrink_asks_another_person_and_leaves_each_worker_a_slot(world: World) -> None:
    """Twenty fewer of eight are six fewer."""
    draft = drafted(world, proposal(-20))
    assert draft.risk is Risk.HIGH
    assert draft.preview.summary == (
        "6 fewer slots for ai_generation in all (20 were asked for; every worker keeps one): "
        "worker1@a 4 → 1, worker2@a 4 → 1."
    )


@pytest.mark.parametrize(
    ("sizes", "by", "risk"),
    [
        ({"worker1@a": 4}, -2, Risk.LOW),
        ({"worker1@a": 3}, -2, Risk.HIGH),
        ({"worker1@a": 4}, 2, Risk.LOW),
        ({"worker1@a": 5}, 2, Risk.HIGH),
        ({"priority@a": 4}, -2, Risk.HIGH),
        ({}, 2, Risk.HIGH),
    ],
)
def test_the_way_back_is_low_only_to_what_the_settings_start_workers_with(
    world: World, sizes: dict[str, int], by: int, risk: Risk
) -> None:
    """Whoever writes `sizes` into a runbook gets no further than that without consent."""
    action, params = action_of(world.ports, proposal(by, sizes=sizes))
    assert action.risk(params, SPEC, world.ports.policy) is risk


def test_workers_that_cannot_are_named_with_the_reason_and_the_others_grow(world: World) -> None:
    """Silent, of threads, or autoscaled: left alone, and said."""
    world.cluster.consuming |= {"threads@a": {"ai_generation"}, "auto@a": {"ai_generation"}}
    world.cluster.pools, world.cluster.autoscaled = {"threads@a": "threads"}, {"auto@a"}
    world.cluster.silent = {"worker1@a"}
    preview = drafted(world, proposal(2)).preview
    assert preview.summary == "2 more slots for ai_generation in all: worker2@a 4 → 6."
    assert set(preview.warnings) == {
        "worker1@a did not answer (busy or unreachable); it is not touched.",
        "threads@a has a pool (threads) that cannot change its size while it runs; it is not touched.",
        "auto@a sizes its pool itself (`--autoscale`); it is not touched.",
    }


@pytest.mark.parametrize(
    ("wish", "error", "said"),
    [
        (proposal(2, queue="ai_generatoin"), UnknownName, "Did you mean `ai_generation`"),
        (proposal(2, worker="worker3@a"), UnknownName, "Did you mean `worker"),
        (proposal(0), BadInput, "0 changes nothing"),
        (proposal(21), BadInput, "20"),
        (Proposal(action="resize_pools", cluster="prod", params={"by": 1}), BadInput, "name a `queue` or a `worker`"),
    ],
)
def test_what_cannot_be_meant_is_refused(world: World, wish: Proposal, error: type[OncallError], said: str) -> None:
    """In words, before anything is sent."""
    with pytest.raises(error, match=said):
        requests.draft(world.ports, wish, "U0ANA", "", "C0ONCALL")
    assert world.cluster.calls == []


def test_one_worker_alone_may_be_named(world: World) -> None:
    """The others that consume the same queues stay as they are."""
    done(world, proposal(3, worker="priority@a"))
    assert world.cluster.slots == {"priority@a": 7}


def test_the_same_is_not_asked_for_twice(world: World) -> None:
    """Two clicks would add up to four slots."""
    first, second = drafted(world, proposal(2)), drafted(world, proposal(1))
    requests.submit(world.ports, first.id, "U0ANA")
    refused = requests.submit(world.ports, second.id, "U0ANA")
    assert isinstance(refused, Refused)
    assert refused.reason is Reason.ALREADY_DONE


def test_a_process_that_dies_in_between_repeats_nothing(world: World) -> None:
    """The sweep looks at what is there: one grew, one was never told."""
    execution_id = approved(world, proposal(2))
    tell = world.cluster.resize_pool

    def die(worker: str, by: int) -> str:
        if world.cluster.calls:
            raise KeyboardInterrupt
        return tell(worker, by)

    world.cluster.resize_pool = die  # type: ignore[method-assign]  # death is what is tested
    with pytest.raises(KeyboardInterrupt):
        execute(world.ports, execution_id)
    world.clock.pass_time(seconds=30)
    ended = settle(world.ports, execution_id)
    assert ended is not None
    assert (ended.state, len(world.cluster.calls)) == (ExecutionState.INTERRUPTED, 1)
    assert ended.verdict is not None
    assert ended.verdict.sentence == "1 of 2 workers grew: worker1@a 4 → 5; not worker2@a (4 slots)."


def test_two_resizes_never_run_at_once(world: World) -> None:
    """Neither could tell what it has brought about; the second waits for its turn."""
    first = approved(world, proposal(1, worker="worker1@a"))
    second = approved(world, proposal(1, worker="worker2@a"))
    tell, meanwhile = world.cluster.resize_pool, list[object]()

    def interrupted(worker: str, by: int) -> str:
        if not meanwhile:
            meanwhile.append(execute(world.ports, second))
        return tell(worker, by)

    world.cluster.resize_pool = interrupted  # type: ignore[method-assign]  # another process, in the middle of this one
    execute(world.ports, first)
    assert meanwhile == [ClaimRefusal.BUSY]
    assert world.dispatcher.sent[-1] == second


class OneRunbook:
    """A runbook whose scale step grows pools."""

    def all(self) -> tuple[Runbook, ...]:
        """Return it."""
        grow = Step.model_validate(
            {
                "id": "scale",
                "title": "Scale",
                "action": "resize_pools",
                "with": {"queue": "{{ queue }}", "by": 2},
            }
        )
        steps = tuple(grow if s.id == "scale" else s for s in RUNBOOK.steps)
        return (RUNBOOK.model_copy(update={"steps": steps}),)


@pytest.mark.parametrize(("pool", "state"), [("prefork", StepState.OFFERED), ("threads", StepState.BY_HAND)])
def test_a_runbook_offers_slots_where_a_consumer_can_grow_and_a_command_where_none_can(
    world: World, pool: str, state: StepState
) -> None:
    """One step either way: the command starts more workers."""
    world.ports = dataclasses.replace(world.ports, runbooks=OneRunbook())
    world.cluster.pools = dict.fromkeys(world.cluster.consuming, pool)
    incident = world.fire()
    with world.store.read() as tx:
        card = cards.incident_card(world.ports, tx, incident.id)
    assert card.run is not None
    result = card.run.result("scale")
    assert result is not None
    assert result.state is state
    command = "control pool_grow 2 -d" if state is StepState.OFFERED else "--queues=ai_generation"
    assert command in (result.command or "")
    assert [o.proposal.action for o in card.offers] == ["resize_pools", "pause_queue"][state is StepState.BY_HAND :]
    runs.refresh(world.ports, incident.id)


@pytest.mark.parametrize(("late", "state"), [(4.5, ExecutionState.VERIFIED), (60.0, ExecutionState.FAILED)])
def test_a_pool_that_shows_its_size_late_is_waited_for_up_to_ten_seconds(
    world: World, late: float, state: ExecutionState
) -> None:
    """Prefork says ok at once and shows its processes after some 4.5 s; that it said ok proves nothing by then."""
    world.cluster.deaf = {"worker1@a", "worker2@a"}
    waited: list[float] = []

    def wait(seconds: float) -> None:
        waited.append(seconds)
        world.clock.pass_time(seconds=seconds)
        if sum(waited) >= late:
            world.cluster.slots = {"worker1@a": 5, "worker2@a": 5}

    world.ports = dataclasses.replace(world.ports, wait=wait)
    assert done(world, proposal(2)).state is state
    assert sum(waited) == min(late, 10)
    assert [call[0] for call in world.cluster.calls] == ["grow", "grow"]
