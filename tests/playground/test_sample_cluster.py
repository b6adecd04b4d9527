"""The sample cluster is a real one: it starts as the runbook says, works, and can be broken and mended.

The tests share one cluster, since its start is the dear part; each leaves it whole.
"""

import asyncio
import time
from collections.abc import AsyncIterator

import aiohttp
import pytest
import pytest_asyncio

from playground.cluster.cluster import Cluster, UnknownBreakageError
from playground.cluster.depths import BrokerSilentError, lanes
from playground.cluster.jobs_api import control_app
from tests.playground.polling import eventually
from tests.services.require import require

pytestmark = [
    pytest.mark.service,
    pytest.mark.timeout(180),
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.xdist_group("sample cluster"),
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def cluster() -> AsyncIterator[Cluster]:
    """A sample cluster with short analytics and no traffic but beat's."""
    require("redis")
    async with Cluster(traffic=False, seconds="analytics=0.1,image_processing=0.02") as started:
        yield started


def _consumed(cluster: Cluster) -> dict[str, set[str]]:
    """The queues that each worker consumes, by node name."""
    found = control_app(cluster.broker_url).control.inspect(timeout=2, limit=3).active_queues() or {}
    return {node: {queue["name"] for queue in queues} for node, queues in found.items()}


async def _stats(cluster: Cluster) -> tuple[int, dict[str, object]]:
    async with aiohttp.ClientSession() as session, session.get(cluster.stats_url) as response:
        return response.status, await response.json()


def _logged(cluster: Cluster, worker: str, text: str) -> bool:
    return text in cluster.workers[worker].process.output()


def _successes(cluster: Cluster, worker: str) -> int:
    return cluster.workers[worker].process.output().count("succeeded in")


async def test_workers_consume_what_the_runbook_says(cluster: Cluster) -> None:
    """Each worker has the queues of the runbook's start command, and the forgotten one has image_processing."""
    every = {"booking", "ai_generation", "voice_synthesis", "notifications", "analytics", "default"}
    assert await asyncio.to_thread(_consumed, cluster) == {
        "worker1@playground": every,
        "priority_worker@playground": {"booking", "voice_synthesis"},
        "image_worker@playground": {"image_processing"},
    }


async def test_traffic_reaches_every_kind_of_task_and_the_stats_page_counts(cluster: Cluster) -> None:
    """At high rates each queue's tasks succeed within seconds, and the application reports three workers."""
    rates = dict.fromkeys(
        ("booking", "voice_synthesis", "notifications", "ai_generation", "image_processing", "analytics"), 5.0
    )
    await cluster.set_traffic(rates)
    tasks = {
        "worker1": ("notifications.send", "stories.generate_story_with_status", "analytics.aggregate_batch"),
        "priority_worker": ("booking.process_payment", "voice.synthesize"),
        "image_worker": ("images.optimize",),
    }

    async def all_ran() -> bool:
        return all(_logged(cluster, worker, f"Task {name}") for worker, names in tasks.items() for name in names)

    await eventually(all_ran)
    await cluster.set_traffic({})
    status, page = await _stats(cluster)
    assert (status, page["status"], len(list(page["workers"]))) == (200, "healthy", 3)  # type: ignore[call-overload]  # JSON


async def test_beat_publishes_harmless_tasks(cluster: Cluster) -> None:
    """Beat's first periodic task runs on worker1 within its interval of ten seconds."""

    async def ran() -> bool:
        return _logged(cluster, "worker1", "Task maintenance.clean_expired_sessions")

    await eventually(ran)


async def test_images_pile_up_over_all_lanes_until_their_worker_is_back(cluster: Cluster) -> None:
    """While the worker is gone, the sum over the lanes is exact, one lane alone is less; mended, all is done."""
    await cluster.break_("image worker gone")
    assert not cluster.workers["image_worker"].alive
    async with cluster.depths() as depths:
        before = (await depths.read())["image_processing"]
        assert await cluster.burst({"image_processing": 100}) == {"image_processing": 100}
        assert (await depths.read())["image_processing"] == before + 100
        with cluster.redis.client() as client:
            first, *others = [client.llen(lane) for lane in lanes("image_processing")]
        assert 0 < sum(others) < first < before + 100
        await cluster.mend("image worker gone")

        async def drained() -> bool:
            return (await depths.read())["image_processing"] == 0

        await eventually(drained)
    assert cluster.broken == set()


async def test_hung_worker_is_alive_and_silent_until_mended(cluster: Cluster) -> None:
    """A frozen worker1 answers no ping; the others do."""
    control = control_app(cluster.broker_url)
    worker1 = cluster.workers["worker1"]
    await cluster.break_("worker1 hung")
    assert cluster.broken == {"worker1 hung"}
    assert worker1.alive
    assert not await asyncio.to_thread(worker1.answers, control)
    assert await asyncio.to_thread(cluster.workers["priority_worker"].answers, control, 5)
    await cluster.mend("worker1 hung")

    async def answers() -> bool:
        return await asyncio.to_thread(worker1.answers, control)

    await eventually(answers)


async def test_stopped_redis_is_reported_in_time_and_work_goes_on_after(cluster: Cluster) -> None:
    """Depths and the stats page say so within seconds; after mending, tasks run again on the same workers."""
    await cluster.break_("redis stopped")
    began = time.monotonic()
    async with cluster.depths() as depths:
        with pytest.raises(BrokerSilentError):
            await depths.read()
    status, page = await _stats(cluster)
    assert (status, page["status"]) == (503, "unavailable")
    assert time.monotonic() - began < 15  # about 2 s; without time limits it would be for ever
    with pytest.raises(BrokerSilentError):
        await cluster.burst({"image_processing": 1})
    await cluster.mend("redis stopped")
    done = _successes(cluster, "image_worker")
    await cluster.burst({"image_processing": 1})

    async def ran() -> bool:
        return _successes(cluster, "image_worker") > done

    await eventually(ran)


async def test_restarted_worker_has_its_old_name_and_its_paused_queues_alone_are_missing(cluster: Cluster) -> None:
    """A restart with paused queues leaves those out; the breakage "restart worker1" brings them back and is over."""
    first = cluster.workers["worker1"].process.pid
    await cluster.restart_worker("worker1", paused=["analytics", "ai_generation"])
    second = cluster.workers["worker1"].process.pid
    consumed = await asyncio.to_thread(_consumed, cluster)
    assert consumed["worker1@playground"] == {"booking", "voice_synthesis", "notifications", "default"}
    await cluster.break_("restart worker1")
    assert len({first, second, cluster.workers["worker1"].process.pid}) == 3
    assert {"analytics", "ai_generation"} < (await asyncio.to_thread(_consumed, cluster))["worker1@playground"]
    assert cluster.broken == set()


async def test_failing_stories_fail_and_mending_ends_it(cluster: Cluster) -> None:
    """Some stories raise the model's error while the breakage lasts."""
    await cluster.break_("stories failing")

    async def failed() -> bool:
        return _logged(cluster, "worker1", "ModelTimeoutError")

    await eventually(failed)
    await cluster.mend("stories failing")
    assert cluster.broken == set()


async def test_unknown_breakage_is_refused_with_the_names() -> None:
    """A wrong name is answered with the right ones, also before the start."""
    with pytest.raises(UnknownBreakageError, match="worker1 hung"):
        await Cluster().break_("worker7 hung")
    with pytest.raises(UnknownBreakageError, match="worker1 hung"):
        await Cluster().mend("worker7 hung")
