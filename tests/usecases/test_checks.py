"""Checks side by side under one deadline, and one by its name as people type it."""

import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import pytest
from pydantic import Field
from structlog.testing import capture_logs

from bot.adapters.clusters import ConfiguredClusters
from bot.domain.cluster import ClusterSnapshot
from bot.domain.errors import BadInput, UnknownName
from bot.domain.run import Finding, Level, StepState
from bot.domain.runbook import Runbook, Step
from bot.ports import Action, Check, Params, Target
from bot.usecases import checks
from bot.usecases.steps import blocks, work_steps
from bot.usecases.targets import target_of
from tests.checks.fakes import FakeDiagnostics, FakeLive, figures
from tests.usecases.world import SPEC, World


class Nothing(Params):
    """Takes none."""


@dataclass
class Meeting(Check[Nothing]):
    """Answers when another check has come to the same place, and not before."""

    place: threading.Barrier
    name: ClassVar[str] = "meeting"
    params = Nothing

    def run(self, params: Nothing, snapshot: ClusterSnapshot, target: Target) -> Finding:
        """Wait for the other."""
        self.place.wait(10)
        return Finding(level=Level.OK, sentence="Met.", at=snapshot.taken_at, values={"met": 1})


@dataclass
class Hanging(Check[Nothing]):
    """Answers when it is let go."""

    gate: threading.Event
    name: ClassVar[str] = "hanging"
    params = Nothing

    def run(self, params: Nothing, snapshot: ClusterSnapshot, target: Target) -> Finding:
        """Wait."""
        self.gate.wait(30)
        return Finding(level=Level.OK, sentence="Late.", at=snapshot.taken_at)


class Breaking(Check[Nothing]):
    """Has a mistake in it."""

    name = "breaking"
    params = Nothing

    def run(self, params: Nothing, snapshot: ClusterSnapshot, target: Target) -> Finding:
        """Break."""
        raise ZeroDivisionError


class Refusing(Check[Nothing]):
    """Says in words why it cannot answer."""

    name = "refusing"
    params = Nothing

    def run(self, params: Nothing, snapshot: ClusterSnapshot, target: Target) -> Finding:
        """Refuse."""
        raise BadInput("There is nothing to look at.")


class BoundedParams(Params):
    """With a bound."""

    n: int = Field(ge=1, description="how many")


class Bounded(Check[BoundedParams]):
    """Has a parameter that it needs."""

    name = "bounded"
    needs_snapshot = False
    params = BoundedParams

    def run(self, params: BoundedParams, snapshot: ClusterSnapshot, target: Target) -> Finding:
        """Return it."""
        return Finding(level=Level.OK, sentence=f"{params.n}.", at=target.clock.now(), values={"n": params.n})


@dataclass
class FewChecks:
    """A registry of these checks."""

    checks: Mapping[str, Check[Any]]
    actions: Mapping[str, Action[Any]] = field(default_factory=dict)


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """What hanging checks wait for; opened at the end."""
    made = threading.Event()
    yield made
    made.set()


def found(world: World, *asked: Check[Any], deadline: float = 10.0) -> list[Finding]:
    """Run checks on the world's cluster."""
    target = target_of(world.ports, "prod")
    return checks.run_checks([(c, Nothing()) for c in asked], target.control.snapshot(), target, deadline)


# --- side by side ---


def test_checks_run_side_by_side(world: World) -> None:
    """Each waits for the other: one after the other, neither would end."""
    place = threading.Barrier(2)
    assert [f.sentence for f in found(world, Meeting(place), Meeting(place))] == ["Met.", "Met."]


def test_a_late_check_is_unknown_and_the_others_are_there(world: World, gate: threading.Event) -> None:
    """One deadline for all of them together, in the order in which they were asked."""
    place = threading.Barrier(1)
    results = found(world, Hanging(gate), Meeting(place), Hanging(gate), deadline=0.3)
    assert [f.level for f in results] == [Level.UNKNOWN, Level.OK, Level.UNKNOWN]
    assert results[0].sentence == "`hanging` did not answer within 300 ms."


