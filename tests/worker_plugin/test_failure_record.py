"""The record of failures is bounded, on Redis and in the worker, and a Redis that is dead or slow delays nobody."""

import json
import time
from collections.abc import Iterator
from typing import Any

import celery_oncall_worker as plugin
import pytest
from celery import Celery

from playground.services import RedisServer
from tests.services.network import SilentServer
from tests.services.sample_app import make_app
from tests.usecases.revoking import wait


@pytest.fixture
def app(redis_server: RedisServer) -> Iterator[Celery]:
    """An application under a key prefix."""
    app = make_app({"SAMPLE_BROKER_URL": redis_server.url(), "SAMPLE_PREFIX": "shop:"})
    yield app
    app.close()


def failure(id: str, *, age: float = 0, size: int = 10) -> dict[str, Any]:
    """A failed task as a request would hand it over."""
    message = {"body": "x" * size, "headers": {"id": id}, "properties": {}}
    return {"id": id, "task": "sample.fail", "failed_at": time.time() - age, "message": message}


def kept(server: RedisServer) -> list[str]:
    """Return what is on record, the oldest first; both keys agree."""
    client = server.client()
    times: Any = client.zrange("shop:oncall.failed.at", 0, -1)
    assert set(client.hkeys("shop:oncall.failed")) == set(times)
    return [one.decode() for one in times]


def written(app: Celery, *failures: dict[str, Any], **bounds: int) -> plugin.FailureRecord:
    """Write these, and return the record once it has."""
    record = plugin.FailureRecord(app, "w1@test", **bounds)
    for each in failures:
        record.put(each)
    record.start()
    record.flush(30)
    return record


def test_only_the_newest_are_kept(redis_server: RedisServer, app: Celery) -> None:
    """What is too many goes, the oldest first, whoever wrote it."""
    written(app, *(failure(f"a{i}", age=100 - i) for i in range(5)), kept=5)
    written(app, failure("b", age=1), failure("c"), kept=5)
    assert kept(redis_server) == ["a2", "a3", "a4", "b", "c"]


def test_what_is_older_than_a_week_goes(redis_server: RedisServer, app: Celery) -> None:
    """And when no task fails for a week, all of it ends by itself."""
    written(app, failure("old", age=8 * 86400), failure("new", age=6 * 86400))
    assert kept(redis_server) == ["new"]
    client = redis_server.client()
    assert all(0 < client.ttl(key) <= 7 * 86400 for key in client.keys("shop:oncall.failed*"))


def test_its_size_is_bounded_also_after_others_took_from_it(redis_server: RedisServer, app: Celery) -> None:
    """The sum is counted anew before anything is dropped for it: a count gone wrong loses no record."""
    written(app, *(failure(f"a{i}", age=100 - i, size=1000) for i in range(8)), kept_bytes=10_000)
    assert len(kept(redis_server)) == 8
    redis_server.client().set("shop:oncall.failed.bytes", 9_999)
    written(app, failure("b", age=50, size=100), kept_bytes=10_000)
    assert len(kept(redis_server)) == 9
    written(app, failure("c", size=2000), kept_bytes=10_000)
    after = kept(redis_server)
    sizes = [redis_server.client().hstrlen("shop:oncall.failed", one) for one in after]
    assert after[-1] == "c"
    assert "a0" not in after
    assert sum(sizes) <= 10_000


def test_a_task_that_fails_twice_is_recorded_once(redis_server: RedisServer, app: Celery) -> None:
    """A message that was delivered again has the same id: the later failure counts."""
    written(app, failure("a", age=50), failure("b", age=40))
    written(app, failure("a"))
    assert kept(redis_server) == ["b", "a"]
    assert json.loads(redis_server.client().hget("shop:oncall.failed", "a") or "")["worker"] == "w1@test"


def test_a_silent_redis_delays_nobody_and_what_is_dropped_is_counted(silent_server: SilentServer) -> None:
    """Each is handed over and the caller goes on; what there is no room for is lost, and said."""
    app = make_app({"SAMPLE_BROKER_URL": silent_server.url()})
    record = plugin.FailureRecord(app, "w1@test")
    record.start()
    for i in range(plugin.HELD + plugin.AT_ONCE + 50):
        record.put(failure(str(i)))
    record.put(failure("large", size=plugin.LARGEST + 1))
    assert 51 <= record.dropped <= 51 + plugin.AT_ONCE
    app.close()


def test_what_failed_while_redis_was_away_is_written_when_it_is_back(redis_server: RedisServer, app: Celery) -> None:
    """The thread tries again until it is taken."""
    redis_server.pause()
    record = plugin.FailureRecord(app, "w1@test")
    record.start()
    record.put(failure("a"))
    record.put(failure("b"))
    record.flush(1.5)
    redis_server.resume()
    wait(lambda: sorted(kept(redis_server)) == ["a", "b"])
    assert record.dropped == 0


def test_a_redis_that_refuses_is_not_asked_for_ever(redis_server: RedisServer, app: Celery) -> None:
    """It is counted, and the next failure is tried anew."""
    client = redis_server.client()
    client.config_set("maxmemory", 1)
    record = written(app, failure("a"))
    assert record.dropped == 1
    client.config_set("maxmemory", 0)
    record.put(failure("b"))
    record.flush(30)
    assert kept(redis_server) == ["b"]
