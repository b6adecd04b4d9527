"""Alertmanager's default form and what people make of it; Grafana's, which has the same titles."""

import pytest

from bot.domain.alert import Alert, AlertStatus
from bot.slack.alerts import parse
from tests.slack.alerts.messages import CHANNEL, LINK, Json, posted, titled


def alert_of(message: Json) -> Alert:
    """Return the alert, which must be one."""
    alert = parse(message, CHANNEL)
    assert alert is not None
    return alert


def key_of(title: str, **attachment: object) -> str:
    """Return what groups an alert of that title."""
    return alert_of(titled(title, **attachment)).key


def test_default_form_has_values_without_names() -> None:
    """Everything stands in the title: no label names, no fingerprint."""
    alert = alert_of(titled("[FIRING:1] CeleryHighQueueLength (prod-eu celery-exporter shop default warning)"))
    assert alert.status is AlertStatus.FIRING
    assert alert.name == "CeleryHighQueueLength"
    assert alert.values == ("CeleryHighQueueLength", "prod-eu", "celery-exporter", "shop", "default", "warning")
    assert alert.labels == {}
    assert alert.severity == "warning"
    assert alert.link == LINK
    assert (alert.channel, alert.ts, alert.sender) == (CHANNEL, "1795354585.072638", "B0ALERT")


def test_growing_group_stays_the_same_alert() -> None:
    """Common values shrink when another queue joins; the group's own values do not."""
    one = key_of("[FIRING:1] CeleryHighQueueLength (prod-eu shop default warning)")
    three = key_of("[FIRING:3] CeleryHighQueueLength (prod-eu shop warning)")
    many = key_of("[FIRING:41] CeleryHighQueueLength")
    over = key_of("[RESOLVED] CeleryHighQueueLength (prod-eu shop default warning)")
    assert one == three == many == over


def test_other_groups_receivers_senders_and_channels_are_other_alerts() -> None:
    """A resolve must never end another alert's incident."""
    title = "[FIRING:1] DiskFull (worker-1 warning)"
    keys = {
        key_of(title),
        key_of("[FIRING:1] HighCPU (worker-1 warning)"),
        key_of(title, title_link=LINK + "2"),
        alert_of(titled(title) | {"bot_id": "B0OTHER"}).key,
    }
    other_channel = parse(titled(title), "C0OTHER")
    assert other_channel is not None
    assert len({*keys, other_channel.key}) == 5


@pytest.mark.parametrize(
    ("title", "status"),
    [
        ("[FIRING:2] CeleryWorkerDown (prod-eu critical)", AlertStatus.FIRING),
        ("[RESOLVED] CeleryWorkerDown (prod-eu critical)", AlertStatus.RESOLVED),
        ("[RESOLVED:2] CeleryWorkerDown (prod-eu critical)", AlertStatus.RESOLVED),
        ("[FIRING:1, RESOLVED:1] CeleryWorkerDown (prod-eu critical)", AlertStatus.FIRING),
        ("[RESOLVED:1, FIRING:1] CeleryWorkerDown (prod-eu critical)", AlertStatus.FIRING),
        ("FIRING(1) CeleryWorkerDown in prod-eu", AlertStatus.FIRING),
        ("RESOLVED CeleryWorkerDown in prod-eu", AlertStatus.RESOLVED),
    ],
)
def test_status_is_in_the_title(title: str, status: AlertStatus) -> None:
    """While anything of the group fires, it fires, whatever the colour says."""
    alert = alert_of(titled(title, color="2eb886"))
    assert alert.status is status
    assert alert.name == "CeleryWorkerDown"


def test_group_without_labels_is_known_by_its_common_values() -> None:
    """No alertname, two spaces, and two such alerts are not the same."""
    first = alert_of(titled("[FIRING:1]  (redis-broker critical)"))
    assert first.name == "redis-broker"
    assert first.key == key_of("[RESOLVED]  (redis-broker critical)")
    assert first.key != key_of("[FIRING:1]  (postgres critical)")


def test_name_that_is_a_sentence_stays_whole() -> None:
    """The runbook's own words as an alertname."""
    alert = alert_of(titled("[FIRING:1] Queue Depth > 1000 (ai_generation critical)"))
    assert alert.name == "Queue Depth > 1000"
    assert alert.limit == 1000
    assert "ai_generation" in alert.mentions()


def test_parentheses_in_values_do_not_confuse() -> None:
    """The last parenthesis that closes holds the other values."""
    alert = alert_of(titled("[FIRING:1] Lag (p99) (prod-eu f(x) warning)"))
    assert alert.values == ("Lag", "(p99)", "prod-eu", "f(x)", "warning")


