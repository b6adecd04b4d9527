"""Which failed tasks a requeue takes, where it looks for them, and what it tells on its way."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from bot.adapters.celery.connection import ClusterConnection
from bot.adapters.celery.requeues import CeleryRequeues
from bot.adapters.celery.watched import WatchedCluster
from bot.domain.action import ExecutionState
from bot.domain.errors import BadInput
from bot.domain.requeue import FailedWanted
from bot.domain.requeue_words import check, warnings
from playground.services import RedisServer
from tests.usecases.requeueing import QUEUE, FailedShop
from tests.usecases.world import SPEC


@pytest.fixture
def shop(tmp_path: Path, redis_server: RedisServer) -> Iterator[FailedShop]:
    """Return one without workers."""
    shop = FailedShop(tmp_path, redis_server)
    yield shop
    shop.close()


def test_only_what_failed_lately_is_sent(shop: FailedShop) -> None:
    """By task name and time; an hour, if not said."""
    for one, minutes in (("old", 90), ("young", 30), ("new", 2)):
        shop.record(one, shop.message("sample.count"), seconds_ago=60 * minutes)
    assert shop.preview(task="sample.count", since="2h").radius.messages == 3
    assert shop.preview(task="sample.count").radius.messages == 2
    assert shop.requeued(task="sample.count", since="10m").state is ExecutionState.VERIFIED
    assert shop.sent_again(QUEUE) == ["new"]


def test_only_what_failed_by_that_exception_is_sent(shop: FailedShop) -> None:
    """With its module or without, of whatever task, or of one alone."""
    for one, task, exception in (
        ("a", "sample.count", "shop.errors.CardRefused"),
        ("b", "sample.count", "builtins.ValueError"),
        ("c", "sample.also", "CardRefused"),
    ):
        shop.record(one, shop.message(task))
        record = json.loads(shop.redis.hget("oncall.failed", one) or "")
        shop.redis.hset("oncall.failed", one, json.dumps({**record, "exception": exception}))
    assert shop.preview(exception="CardRefused").radius.messages == 2
    assert shop.preview(exception="shop.errors.CardRefused", task="sample.also").radius.messages == 1
    assert shop.requeued(exception="CardRefused").state is ExecutionState.VERIFIED
    assert sorted(shop.sent_again(QUEUE)) == ["a", "c"]


def test_the_first_are_waited_for_in_sight_and_the_others_follow(shop: FailedShop) -> None:
    """Who watches sees how far it is."""
    old = shop.fail(30)
    for one in old[:10]:
        shop.ended_well(shop.new_id_after(one, "exe-1"))
    shop.redis.delete(f"celery-task-meta-{shop.new_id_after(old[0], 'exe-1')}")
    execution = shop.requeued(task="sample.count")
    assert execution.state is ExecutionState.VERIFIED
    assert "10 are sent; waiting for what becomes of them (9 ended well)." in execution.progress
    assert "10 of 30 tasks are sent again." in execution.progress


def test_results_are_looked_through_without_stopping_redis(shop: FailedShop) -> None:
    """KEYS answers nobody else until it is done."""
    shop.redis.config_resetstat()
    with pytest.raises(BadInput):
        shop.draft(task="sample.count")
    used = shop.redis.info("commandstats")
    assert "cmdstat_scan" in used
    assert "cmdstat_keys" not in used


def test_without_a_result_backend_the_record_alone_is_read_and_that_is_said(shop: FailedShop) -> None:
    """And where neither knows of a failure, it is said why."""
    watched = WatchedCluster(ClusterConnection("prod", shop.server.url()), SPEC)
    requeues = CeleryRequeues(watched, shop.world.clock)
    wanted = FailedWanted(task="sample.count", since=shop.world.clock.now() - timedelta(hours=1))
    none = requeues.find(wanted)
    with pytest.raises(BadInput, match="No result backend is set for `prod`"):
        check((), "sample.count", None, 3600, 0, none, ())
    (one,) = shop.fail(1)
    found = requeues.find(wanted)
    assert [f.id for f in found.failed] == [one]
    assert warnings(found, forced=False)[-1].startswith("Only the plugin's record was read. No result backend is set")
    requeues.close()
    watched.close()
