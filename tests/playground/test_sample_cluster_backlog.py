"""The demo's main story holds on a real cluster: a backlog that stands until analytics is paused."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from celery import Celery

from playground.cluster.cluster import Cluster
from playground.cluster.jobs_api import control_app
from tests.playground.polling import eventually
from tests.services.require import require

pytestmark = [pytest.mark.service, pytest.mark.slow, pytest.mark.timeout(300)]

_NODE = "worker1@playground"
_WATCH_SECONDS = 20


@pytest.fixture
async def cluster() -> AsyncIterator[Cluster]:
    """The sample cluster as the demo starts it."""
    require("redis")
    async with Cluster() as started:
        yield started


def _analytics_running(control: Celery) -> int:
    """How many of worker1's slots analytics holds."""
    active = control.control.inspect(destination=[_NODE], timeout=3, limit=1).active() or {}
    return sum(task["name"].startswith("analytics.") for task in active.get(_NODE, []))


async def test_backlog_stands_until_analytics_is_paused(cluster: Cluster) -> None:
    """Over 1,000 stories wait and stay while analytics holds slots; paused, they fall below 500 within a minute."""
    control = control_app(cluster.broker_url)
    await cluster.break_("backlog")
    held = []
    async with cluster.depths() as depths:

        async def waiting() -> int:
            return (await depths.read())["ai_generation"]

        for _ in range(_WATCH_SECONDS):
            await asyncio.sleep(1)
            held.append(await asyncio.to_thread(_analytics_running, control))
        assert await waiting() > 1000
        assert 1.3 < sum(held) / len(held) < 3.2  # two of four, on average

        await asyncio.to_thread(control.control.cancel_consumer, "analytics", destination=[_NODE])

        async def below_500() -> bool:
            return await waiting() < 500

        await eventually(below_500, seconds=75)  # some 40 s alone on two cores
        assert (await depths.read())["analytics"] > 0
