"""Prometheus as it may answer: every failure in a clause, none with the address' password."""

import json
import math
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import requests
import responses

from bot.adapters.prometheus import PrometheusServer, PrometheusServers, trouble
from bot.domain.errors import BadInput, OutsideUnreachable, UnknownName
from bot.ports import Series
from tests.services.network import SilentServer
from tests.services.pages import PageServer, wait_for

SECRET = "hunter2"
STRANGE = "what it answers is not Prometheus; is the path right?"
ADDRESS = f"http://me:{SECRET}@prometheus.example/base/"
QUERY = "http://prometheus.example/base/api/v1/query"


def vector(*values: Any, **more: Any) -> dict[str, Any]:
    """Return an answer with one series for each value."""
    result = [{"metric": {"queue": f"q{i}"}, "value": [1700000000.0, v]} for i, v in enumerate(values)]
    return {"status": "success", "data": {"resultType": "vector", "result": result}, **more}


def answer(kind: str, result: Any) -> dict[str, Any]:
    """Return an answer of another kind."""
    return {"status": "success", "data": {"resultType": kind, "result": result}}


@pytest.fixture
def mocked() -> Iterator[responses.RequestsMock]:
    """No request leaves this process."""
    with responses.RequestsMock(assert_all_requests_are_fired=False) as running:
        yield running


@pytest.fixture
def pages() -> Iterator[PageServer]:
    """A server with every kind of bad day."""
    running = PageServer()
    yield running
    running.close()


def servers(url: str = ADDRESS, **given: Any) -> PrometheusServers:
    """Return one server, `main`."""
    return PrometheusServers({"main": PrometheusServer(url, **given)})


def unreachable(asked: PrometheusServers, deadline: float = 3.0) -> str:
    """Return why it cannot be read."""
    with pytest.raises(OutsideUnreachable) as caught:
        asked.query("up", deadline=deadline)
    assert SECRET not in str(caught.value)
    assert str(caught.value).startswith("Prometheus `main` cannot be read: ")
    return caught.value.why


def test_a_query_gives_series(mocked: responses.RequestsMock) -> None:
    """Numbers travel as text; NaN and infinity are numbers, too."""
    mocked.get(QUERY, json=vector("1.5", "NaN", "+Inf"))
    found = servers().query("up").series
    assert [s.labels for s in found] == [{"queue": "q0"}, {"queue": "q1"}, {"queue": "q2"}]
    assert (found[0].value, math.isnan(found[1].value), found[2].value) == (1.5, True, math.inf)
    (call,) = mocked.calls
    assert call.request.params["query"] == "up"  # type: ignore[attr-defined]  # responses adds it
    assert call.request.params["timeout"] == "2800ms"  # type: ignore[attr-defined]
    assert str(call.request.headers["Authorization"]).startswith("Basic ")


def test_a_scalar_is_one_series_without_labels(mocked: responses.RequestsMock) -> None:
    """As `scalar(…)` and plain numbers give."""
    mocked.get(QUERY, json=answer("scalar", [1700000000.0, "42"]))
    assert servers().query("42").series == (Series({}, 42.0),)


def test_no_series_is_an_answer(mocked: responses.RequestsMock) -> None:
    """What it means is for who asked."""
    mocked.get(QUERY, json=vector())
    assert servers().query("up == 0").series == ()


def test_the_servers_warnings_are_passed_on(mocked: responses.RequestsMock) -> None:
    """Thanos answers with what it has when a store is away, and warns: such a number may be wrong."""
    mocked.get(QUERY, json=vector("1", warnings=["store eu is away"]))
    assert servers().query("up").warnings == ("store eu is away",)


def test_several_servers_are_asked_by_name(mocked: responses.RequestsMock) -> None:
    """The first is the default; one that is not there is refused."""
    mocked.get("http://a.example/api/v1/query", json=vector("1"))
    mocked.get("http://b.example/api/v1/query", json=vector("2"))
    asked = PrometheusServers({"eu": PrometheusServer("http://a.example"), "us": PrometheusServer("http://b.example")})
    assert asked.servers() == ("eu", "us")
    values = [asked.query("up", name).series[0].value for name in (None, "us", "eu")]
    assert values == [1.0, 2.0, 1.0]
    with pytest.raises(UnknownName, match="There is no Prometheus server `uss`"):
        asked.query("up", "uss")


