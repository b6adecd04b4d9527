"""What must not flood a thread, and what must not be called verified."""

import dataclasses
from typing import Any

import pytest

from bot.adapters.clusters import ConfiguredClusters
from bot.domain.action import ExecutionState
from bot.domain.card import CardKind
from bot.domain.cluster import ClusterSnapshot, Mode, Unknown
from bot.usecases import buttons
from bot.usecases.executions import execute
from bot.usecases.sweep import sweep
from tests.usecases.test_pauses import pause
from tests.usecases.world import SPEC, World


def ends_tried(world: World, ports: Any, sweeps: int) -> int:
    """Sweep every ten seconds; return how many ends were tried."""
    for _ in range(sweeps):
        sweep(ports)
        while world.dispatcher.sent:
            execute(ports, world.dispatcher.sent.pop(0))
        world.clock.pass_time(seconds=10)
    with world.store.read() as tx:
        return sum(e.proposal.action == "resume_queue" for e in tx.executions.find())


def test_a_pause_past_its_end_on_an_observed_cluster_is_said_once_and_not_every_ten_seconds(world: World) -> None:
    """Five minutes in observe mode must not post thirty messages to the thread and thirty audit entries."""
    pause(world)
    world.dispatcher.sent.clear()
    world.clock.pass_time(minutes=30)
    observing = ConfiguredClusters(
        {"prod": SPEC.model_copy(update={"mode": Mode.OBSERVE})}, {"prod": world.cluster}, {"C0ONCALL": "prod"}
    )
    assert ends_tried(world, dataclasses.replace(world.ports, clusters=observing), 30) <= 1


def test_a_pause_on_a_cluster_that_left_the_settings_is_said_once(world: World) -> None:
    """Nobody can end it any more, so its thread is told what to do; sweeping on says nothing new."""
    pause(world)
    elsewhere = ConfiguredClusters({"eu": SPEC.model_copy(update={"name": "eu"})}, {"eu": world.cluster}, {})
    ports = dataclasses.replace(world.ports, clusters=elsewhere)
    for _ in range(3):
        sweep(ports)
    with world.store.read() as tx:
        said = [
            c.text or "" for c in tx.cards.of_kind(CardKind.NOTICE) if "no longer in the settings" in (c.text or "")
        ]
    assert len(said) == 1
    assert said[0].startswith("The pause of analytics is still in force on prod")


def test_an_end_that_cannot_be_verified_again_and_again_does_not_flood_the_thread(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The broker answers the first look of an end and breaks off at the later one, each time."""
    pause(world)
    world.dispatcher.sent.clear()
    world.clock.pass_time(minutes=30)
    original, calls = type(world.cluster).snapshot, [0]

    def flapping(self: Any, deadline: float = 2.0) -> ClusterSnapshot:
        calls[0] += 1
        self.down = calls[0] % 3 == 0
        try:
            return original(self, deadline)
        finally:
            self.down = False

    monkeypatch.setattr(type(world.cluster), "snapshot", flapping)
    monkeypatch.setattr(type(world.cluster), "add_consumer", lambda self, queue, workers: dict.fromkeys(workers, "ok"))
    assert ends_tried(world, world.ports, 30) <= 8


def test_a_pause_is_not_verified_while_a_process_that_may_be_a_worker_keeps_silent(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only priority@a answers; the two that consume analytics are too busy, and this process never met them."""
    original = type(world.cluster).snapshot

    def half_blind(self: Any, deadline: float = 2.0) -> ClusterSnapshot:
        snapshot = original(self, deadline)
        seen = tuple(w for w in snapshot.workers if w.name == "priority@a")
        unknown = (Unknown(what="workers", why="2 more processes listen for remote control and did not answer"),)
        return snapshot.model_copy(update={"workers": seen, "unknown": unknown})

    monkeypatch.setattr(type(world.cluster), "snapshot", half_blind)
    monkeypatch.setattr(type(world.cluster), "consumers", lambda self, deadline=2.0: {"priority@a": frozenset()})
    done = pause(world)
    assert done.state is not ExecutionState.VERIFIED, done.verdict


def test_a_worker_that_is_owed_its_queue_still_gets_it_after_a_new_pause(world: World) -> None:
    """It did not follow the first resume; the queue is paused anew before it could; the second resume must reach it."""

    def resumed() -> None:
        world.dispatcher.sent.clear()
        with world.store.read() as tx:
            live = tx.mitigations.find(cluster="prod")[-1].id
        buttons.resume(world.ports, live, "U0ANA")
        for sent in list(world.dispatcher.sent):
            execute(world.ports, sent)

    pause(world)
    world.cluster.deaf = {"worker1@a"}
    resumed()
    world.cluster.deaf = set()
    pause(world)
    sweep(world.ports)
    resumed()
    sweep(world.ports)
    assert "analytics" in world.cluster.consuming["worker1@a"]
