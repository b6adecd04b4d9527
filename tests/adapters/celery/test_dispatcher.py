"""Executions reach the ops worker's queue, in a keyspace of its own, or the bot knows at once that they did not."""

import base64
import json
import time
from collections.abc import Iterator

import pytest

from bot.adapters.celery.dispatcher import KEY_PREFIX, QUEUE, TASK, CeleryDispatcher
from playground.services import RedisServer
from tests.services.network import SilentServer


@pytest.fixture
def dispatcher(redis_server: RedisServer) -> Iterator[CeleryDispatcher]:
    """A dispatcher of the test's own broker."""
    made = CeleryDispatcher(redis_server.url())
    yield made
    made.close()


@pytest.mark.service
def test_an_execution_is_published_by_task_name(redis_server: RedisServer, dispatcher: CeleryDispatcher) -> None:
    """In JSON, with the id alone, under the ops prefix; no other key lacks the prefix."""
    assert dispatcher.dispatch("exe-12")
    with redis_server.client() as client:
        (raw,) = client.lrange(f"{KEY_PREFIX}{QUEUE}", 0, -1)
        assert all(key.startswith(KEY_PREFIX.encode()) for key in client.scan_iter())
    message = json.loads(raw)
    assert message["content-type"] == "application/json"
    assert message["headers"]["task"] == TASK == "tasks.execute"
    assert json.loads(base64.b64decode(message["body"]))[:2] == [["exe-12"], {}]


@pytest.mark.service
def test_a_broker_that_stops_and_returns(redis_server: RedisServer, dispatcher: CeleryDispatcher) -> None:
    """False within a second and a bit while it is frozen or gone; true again when it is back."""
    assert dispatcher.dispatch("exe-1")
    redis_server.pause()
    started = time.monotonic()
    assert not dispatcher.dispatch("exe-2")
    assert time.monotonic() - started < 1.5
    redis_server.resume()
    assert dispatcher.dispatch("exe-3")
    redis_server.kill()
    assert not dispatcher.dispatch("exe-4")
    redis_server.start()
    assert dispatcher.dispatch("exe-5")


def test_a_refused_or_silent_broker(refused_port: int, silent_server: SilentServer) -> None:
    """False within a second and a bit."""
    for url in (f"redis://127.0.0.1:{refused_port}/0", silent_server.url()):
        made, started = CeleryDispatcher(url), time.monotonic()
        assert not made.dispatch("exe-1")
        assert time.monotonic() - started < 1.5
        made.close()
