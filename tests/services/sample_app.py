"""A small Celery application for tests with real workers; configured by SAMPLE_* environment variables, JSON only.

SAMPLE_BROKER_URL (required), SAMPLE_RESULT_URL (default: the broker), SAMPLE_PREFIX (global_keyprefix), SAMPLE_STEPS
(priority steps, "0,3,6,9"), SAMPLE_SEP (separator of the priority lanes), SAMPLE_ACKS_LATE ("1" acknowledges after the
task instead of before it), SAMPLE_SOFT_STOP (seconds that a cold stop waits), SAMPLE_EVENTS (serializer of events),
SAMPLE_EXTENDED ("1": results keep arguments), SAMPLE_RATE (the rate limit of `sample.count`), SAMPLE_UNLIMITED ("1": no
rate limit is heeded), SAMPLE_RESTARTS ("1": pools may be restarted), SAMPLE_TIME_LIMIT (the hard one of
`sample.sleep`).
Worker processes and tests import the same module; tests build their own with `make_app`.
"""

import os
import time
from collections.abc import Mapping
from typing import Any

import redis
from celery import Celery, Task

EXECUTIONS = "executions:"


def make_app(env: Mapping[str, str]) -> Celery:
    """The application as these variables say."""
    broker = env["SAMPLE_BROKER_URL"]
    result = env.get("SAMPLE_RESULT_URL", broker)
    # The default app belongs to the worker process alone; a test may hold several.
    app = Celery("sample", broker=broker, backend=result, set_as_current=False)
    app.conf.update(
        task_serializer="json",
        result_serializer="json",
        accept_content=["json"],
        broker_transport_options=_transport_options(env),
        broker_connection_retry_on_startup=True,
        task_acks_late=env.get("SAMPLE_ACKS_LATE") == "1",
        worker_soft_shutdown_timeout=float(env.get("SAMPLE_SOFT_STOP", "0")),
        event_serializer=env.get("SAMPLE_EVENTS", "json"),
        worker_hijack_root_logger=True,
        result_extended=env.get("SAMPLE_EXTENDED") == "1",
        worker_disable_rate_limits=env.get("SAMPLE_UNLIMITED") == "1",
        worker_pool_restarts=env.get("SAMPLE_RESTARTS") == "1",
    )
    _add_tasks(app, result)
    if rate := env.get("SAMPLE_RATE"):
        app.tasks["sample.count"].rate_limit = rate
    if limit := env.get("SAMPLE_TIME_LIMIT"):
        app.tasks["sample.sleep"].time_limit = int(limit)
    return app


def _transport_options(env: Mapping[str, str]) -> dict[str, Any]:
    options: dict[str, Any] = {"socket_timeout": 5, "socket_connect_timeout": 5}
    if steps := env.get("SAMPLE_STEPS"):
        options["priority_steps"] = [int(step) for step in steps.split(",")]
    if sep := env.get("SAMPLE_SEP"):
        options["sep"] = sep
    if prefix := env.get("SAMPLE_PREFIX"):
        options["global_keyprefix"] = prefix
    return options


def _add_tasks(app: Celery, result_url: str) -> None:
    counter = redis.Redis.from_url(result_url)  # connects on first use
    patient = redis.Redis.from_url(result_url, socket_timeout=None)  # waits for as long as it is told to

    @app.task(name="sample.add")
    def add(x: int, y: int) -> int:
        return x + y

    @app.task(name="sample.sleep")
    def sleep(seconds: float) -> float:
        time.sleep(seconds)
        return seconds

    @app.task(name="sample.wait")
    def wait(key: str) -> None:
        """Run until something is pushed to this list, for two minutes at most."""
        _wait(counter, key)

    @app.task(name="sample.hold", bind=True)
    def hold(self: "Task[[str], None]", key: str) -> None:
        """Count as `sample.count` does, and run until something is pushed to this list."""
        counter.incr(f"{EXECUTIONS}{self.request.id}")
        patient.blpop([key], timeout=60)

    @app.task(name="sample.fail")
    def fail(message: str = "on purpose") -> None:
        raise ValueError(message)

    @app.task(name="sample.again", bind=True, max_retries=None)
    def again(self: "Task[[str], None]", key: str) -> None:
        """Count as `sample.count` does, run until something is pushed to this list, and ask for a retry at once."""
        counter.incr(f"{EXECUTIONS}{self.request.id}")
        _wait(counter, key)
        raise self.retry(countdown=0)

    @app.task(name="sample.also", bind=True)
    def also(self: "Task[[], int]") -> int:
        """Count, as `sample.count` does, under another name."""
        return int(counter.incr(f"{EXECUTIONS}{self.request.id}"))

    @app.task(name="sample.send")
    def send(task: str, queue: str, *args: Any) -> None:
        """Send another task."""
        app.tasks[task].apply_async(args, queue=queue)

    @app.task(name="sample.count", bind=True)
    def count(self: "Task[[], int]") -> int:
        """How often the task of this id has run, this time included; `executions` reads all of them."""
        return int(counter.incr(f"{EXECUTIONS}{self.request.id}"))


def _wait(client: "redis.Redis", key: str) -> None:
    """Wait for something in this list; redis-py itself waits for 5 s at most."""
    until = time.monotonic() + 120
    while time.monotonic() < until and not client.blpop([key], timeout=1):
        pass


def executions(client: "redis.Redis") -> dict[str, int]:
    """How often each `sample.count` task has run, by task id; `client` is of the result database."""
    keys = [key.decode() for key in client.scan_iter(f"{EXECUTIONS}*", count=1000)]
    values = client.mget(keys) if keys else []
    return {key.removeprefix(EXECUTIONS): int(value or 0) for key, value in zip(keys, values, strict=True)}


# Celery finds this name when a worker starts with `-A tests.services.sample_app`; tests import the module without it.
app = make_app(os.environ) if "SAMPLE_BROKER_URL" in os.environ else None
