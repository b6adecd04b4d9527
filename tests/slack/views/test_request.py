"""Requests for approval and drafts, read as they stand on the screen."""

from datetime import timedelta

import pytest

from bot.domain.approval import Alternative, Answer, RequestState, Review
from bot.domain.card import RequestCard
from bot.slack.ids import ActionId
from bot.slack.views.request import draft_message, request_message
from tests.slack.views.reading import buttons, dialog, read, seen
from tests.slack.views.samples import ANA, BEN, CEM, NOW, execution, incident, request

PENDING = """\
<@U0BEN> or <@U0CEM>: please decide.
*<@U0ANA> asks to pause analytics for 30 min on prod*
Incident: ai_generation
Why: stories are late
3 workers will stop consuming analytics for 30 min; 212 tasks will wait, nothing is lost.
⚠️ w4@b did not answer and may consume it too.
• 8 tasks already fetched will still run.
• It resumes by itself at the end.
[Approve] [Deny] [Withdraw]
(needs 1 approval from platform · expires 03:44 UTC · asked 03:14 UTC)"""


def test_request_calls_exactly_those_who_may_approve() -> None:
    """Who, what, why, the blast radius, and until when."""
    assert read(request_message(RequestCard(request=request(), incident=incident(), now=NOW))) == PENDING


def test_incident_is_a_link_for_who_was_just_woken() -> None:
    """The numbers are one tap away."""
    card = RequestCard(request=request(), incident=incident(), reader=BEN, now=NOW)
    shown = read(request_message(card, "https://workspace.example/archives/C0/p1"))
    assert "Incident: <https://workspace.example/archives/C0/p1|ai_generation>" in shown


def test_notification_of_a_request_says_who_wants_what() -> None:
    """Enough to decide whether to get up."""
    message = request_message(RequestCard(request=request(), now=NOW))
    assert message.text == (
        "<@U0BEN> or <@U0CEM>: please decide.\n<@U0ANA> asks to pause analytics for 30 min on prod."
    )


def test_approve_asks_back_and_carries_an_id_alone() -> None:
    """The dialog repeats what happens; the button holds no truth."""
    approve = buttons(request_message(RequestCard(request=request(), now=NOW)).blocks)["Approve"]
    assert dialog(approve).startswith("Pause analytics for 30 min?\n3 workers will stop consuming analytics")
    assert (approve["action_id"], approve["value"]) == (ActionId.APPROVE, "req-1")


def test_direct_message_says_where_it_comes_from_and_cannot_withdraw() -> None:
    """It is the same request, for one approver."""
    message = request_message(RequestCard(request=request(), reader=BEN, now=NOW))
    assert list(buttons(message.blocks)) == ["Approve", "Deny"]
    assert read(message).startswith("You are asked to decide.\n")
    assert "(From <#C0ONCALL>, where everybody sees it · needs 1 approval" in read(message)


def test_second_approver_sees_who_agreed_so_far() -> None:
    """Two of one role, or one of another."""
    asks = request(
        alternatives=(Alternative(approve=2, by="platform"), Alternative(approve=1, by="leads")),
        reviews=(Review(by=CEM, answer=Answer.APPROVE, at=NOW),),
    )
    shown = read(request_message(RequestCard(request=asks, now=NOW)))
    assert "(needs 2 approvals from platform or 1 approval from leads · <@U0CEM> agreed so far · expires" in shown


def test_request_nobody_may_approve_says_so() -> None:
    """Waiting for nobody would be waiting in vain."""
    message = request_message(RequestCard(request=request(asked=()), now=NOW))
    assert message.text.startswith("Nobody may approve this. Ask whoever keeps the settings to name approvers.")
    assert list(buttons(message.blocks)) == ["Withdraw"]


@pytest.mark.parametrize(
    ("state", "answer", "first"),
    [
        (RequestState.APPROVED, Answer.APPROVE, "✅ Approved by <@U0BEN>, 03:16 UTC"),
        (RequestState.DENIED, Answer.DENY, "🚫 Denied by <@U0BEN>, 03:16 UTC"),
        (RequestState.WITHDRAWN, Answer.WITHDRAW, "↩️ Withdrawn by <@U0ANA>, 03:16 UTC"),
        (RequestState.EXPIRED, None, "⌛ Expired 03:16 UTC, nobody answered"),
    ],
)
def test_decided_request_has_the_decision_where_the_buttons_were(
    state: RequestState, answer: Answer | None, first: str
) -> None:
    """Used buttons become a sentence."""
    at = NOW + timedelta(minutes=2)
    by = ANA if answer is Answer.WITHDRAW else BEN
    reviews = (Review(by=by, answer=answer, at=at),) if answer else ()
    message = request_message(RequestCard(request=request(state=state, decided_at=at, reviews=reviews), now=NOW))
    assert read(message).splitlines()[0] == first
    assert "3 workers will stop consuming analytics" in read(message)
    assert "It resumes by itself" not in read(message)
    assert seen(message.text).startswith(first)
    assert not buttons(message.blocks)


def test_approved_request_shows_what_came_of_it() -> None:
    """Whoever approved need not look elsewhere."""
    yes = (Review(by=BEN, answer=Answer.APPROVE, at=NOW),)
    card = RequestCard(
        request=request(state=RequestState.APPROVED, decided_at=NOW, reviews=yes), execution=execution(), now=NOW
    )
    assert read(request_message(card)).splitlines()[1] == (
        "✅ 3 of 3 workers stopped consuming analytics; 8 fetched tasks still run."
    )


def test_draft_for_one_person_runs_after_a_dialog() -> None:
    """Preview first, then one button that says what it does."""
    message = draft_message(request(state=RequestState.DRAFT, alternatives=(), asked=()), alone=True)
    assert read(message) == (
        "*Pause analytics for 30 min on prod?*\n"
        "Why: stories are late\n"
        "3 workers will stop consuming analytics for 30 min; 212 tasks will wait, nothing is lost.\n"
        "⚠️ w4@b did not answer and may consume it too.\n"
        "• 8 tasks already fetched will still run.\n"
        "• It resumes by itself at the end.\n"
        "[Pause analytics for 30 min] [Cancel]\n"
        "(Your on-call role is enough for this. Nothing has happened yet.)"
    )
    assert "confirm" in buttons(message.blocks)["Pause analytics for 30 min"]


def test_draft_that_needs_others_says_whom_it_asks() -> None:
    """Asking changes nothing in the cluster, so it needs no dialog."""
    message = draft_message(request(state=RequestState.DRAFT), alone=False)
    assert list(buttons(message.blocks)) == ["Ask for approval", "Cancel"]
    assert "confirm" not in buttons(message.blocks)["Ask for approval"]
    assert read(message).endswith("(This asks <@U0BEN> or <@U0CEM>. Nothing has happened yet.)")


def test_reason_from_outside_rings_nobody() -> None:
    """A reason is somebody's text."""
    message = request_message(RequestCard(request=request(reason="<!channel> now"), now=NOW))
    assert "Why: &lt;!channel&gt; now" in str(message.blocks)
