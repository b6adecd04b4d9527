"""Targets are read again and again: where each stands survives a restart, a second bot and a dead broker."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from bot.adapters.clusters import ConfiguredClusters
from bot.adapters.memories import KeptMemories
from bot.adapters.samples import MemorySamples
from bot.domain.broker import WorkerMemory
from bot.domain.errors import ClusterUnreachable, UnknownName
from bot.domain.live import Feed
from bot.domain.scoring import KeptForecast, Outcome
from bot.domain.targets import Change, Measure, Standing, TargetSpec
from bot.domain.window import Figures, Span, TaskFigures, Window
from bot.ports import Deaf, NoDiagnostics, Ports
from bot.usecases.measuring import measure, poll_memory, stored_states, targets
from bot.usecases.watching import sample
from tests.usecases.world import SPEC, World, make_world

TARGETS = (
    TargetSpec(name="completion", measure=Measure.COMPLETION, target=0.999, alert=0.995),
    TargetSpec(name="memory", measure=Measure.WORKER_MEMORY, target=2e9, alert=3e9),
    TargetSpec(name="depth", measure=Measure.QUEUE_DEPTH, target=100, alert=500),
)
MEASURED = SPEC.model_copy(update={"targets": TARGETS})


@dataclass
class SetLive(Deaf):
    """Events whose figures a test sets."""

    tasks: tuple[TaskFigures, ...] = (TaskFigures("t.charge", "booking", Figures(succeeded=5000)),)
    heard: Feed = field(default_factory=lambda: Feed(connected=True))

    def window(self, span: Span, now: datetime) -> Window:
        """Return what was set, over the whole span."""
        return Window(span, now - span.length, now, self.tasks)

    def feed(self) -> Feed:
        """Return what was set."""
        return self.heard


@dataclass
class SetMemory(NoDiagnostics):
    """Workers whose memory a test sets; None: the broker does not answer."""

    told: Mapping[str, WorkerMemory] | None = None

    def memory(self, deadline: float = 2.0) -> Mapping[str, WorkerMemory]:
        """Return what was set."""
        if self.told is None:
            raise ClusterUnreachable("prod", "connection refused", deadline)
        return self.told


@dataclass
class Measured:
    """A world whose targets are read, and what they are read from."""

    world: World
    ports: Ports
    live: SetLive
    memory: SetMemory

    def pass_by(self, seconds: int) -> None:
        """Let time pass, with the bot's duties every ten seconds."""
        for _ in range(seconds // 10):
            self.world.clock.pass_time(seconds=10)
            self.work()

    def work(self) -> None:
        """Do the duties once; a broker that is down is what some tests are about."""
        with suppress(ClusterUnreachable):
            sample(self.ports, "prod")
        poll_memory(self.ports, "prod")
        measure(self.ports, "prod")

    def standings(self) -> dict[str, Standing]:
        """Return where each target stands, as stored."""
        return {name: state.standing for name, state in stored_states(self.ports, MEASURED).items()}

    def restarted(self) -> Ports:
        """Return the ports of a process that begins anew on the same store."""
        return replace(self.ports, samples=MemorySamples(), memories=KeptMemories())


def gigabytes(**workers: float) -> Mapping[str, WorkerMemory]:
    """Return workers whose parent takes a tenth of so many gigabytes, and one child the rest."""
    return {
        name: WorkerMemory(worker=name, parent=int(gb * 1e8), children=(int(gb * 9e8),)) for name, gb in workers.items()
    }


@pytest.fixture
def measured(tmp_path: Path) -> Iterator[Measured]:
    """Return a cluster on which all is well but the depth of ai_generation, which is 1,284."""
    world, live, memory = make_world(tmp_path), SetLive(), SetMemory(told=gigabytes(w1=1.0, w2=0.5))
    clusters = ConfiguredClusters(
        {"prod": MEASURED, "bare": SPEC},
        {"prod": world.cluster, "bare": world.cluster},
        {},
        {"prod": live},
        {"prod": memory},
    )
    ports = replace(world.ports, clusters=clusters, samples=MemorySamples(), memories=KeptMemories())
    yield Measured(world, ports, live, memory)
    world.store.close()


def test_a_deep_queue_becomes_an_alert_once_and_is_told_once(measured: Measured) -> None:
    """The duty returns what changed: the seam for raising alerts."""
    measured.work()
    assert measured.standings() == {"completion": Standing.MET, "memory": Standing.MET, "depth": Standing.UNKNOWN}
    told: list[Change] = []
    for _ in range(12):
        measured.world.clock.pass_time(seconds=10)
        sample(measured.ports, "prod")
        poll_memory(measured.ports, "prod")
        told += measure(measured.ports, "prod")
    assert [(c.cluster, c.spec.name, c.before, c.after, c.reading.of) for c in told] == [
        ("prod", "depth", Standing.UNKNOWN, Standing.ALERT, "ai_generation")
    ]


def test_the_view_shows_the_worst_first(measured: Measured) -> None:
    """With fresh readings: each value, what it is of, and on how many tasks it rests."""
    measured.memory.told = gigabytes(w1=2.5, w2=0.5)
    measured.pass_by(60)
    view = targets(measured.ports, "prod")
    assert [(t.spec.name, t.state.standing, t.reading.value, t.reading.of, t.reading.n) for t in view.targets] == [
        ("depth", Standing.ALERT, 1284.0, "ai_generation", None),
        ("memory", Standing.MISSED, 2.5e9, "w1", None),
        ("completion", Standing.MET, 1.0, None, 5000),
    ]
    assert (view.age.trouble, view.age.taken_at) == (None, measured.world.clock.now())


def test_a_view_stores_nothing_and_asks_nobody(measured: Measured) -> None:
    """It is from memory; whoever looks does not move a standing."""
    measured.pass_by(20)
    before, calls = stored_states(measured.ports, MEASURED), measured.world.cluster.counted
    measured.world.clock.pass_time(seconds=40)
    assert targets(measured.ports, "prod").targets[0].state.standing is Standing.ALERT
    assert stored_states(measured.ports, MEASURED) == before
    assert measured.world.cluster.counted == calls


def test_a_standing_survives_a_restart(measured: Measured) -> None:
    """A bot that comes back knows the alert and since when, before it has counted anything."""
    measured.pass_by(60)
    since = stored_states(measured.ports, MEASURED)["depth"].since
    line = next(t for t in targets(measured.restarted(), "prod").targets if t.spec.name == "depth")
    assert (line.state.standing, line.state.since) == (Standing.ALERT, since)
    assert (line.reading.value, line.reading.why) == (None, "no depth was counted yet")
    assert line.state.reading is not None
    assert line.state.reading.value == 1284.0


def test_a_state_of_another_version_is_forgotten_not_fatal(measured: Measured) -> None:
    """After an upgrade or its reverse, a target begins anew."""
    with measured.ports.store.write() as tx:
        tx.set_note("target:prod:depth", {"standing": "splendid", "since": 1})
    measured.pass_by(40)
    assert measured.standings()["depth"] is Standing.ALERT


def test_of_two_bots_one_keeps_the_states(measured: Measured) -> None:
    """The other reads them; when the first is gone, it takes over."""
    other = replace(measured.ports, owner="other")
    measured.work()
    assert measure(other, "prod") == ()
    measured.world.clock.pass_time(seconds=31)
    measured.live.tasks = (TaskFigures("t.charge", "booking", Figures(succeeded=50, failed=50)),)
    measure(other, "prod")
    measured.world.clock.pass_time(seconds=10)
    assert measure(measured.ports, "prod") == ()
    measured.world.clock.pass_time(seconds=20)
    assert "completion" in [c.spec.name for c in measure(other, "prod")]


def test_while_nothing_but_the_reading_changes_little_is_written(measured: Measured) -> None:
    """A store that is written every ten seconds for each target would grow no wiser."""
    measured.pass_by(120)
    stored = []
    for depth in range(1300, 1400, 10):
        measured.world.cluster.depths_["ai_generation"] = depth
        measured.pass_by(10)
        reading = stored_states(measured.ports, MEASURED)["depth"].reading
        stored.append(reading and reading.value)
    assert 1 <= len(set(stored) - {stored[0]}) <= 2


def test_a_dead_broker_leaves_what_was_known_with_its_age(measured: Measured) -> None:
    """Old numbers are not now; the standing holds for a while, then nobody knows. It never becomes an alert."""
    measured.world.cluster.depths_["ai_generation"] = 40
    measured.pass_by(60)
    measured.world.cluster.down, measured.memory.told = True, None
    measured.pass_by(180)
    view = targets(measured.ports, "prod")
    lines = {t.spec.name: t for t in view.targets}
    assert view.age.trouble is not None
    assert "connection refused" in view.age.trouble
    assert (lines["depth"].reading.value, lines["depth"].state.standing) == (None, Standing.MET)
    assert str(lines["depth"].reading.why).startswith("depths were last counted 3 min ago: ")
    assert str(lines["memory"].reading.why).startswith("the workers' memory was last read 3 min ago: ")
    assert lines["depth"].state.reading is not None
    assert lines["depth"].state.reading.value == 40.0
    measured.pass_by(300)
    assert measured.standings()["depth"] is Standing.UNKNOWN
    measured.world.cluster.down = False
    measured.pass_by(10)
    assert measured.standings()["depth"] is Standing.MET


def test_a_deaf_bot_does_not_know_the_completion_rate(measured: Measured) -> None:
    """Without events no task ends that anybody hears of; the view says so, not 100 %."""
    measured.live.tasks, measured.live.heard = (), Feed(connected=False, trouble="connection refused")
    view = targets(measured.ports, "prod")
    line = next(t for t in view.targets if t.spec.name == "completion")
    assert (line.reading.value, line.reading.why) == (None, "no events are heard: connection refused")
    assert line.state.standing is Standing.UNKNOWN
    assert view.age.doubt == "Events are not heard now: connection refused."


def test_memory_keeps_the_age_of_its_last_poll(measured: Measured) -> None:
    """A poll that fails keeps what an earlier one told, and why there is none newer."""
    measured.work()
    polled = measured.world.clock.now()
    measured.memory.told = None
    measured.pass_by(30)
    remembered = measured.ports.memories.of("prod")
    assert (remembered.at, set(remembered.workers)) == (polled, {"w1", "w2"})
    assert "connection refused" in str(remembered.trouble)
    line = next(t for t in targets(measured.ports, "prod").targets if t.spec.name == "memory")
    assert (line.reading.value, line.reading.at) == (1e9, polled)
    measured.memory.told = gigabytes(w1=1.5)
    measured.work()
    assert measured.ports.memories.of("prod").trouble is None


def test_how_forecasts_did_stands_beside_the_targets(measured: Measured) -> None:
    """As scored over the last week."""
    now = measured.world.clock.now()
    made = KeptForecast(queue="booking", at=now - timedelta(hours=1), goal=500, minutes=10.0, due=now)
    ended = made.model_copy(update={"outcome": Outcome.DRAINED, "ended_at": now - timedelta(minutes=48)})
    with measured.ports.store.write() as tx:
        tx.forecasts.add("prod", ended)
    (score,) = targets(measured.ports, "prod").scores
    assert (score.queue, score.n) == ("booking", 1)
    assert score.median_minutes == pytest.approx(2.0)


def test_a_cluster_without_targets_is_not_measured(measured: Measured) -> None:
    """And one that is not known is refused by name."""
    assert measure(measured.ports, "bare") == ()
    assert targets(measured.ports, "bare").targets == ()
    with pytest.raises(UnknownName, match="Did you mean `prod`"):
        targets(measured.ports, "prd")
