"""Pages of the settings: asked by name, within time and size, and nothing else in the network."""

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from bot.adapters.http import ConfiguredPages
from bot.domain.errors import BadInput, OutsideUnreachable, UnknownName
from tests.services.network import SilentServer
from tests.services.pages import STATS, PageServer, wait_for

SECRET = "hunter2"


@pytest.fixture
def server() -> Iterator[PageServer]:
    """A server with every kind of page."""
    running = PageServer()
    yield running
    running.close()


def pages(server: PageServer, path: str = "/stats", credentials: str = "") -> ConfiguredPages:
    """Return the pages of a cluster whose one health page is at `path`."""
    return ConfiguredPages({"prod": {"health.jobs": server.url(path, credentials)}})


def refusal(server: PageServer, path: str, deadline: float = 5.0) -> str:
    """Return why the page at `path` gave no usable answer."""
    with pytest.raises(OutsideUnreachable) as caught:
        pages(server, path).page("prod", "health.jobs", deadline=deadline)
    return caught.value.why


def test_a_page_is_asked_by_its_name(server: PageServer) -> None:
    """Status, JSON and text of the answer."""
    answer = pages(server).page("prod", "health.jobs")
    assert (answer.status, answer.json, json.loads(answer.text)) == (200, STATS, STATS)
    assert answer.took_seconds > 0


def test_a_page_that_nobody_configured_is_not_asked(server: PageServer) -> None:
    """Nor one of another cluster."""
    for cluster, page in (("prod", "health.job"), ("eu", "health.jobs")):
        with pytest.raises(UnknownName, match="There is no page"):
            pages(server).page(cluster, page)
    assert server.asked == []


def test_a_path_is_appended_to_a_page(server: PageServer) -> None:
    """Flower's API lies below its address; what it says after a `?` is its own."""
    server.more["/flower/api/workers"] = (200, {"w1@a": True})
    found = ConfiguredPages({"prod": {"flower": server.url("/flower/?key=1")}})
    assert found.page("prod", "flower", "/api/workers?status=1").json == {"w1@a": True}
    assert [path for path, _ in server.asked] == ["/flower/api/workers?status=1"]


def test_credentials_go_to_their_page_alone(server: PageServer) -> None:
    """As basic authentication; a `url` on the same server gets none."""
    asked = pages(server, "/guarded", f"me:{SECRET}")
    assert asked.page("prod", "health.jobs").status == 200
    assert asked.url("prod", server.url("/guarded")).status == 401


def test_any_page_of_a_known_server_may_be_asked(server: PageServer) -> None:
    """Runbooks name more pages than the settings."""
    assert pages(server).url("prod", server.url("/failing?deep=1")).status == 500


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest/meta-data",
        "http://127.0.0.1:{port}@10.0.0.1/stats",
        "http://10.0.0.1\\@127.0.0.1:{port}/stats",
        "http://10.0.0.1#@127.0.0.1:{port}/",
        "http://localhost:{port}/stats",
        "https://127.0.0.1:{port}/stats",
        "http://127.0.0.1:1/stats",
        "file:///etc/passwd",
        "//127.0.0.1:{port}/stats",
        "http://me:hunter2@127.0.0.1:{port}/stats",
        "http://[::1/stats",
        "",
    ],
)
def test_what_people_type_makes_the_bot_look_nowhere_else(server: PageServer, url: str) -> None:
    """Neither into the network around it, nor with somebody's password; nothing is asked at all."""
    with pytest.raises(BadInput) as caught:
        pages(server).url("prod", url.format(port=server.port))
    assert SECRET not in str(caught.value)
    assert server.asked == []


def test_a_redirect_within_a_server_is_followed(server: PageServer) -> None:
    """As a slash too few gives."""
    assert pages(server, "/here").page("prod", "health.jobs").json == STATS


