"""Consent: who may approve what, by example and by property."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bot.domain.action import BlastRadius, Preview, Proposal, Risk
from bot.domain.approval import (
    Alternative,
    Answer,
    ApprovalRequest,
    Decided,
    Reason,
    Refused,
    RequestState,
    approvers,
    expire,
    review,
    satisfied,
)

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
ROLES = {"oncall": frozenset({"U0ANA", "U0BEN"}), "platform": frozenset({"U0BEN", "U0CHI", "U0DORA"})}
PEOPLE = ("U0ANA", "U0BEN", "U0CHI", "U0DORA", "U0EVE")


def a_request(*alternatives: Alternative, by: str = "U0ANA") -> ApprovalRequest:
    """Return a pending request to pause a queue."""
    given_alternatives = alternatives or (Alternative(approve=1, by="oncall"), Alternative(approve=2, by="platform"))
    return ApprovalRequest(
        id="req-1",
        version=1,
        proposal=Proposal(action="pause_queue", cluster="prod", params={"queue": "notifications", "seconds": 1800}),
        risk=Risk.HIGH,
        preview=Preview(summary="2 workers will stop", radius=BlastRadius(queues=("notifications",))),
        reason="because",
        policy_digest="abc",
        alternatives=given_alternatives,
        asked=approvers(given_alternatives, ROLES, by),
        requested_by=by,
        requested_at=NOW,
        expires_at=NOW + timedelta(minutes=30),
        channel="C0ONCALL",
        state=RequestState.PENDING,
    )


def decided(outcome: Decided | Refused) -> ApprovalRequest:
    """Return the request of an outcome that must not be a refusal."""
    assert isinstance(outcome, Decided), outcome
    return outcome.request


def refused(outcome: Decided | Refused) -> Refused:
    """Return an outcome that must be a refusal."""
    assert isinstance(outcome, Refused), outcome
    return outcome


def test_another_on_call_person_approves() -> None:
    """One person of the role suffices where the policy says one."""
    assert decided(review(a_request(), "U0BEN", Answer.APPROVE, ROLES, NOW)).state is RequestState.APPROVED


def test_nobody_approves_their_own_request_and_the_refusal_says_who_was_asked() -> None:
    """The requester holds the role too, and is refused with the names of those who may."""
    refusal = refused(review(a_request(), "U0ANA", Answer.APPROVE, ROLES, NOW))
    assert refusal.reason is Reason.OWN_REQUEST
    assert refusal.asked == ("U0BEN", "U0CHI", "U0DORA")
    assert refusal.at == NOW


def test_two_of_a_role_are_needed_where_the_policy_says_two() -> None:
    """The first of two leaves it pending, the second approves it."""
    first = decided(review(a_request(), "U0CHI", Answer.APPROVE, ROLES, NOW))
    assert first.state is RequestState.PENDING
    assert decided(review(first, "U0DORA", Answer.APPROVE, ROLES, NOW)).state is RequestState.APPROVED


def test_the_same_person_does_not_count_twice() -> None:
    """A second click by the same approver is refused, not counted."""
    first = decided(review(a_request(), "U0CHI", Answer.APPROVE, ROLES, NOW))
    assert refused(review(first, "U0CHI", Answer.APPROVE, ROLES, NOW)).reason is Reason.ALREADY_REVIEWED


def test_people_of_different_alternatives_do_not_add_up() -> None:
    """Two platform people are not one of on-call and one of platform."""
    request = a_request(Alternative(approve=2, by="oncall"), Alternative(approve=2, by="platform"), by="U0DORA")
    first = decided(review(request, "U0ANA", Answer.APPROVE, ROLES, NOW))
    second = decided(review(first, "U0CHI", Answer.APPROVE, ROLES, NOW))
    assert second.state is RequestState.PENDING


def test_only_the_requester_withdraws() -> None:
    """Withdrawing is the requester's alone."""
    assert decided(review(a_request(), "U0ANA", Answer.WITHDRAW, ROLES, NOW)).state is RequestState.WITHDRAWN
    assert refused(review(a_request(), "U0BEN", Answer.WITHDRAW, ROLES, NOW)).reason is Reason.NOT_YOURS


def test_a_click_after_the_decision_says_who_decided() -> None:
    """A click on an old card does nothing and names who was first."""
    denied = decided(review(a_request(), "U0BEN", Answer.DENY, ROLES, NOW))
    refusal = refused(review(denied, "U0CHI", Answer.APPROVE, ROLES, NOW + timedelta(seconds=1)))
    assert (refusal.reason, refusal.by, refusal.at) == (Reason.ALREADY_DECIDED, "U0BEN", NOW)


def test_an_approval_after_the_end_is_refused_even_before_the_sweep() -> None:
    """Expiry does not wait for a process to notice it."""
    late = NOW + timedelta(minutes=30)
    assert refused(review(a_request(), "U0BEN", Answer.APPROVE, ROLES, late)).reason is Reason.EXPIRED
    assert expire(a_request(), late).state is RequestState.EXPIRED
    assert expire(a_request(), late - timedelta(seconds=1)).state is RequestState.PENDING


def test_an_empty_role_means_nobody() -> None:
    """A role without members approves nothing."""
    request = a_request(Alternative(approve=1, by="oncall"))
    empty = {"oncall": frozenset[str]()}
    assert approvers(request.alternatives, empty, "U0ANA") == ()
    assert refused(review(request, "U0BEN", Answer.APPROVE, empty, NOW)).reason is Reason.NOT_AN_APPROVER


def test_the_digest_binds_params_preview_policy_and_runbook() -> None:
    """Any change of what consent was given to changes the digest."""
    request = a_request()
    changes: list[dict[str, Any]] = [
        {"proposal": request.proposal.model_copy(update={"params": {"queue": "booking", "seconds": 1800}})},
        {"preview": request.preview.model_copy(update={"summary": "other"})},
        {"policy_digest": "def"},
        {"runbook_digest": "123"},
    ]
    assert len({request.digest, *(request.model_copy(update=c).digest for c in changes)}) == 5


ANSWERS = st.lists(st.tuples(st.sampled_from(PEOPLE), st.sampled_from(list(Answer)), st.integers(0, 40)), max_size=12)
ALTERNATIVES = st.lists(
    st.builds(Alternative, approve=st.integers(1, 3), by=st.sampled_from(["oncall", "platform", "nobody"])),
    min_size=1,
    max_size=3,
)


@given(ALTERNATIVES, ANSWERS, st.sampled_from(PEOPLE))
def test_whatever_is_clicked_consent_is_only_reached_by_enough_other_people_in_time(
    alternatives: list[Alternative], answers: list[tuple[str, Answer, int]], requester: str
) -> None:
    """No order of clicks approves without an alternative reached by others; once decided, nothing changes any more."""
    request = a_request(*alternatives, by=requester)
    for person, answer, minutes in sorted(answers, key=lambda a: a[2]):
        before = request
        outcome = review(request, person, answer, ROLES, NOW + timedelta(minutes=minutes))
        if isinstance(outcome, Refused):
            continue
        request = outcome.request
        assert before.state is RequestState.PENDING
        assert minutes < 30
        assert answer is Answer.WITHDRAW or person != requester
    if request.state is RequestState.APPROVED:
        yes = {r.by for r in request.reviews if r.answer is Answer.APPROVE}
        assert requester not in yes
        assert any(len(yes & ROLES.get(a.by, frozenset())) >= a.approve for a in alternatives)
        assert satisfied(request, request.reviews, ROLES)
    assert len({r.by for r in request.reviews}) == len(request.reviews)
