"""A worker that comes online during a pause, or just after it: looked at until it is where it should be."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.domain.cluster import Mode
from bot.domain.mitigation import Mitigation, MitigationState
from bot.ports import Ports
from bot.usecases.reconcile import GIVEN_BACK, HOLD_SECONDS, LATE, hold_new_worker
from tests.usecases.world import World, make_world

NEW = "worker9@b"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A world whose group `worker*` lists analytics."""
    made = make_world(tmp_path)
    yield made
    made.store.close()


def pause(world: World, state: MitigationState = MitigationState.IN_FORCE, **more: Any) -> None:
    """Store a pause of analytics that began before the new worker came."""
    now = world.clock.now()
    facts: dict[str, Any] = {"cluster": "prod", "owner": "U0ANA", "reason": "load", "channel": "C0ONCALL"}
    facts |= {"began_at": now, "ends_at": now + timedelta(minutes=30), "target": "analytics", "state": state}
    with world.store.write() as tx:
        tx.mitigations.add(Mitigation.model_validate(facts | {"id": tx.mitigations.next_id(), **more}))


def the_pause(world: World) -> Mitigation:
    """The one pause."""
    with world.store.read() as tx:
        (found,) = tx.mitigations.find(cluster="prod")
    return found


def set_state(world: World, state: MitigationState) -> None:
    """Bring the pause to a state, as an execution does."""
    with world.store.write() as tx:
        tx.mitigations.save(the_pause(world).model_copy(update={"state": state, "ended_at": world.clock.now()}))


class Waits:
    """Ports whose waiting lets time pass; `then` is what happens after so many waits."""

    def __init__(self, world: World, then: dict[int, Callable[[], object]] | None = None) -> None:
        self.world, self.then, self.count = world, then or {}, 0
        self.ports: Ports = replace(world.ports, wait=self.wait)

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.count += 1
        self.world.clock.pass_time(seconds=seconds)
        self.then.get(self.count, lambda: None)()


def test_it_is_looked_at_until_it_agrees_twice(world: World) -> None:
    """It hears nothing at first, loses the first cancel, and is seen to obey in the end."""
    pause(world)
    cluster = world.cluster
    cluster.consuming |= {"worker1@a": set(), "worker2@a": set()}

    def subscribed() -> None:
        cluster.consuming[NEW] = {"ai_generation", "analytics"}
        cluster.deaf.add(NEW)

    waits = Waits(world, {3: subscribed, 6: lambda: cluster.deaf.discard(NEW)})
    hold_new_worker(waits.ports, "prod", NEW)
    assert cluster.consuming[NEW] == {"ai_generation"}
    assert waits.count == 8  # told at the look after the sixth wait; seen to obey at the next two
    assert the_pause(world).joined == (NEW,)
    assert world.events() == ["workers joined a pause"]


def test_one_that_agrees_but_only_at_first_is_looked_at_again(world: World) -> None:
    """An answer may be from before its consumer began."""
    pause(world)
    world.cluster.consuming |= {"worker1@a": set(), "worker2@a": set(), NEW: set()}
    waits = Waits(world, {1: lambda: world.cluster.consuming[NEW].add("analytics")})
    hold_new_worker(waits.ports, "prod", NEW)
    assert world.cluster.consuming[NEW] == set()
    assert the_pause(world).joined == (NEW,)


def test_nothing_is_asked_of_the_cluster_without_a_pause(world: World) -> None:
    """Most workers start while nothing is paused: no command, no wait; so too when the cluster is only observed."""
    pause(world, MitigationState.ENDED, ended_at=world.clock.now() - LATE - timedelta(seconds=1))
    world.cluster.down = True
    waits = Waits(world)
    hold_new_worker(waits.ports, "prod", NEW)
    assert waits.count == 0


