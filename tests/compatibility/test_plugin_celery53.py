"""The worker plugin in workers of Celery 5.3: its own tests, run again there; gevent is not installed beside it."""

import pytest
from celery import Celery

from bot.adapters.events.recorder import Recorder
from playground.services import RedisServer
from tests.pauses.shop import Shop
from tests.pauses.test_worker_starts import test_nothing_leaks_from_a_worker_that_starts_with_the_plugin
from tests.worker_plugin import test_failures as failures
from tests.worker_plugin import test_heartbeats as heartbeats
from tests.worker_plugin import test_orders as orders
from tests.worker_plugin.conftest import StartPlugged, plugged
from tests.worker_plugin.test_failures import app
from tests.worker_plugin.test_heartbeats import recorder
from tests.worker_plugin.test_orders import (
    test_a_lost_broker_neither_ends_a_pause_nor_takes_a_queue_that_was_resumed,
    test_a_worker_of_nothing_but_paused_queues_starts_and_one_without_the_queue_is_not_given_it,
)
from tests.worker_plugin.test_rate_orders import (
    ordered_shop,
    test_a_worker_that_starts_is_limited_from_its_first_task_and_let_go_to_its_own_rate,
)

__all__ = [
    "app",
    "ordered_shop",
    "plugged",
    "recorder",
    "test_a_lost_broker_neither_ends_a_pause_nor_takes_a_queue_that_was_resumed",
    "test_a_worker_of_nothing_but_paused_queues_starts_and_one_without_the_queue_is_not_given_it",
    "test_a_worker_that_starts_is_limited_from_its_first_task_and_let_go_to_its_own_rate",
    "test_nothing_leaks_from_a_worker_that_starts_with_the_plugin",
]

pytestmark = [pytest.mark.service, pytest.mark.slow, pytest.mark.timeout(300)]

POOLS = pytest.mark.parametrize("pool", ["prefork", "threads", "solo"])


@POOLS
def test_nothing_leaks_and_the_resume_gives_the_queue_back(shop: Shop, plugged: StartPlugged, pool: str) -> None:
    """By the same places that the newest Celery has for a plugin."""
    orders.test_nothing_leaks_from_a_worker_with_the_plugin_and_the_resume_gives_it_the_queue(shop, plugged, pool)


@POOLS
def test_a_failure_is_recorded(redis_server: RedisServer, plugged: StartPlugged, app: Celery, pool: str) -> None:
    """With its whole message."""
    failures.test_a_task_that_fails_is_recorded_once_it_is_not_tried_again(redis_server, plugged, app, pool)


@pytest.mark.parametrize(("pool", "children"), [("prefork", 2), ("solo", 0)])
def test_a_heartbeat_tells_memory(
    redis_server: RedisServer, plugged: StartPlugged, recorder: Recorder, pool: str, children: int
) -> None:
    """Of parent and children."""
    heartbeats.test_a_heartbeat_tells_the_version_and_the_memory_of_parent_and_children(
        redis_server, plugged, recorder, pool, children
    )
