"""Hands approved executions to the ops worker, through the bot's own broker."""

from collections.abc import Mapping

import structlog
from celery import Celery

from bot.adapters.bounded import Bounded

TASK = "tasks.execute"
QUEUE = "oncall"
KEY_PREFIX = "oncall:"
"""The ops app's own keyspace, even on the watched server: a user's undirected `control shutdown` must not reach it."""

DISPATCH_SECONDS = 1.0

_log = structlog.get_logger(__name__)


class CeleryDispatcher:
    """Publishes by task name, so that the bot need not import the tasks. Safe to use from many threads."""

    def __init__(self, ops_broker_url: str, tls: Mapping[str, str] | None = None) -> None:
        """Do no I/O; `tls` holds Celery's `broker_use_ssl` options."""
        self._app = Celery("oncall-dispatcher", broker=ops_broker_url, set_as_current=False)
        self._app.conf.update(
            accept_content=["json"],
            task_serializer="json",
            broker_connection_retry=False,
            broker_connection_timeout=DISPATCH_SECONDS,
            task_publish_retry=False,
            task_ignore_result=True,
            broker_use_ssl=dict(tls) if tls else None,
        )
        if ops_broker_url.startswith(("redis:", "rediss:")):
            self._app.conf.broker_transport_options = {
                "global_keyprefix": KEY_PREFIX,
                "socket_timeout": DISPATCH_SECONDS,
                "socket_connect_timeout": DISPATCH_SECONDS,
                "client_name": "celery-oncall",
            }
        self._bounded = Bounded(limit=8)

    def dispatch(self, execution_id: str) -> bool:
        """Publish it, once; returns False when the ops broker did not take it within a second.

        It may still arrive after a False; the claim on the execution sees to it that it runs once.
        """
        try:
            self._bounded.run(lambda: self._publish(execution_id), DISPATCH_SECONDS)
        except Exception as error:  # noqa: BLE001 - each transport raises its own; all mean that it was not taken
            _log.warning("ops_broker_refused", execution=execution_id, error=repr(error))
            return False
        return True

    def close(self) -> None:
        """Close every connection."""
        self._app.close()

    def _publish(self, execution_id: str) -> None:
        self._app.send_task(TASK, args=[execution_id], queue=QUEUE, retry=False, ignore_result=True)
