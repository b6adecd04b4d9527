"""The names that a form offers."""

from dataclasses import replace
from pathlib import Path

from bot.adapters.clusters import ConfiguredClusters
from bot.adapters.events.event import event_of
from bot.adapters.events.recorder import Recorder
from bot.usecases.forms import known_names
from tests.usecases.world import SPEC, make_world


def test_tasks_whose_name_was_not_heard_are_not_offered_as_a_name(tmp_path: Path) -> None:
    """They are counted together under words in brackets, which no worker knows as a task."""
    world = make_world(tmp_path)
    heard = Recorder(world.clock)
    now = world.clock.now().timestamp()
    heard.connected(now)
    about = {"hostname": "w1@a", "timestamp": now}
    heard.take(
        [
            event_of({"type": "task-received", "uuid": "a", "name": "shop.mail", **about}),
            event_of({"type": "task-succeeded", "uuid": "a", "runtime": 0.1, **about}),
            event_of({"type": "task-started", "uuid": "b", **about}),
            event_of({"type": "task-succeeded", "uuid": "b", "runtime": 0.1, **about}),
        ],
        now,
    )
    clusters = ConfiguredClusters({"prod": SPEC}, {"prod": world.cluster}, {}, {"prod": heard})
    assert known_names(replace(world.ports, clusters=clusters), "prod").tasks == ("shop.mail",)
