"""History: a record every few seconds, merged by the minute, bounded, and given back after a restart."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from bot.adapters.clusters import ConfiguredClusters
from bot.adapters.samples import MemorySamples
from bot.domain.errors import ClusterUnreachable
from bot.domain.forecast import recent, trend
from bot.domain.history import Grain, Record
from bot.domain.live import Feed, LiveWorker, Presence, TaskEvents
from bot.domain.window import Figures, Gap, Slice, TaskFigures
from bot.ports import Deaf, Ports
from bot.usecases import history
from tests.usecases.world import SPEC, World


@dataclass
class ToldLive(Deaf):
    """A live state whose slices a test tells."""

    told: list[Slice] = field(default_factory=list)
    restored: list[Slice] = field(default_factory=list)
    heard: tuple[LiveWorker, ...] = ()
    connected: bool = True

    def feed(self) -> Feed:
        """Connected, unless a test says otherwise."""
        return Feed(connected=self.connected, trouble=None if self.connected else "the broker is silent")

    def workers(self, now: datetime) -> tuple[LiveWorker, ...]:
        """Return the workers that were told."""
        return self.heard

    def slices(self, after: datetime) -> Sequence[Slice]:
        """Return the last two minutes' slices that began then or later."""
        newest = self.told[-24:]
        return [s for s in newest if s.since >= after]

    def restore(self, slices: Sequence[Slice]) -> None:
        """Keep them."""
        self.restored = list(slices)


class Bot:
    """One bot of perhaps several on one database."""

    def __init__(self, world: World, owner: str = "bot") -> None:
        """Hear and sample the world's cluster."""
        self.world, self.live, self.samples = world, ToldLive(), MemorySamples()
        clusters = ConfiguredClusters({"prod": SPEC}, {"prod": world.cluster}, {}, lives={"prod": self.live})
        self.ports: Ports = replace(world.ports, clusters=clusters, samples=self.samples, owner=owner)

    def five_seconds(self, begun: int = 1, *, gaps: tuple[Gap, ...] = ()) -> None:
        """Let them pass: some tasks began and ended, depths were sampled, the record was kept."""
        self.hear(begun, gaps=gaps)
        self.sample()
        history.keep(self.ports, "prod")

    def hear(self, begun: int = 1, *, gaps: tuple[Gap, ...] = ()) -> None:
        """Let five seconds pass in which so many tasks began."""
        since = self.world.clock.now()
        self.world.clock.pass_time(seconds=5)
        row = TaskFigures("book", "booking", Figures(started=begun, succeeded=begun))
        self.live.told.append(Slice(since, self.world.clock.now(), (row,) if begun else (), gaps))

    def sample(self) -> None:
        """Sample depths."""
        self.samples.take_depths("prod", self.world.clock.now(), self.world.cluster.depths_)

    def kept(self, grain: Grain = Grain.FINE) -> int:
        """How many records there are."""
        with self.world.store.read() as tx:
            return len(tx.history.between("prod", grain, datetime.min.replace(tzinfo=self.now.tzinfo), self.now))

    @property
    def now(self) -> datetime:
        """The moment."""
        return self.world.clock.now()

    def started(self) -> int:
        """How many starts all records together tell, by the minute as far as merged."""
        records = history.between(self.ports, "prod", self.now - timedelta(days=9), self.now)
        return sum(row.figures.started for r in records for s in r.slices for row in s.tasks)


def test_a_record_holds_what_became_known_since_the_one_before(world: World) -> None:
    """Slices once each, depths, who worked; and nobody is asked for it."""
    bot = Bot(world)
    begun = bot.now
    bot.samples.take(world.cluster.snapshot())
    asked = world.cluster.counted
    bot.five_seconds(3)
    bot.five_seconds(4)
    first, second = history.between(bot.ports, "prod", begun, bot.now)
    assert [s.tasks[0].figures.started for s in (*first.slices, *second.slices)] == [3, 4]
    assert [(s.depth, s.started) for s in second.depths["ai_generation"]] == [(1284, 0)]
    assert {w.name: (w.answered, w.slots, w.busy) for w in second.workers}["worker1@a"] == (True, 4, 4)
    assert second.workers_at == begun
    assert (second.trouble, second.deaf) == (None, None)
    assert world.cluster.counted == asked


def test_a_record_whose_samples_have_no_count_yet_holds_the_newest_that_has(world: World) -> None:
    """Events are counted a few seconds after the depth was sampled."""
    bot = Bot(world)
    bot.five_seconds(3)
    world.clock.pass_time(seconds=2)
    bot.sample()
    history.keep(bot.ports, "prod")
    last = history.between(bot.ports, "prod", bot.now - timedelta(seconds=1), bot.now)[-1]
    assert [s.started for s in last.depths["booking"]] == [3, None]
    assert last.slices == ()


def test_a_dead_cluster_leaves_records_that_say_so(world: World) -> None:
    """No depths, no workers, and why."""
    bot = Bot(world)
    bot.live.connected = False
    bot.world.clock.pass_time(seconds=300)
    bot.samples.failed("prod", bot.now, ClusterUnreachable("prod", "connection refused", 1.0))
    history.keep(bot.ports, "prod")
    (record,) = history.between(bot.ports, "prod", bot.now - timedelta(minutes=1), bot.now)
    assert record.trouble == "cannot be read: connection refused"
    assert record.deaf == "the broker is silent"
    assert (record.depths, record.workers, record.slices) == ({}, (), ())


