"""The numbers of an incident's card over time: what was done divides them."""

from bot.domain.forecast import Prospect
from bot.domain.incident import Incident
from bot.domain.run import Run
from bot.usecases import buttons, runs
from bot.usecases.status import status
from bot.usecases.targets import target_of
from tests.usecases.test_road import ran, take_up
from tests.usecases.world import World


def looked(world: World, incident: Incident, *depths: int) -> Run:
    """Let ai_generation be counted every five seconds, and return what the card knows then."""
    for depth in depths:
        world.clock.pass_time(seconds=5)
        world.cluster.depths_["ai_generation"] = depth
        runs.refresh(world.ports, incident.id)
    with world.store.read() as tx:
        (run,) = tx.runs.find(incident_id=incident.id)
    return run


def test_what_was_counted_during_a_pause_says_nothing_of_how_it_goes_after_it(world: World) -> None:
    """A queue that drained while another was paused does not drain any more once that one is back."""
    incident = world.fire()
    take_up(world, incident.id)
    paused = ran(world)
    draining = looked(world, incident, 1200, 1100, 1000, 900)
    assert draining.without is not None
    assert draining.without.prospect is Prospect.DRAINS
    buttons.undo(world.ports, paused.id, "U0ANA")
    ran(world)
    after = looked(world, incident, 950)
    assert after.without is not None
    assert (after.without.prospect, after.net_per_minute) == (Prospect.TOO_EARLY, None)
    assert [line.net_per_minute for line in status(world.ports, "prod").queues] == [None] * 4
    growing = looked(world, incident, 1000, 1050, 1100)
    assert growing.without is not None
    assert growing.without.prospect is Prospect.WILL_NOT_DRAIN


def test_slots_are_averaged_over_what_was_seen_since_then(world: World) -> None:
    """What ran before the pause would hide what runs after it."""
    incident = world.fire()
    looked(world, incident, 1284, 1284)
    assert len(target_of(world.ports, "prod").earlier) >= 3
    world.clock.pass_time(seconds=1)
    take_up(world, incident.id)
    ran(world)
    acted = target_of(world.ports, "prod").acted
    assert acted is not None
    assert all(s.taken_at >= acted for s in target_of(world.ports, "prod").earlier)
