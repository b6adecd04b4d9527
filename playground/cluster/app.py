"""The watched application: an ordinary Celery app with the queues and kinds of task of the operations runbook.

Variables: SAMPLE_BROKER_URL and SAMPLE_RESULT_URL (default: the broker); SAMPLE_SECONDS changes how long tasks take, as
in `ai_generation=0.2,analytics=2-4` (queue = seconds, or a range of seconds); SAMPLE_FOLDER holds its books. Tasks are
acknowledged early and task events are off, which are Celery's defaults. Most publishers give no priority, so almost
everything waits in the first lane (`traffic.py` uses the others for some).
"""

import os

from celery import Celery

QUEUES = ("booking", "voice_synthesis", "notifications", "ai_generation", "image_processing", "analytics", "default")
"""Every queue of the application, the most important first."""

PRIORITY_STEPS = (0, 3, 6, 9)
"""The lanes of each queue on Redis; 0 is the most urgent."""

BROKER_URL = os.environ.get("SAMPLE_BROKER_URL", "redis://127.0.0.1:6379/0")

app = Celery(
    "shop",
    broker=BROKER_URL,
    backend=os.environ.get("SAMPLE_RESULT_URL", BROKER_URL),
    include=["playground.cluster.tasks"],
)
app.conf.update(
    task_serializer="json",
    result_serializer="json",
    accept_content=["json"],
    task_default_queue="default",
    task_routes={
        "booking.*": {"queue": "booking"},
        "voice.*": {"queue": "voice_synthesis"},
        "notifications.*": {"queue": "notifications"},
        "stories.*": {"queue": "ai_generation"},
        "images.*": {"queue": "image_processing"},
        "analytics.*": {"queue": "analytics"},
    },
    result_extended=True,  # name and arguments of what failed, so that it can be sent again
    result_expires=3600,  # long enough for an incident, and a playground that runs all day stays small
    broker_connection_retry_on_startup=True,
    worker_pool_restarts=True,  # without it no time limit can be changed while a worker runs
    broker_transport_options={"priority_steps": list(PRIORITY_STEPS)},
    beat_schedule={
        "clean-expired-sessions": {"task": "maintenance.clean_expired_sessions", "schedule": 10.0},
        "refresh-exchange-rates": {"task": "maintenance.refresh_exchange_rates", "schedule": 15.0},
    },
)
