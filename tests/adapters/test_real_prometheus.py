"""The real Prometheus: what it scrapes arrives, and what it refuses is passed on in its own words."""

import math
from collections.abc import Iterator

import pytest

from bot.adapters.clock import SystemClock
from bot.adapters.prometheus import PrometheusServer, PrometheusServers, trouble
from bot.checks.promql import Promql, PromqlParams
from bot.domain.cluster import ClusterSnapshot, ClusterSpec
from bot.domain.errors import BadInput, OutsideUnreachable
from bot.domain.run import Finding, Level
from bot.ports import Target
from tests.services.pages import PageServer, wait_for
from tests.services.prometheus import PrometheusProcess
from tests.services.require import require
from tests.usecases.world import SetClock, SimulatedCluster

pytestmark = pytest.mark.service

EXPOSED = b"""\
# TYPE celery_queue_length gauge
celery_queue_length{queue="booking"} 12
celery_queue_length{queue="analytics"} 1284
celery_queue_length{queue="odd \\"name\\""} NaN
# TYPE celery_worker_up gauge
celery_worker_up{worker="w1@a"} 1
"""


@pytest.fixture(scope="module")
def prometheus() -> Iterator[PrometheusProcess]:
    """One server for all tests, which has scraped the page below."""
    page = PageServer({"/metrics": (200, EXPOSED)})
    try:
        with PrometheusProcess(require("prometheus"), page.port) as running:
            wait_for(lambda: len(running.ask("celery_queue_length")) == 3, what="the first scrape", seconds=60)
            yield running
    finally:
        page.close()


@pytest.fixture
def servers(prometheus: PrometheusProcess) -> PrometheusServers:
    """The server by the name `main`."""
    return PrometheusServers({"main": PrometheusServer(f"{prometheus.url}/")})


def found(servers: PrometheusServers, **params: object) -> Finding:
    """Return what the check finds."""
    clock = SystemClock()
    simulated = SimulatedCluster(SetClock(), consuming={})
    target = Target(ClusterSpec(name="prod"), simulated, clock, metrics=servers)
    return Promql().run(
        PromqlParams.model_validate(params), ClusterSnapshot(cluster="prod", taken_at=clock.now()), target
    )


def test_what_it_scraped_arrives(servers: PrometheusServers) -> None:
    """Labels and values as they were exposed."""
    series = servers.query("celery_queue_length").series
    values = {s.labels["queue"]: s.value for s in series}
    assert {k: v for k, v in values.items() if not math.isnan(v)} == {"booking": 12.0, "analytics": 1284.0}
    assert math.isnan(values['odd "name"'])
    assert servers.query("scalar(sum(celery_worker_up))").series[0].value == 1.0


def test_what_it_refuses_is_told_in_its_words(servers: PrometheusServers) -> None:
    """With the place of the mistake."""
    with pytest.raises(BadInput, match=r"^Prometheus `main` refuses the query: .*1:\d+: parse error: .*\.$"):
        servers.query("celery_queue_length{")
    with pytest.raises(BadInput, match="refuses the query: found duplicate series"):
        servers.query("celery_queue_length + on() celery_queue_length")
    with pytest.raises(BadInput, match="The query gives ranges, no numbers"):
        servers.query("celery_queue_length[1m]")
    with pytest.raises(BadInput, match="The query gives text, no numbers"):
        servers.query('"hello"')


def test_the_check_names_the_worst_series_first(servers: PrometheusServers) -> None:
    """Against a limit, with what has no number told apart."""
    finding = found(servers, query="celery_queue_length", above=500, unit="messages")
    assert finding.level is Level.BAD
    assert finding.sentence == "analytics is 1,284 messages, above 500 messages; 1 of 3 series are beyond their limit."
    assert finding.values == {"value": 1284.0, "series": "analytics", "n": 3}
    assert finding.unknown == ("the number of 1 of 3 series (NaN)",)
    assert finding.table is not None
    assert [row[0] for row in finding.table.rows] == ["analytics", "booking", 'odd "name"']


def test_no_series_is_what_the_step_says_it_is(servers: PrometheusServers) -> None:
    """`up == 0` finds nothing on a good day; a misspelt metric does, too."""
    assert found(servers, query="celery_worker_up == 0", empty="ok").level is Level.OK
    assert found(servers, query="celery_wrker_up").level is Level.UNKNOWN


def test_the_doctor_finds_nothing_wrong(prometheus: PrometheusProcess) -> None:
    """And a wrong path is told."""
    assert trouble(PrometheusServer(prometheus.url)) is None
    assert trouble(PrometheusServer(f"{prometheus.url}/nowhere")) == (
        "it answered 404, and not as Prometheus does; is the path right?"
    )


def test_a_stopped_server_is_given_up_and_comes_back(prometheus: PrometheusProcess, servers: PrometheusServers) -> None:
    """SIGSTOP: it accepts and says nothing; the same connection works again afterwards."""
    assert servers.query("vector(1)").series[0].value == 1.0
    prometheus.process.pause()
    try:
        with pytest.raises(OutsideUnreachable, match=r"it did not answer within 0\.6 s"):
            servers.query("vector(1)", deadline=0.6)
        finding = found(servers, query="vector(1)")
        assert (finding.level, finding.values["value"]) == (Level.UNKNOWN, None)
    finally:
        prometheus.process.resume()
    wait_for(prometheus.ready, what="Prometheus")
    assert servers.query("vector(2)").series[0].value == 2.0