@pytest.mark.parametrize(
    ("status", "error", "sentence"),
    [
        (400, '1:4: parse error:\nunexpected "{"', '1:4: parse error: unexpected "{".'),
        (422, "many-to-many matching.", "many-to-many matching."),
    ],
)
def test_a_query_that_is_refused(mocked: responses.RequestsMock, status: int, error: str, sentence: str) -> None:
    """Prometheus' own words, in one line: they name the place."""
    mocked.get(QUERY, status=status, json={"status": "error", "errorType": "bad_data", "error": error})
    with pytest.raises(BadInput) as caught:
        servers().query("up{")
    assert str(caught.value) == f"Prometheus `main` refuses the query: {sentence}"
    assert len(mocked.calls) == 1


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (answer("matrix", [{"metric": {}, "values": [[1700000000.0, "1"]]}]), "gives ranges"),
        (answer("string", [1700000000.0, "hello"]), "gives text"),
        (answer("vector", [{"metric": {}, "histogram": [1700000000.0, {}]}]), "gives histograms"),
    ],
)
def test_answers_that_are_no_numbers(mocked: responses.RequestsMock, found: dict[str, Any], words: str) -> None:
    """Each says what to write instead, where there is something."""
    mocked.get(QUERY, json=found)
    with pytest.raises(BadInput, match=f"The query {words}, no numbers"):
        servers().query("up[5m]")


@pytest.mark.parametrize("query", ["", "  ", "x" * 5_000])
def test_a_query_has_a_length(mocked: responses.RequestsMock, query: str) -> None:
    """Nothing is asked."""
    with pytest.raises(BadInput, match="A query has 1 to 4,000 characters"):
        servers().query(query)
    assert len(mocked.calls) == 0


@pytest.mark.parametrize(
    ("status", "body", "why"),
    [
        (401, "Unauthorized", "it refuses us (401); are user and password right?"),
        (403, "<html>", "it refuses us (403); are user and password right?"),
        (404, "not found", "it answered 404, and not as Prometheus does; is the path right?"),
        (400, "bad gateway", "it answered 400, and not as Prometheus does; is the path right?"),
        (302, "", "it answered 302, and not as Prometheus does; is the path right?"),
        (503, json.dumps({"status": "error", "error": "query timed out"}), "it answered 503: query timed out"),
        (500, "[" * 90_000, "it answered 500, and not as Prometheus does; is the path right?"),
        (200, "<html>Please log in</html>", STRANGE),
        (200, "[]", STRANGE),
        (200, "null", STRANGE),
        (200, '{"status": "success"}', STRANGE),
        (
            200,
            '{"data": {"resultType": "vector", "result": 5}}',
            STRANGE,
        ),
        (200, '{"data": {"resultType": "vector", "result": [{"value": [1, "many"], "metric": {}}]}}', STRANGE),
        (200, "[" * 90_000, STRANGE),
    ],
)
def test_answers_that_are_not_prometheus(mocked: responses.RequestsMock, status: int, body: str, why: str) -> None:
    """Proxies, login pages and other paths; each is asked once, and no redirect is followed."""
    mocked.get(QUERY, status=status, body=body, headers={"Location": "http://login.example/"} if status == 302 else {})
    assert unreachable(servers(retries=3)) == why
    assert len(mocked.calls) == 1


def test_a_certificate_that_is_not_trusted(mocked: responses.RequestsMock) -> None:
    """Told apart from a server that is away."""
    mocked.get(QUERY, body=requests.exceptions.SSLError(f"certificate of me:{SECRET}"))
    assert unreachable(servers()) == "its certificate is not trusted here, or it speaks no TLS"


