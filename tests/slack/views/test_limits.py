"""Whatever comes in, Slack takes what comes out, and nothing from outside acts in it."""

import re
from collections.abc import Iterator
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from bot.domain.approval import ApprovalRequest, Reason, Refused
from bot.domain.audit import entry_after
from bot.domain.card import EndingCard, ExecutionCard, HomeView, IncidentCard, RequestCard, StatusView
from bot.domain.incident import Incident
from bot.domain.run import Run
from bot.slack.views.ending import ending_message
from bot.slack.views.execution import execution_message
from bot.slack.views.findings import commands_message
from bot.slack.views.home import home_view
from bot.slack.views.incident import incident_message
from bot.slack.views.message import Message
from bot.slack.views.repeat import repeat_message
from bot.slack.views.request import draft_message, request_message
from bot.slack.views.status import status_message
from bot.slack.views.words import audit_message, help_message, refused_sentence
from playground.slack.blocks import problems_in_message, problems_in_view
from tests.slack.views import hostile
from tests.slack.views.samples import NOW

ONE_SECTION = 3000
ALL_BLOCKS = 9100
"""Slack has refused 11,341 characters over all blocks of a message, and says nowhere where the limit is."""
OURS = re.compile(
    r"<(?:@[UW][A-Z0-9]{2,20}|#C[A-Z0-9]+|!date\^\d+\^[^|<>]*\|[^|<>]*|https://workspace\.example/[^|<>]*\|[^<>]*)>"
)
"""The only tokens that views make: people, channels, times, and links to the workspace itself."""

often = settings(
    max_examples=40,
    derandomize=True,  # the same inputs each time; raise max_examples to hunt for more
    deadline=None,
    suppress_health_check=list(HealthCheck),  # the inputs are large by intention
    phases=(Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink),  # explaining a failure takes minutes here
)


def texts(value: Any) -> Iterator[str]:
    """Yield every text in which Slack reads markup."""
    if isinstance(value, list):
        for item in value:
            yield from texts(item)
    elif isinstance(value, dict):
        if value.get("type") == "mrkdwn":
            yield value["text"]
        for item in value.values():
            yield from texts(item)


def holds(message: Message) -> None:
    """Check one message against Slack's limits, and that it says something without its blocks."""
    assert problems_in_message(message.blocks) == []
    assert message.text.strip()
    assert len(message.text) <= ONE_SECTION
    assert sum(map(len, texts(message.blocks))) <= ALL_BLOCKS
    harmless([message.text, *texts(message.blocks)])


def harmless(shown: list[str]) -> None:
    """Check that only our own tokens act, and that a code block that begins also ends."""
    for text in shown:
        assert not re.search(r"[<>]", OURS.sub("", text)), text
        assert text.count("```") % 2 == 0, text
        assert "\u202e" not in text


@often
@given(hostile.incident_cards)
def test_incident_cards_hold(card: IncidentCard) -> None:
    """No alert, runbook or cluster can make an incident's card that Slack refuses."""
    holds(incident_message(card))


@often
@given(hostile.request_cards)
def test_requests_hold(card: RequestCard) -> None:
    """Nor a request, in its thread or by direct message."""
    holds(request_message(card, "https://workspace.example/archives/C0ONCALL/p1?a=1&b=2"))


@often
@given(hostile.requests, st.booleans())
def test_drafts_hold(request: ApprovalRequest, alone: bool) -> None:
    """Nor a draft."""
    holds(draft_message(request, alone))


@often
@given(hostile.execution_cards)
def test_executions_hold(card: ExecutionCard) -> None:
    """Nor an execution."""
    holds(execution_message(card))


@often
@given(hostile.ending_cards)
def test_endings_hold(card: EndingCard) -> None:
    """Nor the warning before an end."""
    holds(ending_message(card))


@often
@given(hostile.status_views, st.booleans())
def test_statuses_hold(view: StatusView, shared: bool) -> None:
    """Nor a cluster of hundreds of queues and workers with absurd names."""
    holds(status_message(view, shared=shared))


@often
@given(hostile.home_views)
def test_home_tabs_hold(view: HomeView) -> None:
    """Nor a Home tab on which everything waits at once."""
    made = home_view(view, lambda _: "https://workspace.example/archives/C0ONCALL/p1")
    assert problems_in_view(made, "home") == []
    harmless(list(texts(made)))


@often
@given(st.none() | hostile.runs())
def test_commands_hold(run: Run | None) -> None:
    """Nor the commands to copy."""
    holds(commands_message(run))


@often
@given(hostile.incidents)
def test_repeats_hold(incident: Incident) -> None:
    """Nor the line under a repeated alert."""
    holds(repeat_message(incident, "https://workspace.example/archives/C0ONCALL/p1?a=1&b=2"))


@often
@given(st.lists(st.tuples(hostile.people, hostile.text, hostile.text), max_size=30))
def test_audit_entries_hold(said: list[tuple[str, str, str]]) -> None:
    """Nor the audit's newest entries."""
    head, entries = (0, "0" * 64), []
    for actor, event, subject in said:
        entries.append(entry_after(head, NOW, actor, event, subject, {"cluster": subject}))
        head = (entries[-1].seq, entries[-1].hash)
    holds(audit_message(entries[::-1]))


@often
@given(
    st.builds(
        Refused,
        reason=st.sampled_from(Reason),
        by=hostile.maybe(hostile.people),
        at=hostile.maybe(hostile.moments),
        asked=hostile.many(hostile.people),
        detail=hostile.text | st.sampled_from(["owned", "in force", "ended", "undone", "resolved"]),
    )
)
def test_refusals_hold(refused: Refused) -> None:
    """Nor a refusal, which is one text of one section."""
    said = refused_sentence(refused)
    assert 0 < len(said) <= ONE_SECTION
    harmless([said])


def test_help_holds() -> None:
    """Help fits, too."""
    holds(help_message())
