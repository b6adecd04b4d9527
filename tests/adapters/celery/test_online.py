"""Workers that come online are heard of, over restarts and silences of the broker."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, Protocol

import pytest
from structlog.testing import capture_logs

from bot.adapters.celery.connection import ClusterConnection
from bot.adapters.celery.envelope import wrap
from bot.adapters.celery.online import WorkerOnlineWatch
from bot.domain.errors import ClusterUnreachable
from playground.services import RedisServer
from tests.adapters.celery.conftest import wait_for
from tests.services.network import SilentServer
from tests.services.sample_app import make_app
from tests.services.workers import StartWorker

pytestmark = pytest.mark.service


class Watch(Protocol):
    """What the `watch` fixture gives: a function that starts a watch, and returns the list of names it hears."""

    def __call__(
        self, url: str, act: Callable[[str], None] | None = None, quiet_seconds: float = 10, **options: Any
    ) -> list[str]:
        """`act` is called with each name, too; `options` go to ClusterConnection."""


@pytest.fixture
def watches() -> Iterator[list[WorkerOnlineWatch]]:
    """All watches of a test, closed at its end."""
    made: list[WorkerOnlineWatch] = []
    yield made
    for watch in made:
        watch.close()


@pytest.fixture
def watch(watches: list[WorkerOnlineWatch]) -> Watch:
    """A function that starts watches."""

    def start(
        url: str, act: Callable[[str], None] | None = None, quiet_seconds: float = 10, **options: Any
    ) -> list[str]:
        heard: list[str] = []

        def on_online(name: str) -> None:
            heard.append(name)
            if act:
                act(name)

        connection = ClusterConnection("shop", url, **options)
        watches.append(WorkerOnlineWatch(connection, on_online, quiet_seconds=quiet_seconds))
        watches[-1].start()
        return heard

    return start


def announce(server: RedisServer, name: str, channel: str = "/0.celeryev/worker.online") -> int:
    """Publish a worker's event as Celery does; returns how many heard it."""
    with server.client() as client:
        return int(client.publish(channel, wrap({"hostname": name, "type": "worker-online"}, "celeryev")))


@pytest.mark.parametrize("prefix", ["", "shop:"])
def test_a_real_worker_is_heard_of_when_it_starts(
    redis_server: RedisServer, celery_worker: StartWorker, watch: Watch, watches: list[WorkerOnlineWatch], prefix: str
) -> None:
    """Database and prefix are those of the application; heartbeats and tasks are not passed on."""
    heard = watch(redis_server.url(2), global_keyprefix=prefix)
    assert watches[0].wait_connected(5)
    celery_worker(redis_server.url(2), pool="solo", env={"SAMPLE_PREFIX": prefix}, extra=["-E"])
    make_app({"SAMPLE_BROKER_URL": redis_server.url(2), "SAMPLE_PREFIX": prefix}).send_task("sample.add", (1, 1)).get(
        timeout=20
    )
    assert heard == ["w1@test"]


def test_another_event_exchange_is_honoured(redis_server: RedisServer, watches: list[WorkerOnlineWatch]) -> None:
    """It is the setting `event_exchange` of the application."""
    heard: list[str] = []
    watches.append(WorkerOnlineWatch(ClusterConnection("shop", redis_server.url()), heard.append, "shopev"))
    watches[0].start()
    wait_for(lambda: announce(redis_server, "w1@a", "/0.shopev/worker.online"))
    wait_for(lambda: heard == ["w1@a"])


def test_it_connects_again_after_the_broker_was_gone(
    redis_server: RedisServer, watch: Watch, watches: list[WorkerOnlineWatch]
) -> None:
    """Even when there was no broker at all to begin with."""
    redis_server.kill()
    heard = watch(redis_server.url())
    redis_server.start()
    wait_for(lambda: announce(redis_server, "w1@a"))
    redis_server.kill()
    wait_for(lambda: not watches[0].wait_connected(0))
    redis_server.start()
    wait_for(lambda: announce(redis_server, "w2@a"))
    wait_for(lambda: heard == ["w1@a", "w2@a"])


