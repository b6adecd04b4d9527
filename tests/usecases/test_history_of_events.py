"""History with the live state that the bot really has: what a restart loses is a gap, and nothing else is lost."""

from dataclasses import replace
from datetime import timedelta

from bot.adapters.clusters import ConfiguredClusters
from bot.adapters.events.event import event_of
from bot.adapters.events.recorder import Recorder
from bot.adapters.samples import MemorySamples
from bot.domain.cluster import ClusterSnapshot, TaskInHand, Worker
from bot.domain.window import Span, Window
from bot.ports import Ports
from bot.usecases import history
from tests.usecases.world import SPEC, World


class HearingBot:
    """A bot from its start: what was kept is restored, then it listens."""

    def __init__(self, world: World) -> None:
        """Start."""
        self.world, self.live, self.samples = world, Recorder(world.clock), MemorySamples()
        clusters = ConfiguredClusters({"prod": SPEC}, {"prod": world.cluster}, {}, lives={"prod": self.live})
        self.ports: Ports = replace(world.ports, clusters=clusters, samples=self.samples)
        history.restore(self.ports, "prod")
        self.live.connected(self.now)
        self.live.resynced(None)
        held = (TaskInHand(id="held", name="book", queue="booking"),)
        worker = Worker(name="w@a", queues=("booking",), active=held)
        self.live.learn(ClusterSnapshot(cluster="prod", taken_at=world.clock.now(), workers=(worker,)))

    @property
    def now(self) -> float:
        """The moment, in seconds since 1970."""
        return self.world.clock.now().timestamp()

    def minutes(self, n: float) -> None:
        """Let minutes pass in which a task is run each second, and what bots keep is kept."""
        for i in range(round(n * 60)):
            self.world.clock.pass_time(seconds=1)
            for kind in ("task-received", "task-started", "task-succeeded"):
                event = {"type": kind, "hostname": "w@a", "timestamp": self.now, "uuid": f"{self.now}", "runtime": 0.1}
                self.live.take([event_of({**event, "name": "book"})], self.now)
            if i % 5 == 4:
                self.samples.take_depths("prod", self.world.clock.now(), {"booking": 3})
                history.keep(self.ports, "prod")

    def heard(self, span: Span) -> Window:
        """What a window tells."""
        return self.live.window(span, self.world.clock.now())


def test_after_a_restart_the_windows_go_on_and_the_time_between_is_a_gap(world: World) -> None:
    """Five minutes, half a minute without a bot, one minute more: only what ran meanwhile is missing, and told."""
    HearingBot(world).minutes(5)
    world.clock.pass_time(seconds=30)
    again = HearingBot(world)
    again.minutes(1)
    window = again.heard(Span.QUARTER)
    assert 350 <= window.total().started <= 360
    (gap,) = window.gaps
    assert gap.until is not None
    assert 30 <= (gap.until - gap.since).total_seconds() <= 40
    assert {row.queue for row in window.tasks} == {"booking"}


def test_a_second_restart_knows_the_first_one_s_gap(world: World) -> None:
    """Written down with the slices beside it."""
    HearingBot(world).minutes(3)
    world.clock.pass_time(seconds=30)
    HearingBot(world).minutes(13)
    world.clock.pass_time(seconds=30)
    last = HearingBot(world)
    assert len(last.heard(Span.HOUR).gaps) == 2
    assert 940 <= last.heard(Span.HOUR).total().started <= 960


def test_starts_heard_become_the_samples_rate(world: World) -> None:
    """One a second, at a depth that stands: as many come in."""
    bot = HearingBot(world)
    bot.minutes(2)
    known = [s for s in bot.samples.of("prod", "booking") if s.started is not None]
    assert len(known) >= 20
    first, last = known[0], known[-1]
    began = (last.started or 0) - (first.started or 0)
    assert abs(began - (last.at - first.at) / timedelta(seconds=1)) <= 2
