"""Events like Celery's, for the benchmarks: what 100 workers send while 30 kinds of task run to their end."""

import base64
import json
import time
import uuid
from collections.abc import Iterator
from typing import Any

WORKERS, NAMES = 100, 30


def task_events(first: int, tasks: int) -> Iterator[dict[str, Any]]:
    """Return three events for each task, with the fields that Celery 5.7's worker sends."""
    for n in range(first, first + tasks):
        id_, now = str(uuid.UUID(int=n + (1 << 100), version=4)), time.time()
        common = {"hostname": f"w{n % WORKERS}@host", "utcoffset": 0.0, "pid": 786, "clock": n, "uuid": id_}
        more = {"args": "(1, 0)", "kwargs": "{}", "root_id": id_, "parent_id": None, "retries": 0}
        yield common | more | {
            "name": f"shop.task{n % NAMES}", "eta": None, "expires": None, "timestamp": now, "type": "task-received",
        }  # fmt: skip
        yield common | {"timestamp": now, "type": "task-started"}
        yield common | {"result": "1", "runtime": (n % 97) / 50, "timestamp": now, "type": "task-succeeded"}


def messages(tasks: int, batch: int) -> Iterator[bytes]:
    """Return them as kombu publishes them on Redis, so many events of one worker in each; shorter ones come last."""
    waiting: dict[str, list[dict[str, Any]]] = {}
    for event in task_events(0, tasks):
        buffer = waiting.setdefault(event["hostname"], [])
        buffer.append(event)
        if len(buffer) == batch:
            yield _message(buffer)
            waiting[event["hostname"]] = []
    yield from (_message(buffer) for buffer in waiting.values() if buffer)


def _message(events: list[dict[str, Any]]) -> bytes:
    properties = {
        "delivery_mode": 1,
        "delivery_info": {"exchange": "celeryev", "routing_key": "task.multi"},
        "priority": 0,
        "body_encoding": "base64",
        "delivery_tag": str(uuid.uuid4()),
    }
    message = {
        "body": base64.b64encode(json.dumps(events).encode()).decode(),
        "content-encoding": "utf-8",
        "content-type": "application/json",
        "headers": {"hostname": events[0]["hostname"]},
        "properties": properties,
    }
    return json.dumps(message).encode()
