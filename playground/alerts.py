"""Alerts to fire in the playground, as Alertmanager's default template and as the operations runbook write them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Payload = dict[str, Any]
RED, GREEN = "a30200", "2eb886"


@dataclass(frozen=True)
class FireableAlert:
    """One entry of the page's "Fire alert" menu."""

    label: str
    payload: Callable[[], Payload]


def alertmanager(group: str, others: str, *, resolved: bool = False) -> Payload:
    """Return a notification of Alertmanager's default Slack template: label values alone, all in one title.

    `group` are the values of the group labels, `others` those that all alerts of the group share beside them.
    """
    title = f"[{'RESOLVED' if resolved else 'FIRING:1'}] {group} ({others})"
    link = "http://alertmanager.example.internal:9093/#/alerts?receiver=slack-default"
    attachment = {
        "title": title,
        "title_link": link,
        "fallback": f"{title} | {link}",
        "color": GREEN if resolved else RED,
        "mrkdwn_in": ["fallback", "pretext", "text"],
    }
    return {"username": "Alertmanager", "attachments": [attachment]}


def plain(text: str) -> Payload:
    """Return a plain message of a monitoring script."""
    return {"username": "Alertmanager", "text": text}


ALERTS: dict[str, FireableAlert] = {
    "queue-depth": FireableAlert(
        "Queue depth of ai_generation",
        lambda: alertmanager("CeleryQueueDepthHigh ai_generation", "sample critical"),
    ),
    "queue-depth-resolved": FireableAlert(
        "… and its resolve",
        lambda: alertmanager("CeleryQueueDepthHigh ai_generation", "sample critical", resolved=True),
    ),
    "image-queue": FireableAlert(
        "Queue depth of image_processing",
        lambda: alertmanager("CeleryQueueDepthHigh image_processing", "sample warning"),
    ),
    "tasks-stuck": FireableAlert(
        "Tasks of analytics are stuck",
        lambda: alertmanager("CeleryTasksStuck analytics", "sample critical"),
    ),
    "tasks-stuck-resolved": FireableAlert(
        "… and its resolve",
        lambda: alertmanager("CeleryTasksStuck analytics", "sample critical", resolved=True),
    ),
    "task-failures": FireableAlert(
        "notifications.send fails",
        # As celery-exporter's rule names it: the values of job, name, namespace, queue_name and severity.
        lambda: alertmanager(
            "CeleryTaskHighFailRate", "sample celery-exporter notifications.send shop notifications warning"
        ),
    ),
    "task-failures-resolved": FireableAlert(
        "… and its resolve",
        lambda: alertmanager(
            "CeleryTaskHighFailRate",
            "sample celery-exporter notifications.send shop notifications warning",
            resolved=True,
        ),
    ),
    "plain-text": FireableAlert(
        "Plain text of the operations runbook", lambda: plain("Critical Alert: Queue Depth > 1000")
    ),
    "no-runbook": FireableAlert("An alert that no runbook fits", lambda: plain("Critical Alert: Worker Memory > 3GB")),
    "hostile": FireableAlert(
        "A label that tries to ping everybody",
        lambda: alertmanager("CeleryQueueDepthHigh <!channel>", "sample *bold* `code` &lt;b&gt; <@U0BEN> critical"),
    ),
}


FIRED_BY = {"stuck tasks": "tasks-stuck", "failing task": "task-failures"}
"""Which alert a breakage of the sample cluster sets off by itself."""
