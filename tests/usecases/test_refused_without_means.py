"""Where messages or results of a cluster cannot be reached, an action that needs them is refused before it is asked."""

from pathlib import Path
from typing import Any

import pytest

from bot.domain.action import Proposal
from bot.domain.errors import BadInput
from bot.usecases import requests
from tests.usecases.world import make_world


@pytest.mark.parametrize(
    ("action", "params"),
    [
        ("purge_queue", {"queue": "analytics"}),
        ("revoke_tasks", {"ids": ["1"]}),
        ("requeue_failed", {"task": "mail.send"}),
        ("restore_orphans", {}),
        ("clean_results", {}),
    ],
)
def test_an_action_without_means_is_refused_in_words(tmp_path: Path, action: str, params: dict[str, Any]) -> None:
    """Nobody is asked to consent to what cannot be done."""
    world = make_world(tmp_path)
    proposal = Proposal(action=action, cluster="prod", params=params)
    with pytest.raises(BadInput, match=r"here: no .* of that cluster is reached from this process\."):
        requests.draft(world.ports, proposal, "U0ANA", "", "C0ONCALL", None)
    assert world.events() == []
