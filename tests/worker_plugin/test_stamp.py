"""Messages say when they were published."""

import json
from collections.abc import Iterator
from typing import Any

import celery_oncall_worker as plugin
import pytest
from celery import Celery

from bot.domain.broker import PUBLISHED_AT
from playground.services import RedisServer
from tests.usecases.revoking import wait
from tests.worker_plugin.conftest import StartPlugged
from tests.worker_plugin.failing_app import make_app

QUEUE = "analytics"
OLD: dict[str, Any] = {PUBLISHED_AT: 5.0}


@pytest.fixture
def app(redis_server: RedisServer) -> Iterator[Celery]:
    """The application that sends."""
    app = make_app({"SAMPLE_BROKER_URL": redis_server.url()})
    yield app
    app.close()


def test_a_message_is_stamped_when_it_is_published(redis_server: RedisServer, app: Celery, stamping: None) -> None:
    """In seconds since 1970, under the name that the bot reads; a stamp that is there is kept."""
    assert plugin.PUBLISHED_AT == PUBLISHED_AT
    client = redis_server.client()
    (before, _) = client.time()
    app.tasks["sample.add"].apply_async((1, 2), queue=QUEUE)
    app.tasks["sample.add"].apply_async((1, 2), queue=QUEUE, headers=OLD)
    second, first = (json.loads(raw)["headers"][PUBLISHED_AT] for raw in client.lrange(QUEUE, 0, -1))
    assert before <= first <= client.time()[0] + 1
    assert second == 5.0


def test_a_retry_is_published_anew(redis_server: RedisServer, plugged: StartPlugged, app: Celery) -> None:
    """Celery copies the headers of a task that it tries again; the age of the retry is its own."""
    plugged(queues=[QUEUE])
    task = app.tasks["fail.retry"].apply_async(queue=QUEUE, headers=OLD)
    client = redis_server.client()
    wait(lambda: client.hexists("oncall.failed", task.id))
    message = json.loads(client.hget("oncall.failed", task.id) or "")["message"]
    assert message["headers"]["retries"] == 2
    assert message["headers"][PUBLISHED_AT] > 1e9