def test_a_connection_that_went_silent_is_given_up(
    redis_server: RedisServer, watch: Watch, watches: list[WorkerOnlineWatch]
) -> None:
    """A broker that froze answers no ping; once it runs again, workers are heard of again."""
    heard = watch(redis_server.url(), quiet_seconds=0.3)
    assert watches[0].wait_connected(5)
    redis_server.pause()
    wait_for(lambda: not watches[0].wait_connected(0))
    redis_server.resume()
    assert watches[0].wait_connected(20)
    announce(redis_server, "w1@a")
    wait_for(lambda: heard == ["w1@a"])


def test_a_quiet_broker_is_not_given_up(
    redis_server: RedisServer, watch: Watch, watches: list[WorkerOnlineWatch]
) -> None:
    """It answers the ping: the connection that was there at first is there after many quiet spells."""
    watch(redis_server.url(), quiet_seconds=0.05)
    assert watches[0].wait_connected(5)
    with redis_server.client() as client:
        mine = {c["id"] for c in client.client_list() if c["name"] == "celery-oncall"}
        wait_for(lambda: client.info("commandstats").get("cmdstat_ping", {}).get("calls", 0) >= 3)
        assert {c["id"] for c in client.client_list() if c["name"] == "celery-oncall"} == mine


@pytest.mark.parametrize("error", [ClusterUnreachable("shop", "gone", 1), ZeroDivisionError("a mistake")])
def test_a_failure_about_one_worker_leaves_the_others_heard(
    redis_server: RedisServer, watch: Watch, watches: list[WorkerOnlineWatch], error: Exception
) -> None:
    """Neither the broker's trouble nor our own mistake ends the thread."""

    def fail(name: str) -> None:
        raise error

    heard = watch(redis_server.url(), fail)
    assert watches[0].wait_connected(5)
    announce(redis_server, "w1@a")
    announce(redis_server, "w2@a")
    wait_for(lambda: heard == ["w1@a", "w2@a"])


def test_what_is_no_event_is_passed_over(
    redis_server: RedisServer, watch: Watch, watches: list[WorkerOnlineWatch]
) -> None:
    """Anybody may publish anything: a pickle, half a message, an event without a name."""
    heard = watch(redis_server.url())
    assert watches[0].wait_connected(5)
    with redis_server.client() as client:
        pickled = json.dumps(
            {"body": "gASVDAAAAAAAAACMCHNvbWV0aGluZ5Qu", "content-type": "application/x-python-serialize"}
        )
        for junk in (b"\xff\x00", b"[]", pickled.encode(), wrap({"type": "worker-online"}, "celeryev"), wrap([1], "x")):
            client.publish("/0.celeryev/worker.online", junk)
    announce(redis_server, "w1@a")
    wait_for(lambda: heard == ["w1@a"])


def test_a_silent_broker_does_not_hold_up_the_close(
    silent_server: SilentServer, refused_port: int, watch: Watch, watches: list[WorkerOnlineWatch]
) -> None:
    """A thread that waits for a dead broker ends when it is told to."""
    watch(silent_server.url())
    watch(f"redis://127.0.0.1:{refused_port}/0")
    wait_for(lambda: silent_server.connections)
    began = time.monotonic()
    for watch_ in watches:
        watch_.close()
    assert time.monotonic() - began < 2.5
    wait_for(lambda: not [t for t in threading.enumerate() if t.name == "online-shop"])


def test_an_outage_is_logged_once(redis_server: RedisServer, watch: Watch, watches: list[WorkerOnlineWatch]) -> None:
    """A broker that is away for an hour must not fill the log."""
    redis_server.kill()
    with capture_logs() as logged:
        watch(redis_server.url())
        wait_for(lambda: logged)
        redis_server.start()
        assert watches[0].wait_connected(20)
    assert [line["event"] for line in logged] == ["worker-online not heard until connected"]
