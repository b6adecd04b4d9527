"""`/celery scale`, from a typed line over an approval to the processes of a real worker, and back."""

import pytest

from playground.demo import Demo
from playground.slack.errors import Json
from playground.slack.person import Person
from tests.road.looking import CHANNEL, card_of, drafted, has_button, see

pytestmark = [pytest.mark.service, pytest.mark.slow, pytest.mark.timeout(300), pytest.mark.asyncio(loop_scope="module")]


async def outcome(person: Person, *words: str) -> Json:
    """Return the execution's card once it says so."""
    return await see(
        person,
        lambda: person.messages(CHANNEL),
        lambda m: card_of(m).startswith("execution:") and all(w in str(m["blocks"]) for w in (*words, "audit #")),
    )


async def test_slots_are_asked_for_approved_seen_and_taken_back(demo: Demo) -> None:
    """Another person approves more; the way back to what the settings say needs nobody."""
    ana, ben = await demo.person("U0ANA"), await demo.person("U0BEN")
    draft = await drafted(ana, "/celery scale ai_generation by 2 because stories are late")
    assert "2 more slots for ai_generation in all: worker1@playground 4 → 6." in str(draft["blocks"])
    await ana.click(draft, "submit_draft")
    request = await see(ana, lambda: ana.messages(CHANNEL), lambda m: has_button(m, "approve"))
    assert "add 2 slots for ai_generation" in str(request["blocks"])
    await ben.click(request, "approve")
    grown = await outcome(ana, "1 worker grew: worker1@playground 4 → 6.")
    await ana.click(grown, "undo")
    await outcome(ana, "1 worker shrank: worker1@playground 6 → 4.")
