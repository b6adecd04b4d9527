"""Standing orders: written before workers are told, taken away before they get back, and repaired by the sweep."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import pytest

from bot.adapters.clusters import ConfiguredClusters
from bot.domain.action import ExecutionState
from bot.domain.cluster import Mode, Plugin
from bot.domain.errors import BrokerRefuses
from bot.domain.mitigation import RATE, Mitigation, MitigationState
from bot.domain.orders import RENEWED, StandingOrders, orders_of
from bot.ports import Means
from bot.usecases import buttons
from bot.usecases.orders import give_orders, keep_orders, trouble_of
from bot.usecases.status import status
from tests.usecases.test_pauses import pause, run_dispatched, the_pause
from tests.usecases.world import SPEC, World, make_world


@dataclass
class KeptOrders:
    """Keeps what was given, with what workers had been told by then; refuses when a test says so."""

    world: World
    given: list[StandingOrders] = field(default_factory=list)
    calls: list[int] = field(default_factory=list)
    refuses: bool = False

    def give(self, orders: StandingOrders) -> None:
        """Keep them."""
        if self.refuses:
            raise BrokerRefuses("prod", "`set`", "no permission", 0.1)
        self.given.append(orders)
        self.calls.append(len(self.world.cluster.calls))


class Ordered:
    """A world whose orders are kept."""

    def __init__(self, folder: Path, mode: Mode = Mode.ACT) -> None:
        self.world = make_world(folder)
        self.orders = KeptOrders(self.world)
        clusters = ConfiguredClusters(
            {"prod": SPEC.model_copy(update={"mode": mode})},
            {"prod": self.world.cluster},
            {"C0ONCALL": "prod"},
            means={"prod": Means(orders=self.orders)},
        )
        self.world.ports = replace(self.world.ports, clusters=clusters)


@pytest.fixture
def ordered(tmp_path: Path) -> Iterator[Ordered]:
    """A cluster that the bot acts on."""
    made = Ordered(tmp_path)
    yield made
    made.world.store.close()


def test_a_pause_is_ordered_before_any_worker_is_told_and_taken_away_before_any_gets_the_queue_back(
    ordered: Ordered,
) -> None:
    """So that a worker that starts at that moment does neither consume it during the pause nor leave it out after."""
    world, orders = ordered.world, ordered.orders
    pause(world)
    assert (list(orders.given[0].paused), orders.calls[0]) == (["analytics"], 0)
    told = len(world.cluster.calls)
    assert told > 0
    world.dispatcher.sent.clear()
    buttons.resume(world.ports, the_pause(world).id, "U0BEN")
    run_dispatched(world)
    assert (orders.given[-1], orders.calls[-1]) == (StandingOrders(), told)
    assert len(world.cluster.calls) > told


def test_the_sweep_writes_them_anew_while_anything_is_in_force_and_once_more_when_it_is_not(ordered: Ordered) -> None:
    """A broker that lost its keys has them again; one where nothing was paused is left alone."""
    world, orders = ordered.world, ordered.orders
    keep_orders(world.ports, "prod")
    assert orders.given == []
    pause(world)
    keep_orders(world.ports, "prod")
    assert [o.paused.keys() for o in orders.given] == [{"analytics"}] * 2
    with world.store.write() as tx:
        tx.mitigations.save(the_pause(world).model_copy(update={"state": MitigationState.ENDED}))
    for _ in range(3):
        keep_orders(world.ports, "prod")
    assert orders.given[2:] == [StandingOrders()]


def test_an_order_ends_with_its_pause_and_is_renewed_while_the_end_is_overdue(ordered: Ordered) -> None:
    """A freeze keeps a pause that has reached its end; a bot that is gone keeps none."""
    pause(ordered.world)
    now, held = ordered.world.clock.now(), the_pause(ordered.world)
    assert orders_of([held], now).paused == {"analytics": now + timedelta(minutes=30)}
    late = now + timedelta(hours=2)
    assert orders_of([held], late).paused == {"analytics": late + RENEWED}


@pytest.mark.parametrize(
    ("state", "ordered_"),
    [
        (MitigationState.APPLYING, True),
        (MitigationState.IN_FORCE, True),
        (MitigationState.PARTIAL, True),
        (MitigationState.ENDING, False),
        (MitigationState.RETURNING, False),
        (MitigationState.ENDED, False),
    ],
)
def test_what_is_ending_is_over_for_a_worker_that_starts(
    ordered: Ordered, state: MitigationState, ordered_: bool
) -> None:
    """It is up when the resume is through; the resume may not see it any more."""
    pause(ordered.world)
    held = the_pause(ordered.world).model_copy(update={"state": state})
    limit = Mitigation.model_validate({**held.model_dump(), "kind": RATE, "target": "shop.mail", "rate": "10/m"})
    found = orders_of([held, limit], ordered.world.clock.now())
    assert (bool(found.paused), bool(found.rates)) == (ordered_, ordered_)


def test_orders_that_cannot_be_written_break_no_pause_and_are_told_where_a_worker_has_the_plugin(
    ordered: Ordered,
) -> None:
    """The other layers work as before; who has no plugin needs no word of it."""
    world = ordered.world
    ordered.orders.refuses = True
    execution = pause(world)
    assert execution.state is ExecutionState.VERIFIED
    assert execution.verdict is not None
    assert "worker plugin" not in execution.verdict.sentence
    world.cluster.plugins["worker1@a"] = Plugin(version="0.1.0")
    second = pause(world)
    assert second.state is ExecutionState.VERIFIED
    assert second.verdict is not None
    assert "Workers that start with the worker plugin were not told: The broker of `prod` answers" in (
        second.verdict.sentence
    )
    (untold,) = (u for u in status(world.ports, "prod").unknown if u.what == "worker plugin")
    assert "are not told of pauses: The broker of `prod` answers, but its ACL refuses `set`" in untold.why
    ordered.orders.refuses = False
    keep_orders(world.ports, "prod")
    assert ordered.orders.given[-1].paused.keys() == {"analytics"}
    assert trouble_of(world.ports, "prod") is None
    assert not [u for u in status(world.ports, "prod").unknown if u.what == "worker plugin"]


def test_of_two_writers_at_once_none_leaves_behind_what_is_out_of_date(ordered: Ordered) -> None:
    """While one was writing, somebody ended the pause: it is written anew."""
    world, orders = ordered.world, ordered.orders
    pause(world)

    class Slow(KeptOrders):
        def give(self, orders: StandingOrders) -> None:
            super().give(orders)
            if len(self.given) == 1:
                with self.world.store.write() as tx:
                    tx.mitigations.save(the_pause(self.world).model_copy(update={"state": MitigationState.ENDING}))

    slow = Slow(world)
    clusters = ConfiguredClusters(
        {"prod": SPEC}, {"prod": world.cluster}, {"C0ONCALL": "prod"}, means={"prod": Means(orders=slow)}
    )
    assert give_orders(replace(world.ports, clusters=clusters), "prod") is None
    assert [bool(o.paused) for o in slow.given] == [True, False]
    assert orders.given[-1].paused  # the other writer's, from before


def test_an_observed_cluster_is_written_nothing(tmp_path: Path) -> None:
    """Whatever is in the database from before the mode was changed: it runs out."""
    watched = Ordered(tmp_path, Mode.OBSERVE)
    now = watched.world.clock.now()
    facts = {"cluster": "prod", "target": "analytics", "owner": "U0ANA", "reason": "", "channel": "C0ONCALL"}
    times = {"began_at": now, "ends_at": now + timedelta(hours=1), "state": MitigationState.IN_FORCE}
    with watched.world.store.write() as tx:
        tx.mitigations.add(Mitigation.model_validate({**facts, **times, "id": tx.mitigations.next_id()}))
    keep_orders(watched.world.ports, "prod")
    assert watched.orders.given == []
    watched.world.store.close()


def test_a_worker_whose_plugin_left_the_queue_out_gets_it_back_whatever_its_name(ordered: Ordered) -> None:
    """No group lists it and nobody saw it before; also where it was up and did not consume it when the pause began."""
    world = ordered.world
    pause(world)
    world.cluster.consuming |= {"pod-7f9c@b": {"ai_generation"}, "pod-8a11@b": {"ai_generation"}}
    for name in ("pod-7f9c@b", "priority@a"):
        world.cluster.plugins[name] = Plugin(version="0.1.0", left_out=("analytics",))
    world.dispatcher.sent.clear()
    buttons.resume(world.ports, the_pause(world).id, "U0BEN")
    run_dispatched(world)
    consuming = {w for w, q in world.cluster.consuming.items() if "analytics" in q}
    assert consuming == {"worker1@a", "worker2@a", "pod-7f9c@b", "priority@a"}
    assert the_pause(world).state is MitigationState.ENDED


def test_a_second_pause_owes_the_queue_to_who_has_yet_to_take_it_back(ordered: Ordered) -> None:
    """It left the queue out of its start by the first pause, so it does not consume it when the second begins."""
    world = ordered.world
    world.cluster.plugins["priority@a"] = Plugin(version="0.1.0", left_out=("analytics",))
    pause(world)
    assert "priority@a" in the_pause(world).workers
    assert "priority@a" not in the_pause(world).absent
