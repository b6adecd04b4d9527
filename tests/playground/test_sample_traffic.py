"""The sample application's traffic is what it is told to be, and stays bounded."""

import asyncio

import pytest
from celery import Celery

from playground.cluster.app import QUEUES, app
from playground.cluster.depths import BrokerSilentError, Depths
from playground.cluster.tasks import parse_seconds
from playground.cluster.traffic import RESTING_RATES, Traffic
from playground.services import RedisServer
from tests.playground.polling import eventually
from tests.services.network import SilentServer


def _publisher(url: str) -> Celery:
    """The sample application on the test's own broker, as its web process has it: without results."""
    publisher = Celery(broker=url, set_as_current=False)
    publisher.conf.update(
        task_routes=app.conf.task_routes,
        task_default_queue="default",
        broker_transport_options=app.conf.broker_transport_options,
    )
    return publisher


@pytest.mark.service
async def test_publishing_stops_at_the_limit(redis_server: RedisServer) -> None:
    """A queue takes jobs until the limit waits there, whatever was asked for."""
    async with Depths(redis_server.url()) as depths:
        traffic = Traffic(_publisher(redis_server.url()), depths, rates={})
        assert await traffic.publish({"booking": 15, "default": 2}, limit=20) == {"booking": 15, "default": 2}
        assert await traffic.publish({"booking": 15}, limit=20) == {"booking": 5}
        assert await depths.read() == dict.fromkeys(QUEUES, 0) | {"booking": 20, "default": 2}


@pytest.mark.service
async def test_trickle_fills_each_queue_at_its_rate(redis_server: RedisServer) -> None:
    """Every queue with a rate gets jobs, and a queue with ten times the rate gets more."""
    rates = dict.fromkeys(RESTING_RATES, 4.0) | {"booking": 40.0}
    async with Depths(redis_server.url()) as depths:
        run = asyncio.create_task(Traffic(_publisher(redis_server.url()), depths, rates=rates).run())

        async def all_filled() -> bool:
            waiting = await depths.read()
            return all(waiting[queue] >= 2 for queue in rates)

        await eventually(all_filled)
        waiting = await depths.read()
        run.cancel()
    assert waiting["booking"] > 5 * waiting["analytics"]
    assert waiting["default"] == 0


async def test_silent_broker_is_reported_not_waited_for(silent_server: SilentServer) -> None:
    """Publishing to a broker that never answers ends with an error in about a second."""
    async with Depths(silent_server.url(), timeout=0.2) as depths:
        with pytest.raises(BrokerSilentError):
            await Traffic(_publisher(silent_server.url()), depths, rates={}).publish({"booking": 1})


def test_task_durations_are_read_from_text() -> None:
    """One figure is a fixed duration, two are a range, in seconds."""
    assert parse_seconds("analytics=2-4,ai_generation=0.2") == {"analytics": (2, 4), "ai_generation": (0.2, 0.2)}
    assert parse_seconds("") == {}
