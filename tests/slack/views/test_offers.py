"""More slots beside a pause: in words, which of the two comes first, and when neither is offered again."""

import pytest

from bot.domain.action import BlastRadius, Execution, ExecutionState, Preview, Proposal, Risk
from bot.domain.card import Offer
from bot.slack.views.incident import incident_message
from bot.slack.views.phrases import doing, short, what
from bot.slack.views.standing import open_offers_of
from tests.slack.views.reading import buttons, read
from tests.slack.views.samples import LOW_OFFER, execution, incident_card, mitigation, run

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
