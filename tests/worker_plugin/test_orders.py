"""Workers with the plugin leave paused queues out from before they consume, on real Redis and real workers."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.domain.cluster import Worker
from bot.domain.mitigation import Protection
from bot.usecases.orders import keep_orders
from bot.usecases.status import status
from playground.celery_worker import CeleryWorker
from playground.services import RedisServer
from tests.pauses.shop import QUEUES, Shop, opened_shop, wait_for
from tests.worker_plugin.conftest import StartPlugged

pytestmark = pytest.mark.service

KEY = "oncall.orders"
MESSAGES = 300


@pytest.fixture
def shop(redis_server: RedisServer, tmp_path: Path) -> Iterator[Shop]:
    """A cluster without workers, and the bot's hands on it."""
    with opened_shop(redis_server, tmp_path) as opened:
        yield opened


def seen(shop: Shop, worker: str) -> Worker:
    """What a worker says of itself, once it says something."""
    control = shop.ports.clusters.control("shop")
    wait_for(lambda: (found := control.snapshot().worker(worker)) and found.answered)
    found = control.snapshot().worker(worker)
    assert found is not None
    return found


def protected(shop: Shop) -> dict[str, Protection]:
    """What keeps each worker from the paused queue, as status says."""
    return status(shop.ports, "shop", fresh=True).protection


def order(shop: Shop, *paused: str, seconds: float = 600, rates: Any = None) -> None:
    """Write orders as the bot does."""
    until = time.time() + seconds
    said = {"paused": dict.fromkeys(paused, until), "rates": {t: [r, until] for t, r in (rates or {}).items()}}
    shop.server.client().set(KEY, json.dumps(said))


@pytest.mark.parametrize("pool", ["prefork", "threads", "gevent", "solo"])
def test_nothing_leaks_from_a_worker_with_the_plugin_and_the_resume_gives_it_the_queue(
    shop: Shop, plugged: StartPlugged, pool: str
) -> None:
    """Under a name that nobody knew and no group lists, as in Kubernetes; of all that waited each runs once."""
    shop.pause()
    shop.fill(messages=MESSAGES)
    worker = plugged(name="pod-7f9c", queues=QUEUES, pool=pool)
    shop.prove_alive()
    assert (shop.runs(), shop.depth(), shop.consumers()) == ({}, MESSAGES, set())
    assert "celery-oncall: paused, and left out of this worker: analytics (until " in worker.process.output()
    assert seen(shop, "pod-7f9c@test").leaves_out("analytics")
    wait_for(lambda: protected(shop) == {"pod-7f9c@test": Protection.PLUGIN})
    shop.resume()
    assert shop.consumers() == {"pod-7f9c@test"}
    wait_for(lambda: sum(shop.runs().values()) >= MESSAGES)
    shop.quiet()
    assert (len(shop.runs()), set(shop.runs().values())) == (MESSAGES, {1})
    assert not seen(shop, "pod-7f9c@test").leaves_out("analytics")


def test_a_worker_of_nothing_but_paused_queues_starts_and_one_without_the_queue_is_not_given_it(
    shop: Shop, plugged: StartPlugged
) -> None:
    """The first is given all of it after the pause; the second was started with `-X`, and stays without."""
    shop.pause()
    plugged(name="worker1", queues=["analytics"], pool="solo")
    plugged(name="pod-x", queues=QUEUES, pool="solo", extra=("-X", "analytics"))
    assert seen(shop, "worker1@test").queues == ()
    assert not seen(shop, "pod-x@test").leaves_out("analytics")
    shop.resume()
    assert shop.consumers() == {"worker1@test"}


def reconnected(shop: Shop, worker: CeleryWorker) -> None:
    """Break every connection to the broker, and return when the worker has new ones and answers."""
    times = worker.process.output().count("Connected to redis")
    at_once = shop.server.client().pipeline(transaction=True)
    at_once.client_kill_filter(_type="normal", skipme=True)
    at_once.client_kill_filter(_type="pubsub", skipme=True)
    at_once.execute()
    wait_for(lambda: worker.process.output().count("Connected to redis") > times)
    shop.wait_answers(worker.node)


def test_a_lost_broker_neither_ends_a_pause_nor_takes_a_queue_that_was_resumed(
    shop: Shop, plugged: StartPlugged
) -> None:
    """What is paused stays left out over a reconnect, and what was given back stays; of a pause in between it hears."""
    shop.pause()
    shop.fill(messages=50)
    worker = plugged(name="pod-1", queues=QUEUES)
    reconnected(shop, worker)
    shop.prove_alive()
    assert (shop.runs(), shop.consumers()) == ({}, set())
    shop.resume()
    wait_for(lambda: len(shop.runs()) == 50)
    reconnected(shop, worker)
    wait_for(lambda: shop.consumers() == {"pod-1@test"})
    order(shop, "analytics")
    reconnected(shop, worker)
    assert (shop.consumers(), seen(shop, "pod-1@test").leaves_out("analytics")) == (set(), True)
    assert set(shop.runs().values()) == {1}


def test_a_pause_whose_bot_died_ends_for_the_worker_by_itself(shop: Shop, plugged: StartPlugged) -> None:
    """Nobody tells it: it looks now and then, and takes back what is over; in a loop of either kind."""
    order(shop, "analytics")
    workers = [plugged(name=name, queues=QUEUES, pool=name) for name in ("prefork", "gevent")]
    assert shop.consumers() == set()
    shop.fill(messages=50)
    order(shop, "analytics", seconds=-1)
    wait_for(lambda: shop.consumers() == {w.node for w in workers})
    assert all("no longer paused, and taken back: analytics." in w.process.output() for w in workers)
    wait_for(lambda: len(shop.runs()) == 50)
    assert set(shop.runs().values()) == {1}


def test_a_worker_that_may_not_read_its_orders_starts_with_all_its_queues(shop: Shop, plugged: StartPlugged) -> None:
    """Refused by the ACL, a key of another type, no JSON: a line in the log, and the bot takes the queue from it."""
    client = shop.server.client()
    keys = ["analytics*", "ai_generation*", "_kombu*", "unacked*", "celery*", "*pidbox*", "reply.*", "executions*"]
    client.acl_setuser("app", enabled=True, passwords=["+pw"], keys=keys, channels=["*"], commands=["+@all"])
    order(shop, "analytics")
    said = {}
    refused = shop.server.url().replace("//", "//app:pw@")
    said["refused"] = plugged(name="w1", queues=QUEUES, pool="solo", broker=refused, env={"SAMPLE_BROKER_URL": refused})
    client.delete(KEY)
    client.rpush(KEY, "x")
    said["list"] = plugged(name="w2", queues=QUEUES, pool="solo")
    client.delete(KEY)
    client.set(KEY, '{"paused": ["analytics"]}')
    said["odd"] = plugged(name="w3", queues=QUEUES, pool="solo")
    assert shop.consumers() == {"w1@test", "w2@test", "w3@test"}
    for worker in said.values():
        assert "starting without orders, paused queues are consumed at first: " in worker.process.output()


def test_orders_are_written_anew_after_the_broker_lost_all(shop: Shop) -> None:
    """By the sweep; and after the pause nothing is ordered any more, in a key that ends by itself."""
    shop.pause()
    client = shop.server.client()
    client.flushall()
    keep_orders(shop.ports, "shop")
    raw: Any = client.get(KEY)
    assert list(json.loads(raw)["paused"]) == ["analytics"]
    assert 1800 < client.ttl(KEY) <= 1800 + 3600