def test_after_a_restart_windows_and_forecasts_work_at_once(world: World) -> None:
    """The new process has the old one's slices, and samples enough for a trend with rates."""
    bot = Bot(world)
    for n in range(60):
        world.cluster.depths_["booking"] = 1000 + n
        bot.five_seconds(5)
    again = Bot(world)
    history.restore(again.ports, "prod")
    assert again.live.restored[0].since == bot.live.told[0].since
    assert sum(row.figures.started for s in again.live.restored for row in s.tasks) == 300
    found = trend(recent(again.samples.of("prod", "booking"), world.clock.now()))
    assert found is not None
    assert (round(found.net_per_minute), round(found.service_per_minute or 0)) == (12, 60)
    assert round(found.arrival_per_minute or 0) == 72


def test_nothing_kept_restores_nothing(world: World) -> None:
    """The first start of all."""
    bot = Bot(world)
    history.restore(bot.ports, "prod")
    assert bot.live.restored == []
    assert bot.samples.queues("prod") == ()


def test_old_records_are_merged_and_then_deleted_a_few_at_a_time(world: World) -> None:
    """Two hours of fine ones, minutes for longer; merged or not, every start is told once."""
    bot = Bot(world)
    for _ in range(2 * 120 + 60):  # every half minute here, as a slow bot would
        for _ in range(6):
            bot.hear(1)
        bot.sample()
        history.keep(bot.ports, "prod")
    assert bot.kept() <= 2 * 120 + 4
    assert bot.kept(Grain.MINUTE) >= 2 * 60 + 28
    assert bot.started() == len(bot.live.told)
    longest = [s for r in history.between(bot.ports, "prod", bot.now - timedelta(hours=8), bot.now) for s in r.slices]
    assert all(s.until - s.since <= timedelta(minutes=1) for s in longest)
    restarted = Bot(world)
    history.restore(restarted.ports, "prod")
    assert sum(row.figures.started for s in restarted.live.restored for row in s.tasks) == len(bot.live.told)


def test_minutes_are_deleted_after_eight_days_also_of_a_cluster_that_left_the_settings(world: World) -> None:
    """Each minute takes away at most five times what it adds, however much there is."""
    bot = Bot(world)
    with world.store.write() as tx:
        for n in range(150):
            for cluster in ("prod", "gone"):
                tx.history.add(cluster, Grain.MINUTE, replace(_empty(bot.now), at=bot.now + timedelta(minutes=n)), None)
    world.clock.pass_time(days=8, hours=12)
    before = 300
    for _ in range(8):
        bot.five_seconds()
        world.clock.pass_time(seconds=55)
        bot.five_seconds()
        with world.store.read() as tx:
            left = sum(
                len(tx.history.between(c, Grain.MINUTE, bot.now - timedelta(days=30), bot.now - timedelta(days=8)))
                for c in ("prod", "gone")
            )
        assert before - left <= 2 * history.AT_ONCE
        before = left
    assert before == 0


def _empty(at: datetime) -> Record:
    return Record(at=at)


def test_of_two_bots_one_writes_and_the_other_goes_on_where_it_ended(world: World) -> None:
    """A lease says who; every start is told once, and both know how many began."""
    first, second = Bot(world, "a"), Bot(world, "b")
    second.live = first.live
    second.ports = replace(
        second.ports,
        clusters=ConfiguredClusters({"prod": SPEC}, {"prod": world.cluster}, {}, lives={"prod": first.live}),
    )
    for _ in range(3):
        first.five_seconds(2)
        second.sample()
        history.keep(second.ports, "prod")
    assert first.kept() == 3
    assert second.samples.of("prod", "booking")[-1].started == first.samples.of("prod", "booking")[-1].started == 6
    for _ in range(6):  # the first is gone
        first.hear(2)
        second.sample()
        history.keep(second.ports, "prod")
    assert 3 < first.kept() < 9
    assert first.started() == 18


def test_what_was_heard_and_never_written_is_a_gap(world: World) -> None:
    """The database did not answer for longer than the live state remembers."""
    bot = Bot(world)
    bot.five_seconds()
    for _ in range(60):
        bot.hear()
    history.keep(bot.ports, "prod")
    last = history.between(bot.ports, "prod", bot.now - timedelta(seconds=1), bot.now)[-1]
    assert [(g.since, g.until) for g in last.slices[0].gaps] == [(bot.live.told[0].until, last.slices[0].since)]


def test_starts_are_not_counted_by_events_while_a_worker_sends_none(world: World) -> None:
    """They would be too few, and so would every rate read from them."""
    bot = Bot(world)
    silent = LiveWorker("w@a", Presence.ONLINE, bot.now, bot.now, task_events=TaskEvents.OFF)
    bot.live.heard = (silent,)
    for _ in range(3):
        bot.five_seconds(2)
    assert {s.started for s in bot.samples.of("prod", "booking")} == {None}
    bot.live.heard = (replace(silent, task_events=TaskEvents.ON), replace(silent, presence=Presence.OFFLINE))
    bot.five_seconds(2)
    assert bot.samples.of("prod", "booking")[-1].started == 2