def test_a_check_that_refuses_or_breaks_is_unknown_in_words(world: World) -> None:
    """Words for people; the mistake itself is in the log, and nowhere else."""
    with capture_logs() as logs:
        refused, broken = found(world, Refusing(), Breaking())
    assert (refused.level, refused.sentence) == (Level.UNKNOWN, "There is nothing to look at.")
    assert (broken.level, broken.sentence) == (
        Level.UNKNOWN,
        "The bot made a mistake in this check; its log holds the details.",
    )
    assert [(line["event"], line["check"]) for line in logs] == [("check broke", "breaking")]


def test_checks_that_hang_do_not_collect_threads_for_ever(world: World, gate: threading.Event) -> None:
    """The 65th is not begun, and says so; when the others end there is room again."""
    results = found(world, *[Hanging(gate) for _ in range(65)], deadline=0.3)
    assert results[-1].sentence == "`hanging` was not begun: too many checks still hang."
    gate.set()
    assert found(world, Hanging(gate))[0].sentence in ("Late.", results[-1].sentence)


# --- the blocks of a runbook ---


def step(id: str, **given: Any) -> Step:
    """Return a step; a check of `workers` unless told otherwise."""
    kind = {} if given.keys() & {"note", "action"} else {"check": "workers"}
    return Step.model_validate({"id": id, "title": id, **kind, **given})


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ([step("a"), step("b"), step("c")], [["a", "b", "c"]]),
        ([step("a"), step("b", when="checks.a.online > 0"), step("c")], [["a"], ["b", "c"]]),
        ([step("a"), step("b", **{"with": {"queue": "{{ checks['a'].queue }}"}})], [["a"], ["b"]]),
        ([step("a"), step("n", note="Look."), step("b"), step("c")], [["a"], ["n"], ["b", "c"]]),
        ([step("n", note="Look."), step("m", note="{{ checks.a.online }}")], [["n"], ["m"]]),
        (
            [step("a"), step("n", note="-"), step("b"), step("c", when="checks.a.online > 0")],
            [["a"], ["n"], ["b", "c"]],
        ),
        ([step("a"), step("b", when="checks[queue].n > 0")], [["a"], ["b"]]),
    ],
    ids=["all", "when", "with", "note between", "notes", "an earlier block's", "which one is not known"],
)
def test_consecutive_checks_form_a_block_unless_one_needs_another(steps: list[Step], expected: list[list[str]]) -> None:
    """What a check needs must have been found before its block begins."""
    assert [[s.id for s in block] for block in blocks(steps)] == expected


def test_a_block_of_a_run_works_side_by_side_and_its_values_reach_later_steps(world: World) -> None:
    """Every step has its result in order; a step that cannot begin spoils no other."""
    place = threading.Barrier(2)
    registry = FewChecks({"meeting": Meeting(place), "bounded": Bounded(), "breaking": Breaking()})
    steps = (
        step("one", check="meeting"),
        step("wrong", check="bounded", **{"with": {"n": 0}}),
        step("two", check="meeting"),
        step("broken", check="breaking"),
        step("gone", check="removed"),
        step("left_out", check="breaking", when="1 > 2"),
        step("later", check="bounded", **{"with": {"n": "{{ checks.one.met + checks.two.met }}"}}),
        step("note", note="{{ checks.later.n }} in all."),
        step("needy", note="{{ checks.broken.n }} in all."),
    )
    target = target_of(world.ports, "prod")
    runbook = Runbook(runbook="r", title="r", steps=steps)
    ports = replace(world.ports, registry=registry)
    names: dict[str, Any] = {"checks": {}}
    results = work_steps(ports, runbook, names, target.control.snapshot(), target)
    assert [r.id for r in results] == [s.id for s in steps]
    by_id = {r.id: r for r in results}
    assert by_id["wrong"].why == "The check `bounded`: `n` (how many) must be at least 1."
    assert (by_id["wrong"].state, by_id["gone"].state) == (StepState.FAILED, StepState.FAILED)
    assert by_id["gone"].why == "There is no check `removed` any more."
    assert by_id["left_out"].state is StepState.SKIPPED
    broken = by_id["broken"].finding
    assert broken is not None
    assert broken.level is Level.UNKNOWN
    assert by_id["note"].text == "2 in all."
    assert by_id["needy"].why == "It needs what `broken` finds, which could not be learned now."