def test_an_observed_cluster_is_left_alone(tmp_path: Path) -> None:
    """Whatever is in the database from before the mode was changed."""
    world = make_world(tmp_path, mode=Mode.OBSERVE)
    pause(world)
    hold_new_worker(Waits(world).ports, "prod", "worker1@a")
    assert world.cluster.calls == []
    world.store.close()


def test_it_gives_up_after_ten_seconds_even_when_the_cluster_is_down(world: World) -> None:
    """The sweep goes on; the thread that waits is free for the next worker."""
    pause(world)
    world.cluster.down = True
    began, waits = world.clock.now(), Waits(world)
    hold_new_worker(waits.ports, "prod", NEW)
    assert timedelta(seconds=HOLD_SECONDS - 1) < world.clock.now() - began <= timedelta(seconds=HOLD_SECONDS + 1)


def test_a_pause_that_is_being_applied_is_waited_for(world: World) -> None:
    """It is not in force yet, so nobody may be recorded on it; once it is, the new worker is held."""
    pause(world, MitigationState.APPLYING)
    world.cluster.consuming[NEW] = {"analytics"}
    hold_new_worker(Waits(world, {4: lambda: set_state(world, MitigationState.IN_FORCE)}).ports, "prod", NEW)
    assert world.cluster.consuming[NEW] == set()


def test_a_pause_that_ends_meanwhile_lets_go(world: World) -> None:
    """The worker was cancelled and the resume gave it the queue: nothing is taken from it again."""
    pause(world)
    world.cluster.consuming[NEW] = {"analytics"}
    world.cluster.deaf.add(NEW)
    hold_new_worker(Waits(world, {2: lambda: set_state(world, MitigationState.ENDED)}).ports, "prod", NEW)
    assert world.cluster.consuming[NEW] == {"analytics"}


def test_one_started_without_the_queue_that_comes_up_after_the_pause_is_given_it(world: World) -> None:
    """It read the pauses, then loaded its application for seconds; the resume did not see it."""
    pause(world, MitigationState.ENDED, ended_at=world.clock.now())
    world.cluster.consuming[NEW] = {"ai_generation"}
    world.cluster.deaf.add(NEW)
    hold_new_worker(Waits(world, {3: lambda: world.cluster.deaf.discard(NEW)}).ports, "prod", NEW)
    assert world.cluster.consuming[NEW] == {"ai_generation", "analytics"}
    assert world.events() == [GIVEN_BACK]


def test_one_that_comes_up_in_the_middle_of_a_resume_waits_for_its_end(world: World) -> None:
    """The resume chose its workers before this one was there."""
    pause(world, MitigationState.ENDING, workers=(NEW,))
    world.cluster.consuming[NEW] = set()
    hold_new_worker(Waits(world, {5: lambda: set_state(world, MitigationState.ENDED)}).ports, "prod", NEW)
    assert world.cluster.consuming[NEW] == {"analytics"}


@pytest.mark.parametrize(
    ("worker", "more"),
    [
        ("priority@b", {}),
        (NEW, {"absent": (NEW,)}),
    ],
)
def test_one_that_no_resume_would_give_the_queue_is_not_given_it(
    world: World, worker: str, more: dict[str, Any]
) -> None:
    """Its group does not list the queue, or it was up when the pause began and did not consume it."""
    pause(world, MitigationState.ENDED, ended_at=world.clock.now(), **more)
    world.cluster.consuming[worker] = {"booking"}
    hold_new_worker(Waits(world).ports, "prod", worker)
    assert world.cluster.consuming[worker] == {"booking"}


def test_a_queue_that_is_paused_anew_is_not_given(world: World) -> None:
    """The newer pause counts, even while it is partial."""
    pause(world, MitigationState.ENDED, ended_at=world.clock.now())
    pause(world, MitigationState.PARTIAL)
    world.cluster.consuming[NEW] = set()
    hold_new_worker(Waits(world).ports, "prod", NEW)
    assert world.cluster.consuming[NEW] == set()
