"""More slots beside a pause: in words, which of the two comes first, and when neither is offered again."""

import pytest

from bot.domain.action import BlastRadius, Execution, ExecutionState, Preview, Proposal, Risk
from bot.domain.card import Offer
from bot.domain.incident import IncidentState
from bot.slack.views.incident import incident_message
from bot.slack.views.phrases import doing, short, what
from bot.slack.views.standing import open_offers_of
from tests.slack.views.reading import buttons, read
from tests.slack.views.samples import BELOW, LOW_OFFER, NOW, execution, incident, incident_card, mitigation, run

SLOTS = Proposal(action="resize_pools", cluster="prod", params={"queue": "ai_generation", "by": 2})
PREVIEW = Preview(summary="2 more slots for ai_generation in all: w1@a 4 → 6.", radius=BlastRadius(workers=("w1@a",)))
OFFER = Offer(
    step_id="scale", title="Scale", proposal=SLOTS, risk=Risk.HIGH, alone=False, asks=("oncall",), preview=PREVIEW
)


@pytest.mark.parametrize(
    ("params", "said", "done"),
    [
        ({"queue": "booking", "by": 2}, "add 2 slots for booking", "adding 2 slots for booking"),
        ({"queue": "booking", "by": -1}, "take 1 slot from booking", "taking 1 slot from booking"),
        ({"worker": "w1@a", "by": 1}, "add 1 slot for w1@a", "adding 1 slot for w1@a"),
        ({"queue": "booking", "by": "many"}, "resize pools booking", "running resize pools: booking"),
    ],
)
def test_slots_are_spoken_of_with_their_number(params: dict[str, object], said: str, done: str) -> None:
    """It is what people press, approve and undo."""
    proposal = Proposal(action="resize_pools", cluster="prod", params=params)
    assert (short(proposal), what(proposal), doing(proposal)) == (said, said, done)


@pytest.mark.parametrize(
    ("action", "params", "said", "done"),
    [
        ("purge_queue", {"queue": "a", "task": "b.c"}, "set aside b.c in a", "setting aside b.c in a"),
        ("purge_queue", {"queue": "a"}, "set aside everything in a", "setting aside everything in a"),
        ("revoke_tasks", {"queue": "a", "task": "b.c", "terminate": True}, "end b.c in a", "ending b.c in a"),
        ("revoke_tasks", {"ids": ["0123456789"]}, "revoke task 01234567", "revoking task 01234567"),
        ("revoke_tasks", {"ids": ["1", "2"]}, "revoke 2 tasks", "revoking 2 tasks"),
        ("requeue_failed", {"task": "b.c"}, "send failed b.c again", "sending failed b.c again"),
        ("restore_archive", {"archive": "exe-1", "queue": "a"}, "put exe-1 back into a", "putting exe-1 back into a"),
        ("restore_archive", {"archive": "exe-1"}, "put exe-1 back", "putting exe-1 back"),
        ("drop_archive", {"archive": "exe-1"}, "delete exe-1 for good", "deleting exe-1 for good"),
    ],
)
def test_what_is_done_to_tasks_is_said_with_which_tasks(
    action: str, params: dict[str, object], said: str, done: str
) -> None:
    """Who approves "purge booking" would think that all of it goes."""
    proposal = Proposal(action=action, cluster="prod", params=params)
    assert (short(proposal), doing(proposal)) == (said, done)


BELOW_LIMIT = run(depth=3, without=BELOW, net_per_minute=0.0, suggestion=None)
RESTORE = Proposal(action="restore_archive", cluster="prod", params={"archive": "exe-1", "queue": "ai_generation"})


def test_what_is_set_aside_is_offered_back_though_the_queue_is_below_its_limit() -> None:
    """It is below since they were taken out of it; more room is another matter."""
    back = LOW_OFFER.model_copy(update={"step_id": "restore", "proposal": RESTORE})
    message = incident_message(incident_card(run=BELOW_LIMIT, offers=(OFFER, LOW_OFFER, back)))
    assert "Next: put exe-1 back into ai_generation." in message.text
    assert "Put exe-1 back into ai_generation" in buttons(message.blocks)
    calm = incident_message(incident_card(run=BELOW_LIMIT, offers=(OFFER, LOW_OFFER)))
    assert "Next: nothing to do. It is below its limit" in calm.text


def test_a_resolved_incident_reminds_of_what_is_still_set_aside() -> None:
    """Until it is put back: nobody else says so for a day."""
    purge = Proposal(action="purge_queue", cluster="prod", params={"queue": "ai_generation", "task": "b.c"})
    over = incident(state=IncidentState.RESOLVED, resolved_at=NOW)
    aside, back = execution(id="exe-1", proposal=purge), execution(id="exe-2", proposal=RESTORE)
    reminded = "What was set aside has yet to be put back: see `/celery archives`."
    assert reminded in incident_message(incident_card(incident=over, executions=(aside,))).text
    assert "Nothing more to do." in incident_message(incident_card(incident=over, executions=(aside, back))).text


def test_what_one_person_may_do_comes_before_what_needs_two() -> None:
    """Without a forecast that points to one of them; both stand among the steps."""
    card = incident_card(offers=(OFFER, LOW_OFFER), run=run(suggestion=None))
    assert "Pause analytics" in buttons(incident_message(card).blocks)


def test_slots_alone_are_asked_for_by_the_button() -> None:
    """The card says whom it asks."""
    message = incident_message(incident_card(offers=(OFFER,), run=run(suggestion=None)))
    assert "Ask to add 2 slots for ai_generation" in buttons(message.blocks)
    assert "Next: ask oncall to add 2 slots for ai_generation." in read(message)


def test_the_button_stands_out_only_while_it_is_the_next_thing_to_do() -> None:
    """Who is told to watch must not be drawn to a button."""
    label = "Ask to add 2 slots for ai_generation"
    alone = incident_message(incident_card(offers=(OFFER,), run=run(suggestion=None)))
    assert buttons(alone.blocks)[label].get("style") == "primary"
    held = incident_message(incident_card(offers=(OFFER,), run=run(suggestion=None), in_force=(mitigation(),)))
    assert "Next: watch it drain." in held.text
    assert "style" not in buttons(held.blocks)[label]


@pytest.mark.parametrize(
    ("state", "offered"),
    [
        (ExecutionState.VERIFIED, False),
        (ExecutionState.RUNNING, False),
        (ExecutionState.FAILED, True),
        (ExecutionState.UNDONE, True),
    ],
)
def test_slots_that_were_added_are_not_offered_again(state: ExecutionState, offered: bool) -> None:
    """A second tap would add two more; what failed or was undone may be wanted anew."""
    done: Execution = execution(proposal=SLOTS, mitigation_id=None, state=state)
    card = incident_card(offers=(OFFER,), executions=(done,))
    assert bool(open_offers_of(card)) is offered
