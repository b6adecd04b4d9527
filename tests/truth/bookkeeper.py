"""A Celery application whose tasks keep books of their own, in another database than the broker's.

BOOKS_URL (required beside what `tests.services.sample_app` reads) is where; the books of each prefix are apart.
"""

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import redis
from celery import Celery, Task

from bot.domain.broker import PUBLISHED_AT
from tests.services.sample_app import make_app as make_sample_app

WORK, FAIL, RETRY, TICK = "shop.work", "shop.fail", "shop.retry", "shop.tick"

_CAUSES = {"ValueError": ValueError, "KeyError": KeyError, "TypeError": TypeError}


@dataclass(frozen=True)
class Books:
    """What the tasks of one cluster wrote down of themselves."""

    client: "redis.Redis"
    prefix: str

    def note(self, what: str, name: str, value: float = 1) -> None:
        """Write one thing down: "begun", "done", "failed KeyError", "retried", of a task of that name."""
        self.client.rpush(f"books:{self.prefix}:{what}:{name}", value)

    def of(self, what: str, name: str) -> list[float]:
        """Return what was written down."""
        return [float(raw) for raw in self.client.lrange(f"books:{self.prefix}:{what}:{name}", 0, -1)]

    def n(self, what: str, name: str) -> int:
        """Return how often it was written down."""
        return int(self.client.llen(f"books:{self.prefix}:{what}:{name}"))


def make_app(env: Mapping[str, str]) -> Celery:
    """The application as these variables say."""
    app = make_sample_app(env)
    app.conf.worker_prefetch_multiplier = int(env.get("SAMPLE_PREFETCH", "4"))
    app.conf.task_send_sent_event = env.get("SAMPLE_SENT_EVENTS") == "1"
    books = Books(redis.Redis.from_url(env["BOOKS_URL"]), env.get("SAMPLE_PREFIX", ""))  # connects on first use

    @app.task(name=WORK, bind=True)
    def work(self: "Task[[float], None]", seconds: float) -> None:
        began = time.monotonic()
        _began(books, self)
        time.sleep(seconds)
        books.note("done", WORK, time.monotonic() - began)

    @app.task(name=TICK, bind=True)
    def tick(self: "Task[[], None]") -> None:
        _began(books, self)
        books.note("done", TICK)

    @app.task(name=FAIL, bind=True)
    def fail(self: "Task[[str], None]", cause: str) -> None:
        _began(books, self)
        books.note(f"failed {cause}", FAIL)
        raise _CAUSES[cause]("on purpose")

    @app.task(name=RETRY, bind=True)
    def retry(self: "Task[[int], None]", times: int) -> None:
        _began(books, self)
        if self.request.retries < times:
            books.note("retried", RETRY)
            raise self.retry(countdown=0.2, max_retries=times)
        books.note("done", RETRY)

    return app


def _began(books: Books, task: "Task[Any, Any]") -> None:
    name = str(task.name)
    books.note("begun", name)
    sent = task.request.get(PUBLISHED_AT)
    if sent is not None and not task.request.retries:
        books.note("waited", name, time.time() - float(sent))


# Celery finds this name when a worker starts with `-A tests.truth.bookkeeper`; tests import the module without it.
app = make_app(os.environ) if "BOOKS_URL" in os.environ else None
