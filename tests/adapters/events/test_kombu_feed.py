"""Events heard by kombu's own means, on real Redis and workers: whatever the serializer, over broken connections."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from kombu import Connection, Exchange, Producer

from bot.adapters.celery.connection import ClusterConnection
from bot.adapters.clock import SystemClock
from bot.adapters.events.consumer import EventConsumer
from bot.adapters.events.kombu_feed import KombuFeed
from bot.adapters.events.recorder import Recorder
from bot.adapters.events.serialized import read_other
from bot.domain.window import Figures, Span
from playground.services import RedisServer
from tests.services.network import SilentServer
from tests.services.sample_app import make_app
from tests.services.workers import StartWorker

pytestmark = pytest.mark.service


class Feed:
    """A feed, and what its recorder counted."""

    def __init__(self, recorder: Recorder, consumer: EventConsumer) -> None:
        self.recorder, self.consumer = recorder, consumer

    def total(self) -> Figures:
        """All tasks' figures of the last minute."""
        return self.recorder.window(Span.MINUTE, SystemClock().now()).total()

    def gaps(self) -> list[bool]:
        """For each gap whether it is over."""
        return [gap.until is not None for gap in self.recorder.feed().gaps]


StartFeed = Callable[..., Feed]


@pytest.fixture
def start_feed() -> Iterator[StartFeed]:
    """A function that starts feeds of kombu, or lean ones; they end with the test."""
    stack, clock = ExitStack(), SystemClock()

    def start(
        url: str, lean: bool = False, exchange: str = "celeryev", wait: bool = True, quiet: float = 5, **options: Any
    ) -> Feed:
        connection, recorder = ClusterConnection("shop", url, **options), Recorder(clock)
        consumer = (
            EventConsumer(connection, recorder, clock, exchange=exchange, read_other=read_other)
            if lean
            else KombuFeed(connection, recorder, clock, exchange=exchange, quiet_seconds=quiet)
        )
        consumer.start()
        stack.callback(consumer.close)
        if wait:
            assert consumer.wait_connected(10)
        return Feed(recorder, consumer)

    with stack:
        yield start


