"""The ops Celery app, in a keyspace of its own: a user's undirected `control shutdown` must not reach it.

Started by `celery-oncall worker` and `celery-oncall beat`, never by `celery -A tasks`: beside a user's `tasks.py` that
would load theirs.
"""

import os
from typing import Any

from celery import Celery
from celery.signals import setup_logging, worker_process_init, worker_process_shutdown

from bot import bootstrap
from bot.adapters.celery.connection import CLIENT_NAME
from bot.adapters.celery.dispatcher import KEY_PREFIX, QUEUE
from bot.ports import Ports
from bot.settings import load_settings
from bot.usecases.executions import execute as execute_use_case
from bot.usecases.sweep import sweep as sweep_use_case

SWEEP_SECONDS = 10.0

settings = load_settings(os.environ)
app = Celery("oncall", broker=settings.ops_broker_url)
app.conf.update(
    accept_content=["json"],
    task_serializer="json",
    result_backend=None,
    task_ignore_result=True,
    task_default_queue=QUEUE,
    task_acks_late=False,
    worker_prefetch_multiplier=1,
    broker_connection_retry_on_startup=True,
    broker_use_ssl=dict(settings.ops_broker_tls) or None,
    broker_transport_options={
        "global_keyprefix": KEY_PREFIX,
        "socket_timeout": 5,
        "socket_connect_timeout": 5,
        "client_name": CLIENT_NAME,  # on a shared server, `/celery disconnect` spares it by this
    },
    beat_schedule={
        "sweep": {"task": "tasks.sweep", "schedule": SWEEP_SECONDS, "options": {"expires": SWEEP_SECONDS}},
    },
    timezone="UTC",
)

_made: dict[str, Ports] = {}


def ports() -> Ports:
    """Return this process's ports, made after the fork: connections must not be shared with the parent."""
    if "ports" not in _made:
        _made["ports"] = bootstrap.make_ports(settings, "worker")
    return _made["ports"]


@worker_process_init.connect
def _after_fork(**_: Any) -> None:
    ports()


@worker_process_shutdown.connect
def _before_exit(**_: Any) -> None:
    if "ports" in _made:
        bootstrap.close_ports(_made.pop("ports"))


@setup_logging.connect
def _logs(**_: Any) -> None:
    """Log as the bot does, in place of Celery's own set-up, which connecting here switches off."""
    bootstrap.set_up_logs(settings)


@app.task(name="tasks.execute")
def execute(execution_id: str) -> None:
    """Run one approved execution; a claim in the database sees to it that it runs once."""
    execute_use_case(ports(), execution_id)


@app.task(name="tasks.sweep")
def sweep() -> None:
    """Do what time has made due; a lease sees to it that one process does."""
    sweep_use_case(ports())
