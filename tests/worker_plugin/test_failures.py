"""Tasks that failed for good are recorded whole by the worker's own process, whatever pool it has."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from celery import Celery

from bot.domain.action import ExecutionState
from playground.services import RedisServer
from tests.usecases.requeueing import FailedShop
from tests.usecases.revoking import wait
from tests.worker_plugin.conftest import StartPlugged
from tests.worker_plugin.failing_app import SEEN, make_app

QUEUE = "analytics"


@pytest.fixture
def app(redis_server: RedisServer) -> Iterator[Celery]:
    """The application that sends."""
    app = make_app({"SAMPLE_BROKER_URL": redis_server.url()})
    yield app
    app.close()


def send(app: Celery, task: str, *args: Any, **options: Any) -> str:
    """Send a task to the queue, and return its id."""
    return str(app.tasks[task].apply_async(args, **{"queue": QUEUE, **options}).id)


def records(server: RedisServer, prefix: str = "") -> dict[str, Any]:
    """Return what is on record, by task id."""
    found: Any = server.client().hgetall(f"{prefix}oncall.failed")
    return {one.decode(): json.loads(raw) for one, raw in found.items()}


def recorded(server: RedisServer, *ids: str) -> dict[str, Any]:
    """Wait until these are on record; return all that are."""
    wait(lambda: set(ids) <= records(server).keys())
    return records(server)


@pytest.mark.parametrize("pool", ["prefork", "threads", "gevent", "solo"])
def test_a_task_that_fails_is_recorded_once_it_is_not_tried_again(
    redis_server: RedisServer, plugged: StartPlugged, app: Celery, pool: str
) -> None:
    """With its whole message; a retry, an Ignore and a Reject are no failures, and leave no record."""
    plugged(queues=[QUEUE], pool=pool)
    others = [send(app, "fail.ignore"), send(app, "fail.reject"), send(app, "sample.add", 1, 2)]
    retried = send(app, "fail.retry")
    failed = send(app, "sample.fail", "no card", priority=6)
    wordless = send(app, "fail.wordless")
    found = recorded(redis_server, retried, failed, wordless)
    assert not found.keys() & set(others)
    assert (found[retried]["retries"], found[retried]["exception"], found[retried]["error"]) == (
        2,
        "ValueError",
        "third time",
    )
    record = found[failed]
    message = record.pop("message")
    at = redis_server.client().zscore("oncall.failed.at", failed)
    assert at == pytest.approx(record.pop("failed_at"))
    assert record == {
        "id": failed,
        "task": "sample.fail",
        "queue": QUEUE,
        "exception": "ValueError",
        "error": "no card",
        "worker": "w1@test",
        "retries": 0,
        "root_id": failed,
        "parent_id": None,
    }
    assert message.keys() == {"body", "content-encoding", "content-type", "headers", "properties"}
    assert (message["headers"]["id"], message["properties"]["priority"]) == (failed, 6)


def test_killed_children_and_time_limits_are_failures_and_what_goes_back_is_none(
    redis_server: RedisServer, plugged: StartPlugged, app: Celery
) -> None:
    """The parent sees what the child cannot tell; a task that Celery puts back into its queue runs again instead."""
    plugged(queues=[QUEUE])
    killed, slow, late = send(app, "fail.killed"), send(app, "fail.slow"), send(app, "fail.late")
    found = recorded(redis_server, killed, slow)
    assert found[killed]["exception"] == "WorkerLostError"
    assert found[slow]["exception"] == "TimeLimitExceeded"
    wait(lambda: b"SUCCESS" in (redis_server.client().get(f"celery-task-meta-{late}") or b""))
    assert late not in records(redis_server)


def test_a_time_limit_on_gevent_is_recorded(redis_server: RedisServer, plugged: StartPlugged, app: Celery) -> None:
    """There Celery tells of a timeout by another way than of a failure."""
    plugged(queues=[QUEUE], pool="gevent")
    slow = send(app, "fail.slow")
    assert recorded(redis_server, slow)[slow]["exception"] == "TimeLimitExceeded"


def test_a_requeue_of_the_record_runs_once_more_as_it_was_called(
    tmp_path: Path, redis_server: RedisServer, plugged: StartPlugged, app: Celery
) -> None:
    """Same arguments, same lane, same errback; each once."""
    shop = FailedShop(tmp_path, redis_server)
    try:
        worker = plugged(queues=[QUEUE])
        options = {"priority": 3, "kwargs": {"card": "4"}, "link_error": app.tasks["fail.told"].s()}
        old = send(app, "fail.once", 1, "zwei", **options)
        before = recorded(redis_server, old)[old]["message"]
        wait(lambda: shop.redis.get("told") == b"1")
        worker.stop()
        shop.world.clock.pass_time(minutes=1)
        execution = shop.requeued(task="fail.once")
        assert execution.state is ExecutionState.VERIFIED, (execution.error, execution.verdict)
        (raw,) = shop.redis.lrange(f"{QUEUE}\x06\x163", 0, -1)
        after = json.loads(raw)
        assert after["body"] == before["body"]
        assert after["headers"]["oncall_requeue_of"] == old
        plugged(queues=[QUEUE])
        wait(lambda: shop.redis.llen(SEEN) == 2)
        wait(lambda: not shop.redis.hlen("unacked"))
        assert set(shop.redis.lrange(SEEN, 0, -1)) == {repr(((1, "zwei"), {"card": "4"})).encode()}
        assert shop.redis.llen(SEEN) == 2
    finally:
        shop.close()
