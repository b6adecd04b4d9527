"""Refusals, the audit's tail, help, commands to copy, repeats."""

import pytest

from bot.domain.approval import Reason, Refused
from bot.domain.audit import GENESIS, entry_after
from bot.slack.commands import USAGES
from bot.slack.views.findings import commands_message
from bot.slack.views.repeat import repeat_message
from bot.slack.views.words import audit_message, help_message, refused_sentence
from tests.slack.views.reading import read, seen
from tests.slack.views.samples import ANA, BEN, CEM, COMMAND, NOW, incident, run

REFUSALS = [
    (
        Refused(reason=Reason.OWN_REQUEST, asked=(BEN, CEM), at=NOW),
        "It is your own request: you can only withdraw it. <@U0BEN> and <@U0CEM> were asked at 03:14 UTC.",
    ),
    (
        Refused(reason=Reason.OWN_REQUEST, asked=(BEN,), at=NOW),
        "It is your own request: you can only withdraw it. <@U0BEN> was asked at 03:14 UTC.",
    ),
    (
        Refused(reason=Reason.ALREADY_DECIDED, by=BEN, at=NOW, detail="approved"),
        "Nothing was done: this was already approved by <@U0BEN> at 03:14 UTC.",
    ),
    (
        Refused(reason=Reason.OUTDATED),
        "Nothing was done: the rules for approvals were changed meanwhile. Ask again.",
    ),
    (
        Refused(reason=Reason.EXPIRED, at=NOW),
        "Nothing was done: this expired at 03:14 UTC. Ask again, with fresh numbers.",
    ),
    (
        Refused(reason=Reason.NOT_AN_APPROVER, asked=(BEN, CEM)),
        "Nothing was done: this needs <@U0BEN> or <@U0CEM>.",
    ),
    (
        Refused(reason=Reason.NOT_ON_CALL),
        "Nothing was done: you are not in the on-call list. Ask somebody who is, or have yourself added to the "
        "on-call group in Slack.",
    ),
    (
        Refused(reason=Reason.NOT_YOURS, by=ANA),
        "Nothing was done: only <@U0ANA> can do that, because it is their request.",
    ),
    (
        Refused(reason=Reason.ALREADY_REVIEWED, by=BEN),
        "You answered this before, and your answer counts. It now needs somebody else.",
    ),
    (Refused(reason=Reason.ALREADY_DONE, by=BEN, detail="owned"), "<@U0BEN> has it already."),
    (
        Refused(reason=Reason.ALREADY_DONE, by=BEN, at=NOW, detail="in force"),
        "Nothing was done: it is paused already by <@U0BEN>, since 03:14 UTC.",
    ),
    (
        Refused(reason=Reason.ALREADY_DONE, by=ANA, at=NOW, asked=(BEN,), detail="req-1"),
        "Nothing was done: <@U0ANA> asked for the same at 03:14 UTC. It waits for <@U0BEN>.",
    ),
    (
        Refused(reason=Reason.ALREADY_DONE, detail="no longer offered"),
        "Nothing was done: that is no longer offered, because the numbers changed. Look at the card again.",
    ),
    (
        Refused(reason=Reason.FROZEN, by=BEN),
        "Nothing was done: executions are frozen by <@U0BEN>. `/celery unfreeze` allows them again.",
    ),
    (
        Refused(reason=Reason.NOBODY_MAY_APPROVE, detail="platform, leads"),
        "Nothing was done: nobody but you could approve this (asked for: platform, leads). "
        "Ask whoever keeps the settings to add people.",
    ),
    (Refused(reason=Reason.NOT_POSSIBLE, detail="It has no undo."), "Nothing was done. It has no undo."),
    (
        Refused(reason=Reason.NOT_POSSIBLE, detail=COMMAND),
        f"The bot has no means to do that here. Run it yourself:\n```{COMMAND}```",
    ),
]


@pytest.mark.parametrize(("refused", "sentence"), REFUSALS, ids=lambda v: v.reason.name if hasattr(v, "reason") else "")
def test_refusal_says_what_is_the_matter_and_what_to_do(refused: Refused, sentence: str) -> None:
    """A click that did nothing says why."""
    assert seen(refused_sentence(refused)) == sentence


def test_every_reason_has_its_sentence() -> None:
    """None falls through, whatever facts it comes with."""
    for reason in Reason:
        assert refused_sentence(Refused(reason=reason)).endswith((".", "`"))
    assert {r.reason for r, _ in REFUSALS} == set(Reason)


def test_audit_tail_shows_number_hash_who_and_what() -> None:
    """Newest first; the hash is the outside witness."""
    first = entry_after((0, GENESIS), NOW, "system", "incident opened", "inc-1", {"cluster": "prod"})
    second = entry_after((1, first.hash), NOW, ANA, "incident owned", "inc-1", {})
    assert read(audit_message([second, first])) == (
        "*Audit log*, newest of 2 entries first\n"
        f"`#2 {second.hash[:8]}` 03:14:00 UTC <@U0ANA>: incident owned, inc-1\n"
        f"`#1 {first.hash[:8]}` 03:14:00 UTC the bot: incident opened, inc-1 on prod\n"
        "(`celery-oncall audit verify` checks the whole chain; `audit export` writes it out.)"
    )


@pytest.mark.parametrize(
    ("facts", "told"),
    [
        ({"action": "pause_queue", "queue": "analytics", "params": "…"}, "pause queue analytics"),
        (
            {"verdict": "1 of 1 worker stopped consuming analytics.", "note": ""},
            "1 of 1 worker stopped consuming analytics.",
        ),
        ({"alert": "CeleryQueueDepthHigh", "queue": ""}, "CeleryQueueDepthHigh"),
        ({"alert": "CeleryQueueDepthHigh", "queue": "<!channel>"}, "<!channel>"),
    ],
)
def test_audit_tail_tells_what_an_entry_is_about(facts: dict[str, str], told: str) -> None:
    """Nobody knows by heart what exe-1 was."""
    entry = entry_after((0, GENESIS), NOW, "system", "execution verified", "exe-1", {"cluster": "prod"} | facts)
    assert f"the bot: execution verified, exe-1 on prod: {told}\n" in read(audit_message([entry]))


def test_empty_audit_is_said() -> None:
    """An empty answer would look like an error."""
    assert read(audit_message([])) == "The audit log is empty so far."


def test_help_shows_every_command_of_the_grammar() -> None:
    """One table: what can be said is what is shown."""
    shown = read(help_message())
    for usage in USAGES:
        assert f"`/celery {usage.usage}`" in shown
        assert usage.what in shown


def test_commands_can_be_copied_as_they_are() -> None:
    """Escaped for Slack, which turns it back when it is copied."""
    shown = read(commands_message(run()))
    assert f"*Scale workers immediately*\n```{COMMAND}```" in shown
    assert "```celery -A app control cancel_consumer analytics -d <worker@host>```" in shown


def test_no_commands_is_said() -> None:
    """Before the first look there is nothing to copy."""
    assert "No commands here" in read(commands_message(None))


def test_repeated_alert_gets_one_line_with_a_link() -> None:
    """The thread is elsewhere."""
    message = repeat_message(incident(), "https://workspace.example/archives/C0/p1")
    assert read(message) == (
        "(Same alert as before: <https://workspace.example/archives/C0/p1|ai_generation>, since 03:10 UTC.)"
    )
