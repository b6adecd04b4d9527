"""A watched application on Celery 5.3: all that the bot, on its own newer Celery, reads and does there.

Tests that hold for every version are run again, on the old workers; see `conftest`.
"""

import json
import subprocess
from pathlib import Path

import pytest

from bot.adapters.celery.connection import ClusterConnection
from bot.adapters.celery.online import WorkerOnlineWatch
from playground.celery_worker import child_environment
from playground.services import RedisServer
from tests.adapters.celery.conftest import MakeControl, control, make_control, wait_for
from tests.adapters.celery.test_consumers import (
    test_a_paused_queue_waits_and_each_task_runs_once_after_it,
    test_a_worker_that_never_knew_the_queue_joins_without_a_new_binding,
    test_cancel_and_add_reach_the_named_workers_alone,
)
from tests.adapters.celery.test_counting import (
    test_tasks_for_later_are_scheduled_and_not_waiting,
    test_unacked_counts_running_tasks_that_are_acknowledged_late,
)
from tests.adapters.celery.test_pidbox import (
    test_a_late_reply_to_a_finished_call_is_dropped,
    test_nothing_is_left_after_a_snapshot,
    test_what_a_killed_process_leaves_expires,
)
from tests.adapters.celery.test_pools import (
    pools,
    test_a_grow_of_two_says_which_did_not,
    test_a_pool_that_cannot_change_is_refused_in_words_before_anything_is_sent,
    test_busy_processes_are_not_given_up,
)
from tests.adapters.celery.test_workers import (
    test_a_frozen_worker_is_silent_within_the_deadline,
    test_each_pool_says_its_slots_and_tasks,
    test_running_tasks_name_their_queue,
    test_slots_follow_a_pool_that_grows,
)
from tests.pauses.shop import QUEUES, Shop
from tests.pauses.test_excluded import test_a_worker_without_any_queue_left_starts_and_is_given_them_by_the_resume
from tests.pauses.test_worker_starts import (
    test_a_resume_after_a_rolling_deploy_of_all_workers_reaches_their_successors,
)
from tests.services.workers import StartWorker

__all__ = [
    "control",
    "make_control",
    "pools",
    "test_a_frozen_worker_is_silent_within_the_deadline",
    "test_a_grow_of_two_says_which_did_not",
    "test_a_late_reply_to_a_finished_call_is_dropped",
    "test_a_paused_queue_waits_and_each_task_runs_once_after_it",
    "test_a_pool_that_cannot_change_is_refused_in_words_before_anything_is_sent",
    "test_a_resume_after_a_rolling_deploy_of_all_workers_reaches_their_successors",
    "test_a_worker_that_never_knew_the_queue_joins_without_a_new_binding",
    "test_a_worker_without_any_queue_left_starts_and_is_given_them_by_the_resume",
    "test_busy_processes_are_not_given_up",
    "test_cancel_and_add_reach_the_named_workers_alone",
    "test_each_pool_says_its_slots_and_tasks",
    "test_nothing_is_left_after_a_snapshot",
    "test_running_tasks_name_their_queue",
    "test_slots_follow_a_pool_that_grows",
    "test_tasks_for_later_are_scheduled_and_not_waiting",
    "test_unacked_counts_running_tasks_that_are_acknowledged_late",
    "test_what_a_killed_process_leaves_expires",
]

pytestmark = [pytest.mark.service, pytest.mark.slow, pytest.mark.timeout(300)]

ODD_ENV = {"SAMPLE_PREFIX": "shop:", "SAMPLE_SEP": "|", "SAMPLE_STEPS": "0,5"}
ODD_OPTIONS = {"global_keyprefix": "shop:", "sep": "|", "priority_steps": (0, 5)}
PRODUCE = """
import json, os, sys
from tests.services.sample_app import make_app
app = make_app(os.environ)
for priority in json.loads(sys.argv[1]):
    app.send_task("sample.count", queue="booking", priority=priority)
"""


def produce(python: str, url: str, priorities: list[int], **env: str) -> None:
    """Publish counting tasks to `booking`, by the Celery of `python`."""
    command = [python, "-c", PRODUCE, json.dumps(priorities)]
    subprocess.run(command, env=child_environment({"SAMPLE_BROKER_URL": url, **env}), timeout=60, check=True)


@pytest.mark.parametrize(
    ("env", "options", "lanes"),
    [({}, {}, (2, 1, 0, 3)), (ODD_ENV, ODD_OPTIONS, (3, 3))],
    ids=["as shipped", "prefix, separator and steps"],
)
def test_depths_and_lanes_of_an_old_producer(
    redis_server: RedisServer,
    make_control: MakeControl,
    celery_worker: StartWorker,
    old_python: str,
    env: dict[str, str],
    options: dict[str, object],
    lanes: tuple[int, ...],
) -> None:
    """The old release puts messages where we look for them, and its worker takes them from there."""
    url = redis_server.url(2)
    produce(old_python, url, [0, 1, 4, 9, 9, 9], **env)
    watched = make_control(url, ["booking"], **options)
    assert watched.depths() == {"booking": 6}
    queue = watched.snapshot().queue("booking")
    assert queue is not None
    assert queue.lanes == lanes
    worker = celery_worker(url, queues=["booking"], env=env)
    assert " v5.3." in worker.process.output()
    wait_for(lambda: watched.depths() == {"booking": 0})
    wait_for(lambda: watched.snapshot().workers[0].totals == {"sample.count": 6})


def test_an_old_worker_is_heard_of_when_it_comes_online(redis_server: RedisServer, celery_worker: StartWorker) -> None:
    """By the same event on the same channel."""
    heard: list[str] = []
    watch = WorkerOnlineWatch(ClusterConnection("shop", redis_server.url(), global_keyprefix="shop:"), heard.append)
    watch.start()
    try:
        assert watch.wait_connected(5)
        celery_worker(redis_server.url(), env={"SAMPLE_PREFIX": "shop:"})
        wait_for(lambda: heard == ["w1@test"])
    finally:
        watch.close()


def test_a_pause_is_verified_and_resumed_over_prefork_and_solo_workers(shop: Shop, celery_worker: StartWorker) -> None:
    """Through the use cases: every worker is seen to stop; nothing runs; after the resume each task runs once."""
    for name, pool in (("worker1", "prefork"), ("worker2", "solo")):
        celery_worker(shop.server.url(), name=name, queues=QUEUES, pool=pool)
    paused = shop.pause()
    assert paused.verdict is not None
    assert "2 of 2 workers stopped consuming analytics" in paused.verdict.sentence
    assert shop.consumers() == set()
    shop.fill(messages=300)
    shop.prove_alive()
    assert (shop.runs(), shop.depth()) == ({}, 300)
    shop.resume()
    assert shop.consumers() == {"worker1@test", "worker2@test"}
    wait_for(lambda: len(shop.runs()) == 300, seconds=60)
    shop.quiet()
    assert set(shop.runs().values()) == {1}


def test_the_environment_is_the_one_that_is_meant(old_python: str) -> None:
    """Celery and kombu 5.3, and nothing of ours."""
    program = "import celery, importlib.util, kombu; print(celery.__version__, kombu.__version__)"
    program += "\nprint(importlib.util.find_spec('slack_bolt'))"
    said = subprocess.check_output([old_python, "-I", "-c", program], text=True, cwd=Path("/")).split()
    assert [v.rpartition(".")[0] for v in said[:2]] == ["5.3", "5.3"]
    assert said[2] == "None"