def wait_for(condition: Callable[[], object], seconds: float = 20) -> None:
    """Poll until the condition holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition never came true"
        time.sleep(0.02)


def publish(server: RedisServer, id: str, serializer: str = "json", exchange: str = "celeryev", **options: Any) -> None:
    """Have kombu publish the success of a task, as a worker does."""
    event = {"type": "task-succeeded", "hostname": "w1@a", "timestamp": time.time(), "uuid": id, "runtime": 0.5}
    with Connection(server.url()) as connection:
        Producer(connection, Exchange(exchange, "fanout"), serializer=serializer).publish(
            [event], routing_key="task.multi", **options
        )


@pytest.mark.parametrize("lean", [False, True])
@pytest.mark.parametrize("prefix", ["", "shop:"])
def test_a_worker_that_sends_yaml_is_heard(
    redis_server: RedisServer, celery_worker: StartWorker, start_feed: StartFeed, lean: bool, prefix: str
) -> None:
    """The lean feed hands on what it does not read, and people need choose nothing. Known tasks, known counts."""
    feed = start_feed(redis_server.url(2), lean, global_keyprefix=prefix)
    env = {"SAMPLE_PREFIX": prefix, "SAMPLE_EVENTS": "yaml"}
    worker = celery_worker(redis_server.url(2), pool="solo", extra=["-E"], env=env)
    app = make_app({"SAMPLE_BROKER_URL": redis_server.url(2), "SAMPLE_PREFIX": prefix})
    for task, arguments in (("sample.add", (1, 1)), ("sample.add", (2, 2)), ("sample.fail", ())):
        app.send_task(task, arguments)
    wait_for(lambda: (feed.total().succeeded, feed.total().failed) == (2, 1))
    assert feed.total().received == feed.total().started == 3
    assert [w.name for w in feed.recorder.workers(SystemClock().now())] == [worker.node]
    assert feed.recorder.feed().trouble is None


@pytest.mark.parametrize("lean", [False, True])
def test_compressed_events_and_json_are_heard_side_by_side(
    redis_server: RedisServer, start_feed: StartFeed, lean: bool
) -> None:
    """Applications may be in the middle of a change."""
    feed = start_feed(redis_server.url(), lean)
    publish(redis_server, "1", compression="gzip")
    publish(redis_server, "2", "yaml", compression="bzip2")
    publish(redis_server, "3")
    wait_for(lambda: feed.total().succeeded == 3)


@pytest.mark.parametrize("lean", [False, True])
def test_pickle_is_named_as_the_trouble_and_the_rest_is_heard(
    redis_server: RedisServer, start_feed: StartFeed, lean: bool
) -> None:
    """What is shown to people says what to set."""
    feed = start_feed(redis_server.url(), lean)
    publish(redis_server, "1", "pickle")
    publish(redis_server, "2")
    wait_for(lambda: feed.total().succeeded == 1)
    assert "pickle, which is never read" in str(feed.recorder.feed().trouble)


def test_another_event_exchange_is_honoured(redis_server: RedisServer, start_feed: StartFeed) -> None:
    """It is the setting `event_exchange` of the application."""
    feed = start_feed(redis_server.url(), exchange="shopev")
    publish(redis_server, "1")
    publish(redis_server, "2", exchange="shopev")
    wait_for(lambda: feed.total().succeeded == 1)
    assert feed.recorder.task("2")


def test_a_killed_subscription_is_a_gap_that_is_seen_and_closed(
    redis_server: RedisServer, start_feed: StartFeed
) -> None:
    """redis-py subscribes again by itself and tells nobody: the gap would pass unseen."""
    feed = start_feed(redis_server.url())
    publish(redis_server, "1")
    wait_for(lambda: feed.total().succeeded == 1)
    with redis_server.client() as client:
        client.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
    wait_for(lambda: feed.gaps() == [True])
    wait_for(lambda: feed.recorder.feed().connected)
    publish(redis_server, "2")
    wait_for(lambda: feed.total().succeeded == 2)


def test_it_connects_again_after_the_broker_was_gone(redis_server: RedisServer, start_feed: StartFeed) -> None:
    """Even when there was no broker at all to begin with; the gap says why."""
    redis_server.kill()
    feed = start_feed(redis_server.url(), wait=False)
    wait_for(lambda: "nothing listens" in str(feed.recorder.feed().trouble))
    redis_server.start()
    assert feed.consumer.wait_connected(20)
    redis_server.kill()
    wait_for(lambda: feed.gaps() == [False])
    redis_server.start()
    wait_for(lambda: feed.gaps() == [True])
    publish(redis_server, "1")
    wait_for(lambda: feed.total().succeeded == 1)


def test_a_connection_that_went_silent_is_given_up(redis_server: RedisServer, start_feed: StartFeed) -> None:
    """A broker that froze answers no ping; once it runs again, events are heard again."""
    feed = start_feed(redis_server.url(), quiet=0.3)
    redis_server.pause()
    wait_for(lambda: feed.gaps() == [False])
    redis_server.resume()
    wait_for(lambda: feed.gaps() == [True])
    publish(redis_server, "1")
    wait_for(lambda: feed.total().succeeded == 1)


def test_a_quiet_broker_is_not_given_up(redis_server: RedisServer, start_feed: StartFeed) -> None:
    """It answers the ping: there is no gap after many quiet spells."""
    feed = start_feed(redis_server.url(), quiet=0.1)
    with redis_server.client() as client:
        wait_for(lambda: client.info("commandstats").get("cmdstat_ping", {}).get("calls", 0) >= 8)
    assert not feed.gaps()


def test_our_connections_carry_our_name_and_nothing_stays_behind(
    redis_server: RedisServer, start_feed: StartFeed
) -> None:
    """What kills clients by their name spares us; a closed feed leaves no binding."""
    feed = start_feed(redis_server.url())
    with redis_server.client() as client:
        assert {c["name"] for c in client.client_list(_type="pubsub")} == {"celery-oncall"}
        assert client.smembers("_kombu.binding.celeryev")
        feed.consumer.close()
        wait_for(lambda: not client.smembers("_kombu.binding.celeryev"))


def test_a_silent_broker_does_not_hold_up_the_close(
    silent_server: SilentServer, redis_server: RedisServer, start_feed: StartFeed
) -> None:
    """Nor does one that froze."""
    silent = start_feed(silent_server.url(), wait=False)
    frozen = start_feed(redis_server.url())
    wait_for(lambda: silent_server.connections)
    redis_server.pause()
    began = time.monotonic()
    for feed in (silent, frozen):
        feed.consumer.close()
    assert time.monotonic() - began < 5
    redis_server.resume()
    wait_for(lambda: not [t for t in threading.enumerate() if t.name == "events-shop"], seconds=60)
