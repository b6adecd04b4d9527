"""What is kept of failed tasks, read for people and made into messages to be sent again.

The worker plugin keeps the message as it came. The result backend keeps, with `result_extended`, name, arguments, queue
and retries (celery's `backends/base.py`, `_get_result_meta`); a message is built of those as celery's `app/amqp.py`
(`as_task_v2`) and kombu's `transport/virtual/base.py` would.
"""

import base64
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from bot.adapters.celery.answers import moment
from bot.adapters.celery.messages import is_linked
from bot.adapters.celery.topology import Topology
from bot.domain.broker import PUBLISHED_AT
from bot.domain.requeue import FailedTask, Source

REQUEUE_OF = "oncall_requeue_of"
"""The header of a message that was sent again: the id that the task had when it failed."""

LONGEST_SAMPLE = 2000

Document = Mapping[str, Any]


def recorded(record: Document, topology: Topology, now: datetime) -> FailedTask | None:
    """Return what the plugin kept of a failed task; None when it is none of its records."""
    message, old, task = record.get("message"), record.get("id"), record.get("task")
    failed_at = record.get("failed_at")
    if not isinstance(message, dict) or not isinstance(old, str) or not isinstance(task, str):
        return None
    if not isinstance(failed_at, int | float):
        return None
    headers = _part(message, "headers")
    delivery = _part(_part(message, "properties"), "delivery_info")
    queue = record.get("queue") or topology.queue_of(
        str(delivery.get("exchange") or ""), str(delivery.get("routing_key") or "")
    )
    expires = moment(headers.get("expires"))
    linked = bool(headers.get("group")) or is_linked(message)
    return FailedTask(
        id=old,
        task=task,
        queue=queue if isinstance(queue, str) else None,
        failed_at=datetime.fromtimestamp(failed_at, UTC),
        exception=str(record.get("exception") or "(unknown exception)"),
        error=str(record.get("error") or ""),
        retries=record.get("retries") if isinstance(record.get("retries"), int) else None,
        linked=linked,
        called_by=_said(headers.get("parent_id")),
        unfit=_unfit(headers, expires, now),
        arguments=f"{headers.get('argsrepr') or ''} {headers.get('kwargsrepr') or ''}".strip()[:LONGEST_SAMPLE],
        source=Source.PLUGIN,
    )


def _unfit(headers: Document, expires: datetime | None, now: datetime) -> str | None:
    if not headers.get("task"):
        return "in Celery's old message format"
    if expires is not None and expires <= now:
        return "expired meanwhile"
    return None


def stored(id: str, meta: Document, topology: Topology) -> FailedTask | None:
    """Return what the result backend kept of a failed task; None when it did not fail, or keeps no name."""
    done, task = moment(meta.get("date_done")), meta.get("name")
    if meta.get("status") != "FAILURE" or not isinstance(task, str) or done is None:
        return None
    result = _part(meta, "result")
    args, kwargs, key = meta.get("args"), meta.get("kwargs"), meta.get("queue")
    whole = isinstance(args, list) and isinstance(kwargs, dict)
    message = result.get("exc_message")
    return FailedTask(
        id=id,
        task=task,
        queue=_queue(key, topology) if isinstance(key, str) else None,
        failed_at=done,
        exception=str(result.get("exc_type") or "(unknown exception)"),
        error=" ".join(map(str, message)) if isinstance(message, list) else str(message or ""),
        retries=meta.get("retries") if isinstance(meta.get("retries"), int) else None,
        linked=bool(meta.get("group_id")),
        called_by=_said(meta.get("parent_id")),
        unfit=None if whole else "of which the result holds no whole arguments",
        arguments=f"{json.dumps(args)} {json.dumps(kwargs)}"[:LONGEST_SAMPLE],
        source=Source.RESULTS,
    )


def _queue(routing_key: str, topology: Topology) -> str | None:
    """Return the queue of a routing key. Celery names both alike; one that differs is found in no binding by itself."""
    return routing_key if routing_key in topology.names else None


def from_record(record: Document, new: str, queue: str, now: datetime) -> tuple[int, dict[str, Any]]:
    """Return priority and message that send a recorded task again, as it came, but for what makes it a new one."""
    was = record["message"]
    headers, properties = dict(was["headers"]), dict(_part(was, "properties"))
    old, eta = headers.get("id"), moment(headers.get("eta"))
    headers |= {
        "id": new,
        "retries": 0,
        "root_id": new if headers.get("root_id") in (None, old) else headers["root_id"],
        "eta": headers.get("eta") if eta is not None and eta > now else None,
        REQUEUE_OF: old,
        PUBLISHED_AT: now.timestamp(),
    }
    headers.pop("redelivered", None)
    priority = _priority(properties.get("priority"))
    _address(properties, new, queue, priority)
    return priority, {**was, "headers": headers, "properties": properties}


def from_result(id: str, meta: Document, new: str, queue: str, now: datetime) -> tuple[int, dict[str, Any]]:
    """Return priority and message that send a task again of which only the result is kept."""
    args, kwargs = meta["args"], meta["kwargs"]
    body = [args, kwargs, {"callbacks": None, "errbacks": None, "chain": None, "chord": None}]
    headers = {
        "lang": "py",
        "task": meta["name"],
        "id": new,
        "shadow": None,
        "eta": None,
        "expires": None,
        "group": None,
        "group_index": None,
        "retries": 0,
        "timelimit": [None, None],
        "root_id": new,
        "parent_id": meta.get("parent_id"),
        "argsrepr": repr(tuple(args))[:1024],
        "kwargsrepr": repr(kwargs)[:1024],
        "origin": "celery-oncall",
        "ignore_result": False,
        "replaced_task_nesting": 0,
        "stamped_headers": None,
        "stamps": {},
        REQUEUE_OF: id,
        PUBLISHED_AT: now.timestamp(),
    }
    properties: dict[str, Any] = {"reply_to": "", "delivery_mode": 2, "body_encoding": "base64"}
    _address(properties, new, queue, 0)
    message = {
        "body": base64.b64encode(json.dumps(body).encode()).decode(),
        "content-encoding": "utf-8",
        "content-type": "application/json",
        "headers": headers,
        "properties": properties,
    }
    return 0, message


def _address(properties: dict[str, Any], new: str, queue: str, priority: int) -> None:
    """Send it to this queue alone: by the nameless exchange, which knows no other binding, also when kombu restores it.

    A tag need but be unlike all others, as the id is, which is sent once. A retry keeps to the address, too (celery's
    `app/task.py`, `signature_from_request`).
    """
    properties |= {
        "correlation_id": new,
        "delivery_tag": new,
        "priority": priority,
        "delivery_info": {"exchange": "", "routing_key": queue},
    }


def _priority(value: object) -> int:
    """Return a message's priority as kombu's Redis transport reads it: 0 to 9, 0 where there is none."""
    return max(0, min(9, int(value))) if isinstance(value, int | float) else 0


def _part(of: Document, key: str) -> Document:
    found = of.get(key)
    return found if isinstance(found, dict) else {}  # as JSON is read


def _said(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
