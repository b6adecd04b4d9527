"""The operations runbook's plain text, senders of unknown form, and senders that nobody listed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.alert import Alert, AlertStatus
from bot.slack.alerts import looks_like_alert, parse
from tests.slack.alerts.messages import CHANNEL, Json, posted, titled


def alert_of(message: Json | str) -> Alert:
    """Return the alert, which must be one."""
    alert = parse(posted(message) if isinstance(message, str) else message, CHANNEL)
    assert alert is not None
    return alert


def test_runbooks_own_words() -> None:
    """Slack escapes the sign; the alert has it back."""
    alert = alert_of("Critical Alert: Queue Depth &gt; 1000")
    assert alert.status is AlertStatus.FIRING
    assert (alert.name, alert.title) == ("Queue Depth > 1000", "Critical Alert: Queue Depth > 1000")
    assert (alert.limit, alert.severity) == (1000, "critical")


@pytest.mark.parametrize(
    "text",
    [
        "Resolved: Queue Depth > 1000",
        "RESOLVED: Queue Depth > 1000",
        "Resolved: Critical Alert: Queue Depth > 1000",
        "Critical Alert Resolved: Queue Depth > 1000",
        ":white_check_mark: *Resolved:* Queue Depth > 1000",
        "Recovered - queue depth &gt; 1000",
    ],
)
def test_resolve_belongs_to_its_alert(text: str) -> None:
    """However it is put, it is the same alert, over."""
    alert = alert_of(text)
    assert alert.status is AlertStatus.RESOLVED
    assert alert.key == alert_of("🚨 Critical Alert: Queue Depth > 1000").key


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        ("Alert: Queue Depth > 1,000", 1000),
        ("Alert: Queue Depth >= 500 on ai_generation", 500),
        ("Alert: Queue Depth > 1,000, as often", 1000),
        ("Alert: Worker Memory > 3GB", None),
        ("Alert: Worker Memory > 3 GiB", None),
        ("Alert: Broker memory > 90%", None),
        ("Alert: Queue Latency > 500ms", None),
        ("Alert: Load > 1.5", None),
        ("Alert: Completion Rate < 99", None),
        ("Alert: Queue Depth > 0", None),
    ],
)
def test_limit_is_a_count_of_messages(text: str, limit: int | None) -> None:
    """Not a share, a size or a time."""
    assert alert_of(text).limit == limit


@pytest.mark.parametrize(
    ("text", "labels", "values"),
    [
        ("Critical Alert: Queue Depth > 1000 queue=ai_generation", {"queue": "ai_generation"}, ("ai_generation",)),
        ("Critical Alert: Queue Depth > 1000\nqueue: ai_generation", {"queue": "ai_generation"}, ()),
        ("Critical Alert: Queue Depth > 1000 on ai_generation", {}, ("ai_generation",)),
        ("Critical Alert: Queue Depth > 1000 on queue `ai_generation`", {}, ("ai_generation",)),
        ("Critical Alert: Queue Depth > 1000 (ai_generation)", {}, ("ai_generation",)),
        ("Critical Alert: Queue Depth > 1000 (ai_generation) on prod", {}, ("ai_generation", "prod")),
    ],
)
def test_queue_words_are_found(text: str, labels: dict[str, str], values: tuple[str, ...]) -> None:
    """What follows "on" may be a queue or a cluster: a bare value, to be compared with known names."""
    alert = alert_of(text)
    assert alert.name == "Queue Depth > 1000"
    assert alert.labels == labels
    assert alert.values == values
    assert "ai_generation" in alert.mentions()


def test_alerts_of_two_queues_are_two() -> None:
    """Same words, other queue."""
    one, other = (alert_of(f"Critical Alert: Queue Depth > 1000 on {q}").key for q in ("booking", "analytics"))
    assert one != other


@pytest.mark.parametrize(
    ("message", "status", "name"),
    [
        (posted("disk on db1 at 95%"), AlertStatus.FIRING, "disk on db1 at 95%"),
        (posted("OK: disk on db1 at 12%"), AlertStatus.RESOLVED, "disk on db1 at 12%"),
        (posted("DNS cannot be resolved"), AlertStatus.FIRING, "DNS cannot be resolved"),
        (posted("Payment is not ok"), AlertStatus.FIRING, "Payment is not ok"),
        (posted("Probe of shop (resolved)"), AlertStatus.RESOLVED, "Probe of shop"),
        (posted("Monitor shop TRIGGERED"), AlertStatus.FIRING, "Monitor shop"),
        (titled("Probe of shop", color="good"), AlertStatus.RESOLVED, "Probe of shop"),
        (titled("Probe of shop", color="danger"), AlertStatus.FIRING, "Probe of shop"),
        (
            posted(blocks=[{"type": "header", "text": {"type": "plain_text", "text": "Probe of shop"}}]),
            AlertStatus.FIRING,
            "Probe of shop",
        ),
    ],
)
def test_listed_sender_of_unknown_form_is_read_as_well_as_can_be(message: Json, status: AlertStatus, name: str) -> None:
    """First line as the name; a status word at its place, else the colour; in doubt it fires, so none is lost."""
    alert = alert_of(message)
    assert (alert.status, alert.name) == (status, name)


def test_numbers_that_change_do_not_make_a_new_alert() -> None:
    """Each repeat carries its own measurement; a machine's number is part of its name."""
    assert alert_of("Backlog at 1,284 messages").key == alert_of("Resolved backlog at 12 messages").key
    assert alert_of("worker-1 is down").key != alert_of("worker-2 is down").key


def test_message_without_a_word_is_no_alert() -> None:
    """An image, say."""
    assert parse(posted(""), CHANNEL) is None


@pytest.mark.parametrize(
    ("message", "alert"),
    [
        (titled("[FIRING:1] CeleryWorkerDown (prod-eu)"), True),
        (posted("Critical Alert: Queue Depth > 1000"), True),
        (posted("Resolved: Queue Depth > 1000"), True),
        (posted("Firing: Queue Depth > 1000"), True),
        (posted("Deployed shop 1.2 to prod"), False),
        (posted("Alert-manager restarted"), False),
        (posted("I was alerted: no"), False),
        (titled("Build failed", color="danger"), False),
    ],
)
def test_unlisted_sender_is_noticed_by_form_alone(message: Json, alert: bool) -> None:
    """One line tells how to list it; ordinary bots are left in peace."""
    assert looks_like_alert(message) is alert


_JUNK = st.none() | st.text(max_size=40) | st.integers() | st.lists(st.text(max_size=5), max_size=2)
_ATTACHMENT = st.dictionaries(
    st.sampled_from(["title", "text", "fallback", "pretext", "color", "title_link", "fields"]), _JUNK, max_size=5
)


@given(
    text=st.text(max_size=60) | st.sampled_from(["Alert: " + "x (" * 5000, "[FIRING:1] " + "(" * 9000 + ")" * 9000]),
    attachments=_JUNK | st.lists(_ATTACHMENT | _JUNK, max_size=3),
    blocks=_JUNK,
)
def test_no_message_breaks_the_parsers(text: str, attachments: object, blocks: object) -> None:
    """A sender's oddities must not stop the others' alerts; and what is kept is bounded."""
    alert = parse(posted(text, attachments=attachments, blocks=blocks), CHANNEL)
    if alert is not None:
        assert len(alert.title) <= 1100
        assert len(alert.name) <= 1100
        assert len(alert.values) <= 100
