"""The sample application with a schedule for beat, as people write one."""

import os
from datetime import timedelta

from celery.schedules import crontab

from tests.services.sample_app import make_app

SCHEDULE = {
    "clean-up": {"task": "mail.clean", "schedule": 60.0, "options": {"queue": "analytics"}},
    "nightly": {"task": "reports.build", "schedule": crontab(hour="3", minute="30")},
    "weekly": {"task": "reports.weekly", "schedule": timedelta(days=7), "options": {"queue": "booking"}},
    "heartbeat": {"task": "sample.add", "schedule": timedelta(minutes=5), "args": (1, 2)},
}

app = make_app(os.environ) if "SAMPLE_BROKER_URL" in os.environ else None
if app is not None:
    app.conf.beat_schedule = SCHEDULE
    app.conf.task_routes = ({"reports.weekly": "reports"}, {"reports.*": {"queue": "analytics"}})
