"""What people read before they consent: true for a queue that is empty, paused already, or not paused at all."""

import pytest

from bot.domain.action import Execution, Proposal
from bot.domain.approval import ApprovalRequest
from bot.domain.errors import BadInput
from bot.usecases import requests
from bot.usecases.executions import execute
from tests.usecases.world import World


def drafted(world: World, action: str, queue: str, **params: object) -> ApprovalRequest:
    """Draft a wish of Ana's."""
    proposal = Proposal(action=action, cluster="prod", params={"queue": queue, **params})
    draft = requests.draft(world.ports, proposal, "U0ANA", "", "C0ONCALL")
    assert isinstance(draft, ApprovalRequest)
    return draft


def done(world: World, draft: ApprovalRequest) -> Execution:
    """Send a draft on its way, and run it as the ops worker does."""
    requests.submit(world.ports, draft.id, "U0ANA")
    ended = execute(world.ports, world.dispatcher.sent[-1])
    assert isinstance(ended, Execution)
    return ended


@pytest.mark.parametrize(
    ("waiting", "left"), [(0, "tasks that come will wait"), (1, "1 task will wait"), (1284, "1,284 tasks will wait")]
)
def test_pause_of_an_empty_queue_promises_no_emptiness(world: World, waiting: int, left: str) -> None:
    """Nought wait now; those that come will."""
    world.cluster.depths_["analytics"] = waiting
    assert drafted(world, "pause_queue", "analytics").preview.summary == (
        f"2 workers will stop consuming analytics for 30 min; {left}, nothing is lost."
    )


def test_pause_of_what_is_paused_says_that_it_moves_the_end(world: World) -> None:
    """No worker consumes it, and that is no warning; the outcome does not claim to have stopped them."""
    done(world, drafted(world, "pause_queue", "analytics"))
    again = drafted(world, "pause_queue", "analytics", seconds=2400)
    assert again.preview.summary == (
        "analytics is paused already and stays so for at least 40 min from now; 40 tasks will wait, nothing is lost."
    )
    assert again.preview.warnings == ()
    verdict = done(world, again).verdict
    assert verdict is not None
    assert verdict.sentence.startswith("analytics was paused already. 2 of 2 workers stopped consuming analytics")


def test_nobody_consumes_it_is_not_said_of_a_worker_that_keeps_silent(world: World) -> None:
    """It may be the one that does."""
    world.cluster.consuming = {"worker1@a": {"analytics"}}
    world.cluster.silent = {"worker1@a"}
    assert drafted(world, "pause_queue", "analytics").preview.warnings == (
        "No worker that answers consumes analytics now; the pause would hold for workers that start.",
        "worker1@a did not answer and may consume it too.",
    )


def test_resume_of_what_is_not_paused_is_refused_in_words(world: World) -> None:
    """A button that does nothing would be a lie."""
    with pytest.raises(
        BadInput, match=r"`booking` is not paused on `prod`, and 3 workers consume it\. There is nothing"
    ):
        drafted(world, "resume_queue", "booking")


def test_resume_of_an_empty_queue_names_no_nought(world: World) -> None:
    """Only what waits will run."""
    done(world, drafted(world, "pause_queue", "analytics"))
    world.cluster.depths_["analytics"] = 0
    assert drafted(world, "resume_queue", "analytics").preview.summary == "2 workers will consume analytics again."
