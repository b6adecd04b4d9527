"""Consent: asked, given, refused, withdrawn, expired; and what it no longer covers."""

import dataclasses
from pathlib import Path

import pytest

from bot.domain.action import Execution, ExecutionState, Proposal, Risk
from bot.domain.approval import Alternative, Answer, ApprovalRequest, Decided, Policy, Reason, Refused, RequestState
from bot.domain.card import CardKind
from bot.domain.cluster import Mode
from bot.domain.errors import BadInput, UnknownName
from bot.usecases import approvals, requests, switches
from bot.usecases.executions import execute
from bot.usecases.requests import Submitted
from tests.usecases.world import World, make_world


def asked(world: World, queue: str = "notifications", minutes: int = 30) -> ApprovalRequest:
    """Have Ana ask for a pause that needs another person."""
    proposal = Proposal(action="pause_queue", cluster="prod", params={"queue": queue, "seconds": minutes * 60})
    drafted = requests.draft(world.ports, proposal, "U0ANA", "because", "C0ONCALL")
    assert isinstance(drafted, ApprovalRequest), drafted
    submitted = requests.submit(world.ports, drafted.id, "U0ANA")
    assert isinstance(submitted, Submitted), submitted
    assert submitted.execution is None
    return submitted.request


def approved(world: World, request: ApprovalRequest) -> str:
    """Have Ben approve; return the execution's id."""
    outcome = approvals.answer(world.ports, request.id, "U0BEN", Answer.APPROVE)
    assert isinstance(outcome, Decided), outcome
    assert outcome.request.execution_id is not None
    return outcome.request.execution_id


def ended(world: World, execution_id: str) -> Execution:
    """Run it, as the ops worker does."""
    done = execute(world.ports, execution_id)
    assert isinstance(done, Execution), done
    return done


def test_a_more_important_queue_needs_another_person(world: World) -> None:
    """Asked in the channel and by direct message; Ana's own approval is refused, Ben's runs it."""
    request = asked(world)
    with world.store.read() as tx:
        wanted = {(c.kind, c.subject) for c in tx.cards.pending(world.clock.now())}
    assert {(CardKind.REQUEST, request.id), (CardKind.REQUEST_DM, f"{request.id}/U0BEN")} <= wanted
    own = approvals.answer(world.ports, request.id, "U0ANA", Answer.APPROVE)
    assert isinstance(own, Refused)
    assert (own.reason, own.asked) == (Reason.OWN_REQUEST, ("U0BEN",))
    done = ended(world, approved(world, request))
    assert (done.state, done.consent) == (ExecutionState.VERIFIED, "approved by U0BEN")
    with world.store.read() as tx:
        (card,) = tx.cards.of_kind(CardKind.REQUEST)
    assert card.wanted == 3  # asked, approved, and what came of it
    assert "notifications" not in world.cluster.consuming["worker1@a"]


def test_a_second_approval_does_nothing_and_says_who_was_first(world: World) -> None:
    """One execution comes of it."""
    request = asked(world)
    approved(world, request)
    second = approvals.answer(world.ports, request.id, "U0BEN", Answer.APPROVE)
    assert isinstance(second, Refused)
    assert (second.reason, second.by) == (Reason.ALREADY_DECIDED, "U0BEN")
    assert len(world.dispatcher.sent) == 1


@pytest.mark.parametrize(
    ("by", "answer", "state"),
    [("U0BEN", Answer.DENY, RequestState.DENIED), ("U0ANA", Answer.WITHDRAW, RequestState.WITHDRAWN)],
)
def test_denied_and_withdrawn_requests_never_run(world: World, by: str, answer: Answer, state: RequestState) -> None:
    """Nothing is dispatched, and the audit has it."""
    request = asked(world)
    approvals.answer(world.ports, request.id, by, answer)
    with world.store.read() as tx:
        assert tx.requests.get(request.id).state is state
    assert world.dispatcher.sent == []
    assert world.events()[-1] == f"request: {answer.value}"


def test_a_request_expires(world: World) -> None:
    """After its time a click is refused, and the sweep closes the card."""
    request = asked(world)
    world.clock.pass_time(minutes=30)
    late = approvals.answer(world.ports, request.id, "U0BEN", Answer.APPROVE)
    assert isinstance(late, Refused)
    assert late.reason is Reason.EXPIRED
    approvals.expire_requests(world.ports)
    with world.store.read() as tx:
        assert tx.requests.get(request.id).state is RequestState.EXPIRED


def test_the_same_wish_twice_is_one_request(world: World) -> None:
    """A second identical request names the first and who was asked."""
    first = asked(world)
    drafted = requests.draft(world.ports, first.proposal, "U0BEN", "me too", "C0ONCALL")
    assert isinstance(drafted, ApprovalRequest)
    second = requests.submit(world.ports, drafted.id, "U0BEN")
    assert isinstance(second, Refused)
    assert (second.reason, second.by, second.detail) == (Reason.ALREADY_DONE, "U0ANA", first.id)


