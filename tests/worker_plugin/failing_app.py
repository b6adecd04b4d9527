"""The sample application with tasks that fail in each way there is; configured like it, by SAMPLE_* variables."""

import os
import signal
import time
from collections.abc import Mapping
from typing import Any

import redis
from celery import Celery
from celery.exceptions import Ignore, Reject

from tests.services.sample_app import make_app as make_sample_app

SEEN = "seen"
"""The list of what `fail.once` was called with."""


def make_app(env: Mapping[str, str]) -> Celery:
    """The application as these variables say."""
    app = make_sample_app(env)
    _add_tasks(app, redis.Redis.from_url(env["SAMPLE_BROKER_URL"]))
    return app


def _add_tasks(app: Celery, client: "redis.Redis") -> None:
    @app.task(shared=False, name="fail.once")
    def once(*args: Any, **kwargs: Any) -> None:
        """Fail the first time, and be well after that."""
        client.rpush(SEEN, repr((args, kwargs)))
        if client.incr("runs") == 1:
            raise LookupError("no such card")

    @app.task(shared=False, name="fail.retry", bind=True, max_retries=2)
    def retry(self: Any) -> None:
        raise self.retry(countdown=0, exc=ValueError("third time"))

    @app.task(shared=False, name="fail.killed")
    def killed() -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    @app.task(shared=False, name="fail.slow", time_limit=1)
    def slow() -> None:
        time.sleep(30)

    @app.task(shared=False, name="fail.late", acks_late=True, reject_on_worker_lost=True)
    def late() -> None:
        """Kill the child the first time, so that the task goes back into its queue."""
        if client.incr("lates") == 1:
            os.kill(os.getpid(), signal.SIGKILL)

    @app.task(shared=False, name="fail.ignore")
    def ignore() -> None:
        raise Ignore

    @app.task(shared=False, name="fail.reject")
    def reject() -> None:
        raise Reject("not mine", requeue=False)

    @app.task(shared=False, name="fail.wordless")
    def wordless() -> None:
        raise WordlessError

    @app.task(shared=False, name="fail.told")
    def told(*args: Any) -> None:
        """An errback."""
        client.incr("told")


class WordlessError(Exception):
    """An error that cannot be shown."""

    def __str__(self) -> str:
        raise RuntimeError("nothing to say")


app = make_app(os.environ) if "SAMPLE_BROKER_URL" in os.environ else None
