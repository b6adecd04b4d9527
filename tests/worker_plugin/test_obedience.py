"""How a worker follows its orders in time, on a stand-in for its consumer and a real Redis."""

import json
import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import celery_oncall_worker as plugin
import pytest
from celery import Celery
from kombu import Queue

from playground.services import RedisServer
from tests.services.network import SilentServer
from tests.services.sample_app import make_app
from tests.usecases.revoking import wait

KEY = "shop:oncall.orders"
TASK = "sample.count"


@dataclass
class StandInConsumer:
    """What the plugin uses of celery's consumer; it is its own `task_consumer`. Its loop runs a call at once."""

    app: Celery
    queues: list[Queue] = field(default_factory=lambda: [Queue("analytics"), Queue("booking")])
    resets: int = 0

    @property
    def task_consumer(self) -> "StandInConsumer":
        """Return where queues are."""
        return self

    def cancel_task_queue(self, name: str) -> None:
        """Consume it no more."""
        self.queues = [q for q in self.queues if q.name != name]

    def add_task_queue(self, name: str) -> None:
        """Consume it."""
        self.queues.append(Queue(name))

    def add_queue(self, queue: Queue) -> None:
        """Consume it from the start."""
        self.queues.append(queue)

    def reset_rate_limits(self) -> None:
        """Begin to count anew."""
        self.resets += 1

    def call_soon(self, call: Callable[..., Any], *arguments: Any) -> None:
        """Call it."""
        call(*arguments)

    @property
    def names(self) -> list[str]:
        """What is consumed."""
        return sorted(q.name for q in self.queues)


@pytest.fixture
def consumer(redis_server: RedisServer) -> Iterator[StandInConsumer]:
    """The consumer of an application under a key prefix, of which one task is limited to 100 a minute."""
    app = make_app({"SAMPLE_BROKER_URL": redis_server.url(), "SAMPLE_PREFIX": "shop:", "SAMPLE_RATE": "100/m"})
    yield StandInConsumer(app)
    app.close()


@pytest.fixture
def obedience(consumer: StandInConsumer) -> Iterator[plugin.Obedience]:
    """It looks every 50 ms, and gives up a bot at once that lets a pause run out."""
    made = plugin.Obedience(consumer, look_every=0.05, gone_after=0.0)
    yield made
    made.stop()


def order(server: RedisServer, *paused: str, rates: Any = None, seconds: float = 600) -> None:
    """Write orders as the bot does."""
    until = time.time() + seconds
    said = {"paused": dict.fromkeys(paused, until), "rates": {t: [r, until] for t, r in (rates or {}).items()}}
    server.client().set(KEY, json.dumps(said))


def test_without_orders_nothing_is_changed_and_nobody_looks_again(
    consumer: StandInConsumer, obedience: plugin.Obedience
) -> None:
    """A worker beside no bot costs no more than one question."""
    obedience.start()
    assert (consumer.names, obedience.left_out, consumer.resets) == (["analytics", "booking"], [], 0)
    assert obedience._timer is None


def test_what_is_over_or_of_another_is_not_heeded(
    redis_server: RedisServer, consumer: StandInConsumer, obedience: plugin.Obedience
) -> None:
    """A pause past its end, a queue that this worker does not take from, a rate that is none."""
    until = time.time() + 600
    rates = {TASK: ["fast", until], "sample.add": ["0/m", until], "others.task": ["1/m", until]}
    said = {"paused": {"booking": time.time() - 1, "images": until}, "rates": rates}
    redis_server.client().set(KEY, json.dumps(said))
    obedience.start()
    assert (consumer.names, obedience.left_out, consumer.resets) == (["analytics", "booking"], [], 0)


def test_a_queue_comes_back_once_the_orders_are_without_it(
    redis_server: RedisServer, consumer: StandInConsumer, obedience: plugin.Obedience
) -> None:
    """Though nobody told the worker: a resume that missed it is made good by its own looking."""
    order(redis_server, "analytics")
    obedience.start()
    assert (consumer.names, obedience.left_out) == (["booking"], ["analytics"])
    order(redis_server)
    wait(lambda: consumer.names == ["analytics", "booking"])
    assert obedience.left_out == []