def test_a_redirect_to_another_server_is_told_and_not_followed(server: PageServer) -> None:
    """It would lead where the settings do not."""
    other = PageServer()
    try:
        server.elsewhere = other.url("/stats")
        answer = pages(server, "/elsewhere", f"me:{SECRET}").page("prod", "health.jobs")
        assert (answer.status, answer.elsewhere, answer.json) == (302, True, None)
        assert other.asked == []
    finally:
        other.close()


def test_pages_that_send_in_a_circle_are_left(server: PageServer) -> None:
    """After a few."""
    assert refusal(server, "/round") == "it sends from page to page, more than 3 times"
    assert len(server.asked) == 4


@pytest.mark.parametrize("path", ["/drip", "/drip-headers"])
def test_a_page_that_drips_is_given_up(server: PageServer, path: str) -> None:
    """Bytes that come in time do not make the whole come in time; the connection is closed, too."""
    assert refusal(server, path, 0.6) == "it did not answer within 0.6 s"
    wait_for(lambda: server.asked and not server.dripping, what="the end of the dripping")
    assert not server.closed.is_set()


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("/slow", "it did not answer within 0.6 s"),
        ("/huge", "its answer is longer than 256 kB, so it is none of a health page"),
        ("/broken", "it broke off"),
        ("/garbage", "its answer is no HTTP"),
    ],
)
def test_answers_that_are_none(server: PageServer, path: str, why: str) -> None:
    """Each in a clause."""
    assert refusal(server, path, 0.6) == why


@pytest.mark.parametrize("path", ["/text", "/deep", "/packed"])
def test_a_body_that_is_no_json_is_an_answer_without(server: PageServer, path: str) -> None:
    """Text, brackets without end, and what was packed unasked."""
    answer = pages(server, path).page("prod", "health.jobs")
    assert (answer.status, answer.json) == (200, None)


def test_servers_that_are_not_there(refused_port: int, silent_server: SilentServer) -> None:
    """No address, user or password is told."""
    urls = {
        "refused": (f"http://me:{SECRET}@127.0.0.1:{refused_port}/", "nothing listens there"),
        "silent": (f"http://me:{SECRET}@127.0.0.1:{silent_server.port}/", "it did not answer within 0.6 s"),
        "nowhere": (f"http://me:{SECRET}@nowhere.invalid/", "its name is not known here"),
    }
    asked = ConfiguredPages({"prod": {name: url for name, (url, _) in urls.items()}})
    for name, (_, why) in urls.items():
        with pytest.raises(OutsideUnreachable) as caught:
            asked.page("prod", name, deadline=0.6)
        assert caught.value.why == why
        assert SECRET not in str(caught.value)
        assert "127.0.0.1" not in str(caught.value)


def test_a_server_without_tls_is_told(server: PageServer) -> None:
    """An address that begins with https, and a server that does not know it."""
    asked = ConfiguredPages({"prod": {"api": server.url("/stats").replace("http", "https")}})
    with pytest.raises(OutsideUnreachable) as caught:
        asked.page("prod", "api")
    assert caught.value.why == "it speaks no TLS, or none that is known here"


def test_questions_are_asked_side_by_side(server: PageServer) -> None:
    """Sixteen at once, from threads that know nothing of one another."""
    asked = pages(server)
    with ThreadPoolExecutor(16) as threads:
        answers = list(threads.map(lambda _: asked.page("prod", "health.jobs").status, range(48)))
    assert answers == [200] * 48


def test_pages_that_hang_leave_no_thread_behind(server: PageServer) -> None:
    """A page that is worked again every few seconds must not collect them."""
    before = {t.ident for t in threading.enumerate()}
    for _ in range(3):
        assert refusal(server, "/slow", 0.3) == "it did not answer within 0.3 s"
    wait_for(lambda: not _bounded(before), what="the end of the threads")


def _bounded(before: set[Any]) -> list[str]:
    return [t.name for t in threading.enumerate() if t.ident not in before and t.name == "celery-oncall-bounded"]
