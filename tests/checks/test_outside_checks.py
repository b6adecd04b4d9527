"""Checks that ask outside of Celery: what they find, and that they answer in time whatever they meet."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest
from pydantic import ValidationError

from bot.adapters.http import ConfiguredPages
from bot.checks.flower import Flower
from bot.checks.http_health import HttpHealth, HttpHealthParams
from bot.checks.promql import Promql, PromqlParams
from bot.checks.workers import NoParams
from bot.domain.cluster import ClusterSnapshot
from bot.domain.errors import BadInput, OutsideUnreachable, UnknownName
from bot.domain.health import HealthSpec, expectation
from bot.domain.run import Finding, Level
from bot.ports import Check, Http, Metrics, NoHttp, NoMetrics, Params, QueryAnswer, Series, Target
from tests.services.network import SilentServer
from tests.services.pages import PageServer
from tests.usecases.world import SPEC, SetClock, SimulatedCluster

CLOCK = SetClock()
SECRET = "hunter2"


class SetMetrics:
    """Implements the port Metrics with one answer."""

    def __init__(self, values: Sequence[float] = (), *warnings: str, away: str = "") -> None:
        """Give each value a queue of its own."""
        series = tuple(Series({"__name__": "depth", "queue": f"q{i}", "job": "x"}, v) for i, v in enumerate(values))
        self.answer, self.away = QueryAnswer(series, warnings), away

    def query(self, promql: str, server: str | None = None, deadline: float = 3.0) -> QueryAnswer:
        """Return the answer."""
        if self.away:
            raise OutsideUnreachable("Prometheus `main`", self.away, 2.5)
        return self.answer

    def servers(self) -> tuple[str, ...]:
        """Return one."""
        return ("main",)


@pytest.fixture
def pages() -> Iterator[PageServer]:
    """A server with every kind of page."""
    running = PageServer()
    yield running
    running.close()


def run(
    check: Check[Any],
    params: Params,
    metrics: Metrics = NoMetrics(),  # noqa: B008 - immutable
    http: Http = NoHttp(),  # noqa: B008 - immutable
    snapshot: ClusterSnapshot | None = None,
    **spec: Any,
) -> Finding:
    """Return what a check finds on the cluster `prod`."""
    simulated = SimulatedCluster(CLOCK, consuming={"worker1@a": {"booking"}})
    target = Target(SPEC.model_copy(update=spec), simulated, CLOCK, metrics=metrics, http=http)
    return check.run(params, snapshot or simulated.snapshot(), target)


# --- PromQL ----------------------------------------------------------------------------------------------------------


def asked(metrics: Metrics, **params: Any) -> Finding:
    """Return what a query finds."""
    return run(Promql(), PromqlParams.model_validate({"query": "depth", **params}), metrics)


@pytest.mark.parametrize(
    ("values", "params", "level", "sentence", "worst"),
    [
        ([3.0], {}, Level.OK, "job=x, queue=q0 is 3.", 3.0),
        ([3.0, 9.0], {}, Level.OK, "q1 is 9, the worst of 2 series.", 9.0),
        ([3.0, 9.0], {"above": 8}, Level.BAD, "q1 is 9, above 8; 1 of 2 series are beyond their limit.", 9.0),
        ([3.0, 9.0], {"above": 10, "warn_above": 8}, Level.WARN, "q1 is 9, above 8; 1 of 2 series are", 9.0),
        ([3.0, 9.0], {"above": 9}, Level.OK, "q1 is 9, the worst of 2 series.", 9.0),
        ([0.5, 0.9], {"below": 0.8, "unit": "%"}, Level.BAD, "q0 is 0.5 %, below 0.8 %; 1 of 2", 0.5),
        ([0.85, 0.9], {"below": 0.8}, Level.OK, "q0 is 0.85, the worst of 2 series.", 0.85),
        ([5.0, -50.0, 7.0], {"above": 6, "below": 0, "warn_above": 1}, Level.BAD, "q2 is 7, above 6; 3 of 3", 7.0),
        ([1284567.0], {"above": 500}, Level.BAD, "job=x, queue=q0 is 1,284,567, above 500.", 1284567.0),
        ([math.inf, 1.0], {"above": 500}, Level.BAD, "q0 is ∞, above 500; 1 of 2", math.inf),
        ([math.nan, 1.0], {"above": 500}, Level.UNKNOWN, "q1 is 1, the worst of 2 series.", 1.0),
        ([math.nan, 900.0], {"above": 500}, Level.BAD, "q1 is 900, above 500; 1 of 2", 900.0),
        ([math.nan], {"above": 500}, Level.UNKNOWN, "The one series has no number (NaN).", None),
        ([math.nan] * 3, {}, Level.UNKNOWN, "None of 3 series has a number (NaN).", None),
        ([], {}, Level.UNKNOWN, "The query gives no series; is the query right?", None),
        ([], {"empty": "ok"}, Level.OK, "The query gives no series, as it should be.", None),
    ],
)
def test_the_worst_series_is_named(
    values: list[float], params: dict[str, Any], level: Level, sentence: str, worst: float | None
) -> None:
    """A number that is not there is neither good nor bad; what is bad is so beside it, too."""
    found = asked(SetMetrics(values), **params)
    assert found.level is level
    assert found.values["value"] == worst
    assert found.values["n"] == len(values)
    assert found.sentence.startswith(sentence)


def test_the_table_is_worst_first_and_counts_the_rest() -> None:
    """It fits a phone."""
    found = asked(SetMetrics([float(i) for i in range(100)]), above=50)
    assert found.table is not None
    assert [row[1] for row in found.table.rows][:3] == ["99", "98", "97"]
    assert len(found.table.rows) + found.table.more == 100


def test_warnings_of_the_server_make_what_looks_well_unknown() -> None:
    """With a store away, the worst series may be the one that is missing."""
    assert asked(SetMetrics([1.0], "store eu is away"), above=5).level is Level.UNKNOWN
    assert asked(SetMetrics([9.0], "store eu is away"), above=5).level is Level.BAD
    assert asked(SetMetrics([], "store eu is away"), empty="ok").level is Level.UNKNOWN
    assert "store eu is away" in asked(SetMetrics([1.0], "store eu is away")).unknown[0]


def test_a_server_that_is_away_leaves_the_number_unknown() -> None:
    """Not 0, and not bad."""
    found = asked(SetMetrics(away="nothing can be reached there"), above=5)
    assert (found.level, found.values) == (Level.UNKNOWN, {"value": None, "series": "", "n": None})
    assert found.sentence == "Prometheus `main` cannot be read: nothing can be reached there (waited 2.5 s)."


def test_without_a_server_the_settings_are_named() -> None:
    """What to write."""
    with pytest.raises(BadInput, match="No Prometheus is configured: set PROMETHEUS_URL, or add"):
        asked(NoMetrics())


@pytest.mark.parametrize("params", [{"above": 5, "warn_above": 6}, {"below": 5, "warn_below": 4}, {"empty": "bad"}])
def test_limits_that_contradict_each_other_are_refused(params: dict[str, Any]) -> None:
    """A warning comes before what it warns of."""
    with pytest.raises(ValidationError):
        PromqlParams.model_validate({"query": "up", **params})


# --- health pages ----------------------------------------------------------------------------------------------------


def health(server: PageServer, path: str, expected: Mapping[str, Any], credentials: str = "") -> Finding:
    """Return what the one page `jobs` is found to be."""
    spec = HealthSpec(name="jobs", expected=tuple(expectation(p, w) for p, w in expected.items()))
    http = ConfiguredPages({"prod": {"health.jobs": server.url(path, credentials)}})
    return run(HttpHealth(), HttpHealthParams(), http=http, health=(spec,))


def test_a_page_that_answers_as_expected(pages: PageServer) -> None:
    """Its answer is there for expressions."""
    found = health(pages, "/stats", {})
    assert found.level is Level.OK
    assert found.sentence.startswith("`jobs` answers as expected (200 in ")
    assert found.values["healthy"] is True
    assert found.values["json"]["queues"]["booking"]["waiting"] == 3


@pytest.mark.parametrize(
    ("path", "expected", "trouble"),
    [
        ("status", "healthy", None),
        ("status", "no workers", "status is `healthy`, not `no workers`"),
        ("status", "!= failed", None),
        ("status", "!= healthy", "status is `healthy`"),
        ("queues.booking.waiting", "< 100", None),
        ("queues.booking.waiting", "<= 3", None),
        ("queues.booking.waiting", "> 3", "queues.booking.waiting is 3, not > 3"),
        ("queues.booking.waiting", 3, None),
        ("queues.booking.waiting", 3.0, None),
        ("queues.booking.waiting", True, "queues.booking.waiting is 3, not true"),
        ("queues.a.b.waiting", ">= 7", None),
        ("queues.mail.waiting", "< 100", "queues.mail.waiting is missing"),
        ("queues", "> 2", "queues is 2 items, not > 2"),
        ("workers", "> 0", None),
        ("workers.1", "w2@a", None),
        ("workers.2", "w3@a", "workers.2 is missing"),
        ("status", "> 1", "status is `healthy`, no number"),
        ("workers", "w1@a", "workers is a list of 2, not `w1@a`"),
    ],
)
def test_values_of_the_answer_are_compared(pages: PageServer, path: str, expected: Any, trouble: str | None) -> None:
    """Plain values, comparisons, items of a list, keys with dots in them."""
    found = health(pages, "/stats", {path: expected})
    assert found.level is (Level.BAD if trouble else Level.OK)
    assert trouble is None or found.sentence == f"`jobs` {trouble}."


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("/failing", "`jobs` answered 500, not 200, status is `unavailable`, not `healthy`."),
        ("/text", "`jobs` answered something else than JSON."),
        ("/deep", "`jobs` answered something else than JSON."),
        ("/huge", "`jobs` gives no usable answer: its answer is longer than 256 kB, so it is none of a health page."),
        ("/drip", "`jobs` gives no usable answer: it did not answer within 2.5 s."),
        ("/broken", "`jobs` gives no usable answer: it broke off."),
        (
            "/elsewhere",
            "`jobs` answered 302 (it sends to another server, which was not asked), not 200.",
        ),
        ("/nowhere", "`jobs` answered 404, not 200."),
    ],
)
def test_a_page_that_fails_says_how(pages: PageServer, path: str, sentence: str) -> None:
    """In its own time, and without its address."""
    pages.elsewhere = "http://login.example/"
    found = health(pages, path, {"status": "healthy"}, f"me:{SECRET}")
    assert found.level is Level.BAD
    assert found.sentence.startswith(sentence)
    assert found.values["healthy"] is False
    assert SECRET not in str(found)
    assert str(pages.port) not in str(found)


def test_all_pages_are_asked_side_by_side(pages: PageServer) -> None:
    """Five that hang take no longer than one; what fails stands first."""
    paths = {"good": "/stats", **{f"slow{i}": "/slow" for i in range(5)}}
    http = ConfiguredPages({"prod": {f"health.{name}": pages.url(path) for name, path in paths.items()}})
    found = run(HttpHealth(), HttpHealthParams(), http=http, health=tuple(HealthSpec(name=n) for n in paths))
    assert found.values["failing"] == [f"slow{i}" for i in range(5)]
    assert found.table is not None
    assert found.table.rows[0] == ("slow0", "no answer")
    assert found.table.rows[-1][0] == "good"


def test_one_page_is_asked_by_its_name(pages: PageServer) -> None:
    """Another one is suggested for a misspelt name."""
    http = ConfiguredPages({"prod": {"health.jobs": pages.url("/stats"), "health.bad": pages.url("/failing")}})
    specs = (HealthSpec(name="jobs"), HealthSpec(name="bad"))
    assert run(HttpHealth(), HttpHealthParams(name="jobs"), http=http, health=specs).level is Level.OK
    with pytest.raises(UnknownName, match="Did you mean `jobs`"):
        run(HttpHealth(), HttpHealthParams(name="job"), http=http, health=specs)


def test_a_url_is_asked_only_where_the_settings_go(pages: PageServer) -> None:
    """What is typed in Slack, or said by an alert, must not make the bot look around."""
    http = ConfiguredPages({"prod": {"health.jobs": pages.url("/stats")}})
    there = run(HttpHealth(), HttpHealthParams(url=pages.url("/failing"), status=500), http=http)
    assert (there.level, there.values["status"]) == (Level.OK, 500)
    with pytest.raises(BadInput, match="is on no server that the settings of `prod` name"):
        run(HttpHealth(), HttpHealthParams(url="http://169.254.169.254/"), http=http)


def test_without_pages_the_settings_are_named() -> None:
    """What to write."""
    with pytest.raises(BadInput, match="No health page is configured: add `health: "):
        run(HttpHealth(), HttpHealthParams())
    with pytest.raises(BadInput, match="No page of `prod` is configured: add"):
        run(HttpHealth(), HttpHealthParams(url="http://a.example/"))


# --- Flower ----------------------------------------------------------------------------------------------------------


def flower(server: PageServer, workers: tuple[int, Any], healthcheck: tuple[int, Any] = (200, b"OK")) -> Finding:
    """Return what is found of a Flower that answers so."""
    server.more |= {"/healthcheck": healthcheck, "/api/workers": workers}
    return run(Flower(), NoParams(), http=ConfiguredPages({"prod": {"flower": server.url()}}), flower=True)


@pytest.mark.parametrize(
    ("believed", "level", "sentence", "unseen", "only_there"),
    [
        ({"worker1@a": True}, Level.OK, "Flower sees 1 worker online, the same as we do.", [], []),
        (
            {},
            Level.WARN,
            "Flower sees 0 workers online; it does not see worker1@a, which answered us",
            ["worker1@a"],
            [],
        ),
        ({"worker1@a": False}, Level.WARN, "Flower sees 0 workers online; it does not see", ["worker1@a"], []),
        (
            {"worker1@a": True, "w2@a": True, "w3@a": False},
            Level.WARN,
            "Flower sees 2 workers online; w2@a gave us no answer (busy or unreachable).",
            [],
            ["w2@a"],
        ),
        ({"worker1@a": {"active": []}}, Level.OK, "Flower sees 1 worker online, the same as we do.", [], []),
    ],
)
def test_flowers_workers_are_held_against_ours(
    pages: PageServer, believed: Any, level: Level, sentence: str, unseen: list[str], only_there: list[str]
) -> None:
    """Names that are missing on either side; a worker is never called down."""
    found = flower(pages, (200, believed))
    assert found.level is level
    assert found.sentence.startswith(sentence)
    assert (found.values["unseen"], found.values["only_there"]) == (unseen, only_there)


@pytest.mark.parametrize(
    ("workers", "words"),
    [
        ((401, b"FLOWER_UNAUTHENTICATED_API"), "its API refuses us (401); put user and password into the address of"),
        ((403, b""), "its API refuses us (403)"),
        ((500, b""), "its API answered 500"),
        ((200, b"<html>"), "its API answered 200 with something else than JSON"),
        ((200, [1]), "its API answered 200 with something else than JSON"),
        ((0, "drip"), "its API gives no usable answer: it did not answer within"),
    ],
)
def test_a_flower_that_tells_no_workers_is_alive(pages: PageServer, workers: tuple[int, Any], words: str) -> None:
    """What it believes is then unknown, and why is said."""
    found = flower(pages, workers)
    assert found.level is Level.OK
    assert found.sentence.startswith(f"Flower answers; which workers it sees is unknown: {words}")
    assert found.values["workers"] is None
    assert found.unknown


@pytest.mark.parametrize(
    ("healthcheck", "sentence"),
    [
        ((404, b""), "Flower's /healthcheck answered 404 (is its path right?); tasks run without it."),
        ((401, b""), "Flower's /healthcheck answered 401 (put user and password into its address); tasks"),
        ((502, b""), "Flower's /healthcheck answered 502; tasks run without it."),
        ((0, "drip"), "Flower gives no usable answer: it did not answer within 1.6 s; tasks run without it."),
    ],
)
def test_a_flower_that_fails_is_a_warning(pages: PageServer, healthcheck: tuple[int, Any], sentence: str) -> None:
    """No task waits for it."""
    found = flower(pages, (200, {}), healthcheck)
    assert found.level is Level.WARN
    assert found.sentence.startswith(sentence)
    assert found.values["answers"] is False


def test_a_flower_that_is_not_there(refused_port: int, silent_server: SilentServer) -> None:
    """Refused and silent alike."""
    for port, why in ((refused_port, "nothing listens there"), (silent_server.port, "it did not answer within 1.6 s")):
        http = ConfiguredPages({"prod": {"flower": f"http://me:{SECRET}@127.0.0.1:{port}"}})
        found = run(Flower(), NoParams(), http=http, flower=True)
        assert found.sentence == f"Flower gives no usable answer: {why}; tasks run without it."


def test_without_flower_the_settings_are_named() -> None:
    """What to write."""
    with pytest.raises(BadInput, match="No Flower is configured: add `flower: "):
        run(Flower(), NoParams())