def test_while_nobody_says_anything_a_pause_is_kept_to_its_end_and_no_longer(
    redis_server: RedisServer, consumer: StandInConsumer, obedience: plugin.Obedience
) -> None:
    """A broker that lost its keys has ended no pause; a bot that is gone for good does not hold a queue for ever."""
    order(redis_server, "analytics", seconds=3)
    obedience.start()
    redis_server.client().flushall()
    obedience._look()
    assert obedience.left_out == ["analytics"]
    wait(lambda: obedience.left_out == [])
    assert consumer.names == ["analytics", "booking"]


def test_a_longer_pause_is_kept_longer(
    redis_server: RedisServer, consumer: StandInConsumer, obedience: plugin.Obedience
) -> None:
    """The end that it was told first counts no more."""
    order(redis_server, "analytics", seconds=2)
    obedience.start()
    order(redis_server, "analytics", seconds=600)
    wait(lambda: obedience._left_out["analytics"] > time.time() + 300)
    redis_server.client().delete(KEY)
    obedience._look()
    assert (consumer.names, obedience.left_out) == (["booking"], ["analytics"])


def test_a_limit_is_set_at_once_and_what_was_before_comes_back(
    redis_server: RedisServer, consumer: StandInConsumer, obedience: plugin.Obedience
) -> None:
    """And the bucket is made anew with each change alone: a new one is full, and lets a task through."""
    task = consumer.app.tasks[TASK]
    order(redis_server, rates={TASK: "2/h"})
    obedience.start()
    assert (task.rate_limit, getattr(task, plugin.RATE_BEFORE), consumer.resets) == ("2/h", "100/m", 1)
    order(redis_server, rates={TASK: "4/h"})
    wait(lambda: task.rate_limit == "4/h")
    order(redis_server)
    wait(lambda: task.rate_limit == "100/m")
    assert (consumer.resets, hasattr(task, "oncall_rate_before")) == (3, False)


def test_what_the_bot_gave_back_first_is_left_as_it_is(
    redis_server: RedisServer, consumer: StandInConsumer, obedience: plugin.Obedience
) -> None:
    """It told the worker by remote control, which is faster than looking."""
    order(redis_server, "analytics", rates={TASK: "2/h"})
    obedience.start()
    consumer.add_task_queue("analytics")
    consumer.app.tasks[TASK].rate_limit = None
    order(redis_server)
    wait(lambda: obedience._timer is None)
    assert (consumer.names, consumer.app.tasks[TASK].rate_limit) == (["analytics", "booking"], None)


def test_after_the_broker_was_lost_it_goes_by_the_orders_of_then(
    redis_server: RedisServer, consumer: StandInConsumer, obedience: plugin.Obedience
) -> None:
    """One was resumed meanwhile and one paused; the limit that the process has is not taken for its own."""
    order(redis_server, "analytics", rates={TASK: "2/h"})
    obedience.start()
    obedience.stop()
    order(redis_server, "booking", rates={TASK: "2/h"})
    obedience.start()
    assert (consumer.names, obedience.left_out) == (["analytics"], ["booking"])
    assert getattr(consumer.app.tasks[TASK], plugin.RATE_BEFORE) == "100/m"


def test_a_silent_broker_keeps_no_worker_from_starting(
    silent_server: SilentServer, caplog: pytest.LogCaptureFixture
) -> None:
    """It is waited for a second in all, and the log says so."""
    app = make_app({"SAMPLE_BROKER_URL": silent_server.url()})
    consumer = StandInConsumer(app)
    with caplog.at_level(logging.WARNING):
        plugin.Obedience(consumer).start()
    assert consumer.names == ["analytics", "booking"]
    assert "starting without orders, paused queues are consumed at first: no answer within 1 s" in caplog.text
    app.close()