def test_title_cut_at_1024_runes_keeps_its_group() -> None:
    """The value that was cut in half is no value."""
    cut = "[FIRING:1] HugeTitle (prod-eu " + "ö" * 980 + "…"
    alert = alert_of(titled(cut, fallback=""))
    assert alert.name == "HugeTitle"
    assert alert.values == ("HugeTitle", "prod-eu")
    assert alert.key == key_of("[RESOLVED] HugeTitle (prod-eu x)")


def test_entities_are_turned_back_and_text_stays_raw() -> None:
    """Views escape; an alert that was escaped twice would read as garbage."""
    alert = alert_of(titled("[FIRING:1] A&amp;B (&lt;!channel&gt; <!here> `x`)"))
    assert alert.name == "A&B"
    assert alert.values == ("A&B", "<!channel>", "<!here>", "`x`")


def test_custom_template_gives_labels_by_its_fields_and_values_by_its_fallback() -> None:
    """Title from a team's own template, fields by name, the default form in the fallback."""
    message = titled(
        "FIRING(1) CeleryBrokerMemoryHigh in prod-eu",
        fallback=f"[FIRING:1] CeleryBrokerMemoryHigh prod-eu redis (payments critical platform) | <{LINK}>",
        text="*Redis broker memory above 90%*\nused_memory 3.7GiB of 4GiB",
        fields=[
            {"title": "Severity", "value": "critical", "short": True},
            {"title": "Queue", "value": "payments", "short": True},
            {"title": "Service", "short": True},
        ],
    )
    alert = alert_of(message)
    assert alert.name == "CeleryBrokerMemoryHigh"
    assert alert.labels == {"severity": "critical", "queue": "payments"}
    assert {"prod-eu", "payments"} <= alert.mentions()
    assert alert.severity == "critical"
    assert alert.limit is None
    over = titled("RESOLVED CeleryBrokerMemoryHigh in prod-eu", fallback="[RESOLVED] CeleryBrokerMemoryHigh prod-eu")
    assert alert_of(over).key == alert.key


def test_pairs_in_a_field_are_labels() -> None:
    """A template made for machines."""
    message = titled(
        "[FIRING:3] CeleryHighQueueLength",
        fields=[{"title": "common", "value": "alertname=CeleryHighQueueLength cluster=prod-eu severity=warning "}],
    )
    assert alert_of(message).labels == {
        "alertname": "CeleryHighQueueLength",
        "cluster": "prod-eu",
        "severity": "warning",
    }


GRAFANA = """**Firing**

Value: A=12431, C=1
Labels:
 - alertname = CeleryQueueBacklog
 - cluster = prod-eu
 - queue_name = default
 - severity = warning
Annotations:
 - summary = Queue default holds 12431 tasks
Source: https://grafana.example.internal/view
"""


def test_grafana_gives_labels_in_its_text() -> None:
    """Same titles, and a list of labels below."""
    alert = alert_of(titled("[FIRING:1] CeleryQueueBacklog celery (prod-eu default warning)", text=GRAFANA))
    assert alert.name == "CeleryQueueBacklog"
    assert alert.labels == {
        "alertname": "CeleryQueueBacklog",
        "cluster": "prod-eu",
        "queue_name": "default",
        "severity": "warning",
    }


def test_grafana_group_keeps_only_what_all_share() -> None:
    """Two queues back up: neither is the one it is about."""
    both = GRAFANA + GRAFANA.replace("default", "emails")
    alert = alert_of(titled("[FIRING:2] CeleryQueueBacklog celery (prod-eu warning)", text=both))
    assert "queue_name" not in alert.labels
    assert alert.labels["cluster"] == "prod-eu"


def test_edit_in_place_that_resolves_counts_from_the_edit() -> None:
    """The message keeps its timestamp; without the edit's it would be older than what is known."""
    edited = titled("[RESOLVED] CeleryWorkerDown (prod-eu)") | {
        "edited": {"user": "B0ALERT", "ts": "1795354999.000000"}
    }
    assert alert_of(edited).ts == "1795354999.000000"
    still = titled("[FIRING:2] CeleryWorkerDown (prod-eu)") | {"edited": {"user": "B0ALERT", "ts": "1795354999.000000"}}
    assert alert_of(still).ts == "1795354585.072638"


def test_title_in_the_text_is_read_as_well() -> None:
    """Some relays post plain text."""
    assert alert_of(posted("[FIRING:1] CeleryWorkerDown (prod-eu critical)")).name == "CeleryWorkerDown"