def test_a_mistake_of_ours_is_not_called_the_servers(mocked: responses.RequestsMock) -> None:
    """It goes on as it is, to the log."""
    mocked.get(QUERY, body=AttributeError("ours"))
    with pytest.raises(AttributeError):
        servers().query("up")


def test_a_server_that_is_away(refused_port: int) -> None:
    """Nothing listens there, however often it is tried."""
    assert unreachable(servers(f"http://me:{SECRET}@127.0.0.1:{refused_port}")) == "nothing can be reached there"


def test_connections_that_fail_are_tried_again(pages: PageServer) -> None:
    """A server that comes back within the deadline answers."""
    pages.more["/api/v1/query"] = (200, vector("1"))
    port = pages.port
    pages.close()
    asked = servers(f"http://127.0.0.1:{port}", retries=5)
    returning = threading.Timer(0.3, lambda: back.append(PageServer(pages.more, port=port)))
    back: list[PageServer] = []
    returning.start()
    try:
        assert asked.query("up").series[0].value == 1.0
    finally:
        returning.join()
        back[0].close()


def test_a_server_that_keeps_silent_is_asked_once(silent_server: SilentServer) -> None:
    """Asking twice would not help it, and the time is over."""
    assert unreachable(servers(f"http://127.0.0.1:{silent_server.port}", retries=3), 0.6) == (
        "it did not answer within 0.6 s"
    )
    assert silent_server.connections == 1


def test_the_servers_own_timeout_counts_when_it_is_shorter(silent_server: SilentServer) -> None:
    """Whoever asks has less patience for a server that the settings call quick."""
    asked = servers(f"http://127.0.0.1:{silent_server.port}", timeout=0.5)
    assert unreachable(asked) == "it did not answer within 0.5 s"


@pytest.mark.parametrize("path", ["drip", "drip-headers"])
def test_a_server_that_drips_is_given_up(pages: PageServer, path: str) -> None:
    """Each byte comes in time; the whole does not."""
    pages.more["/api/v1/query"] = (0, path)
    assert unreachable(servers(pages.url()), 0.6) == "it did not answer within 0.6 s"
    assert pages.asked
    assert not pages.closed.is_set()


def test_an_answer_that_nobody_could_read_is_not_kept(pages: PageServer) -> None:
    """A query without a limit may give a million series."""
    pages.more["/api/v1/query"] = (0, "huge")
    with pytest.raises(BadInput, match="The query gives more than 2 MB; ask for less, as with"):
        servers(pages.url()).query("up")


def test_a_server_that_hangs_is_not_asked_for_ever(pages: PageServer) -> None:
    """As many threads hang as may; then it is said at once. When they have ended, it is asked again."""
    pages.more["/api/v1/query"] = (0, "drip-headers")
    asked = PrometheusServers({"main": PrometheusServer(pages.url())}, at_once=2)
    for _ in range(2):
        assert unreachable(asked, 0.4) == "it did not answer within 0.4 s"
    assert unreachable(asked, 0.4) == "earlier questions to it still hang"
    pages.more["/api/v1/query"] = (200, vector("1"))
    pages.let_go.set()
    wait_for(lambda: _answers(asked), what="an answer")


def _answers(asked: PrometheusServers) -> bool:
    try:
        return asked.query("up").series[0].value == 1.0
    except OutsideUnreachable:  # the last of the threads has not ended yet
        return False


def test_the_doctor_is_told_in_a_clause(mocked: responses.RequestsMock) -> None:
    """It asks a question that every Prometheus can answer; a page that answers 200 to anything is none."""
    mocked.get(QUERY, json=vector("1"))
    mocked.get("http://other.example/api/v1/query", body="<html>")
    assert trouble(PrometheusServer(ADDRESS)) is None
    assert trouble(PrometheusServer("http://other.example")) == STRANGE


def test_what_asks_is_loaded_only_when_it_asks() -> None:
    """Every process imports the adapters, and most of them ask no Prometheus and no page."""
    heavy = "{'requests', 'prometheus_api_client', 'aiohttp'}"
    words = f"import sys, bot.adapters.prometheus, bot.adapters.http; print(sorted({heavy} & {{*sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", words], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "[]\n"