# --- by name ---


def asked(world: World, name: str, **words: str) -> Finding:
    """Ask for a check as people do."""
    return checks.check(world.ports, "prod", name, words).finding


def test_a_check_by_its_name_shows_its_title_and_finding(world: World) -> None:
    """On a snapshot taken for it."""
    view = checks.check(world.ports, "prod", "workers", {})
    assert (view.cluster, view.name) == ("prod", "workers")
    assert view.title == "Workers online, silent, missing or of one name, and their busy slots."
    assert view.finding.sentence.startswith("3 workers online")
    assert view.finding.table is not None


@pytest.mark.parametrize(
    ("name", "words", "error", "sentence"),
    [
        ("wrkers", {}, UnknownName, "There is no check `wrkers`. Did you mean `workers`"),
        ("workers", {"n": "1"}, BadInput, "The check `workers` takes no parameters; leave out `n`."),
        (
            "slow_tasks",
            {"secnds": "1"},
            UnknownName,
            "There is no `slow_tasks` parameter `secnds`. Did you mean `seconds`?",
        ),
        (
            "slow_tasks",
            {"seconds": "soon"},
            BadInput,
            "The check `slow_tasks`: `seconds` (how long a task may run, like 30s or 5m) is wrong: `soon` is no",
        ),
        (
            "failures",
            {"span": "2h"},
            BadInput,
            "The check `failures`: `span` (1m, 15m, 1h or 24h) is wrong: `2h` is no",
        ),
        ("worker_memory", {"warn": "much"}, BadInput, "The check `worker_memory`: `warn` (memory of one worker above"),
        ("redis_ping", {"slow": "0"}, BadInput, "The check `redis_ping`: `slow` (seconds to an answer above which it"),
        ("redis_ping", {"slow": "x"}, BadInput, "The check `redis_ping`: `slow` (seconds to an answer above which it"),
        ("running", {}, BadInput, "The check `running` needs `queue` (the queue to look at): write `running queue=…`."),
    ],
)
def test_wrong_names_and_parameters_are_told_in_words(
    world: World, name: str, words: dict[str, str], error: type[BadInput], sentence: str
) -> None:
    """With the parameter, its meaning, and what would do; nothing is asked of the cluster."""
    with pytest.raises(error) as told:
        asked(world, name, **words)
    assert str(told.value)[: len(sentence)] == sentence
    assert world.cluster.counted == 0


def listening(world: World) -> World:
    """Return the world with a bot that hears events and may ask the broker."""
    live = FakeLive((figures("shop.book", succeeded=10),))
    diagnostics = FakeDiagnostics()
    clusters = ConfiguredClusters({"prod": SPEC}, {"prod": world.cluster}, {}, {"prod": live}, {"prod": diagnostics})
    return replace(world, ports=replace(world.ports, clusters=clusters))


def test_on_a_dead_broker_what_was_heard_is_told_and_the_rest_says_why_not(world: World) -> None:
    """A check that needs no snapshot answers; the other one says that the broker cannot be read."""
    world.cluster.down = True
    heard = asked(listening(world), "failures", span="1h")
    assert (heard.level, heard.sentence) == (Level.OK, "No task failed in the last 1 h; 10 succeeded.")
    dead = asked(listening(world), "workers")
    assert dead.level is Level.UNKNOWN
    assert dead.sentence.startswith("The broker of `prod` cannot be read: connection refused")


def test_a_broker_that_just_failed_is_not_waited_for_again(world: World) -> None:
    """Two people who ask at once wait once; after two seconds it is asked anew."""
    world.cluster.down = True
    asked(world, "workers")
    asked(world, "workers")
    assert world.cluster.counted == 1
    world.clock.pass_time(seconds=3)
    world.cluster.down = False
    assert asked(world, "workers").level is Level.OK
