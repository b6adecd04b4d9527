"""Our remote control speaks as Celery's does, and what it leaves behind goes away by itself."""

import json
import subprocess
import sys
import time
from base64 import b64decode
from typing import Any

import pytest
import redis

from bot.adapters.celery.envelope import unwrap, wrap
from bot.adapters.celery.keys import Keys
from bot.adapters.celery.pidbox import Command, Pidbox
from playground.services import RedisServer
from tests.adapters.celery.conftest import MakeControl, wait_for
from tests.services.sample_app import make_app
from tests.services.workers import StartWorker

KEYS = Keys("shop:", 0, "\x06\x16", (0, 3, 6, 9))


def heard(subscription: Any) -> dict[str, Any]:
    """The next message that was published."""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        message = subscription.get_message(timeout=0.1)
        if message is not None:
            return json.loads(message["data"])  # type: ignore[no-any-return]  # a wrapped message is an object
    raise AssertionError("nothing was published")


@pytest.mark.service
def test_a_command_looks_like_celerys_own(redis_server: RedisServer) -> None:
    """The same channel, the same wrapping and the same fields; only tickets, clocks and reply addresses differ."""
    app = make_app({"SAMPLE_BROKER_URL": redis_server.url(), "SAMPLE_PREFIX": "shop:"})
    client = redis_server.client()
    subscription = client.pubsub(ignore_subscribe_messages=True)  # type: ignore[no-untyped-call]  # redis-py has none
    subscription.subscribe(KEYS.control_channel)
    wait_for(lambda: client.pubsub_numsub(KEYS.control_channel)[0][1] == 1)
    app.control.broadcast("active", arguments={"safe": True}, destination=["w1@test"], reply=True, timeout=0.1)
    theirs = heard(subscription)
    command = Command("active", {"safe": True})
    Pidbox(KEYS).ask(client, [command], time.monotonic() + 0.1, lambda r: False, destination=["w1@test"])
    ours = heard(subscription)

    assert ours.keys() == theirs.keys()
    assert ours["content-type"] == theirs["content-type"]
    assert ours["properties"].keys() == theirs["properties"].keys()
    assert ours["properties"]["delivery_info"] == theirs["properties"]["delivery_info"]
    our_body, their_body = (json.loads(b64decode(m["body"])) for m in (ours, theirs))
    assert our_body.keys() == their_body.keys()
    assert our_body["reply_to"].keys() == their_body["reply_to"].keys()
    for field in ("method", "arguments", "destination", "pattern", "matcher"):
        assert our_body[field] == their_body[field]
    client.close()


def test_a_reply_that_is_not_json_is_refused() -> None:
    """A pickle is never opened, whoever sent it."""
    pickled = json.dumps(json.loads(wrap({}, "x")) | {"content-type": "application/x-python-serialize"}).encode()
    with pytest.raises(ValueError, match="only JSON is read"):
        unwrap(pickled)
    for rubbish in (b"", b"[]", b"{}", b"\xff", b'{"content-type": "application/json"}'):
        with pytest.raises(ValueError, match=r"."):
            unwrap(rubbish)


@pytest.mark.service
def test_nothing_is_left_after_a_snapshot(
    redis_server: RedisServer, celery_worker: StartWorker, make_control: MakeControl
) -> None:
    """Neither a reply key nor a binding of ours stays."""
    celery_worker(redis_server.url(), pool="solo")
    assert make_control(redis_server.url()).snapshot().workers
    with redis_server.client() as client:
        assert not list(client.scan_iter("*oncall*"))


SNAPSHOT_FOR_EVER = """
import sys
from bot.adapters.celery.connection import ClusterConnection
from bot.adapters.celery.control import CeleryClusterControl
from bot.adapters.clock import SystemClock
from bot.domain.cluster import ClusterSpec
control = CeleryClusterControl(ClusterConnection("shop", sys.argv[1]), ClusterSpec(name="shop"), SystemClock())
control.snapshot(deadline=60)
"""


@pytest.mark.service
def test_what_a_killed_process_leaves_expires(redis_server: RedisServer, celery_worker: StartWorker) -> None:
    """After kill -9 amid a snapshot every key of ours has an end, and the list outlives the way to it."""
    frozen = celery_worker(redis_server.url(), pool="solo")
    frozen.pause()
    process = subprocess.Popen([sys.executable, "-c", SNAPSHOT_FOR_EVER, redis_server.url()])
    with redis_server.client() as client:
        wait_for(lambda: len(list(client.scan_iter("*oncall*"))) == 2)
        process.kill()
        process.wait()
        (table,) = client.scan_iter("_kombu.binding.reply.celery-oncall*")
        (inbox,) = client.scan_iter("reply.celery-oncall*")
        assert 0 < client.ttl(table) < client.ttl(inbox)
        frozen.resume()
        wait_for(lambda: client.llen(inbox) > 1)  # its late replies
        assert client.ttl(inbox) > 0


@pytest.mark.service
def test_a_late_reply_to_a_finished_call_is_dropped(
    redis_server: RedisServer, celery_worker: StartWorker, make_control: MakeControl
) -> None:
    """A worker that wakes up after the deadline makes no key."""
    control = make_control(redis_server.url())
    worker = celery_worker(redis_server.url(), pool="solo")
    worker.pause()
    control.snapshot(deadline=0.3)
    worker.resume()
    wait_for(lambda: control.snapshot().workers)
    with redis_server.client() as client:
        assert not list(client.scan_iter("*oncall*"))


@pytest.mark.service
def test_a_call_that_broke_off_is_tidied_up_by_the_next(redis_server: RedisServer) -> None:
    """What could not be removed when the connection broke is removed when there is one again."""
    pidbox, client = Pidbox(KEYS), redis_server.client()
    listener = client.pubsub()  # type: ignore[no-untyped-call]  # redis-py has no type for it
    listener.subscribe(KEYS.control_channel)
    wait_for(lambda: client.pubsub_numsub(KEYS.control_channel)[0][1] == 1)

    def break_off(_: object) -> bool:
        raise redis.ConnectionError("broke off")

    with pytest.raises(redis.ConnectionError):
        pidbox.ask(client, [Command("ping")], time.monotonic() + 1, break_off)
    assert list(client.scan_iter("*oncall*"))
    pidbox.ask(client, [Command("ping")], time.monotonic() + 0.05, lambda r: False)
    assert not list(client.scan_iter("*oncall*"))
    client.close()