def test_where_nobody_else_holds_the_role_nobody_is_asked_in_vain(world: World) -> None:
    """The refusal comes at once."""
    world.roles["oncall"] = frozenset({"U0ANA"})
    proposal = Proposal(action="pause_queue", cluster="prod", params={"queue": "booking"})
    refused = requests.draft(world.ports, proposal, "U0ANA", "because", "C0ONCALL")
    assert isinstance(refused, Refused)
    assert refused.reason is Reason.NOBODY_MAY_APPROVE


def test_bad_wishes_are_refused_in_words(world: World) -> None:
    """An unknown queue with a suggestion, minutes out of bounds, an action without means with its command."""
    with pytest.raises(UnknownName, match="Did you mean `analytics`"):
        requests.draft(
            world.ports, Proposal(action="pause_queue", cluster="prod", params={"queue": "analitics"}), "U0ANA", "", "C"
        )
    with pytest.raises(BadInput, match="seconds"):
        requests.draft(
            world.ports,
            Proposal(action="pause_queue", cluster="prod", params={"queue": "analytics", "seconds": 0}),
            "U0ANA",
            "",
            "C",
        )
    scale = Proposal(action="scale_workers", cluster="prod", params={"queue": "ai_generation", "by": 2})
    refused = requests.draft(world.ports, scale, "U0ANA", "", "C")
    assert isinstance(refused, Refused)
    assert "--queues=ai_generation" in refused.detail


def test_freeze_stops_what_was_approved_and_what_would_be(world: World) -> None:
    """An approved execution that has not begun ends without touching anything; new ones are refused."""
    execution_id = approved(world, asked(world))
    wish = Proposal(action="pause_queue", cluster="prod", params={"queue": "analytics"})
    drafted = requests.draft(world.ports, wish, "U0ANA", "", "C")
    assert isinstance(drafted, ApprovalRequest)
    assert switches.freeze(world.ports, "U0BEN") is True
    assert switches.freeze(world.ports, "U0BEN") is False
    done = ended(world, execution_id)
    assert done.state is ExecutionState.FAILED
    assert "froze" in (done.error or "")
    assert world.cluster.calls == []
    counted = world.cluster.counted
    for refused in (
        requests.submit(world.ports, drafted.id, "U0ANA"),
        requests.draft(world.ports, wish, "U0ANA", "", "C"),
    ):
        assert isinstance(refused, Refused)
        assert (refused.reason, refused.by) == (Reason.FROZEN, "U0BEN")
    assert world.cluster.counted == counted
    assert isinstance(switches.unfreeze(world.ports, "U0EVE"), Refused)


def test_an_observed_cluster_is_never_touched(tmp_path: Path) -> None:
    """Everything happens but the effect, and the card says what would have run."""
    world = make_world(tmp_path, mode=Mode.OBSERVE)
    done = ended(world, approved(world, asked(world)))
    assert done.state is ExecutionState.DRY_RUN
    assert "would have run" in (done.error or "")
    assert world.cluster.calls == []
    world.store.close()


def test_an_approval_by_somebody_who_lost_the_role_no_longer_counts(world: World) -> None:
    """Roles are asked again when it runs; the wish is asked anew."""
    execution_id = approved(world, asked(world))
    world.roles["oncall"] = frozenset({"U0ANA", "U0CHI"})
    done = ended(world, execution_id)
    assert done.state is ExecutionState.FAILED
    assert world.cluster.calls == []
    with world.store.read() as tx:
        (again,) = tx.requests.find(state=RequestState.PENDING.value)
    assert again.reviews == ()


def test_a_changed_policy_is_asked_again(world: World) -> None:
    """Consent was given under another policy."""
    execution_id = approved(world, asked(world))
    stricter = Policy(consent={Risk.HIGH: (Alternative(approve=2, by="oncall"),)})
    done = execute(dataclasses.replace(world.ports, policy=stricter), execution_id)
    assert isinstance(done, Execution)
    assert "policy was changed" in (done.error or "")
    assert world.cluster.calls == []


def test_a_cluster_that_moved_on_beyond_tolerance_is_asked_again(world: World) -> None:
    """People approved the pause of 12 waiting messages; now there are thousands."""
    execution_id = approved(world, asked(world))
    world.cluster.depths_["notifications"] = 9000
    done = ended(world, execution_id)
    assert "12 messages and is 9,000 now" in (done.error or "")
    assert world.cluster.calls == []
    with world.store.read() as tx:
        (again,) = tx.requests.find(state=RequestState.PENDING.value)
    assert again.preview.radius.messages == 9000
