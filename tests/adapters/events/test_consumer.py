"""Events reach the recorder over a real Redis: which channels, what bodies, over outages and silences."""

import json
import threading
import time
from collections.abc import Sequence

import pytest

from bot.adapters.celery.envelope import wrap
from bot.adapters.clock import SystemClock
from bot.adapters.events.event import Event
from bot.domain.cluster import ClusterSnapshot
from bot.domain.errors import ClusterUnreachable
from playground.services import RedisServer
from tests.adapters.celery.conftest import wait_for
from tests.adapters.events.conftest import Listen
from tests.services.network import SilentServer

pytestmark = pytest.mark.service


def publish(server: RedisServer, body: object, channel: str = "/0.celeryev/task.multi") -> int:
    """Publish events as Celery does; returns how many heard them."""
    with server.client() as client:
        return int(client.publish(channel, wrap(body, "celeryev")))


def received(id: str) -> dict[str, object]:
    """One event."""
    return {"type": "task-received", "hostname": "w1@a", "uuid": id, "name": "shop.add", "timestamp": time.time()}


@pytest.mark.parametrize(
    ("db", "prefix", "exchange", "channel"),
    [
        (0, "", "celeryev", "/0.celeryev/task.multi"),
        (3, "", "celeryev", "/3.celeryev/task.received"),
        (0, "sh*p:", "celeryev", "sh*p:/0.celeryev/task.multi"),
        (0, "", "shopev", "/0.shopev/task.multi"),
        (0, "", "celeryev", "/0.celeryev"),
    ],
)
def test_events_of_the_application_are_heard_and_no_others(
    redis_server: RedisServer, listen: Listen, db: int, prefix: str, exchange: str, channel: str
) -> None:
    """Its database, prefix and exchange; also where kombu was told to leave the routing key out."""
    listener = listen(redis_server.url(db), settings={"exchange": exchange}, global_keyprefix=prefix)
    others = (
        "/1.celeryev/task.multi",
        "x/0.celeryev/task.multi",
        "shop:/0.celeryev/task.multi",
        "/0.evexch/task.multi",
    )
    for other in (*others, "/0.celeryevents/task.multi"):
        assert publish(redis_server, [received("other")], other) == 0
    assert publish(redis_server, [received("a"), received("b")], channel) == 1
    wait_for(lambda: listener.total().received == 2)


def test_two_clusters_on_one_redis_are_kept_apart(redis_server: RedisServer, listen: Listen) -> None:
    """By prefix, or by database."""
    eu, us = listen(redis_server.url(), global_keyprefix="eu:"), listen(redis_server.url(1))
    publish(redis_server, [received(f"{n}") for n in range(3)], "eu:/0.celeryev/task.multi")
    publish(redis_server, [received("x")], "/1.celeryev/task.multi")
    wait_for(lambda: (eu.total().received, us.total().received) == (3, 1))


def test_single_events_batches_and_odd_fields_are_read(redis_server: RedisServer, listen: Listen) -> None:
    """A field of another type than Celery's is left out, and the event counts."""
    listener = listen(redis_server.url())
    odd = received("c") | {"retries": "many", "pid": {}, "loadavg": ["x"], "extra": [1]}
    publish(redis_server, [received("a"), odd])
    publish(redis_server, received("b"), "/0.celeryev/task.received")
    wait_for(lambda: listener.total().received == 3)


def test_what_is_no_event_is_passed_over(redis_server: RedisServer, listen: Listen) -> None:
    """Anybody may publish anything: half a message, a list of numbers, an event without a name."""
    listener = listen(redis_server.url())
    with redis_server.client() as client:
        for junk in (b"\xff\x00", b"[]", b"{", wrap({"type": "task-received"}, "x"), wrap([1], "x"), wrap("x", "x")):
            client.publish("/0.celeryev/task.multi", junk)
    publish(redis_server, [received("a")])
    wait_for(lambda: listener.total().received == 1)
    assert listener.gaps == []


def test_events_that_are_not_json_are_told_of_with_the_remedy(redis_server: RedisServer, listen: Listen) -> None:
    """A pickle is never opened."""
    listener = listen(redis_server.url())
    message = {"body": "gASVDAAAAAAAAACMCHNvbWV0aGluZ5Qu", "content-type": "application/x-python-serialize"}
    with redis_server.client() as client:
        client.publish("/0.celeryev/task.multi", json.dumps(message | {"properties": {"body_encoding": "base64"}}))
    wait_for(lambda: "event_serializer" in (listener.recorder.feed().trouble or ""))


def test_events_that_are_not_json_go_to_who_can_read_them(redis_server: RedisServer, listen: Listen) -> None:
    """And then nothing is wrong."""

    def read_other(raw: bytes) -> Sequence[Event]:
        assert b"msgpack" in raw
        return [Event("task-received", "w1@a", time.time(), "a", name="shop.add")]

    listener = listen(redis_server.url(), settings={"read_other": read_other})
    with redis_server.client() as client:
        client.publish("/0.celeryev/task.multi", json.dumps({"body": "AA==", "content-type": "application/x-msgpack"}))
    wait_for(lambda: listener.total().received == 1)
    assert listener.recorder.feed().trouble is None


