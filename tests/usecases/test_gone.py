"""Who is gone or stopping is written down for processes that hear nothing, and forgotten in time."""

from dataclasses import replace
from datetime import timedelta

from bot.adapters.clusters import ConfiguredClusters
from bot.domain.live import LiveWorker, Presence
from bot.ports import Ports
from bot.usecases.gone import note_gone
from bot.usecases.targets import target_of
from tests.checks.fakes import FakeLive
from tests.usecases.world import SPEC, World


def hearing(world: World, *workers: LiveWorker) -> Ports:
    """Return the ports of a bot that hears these."""
    lives = {"prod": FakeLive(heard=workers)}
    return replace(world.ports, clusters=ConfiguredClusters({"prod": SPEC}, {"prod": world.cluster}, {}, lives=lives))


def worker(world: World, name: str, presence: Presence, seconds: int = 5) -> LiveWorker:
    """Return one that was last heard so many seconds ago."""
    seen = world.clock.now() - timedelta(seconds=seconds)
    return LiveWorker(name, presence, seen, seen, active=2)


def gone(world: World) -> list[tuple[str, Presence, int | None]]:
    """Return what a process that hears nothing knows."""
    return [(w.name, w.presence, w.active) for w in target_of(world.ports, "prod").gone]


def test_who_says_goodbye_or_falls_silent_is_known_to_who_does_not_listen(world: World) -> None:
    """With when it was heard last, and how much it ran; one that is heard is none of them."""
    heard = [
        worker(world, n, p) for n, p in zip("abc", (Presence.OFFLINE, Presence.SILENT, Presence.ONLINE), strict=True)
    ]
    note_gone(hearing(world, *heard), "prod")
    assert gone(world) == [("a", Presence.OFFLINE, 2), ("b", Presence.SILENT, 2)]


def test_a_bot_that_starts_anew_forgets_nobody_that_the_last_one_wrote_down(world: World) -> None:
    """Until ten minutes are over, or the worker is heard again."""
    heard = [worker(world, "a", Presence.OFFLINE), worker(world, "b", Presence.OFFLINE)]
    note_gone(hearing(world, *heard), "prod")
    note_gone(hearing(world), "prod")
    assert [name for name, *_ in gone(world)] == ["a", "b"]
    note_gone(hearing(world, worker(world, "a", Presence.ONLINE)), "prod")
    assert [name for name, *_ in gone(world)] == ["b"]
    world.clock.pass_time(minutes=10)
    assert gone(world) == []
    note_gone(hearing(world), "prod")
    with world.store.read() as tx:
        assert tx.note("gone:prod") == []
