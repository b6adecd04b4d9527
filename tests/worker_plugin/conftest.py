"""Workers that have loaded the plugin as people load it: by `-I`, from its own folder."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import celery_oncall_worker as plugin
import pytest
from celery import signals

from playground.celery_worker import CeleryWorker
from playground.services import RedisServer
from tests.services.workers import StartWorker
from tests.worker_plugin import failing_app

REPOSITORY = Path(__file__).parents[2]
PLUGIN = ("-I", "celery_oncall_worker")
PYTHONPATH = f"{REPOSITORY}:{REPOSITORY / 'worker_plugin'}"

# It is imported where all tests run, and others are about messages without a stamp.
signals.before_task_publish.disconnect(plugin.stamp)

StartPlugged = Callable[..., CeleryWorker]


@pytest.fixture
def plugged(celery_worker: StartWorker, redis_server: RedisServer) -> StartPlugged:
    """A function that starts a worker of the failing application, with the plugin; it takes what StartWorker does."""

    def start(**options: Any) -> CeleryWorker:
        env = {"PYTHONPATH": PYTHONPATH, **options.pop("env", {})}
        url = options.pop("broker", redis_server.url())
        control = failing_app.make_app({"SAMPLE_BROKER_URL": url, **env})
        extra = (*PLUGIN, *options.pop("extra", ()))
        options = {"app": "tests.worker_plugin.failing_app", "control": control, **options}
        try:
            return celery_worker(url, extra=extra, env=env, **options)
        finally:
            control.close()

    return start


@pytest.fixture
def stamping() -> Iterator[None]:
    """Publish as a process does that has imported the plugin."""
    signals.before_task_publish.connect(plugin.stamp)
    yield
    signals.before_task_publish.disconnect(plugin.stamp)
