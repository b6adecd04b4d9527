"""What a view knows without asking the cluster, and when it asks."""

from dataclasses import replace
from pathlib import Path

import pytest

from bot.adapters.clusters import ConfiguredClusters
from bot.adapters.events.event import event_of
from bot.adapters.events.recorder import Recorder
from bot.domain.errors import UnknownName
from bot.usecases import looks
from bot.usecases.status import status
from bot.usecases.targets import acted_now
from bot.usecases.watching import look, sample
from tests.usecases.world import SPEC, World, make_world


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Return a world that was looked at once."""
    made = make_world(tmp_path)
    look(made.ports, "prod")
    return made


def test_status_answers_from_memory_while_the_last_look_is_recent(world: World) -> None:
    """Nobody is asked a second time within 20 s."""
    world.clock.pass_time(seconds=15)
    view = status(world.ports, "prod")
    assert (world.cluster.counted, view.trouble) == (1, None)
    assert view.taken_at is not None
    assert (view.now - view.taken_at).total_seconds() == 15


def test_depths_sampled_since_the_look_are_shown(world: World) -> None:
    """A queue that filled after the look shows its newer depth, and counts as backed up."""
    world.clock.pass_time(seconds=10)
    world.cluster.depths_["notifications"] = 900
    sample(world.ports, "prod")
    line = next(line for line in status(world.ports, "prod").queues if line.queue.name == "notifications")
    assert (line.queue.depth, line.backed_up, world.cluster.counted) == (900, True, 1)


def test_an_old_look_is_not_shown_as_now(world: World) -> None:
    """After 20 s the cluster is asked anew."""
    world.clock.pass_time(seconds=21)
    view = status(world.ports, "prod")
    assert (world.cluster.counted, view.taken_at) == (2, world.clock.now())


def test_what_was_counted_before_somebody_acted_is_not_shown_after_it(world: World) -> None:
    """A status after a pause asks the cluster, however recent the last look is."""
    world.clock.pass_time(seconds=2)
    with world.store.write() as tx:
        acted_now(tx, "prod", world.clock.now())
    status(world.ports, "prod")
    assert world.cluster.counted == 2


def test_fresh_asks_in_any_case(world: World) -> None:
    """The Refresh button counts anew."""
    status(world.ports, "prod", fresh=True)
    assert world.cluster.counted == 2


def test_a_dead_broker_leaves_what_was_known_with_its_age(world: World) -> None:
    """The view says what is wrong and still shows the numbers of before."""
    world.clock.pass_time(seconds=60)
    world.cluster.down = True
    view = status(world.ports, "prod")
    assert "cannot be read" in (view.trouble or "")
    assert {line.queue.name: line.queue.depth for line in view.queues}["ai_generation"] == 1284
    assert view.taken_at is not None
    assert (view.now - view.taken_at).total_seconds() == 60


def test_a_broker_that_just_failed_is_not_asked_again(world: World) -> None:
    """Whoever asks next is told at once; after a few seconds it is asked anew, and found well."""
    world.cluster.down = True
    world.clock.pass_time(seconds=60)
    status(world.ports, "prod")
    asked = world.cluster.counted
    world.cluster.down = False
    assert status(world.ports, "prod").trouble is not None
    assert world.cluster.counted == asked
    world.clock.pass_time(seconds=9)
    assert status(world.ports, "prod").trouble is None


def test_a_worker_that_is_heard_and_was_not_there_has_the_cluster_asked_anew(world: World) -> None:
    """It came, or came back after an outage, since the last look; one that takes no commands costs a look each 3 s."""
    live = Recorder(world.clock)
    clusters = ConfiguredClusters({"prod": SPEC}, {"prod": world.cluster}, {}, lives={"prod": live})
    ports = replace(world.ports, clusters=clusters)

    def beat(name: str) -> None:
        at = world.clock.now().timestamp()
        event = {"type": "worker-heartbeat", "hostname": name, "timestamp": at, "processed": 0, "pid": 1}
        live.take([event_of(event)], at)

    live.connected(world.clock.now().timestamp())
    for seconds, name, looks_so_far in ((5, "worker1@a", 1), (1, "new@a", 2), (2, "new@a", 2), (2, "new@a", 3)):
        world.clock.pass_time(seconds=seconds)
        beat(name)
        status(ports, "prod")
        assert (name, world.cluster.counted) == (name, looks_so_far)


def test_an_unknown_queue_or_worker_is_met_with_suggestions(world: World) -> None:
    """A typo names what was perhaps meant."""
    with pytest.raises(UnknownName, match="analytics"):
        looks.queues(world.ports, "prod", "analitycs")
    with pytest.raises(UnknownName, match="worker1@a"):
        looks.workers(world.ports, "prod", "worker11@a")
    assert [d.worker.name for d in looks.workers(world.ports, "prod", "worker2").workers] == ["worker2@a"]