def test_an_outage_is_one_closed_gap(redis_server: RedisServer, listen: Listen) -> None:
    """Open while it lasts, with the reason; events are heard again after it."""
    listener = listen(redis_server.url())
    redis_server.kill()
    wait_for(lambda: [closed for _, closed in listener.gaps] == [False])
    assert "closed the connection" in (listener.recorder.feed().trouble or "")
    redis_server.start()
    wait_for(lambda: [closed for _, closed in listener.gaps] == [True])
    publish(redis_server, [received("a")])
    wait_for(lambda: listener.total().received == 1)


def test_a_broker_that_froze_is_given_up_and_heard_again(redis_server: RedisServer, listen: Listen) -> None:
    """It answers no ping; the gap began when it was last heard."""
    listener = listen(redis_server.url(), settings={"quiet_seconds": 0.3})
    redis_server.pause()
    wait_for(lambda: not listener.recorder.feed().connected)
    redis_server.resume()
    wait_for(lambda: [closed for _, closed in listener.gaps] == [True])


def test_a_quiet_broker_is_not_given_up(redis_server: RedisServer, listen: Listen) -> None:
    """It answers the ping."""
    listener = listen(redis_server.url(), settings={"quiet_seconds": 0.05})
    with redis_server.client() as client:
        wait_for(lambda: client.info("commandstats").get("cmdstat_ping", {}).get("calls", 0) >= 4)
    assert (listener.gaps, listener.recorder.feed().connected) == ([], True)


def test_no_broker_at_first_is_no_gap(redis_server: RedisServer, listen: Listen) -> None:
    """Nothing had begun yet; why nothing is heard is told."""
    redis_server.kill()
    listener = listen(redis_server.url(), wait=False)
    wait_for(lambda: "nothing listens" in (listener.recorder.feed().trouble or ""))
    redis_server.start()
    assert listener.consumer.wait_connected(10)
    assert listener.gaps == []


def test_the_workers_are_asked_after_each_connect_until_they_answer(redis_server: RedisServer, listen: Listen) -> None:
    """Meanwhile events are heard, and the gap stays open."""
    asked, answer = [0], threading.Event()

    def resync() -> ClusterSnapshot:
        asked[0] += 1
        if asked[0] == 2:
            raise ClusterUnreachable("shop", "gone", 1)
        if asked[0] > 2:
            answer.wait(20)
        return ClusterSnapshot(cluster="shop", taken_at=SystemClock().now())

    listener = listen(redis_server.url(), settings={"resync": resync})
    wait_for(lambda: asked[0] == 1)
    with redis_server.client() as client:
        client.client_kill_filter(_type="pubsub")
    wait_for(lambda: asked[0] == 3)
    publish(redis_server, [received("a")])
    wait_for(lambda: listener.total().received == 1)
    assert [closed for _, closed in listener.gaps] == [False]
    answer.set()
    wait_for(lambda: [closed for _, closed in listener.gaps] == [True])


def test_a_mistake_while_asking_what_was_missed_leaves_no_gap_open_for_ever(
    redis_server: RedisServer, listen: Listen
) -> None:
    """Whatever breaks in it, the workers are asked again: else every window to come would be called incomplete."""
    asked = [0]

    def resync() -> ClusterSnapshot:
        asked[0] += 1
        if asked[0] == 2:
            raise KeyError("pool")  # what a worker of another version answers, say
        return ClusterSnapshot(cluster="shop", taken_at=SystemClock().now())

    listener = listen(redis_server.url(), settings={"resync": resync})
    wait_for(lambda: asked[0] == 1)
    with redis_server.client() as client:
        client.client_kill_filter(_type="pubsub")
    wait_for(lambda: [closed for _, closed in listener.gaps] == [True])


def test_a_user_who_may_not_listen_is_told(redis_server: RedisServer, listen: Listen) -> None:
    """Redis' access lists can close channels to us."""
    with redis_server.client() as client:
        client.execute_command("ACL", "SETUSER", "shop", "on", ">pw", "~*", "+@all", "resetchannels")
    listener = listen(f"redis://shop:pw@127.0.0.1:{redis_server.port}/0", wait=False)
    wait_for(lambda: "refuses" in (listener.recorder.feed().trouble or ""))


def test_a_silent_broker_does_not_hold_up_the_close(silent_server: SilentServer, listen: Listen) -> None:
    """A thread that waits for a dead broker ends when it is told to."""
    listener = listen(silent_server.url(), wait=False)
    wait_for(lambda: silent_server.connections)
    listener.consumer.close(5)
    assert not [thread for thread in threading.enumerate() if thread.name == "events-shop"]
