"""What the shipped checks find, on clusters simulated in memory."""

from datetime import timedelta

import pytest

from bot.checks.queue_depths import QueueDepths
from bot.checks.running import Running, RunningParams
from bot.checks.workers import NoParams, Workers
from bot.domain.mitigation import Mitigation, MitigationState
from bot.domain.run import Finding, Level
from bot.ports import Target
from tests.usecases.world import SPEC, SetClock, SimulatedCluster

CLOCK = SetClock()
ALL = {"booking", "notifications", "ai_generation", "analytics"}
PAUSE = Mitigation(
    id="mit-1",
    cluster="prod",
    target="ai_generation",
    state=MitigationState.IN_FORCE,
    owner="U0ANA",
    reason="",
    channel="C0ONCALL",
    began_at=CLOCK.now(),
    ends_at=CLOCK.now() + timedelta(minutes=30),
)


def cluster(**given: object) -> SimulatedCluster:
    """Return a cluster of one worker with four slots."""
    return SimulatedCluster(CLOCK, **({"consuming": {"worker1@a": set(ALL)}} | given))  # type: ignore[arg-type]  # each test gives what fits


def running(simulated: SimulatedCluster, *mitigations: Mitigation) -> Finding:
    """Return what runs where ai_generation is consumed."""
    target = Target(SPEC, simulated, CLOCK, mitigations)
    return Running().run(RunningParams(queue="ai_generation"), simulated.snapshot(), target)


def test_what_runs_is_counted_by_name() -> None:
    """Where the queue's time goes."""
    found = running(cluster(running={"worker1@a": ["analytics", "analytics", "ai_generation"]}))
    assert found.sentence.startswith("3 of 4 slots busy: ")
    assert found.level is Level.OK


def test_idle_workers_are_said_to_be_idle() -> None:
    """Without a colon that nothing follows."""
    assert running(cluster()).sentence == "0 of 4 slots busy."


@pytest.mark.parametrize(
    ("simulated", "mitigations", "level", "sentence"),
    [
        (
            cluster(consuming={"worker1@a": {"booking"}}),
            (),
            Level.BAD,
            "No worker consumes ai_generation. Start worker*.",
        ),
        (
            cluster(silent={"worker1@a"}),
            (),
            Level.BAD,
            "No worker that answers consumes ai_generation. Look at worker1@a: no answer (busy or unreachable).",
        ),
        (
            cluster(consuming={"worker1@a": {"booking"}}),
            (PAUSE,),
            Level.WARN,
            "ai_generation is paused, so no worker consumes it.",
        ),
    ],
    ids=["none", "silent", "paused"],
)
def test_queue_that_nobody_consumes_says_what_to_do(
    simulated: SimulatedCluster, mitigations: tuple[Mitigation, ...], level: Level, sentence: str
) -> None:
    """A silent worker is not called down, and a pause of ours is no fault."""
    found = running(simulated, *mitigations)
    assert (found.level, found.sentence) == (level, sentence)


@pytest.mark.parametrize(
    ("simulated", "level", "begins"),
    [
        (cluster(), Level.OK, "1 worker online, 0 of 4 slots busy."),
        (cluster(silent={"worker1@a"}), Level.BAD, "No worker answers; no answer from worker1@a"),
        (cluster(consuming={}), Level.BAD, "No worker is seen running; none running of worker*."),
    ],
    ids=["up", "silent", "none"],
)
def test_workers_online_silent_and_missing(simulated: SimulatedCluster, level: Level, begins: str) -> None:
    """Nought of nought slots would say nothing."""
    found = Workers().run(NoParams(), simulated.snapshot(), Target(SPEC, simulated, CLOCK))
    assert found.level is level
    assert found.sentence.startswith(begins)


@pytest.mark.parametrize(
    ("depths", "level", "sentence"),
    [
        ({"ai_generation": 1284, "analytics": 40}, Level.WARN, "Above their limit: ai_generation 1,284."),
        ({"ai_generation": 200, "analytics": 40, "booking": 0}, Level.OK, "Deepest: ai_generation 200, analytics 40."),
        ({"ai_generation": 0}, Level.OK, "All queues are empty."),
    ],
)
def test_depth_is_never_called_broken(depths: dict[str, int], level: Level, sentence: str) -> None:
    """BAD is for what has to be put right before anything else; a deep queue is what the alert said already."""
    simulated = cluster(depths_=depths)
    found = QueueDepths().run(NoParams(), simulated.snapshot(), Target(SPEC, simulated, CLOCK))
    assert (found.level, found.sentence) == (level, sentence)
