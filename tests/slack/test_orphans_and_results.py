"""What `orphans restore` and `results clean` may be said like."""

from typing import Any

import pytest

from bot.domain.errors import BadInput
from bot.slack.acts import Act
from bot.slack.commands import parse

QUEUES = {"prod": ("booking", "analytics"), "staging": ("reports",)}


def said(text: str) -> Act:
    """Return what a line means, with `prod` as the channel's cluster."""
    command = parse(text, queues=QUEUES, clusters=tuple(QUEUES), default_cluster="prod")
    assert isinstance(command, Act)
    return command


@pytest.mark.parametrize(
    ("text", "cluster", "params"),
    [
        ("orphans restore", "prod", {}),
        ("orphans restore all", "prod", {}),
        (
            "orphans restore Booking older than 5 min limit 20",
            "prod",
            {"queue": "booking", "older_than": 300, "limit": 20},
        ),
        ("orphans restore staging/reports", "staging", {"queue": "reports"}),
        ("orphans restore staging/all", "staging", {}),
        ("orphans restore older than 1h", "prod", {"older_than": 3600}),
    ],
)
def test_orphans_are_restored_as_said(text: str, cluster: str, params: dict[str, Any]) -> None:
    """A queue, or all; how old, how many; and the reason."""
    act = said(f"{text} because worker2 was killed")
    assert (act.action, act.cluster, act.reason) == ("restore_orphans", cluster, "worker2 was killed")
    assert dict(act.params) == {**params, "reason": "worker2 was killed"}


@pytest.mark.parametrize(
    ("text", "cluster", "params"),
    [
        ("results clean", "prod", {}),
        ("results clean older than 7 days", "prod", {"older_than": 604_800}),
        ("results clean staging older than 30d without end", "staging", {"older_than": 2_592_000, "endless": True}),
        ("results clean task mail.send limit 5000", "prod", {"task": "mail.send", "limit": 5000}),
    ],
)
def test_results_are_cleaned_as_said(text: str, cluster: str, params: dict[str, Any]) -> None:
    """How old, of which task, which alone, how many."""
    act = said(text)
    assert (act.action, act.cluster, dict(act.params)) == ("clean_results", cluster, {**params, "reason": ""})


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("orphans now", "Say `/celery orphans restore all` or `orphans restore <queue>`"),
        ("orphans restore analitycs", "There is no queue `analitycs`. Did you mean `analytics`?"),
        ("orphans restore all now", "`now` is not understood after `orphans restore`."),
        ("orphans restore all limit few", "`limit` needs a number of messages, not `few`: `limit 50`."),
        ("orphans restore all limit 99999999999999999999", "`limit` needs a number of messages, not `9999"),
        ("orphans restore all limit", "`limit` needs a number of messages: `limit 50`."),
        ("results now", "Say `/celery results clean older than 7d`"),
        ("results clean everything", "`everything` is not understood after `results clean`."),
        ("results clean older than 7d now", "`now` is not understood after `results clean`."),
        ("results clean without", "`without` is not understood after `results clean`."),
    ],
)
def test_what_is_not_understood_gets_one_clear_sentence(text: str, sentence: str) -> None:
    """What was wrong, and what to say instead."""
    with pytest.raises(BadInput) as refused:
        said(text)
    assert str(refused.value).startswith(sentence)
