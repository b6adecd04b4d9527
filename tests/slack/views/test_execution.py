"""Executions and the warning before an end, read as they stand on the screen."""

from datetime import timedelta

import pytest

from bot.domain.action import ExecutionState, Verdict
from bot.domain.card import EndingCard, ExecutionCard
from bot.domain.mitigation import MitigationState
from bot.slack.ids import ActionId
from bot.slack.views.ending import ending_message
from bot.slack.views.execution import execution_message
from tests.slack.views.reading import buttons, dialog, read, seen
from tests.slack.views.samples import NOW, RESUME, execution, mitigation


def test_verified_pause_reads_as_outcome_end_undo_and_witness() -> None:
    """What the cluster shows, until when, the way back, and the audit entry."""
    message = execution_message(ExecutionCard(execution=execution(), mitigation=mitigation(), undoable=True, now=NOW))
    assert read(message) == (
        "*✅ 3 of 3 workers stopped consuming analytics; 8 fetched tasks still run.*\n"
        "Paused until 03:44 UTC. It resumes by itself then.\n"
        "[Undo]\n"
        "(Asked by <@U0ANA>, low risk: no second person needed, 03:14 UTC · prod · audit #418 · 9f3a1c2b)"
    )
    assert dialog(buttons(message.blocks)["Undo"]) == (
        "Undo: resume analytics?\nThis will resume analytics now.\n[Resume analytics] [Leave it]"
    )


def test_undo_is_there_only_while_it_can_be_undone() -> None:
    """The pause ended; there is nothing left to undo."""
    ended = mitigation(state=MitigationState.ENDED, ended_at=NOW)
    message = execution_message(ExecutionCard(execution=execution(), mitigation=ended, undoable=False, now=NOW))
    assert not buttons(message.blocks)
    assert "▶️ analytics: pause ended 03:14 UTC" in read(message)


def test_running_shows_progress_and_who_consented() -> None:
    """Nobody has to wonder whether anything happens."""
    running = execution(
        state=ExecutionState.RUNNING, verdict=None, ended_at=None, audit_seq=None, consent="approved by U0BEN, U0CEM"
    )
    assert read(execution_message(ExecutionCard(execution=running, now=NOW))) == (
        "*▶️ Pausing analytics on prod*\n"
        "3 workers will stop consuming analytics for 30 min; 212 tasks will wait, nothing is lost.\n"
        "• Telling 3 workers to stop consuming analytics\n"
        "(Asked by <@U0ANA>, approved by <@U0BEN> and <@U0CEM> · prod)"
    )


def test_failure_says_what_is_missing_and_what_stands() -> None:
    """Two of three is neither success nor nothing."""
    verdict = Verdict(
        verified=False, sentence="2 of 3 workers stopped consuming analytics; still consuming: w3@b.", missing=("w3@b",)
    )
    failed = execution(state=ExecutionState.FAILED, verdict=verdict)
    shown = read(execution_message(ExecutionCard(execution=failed, mitigation=mitigation(), undoable=True, now=NOW)))
    assert shown.startswith(
        "*❌ Not fully done. 2 of 3 workers stopped consuming analytics; still consuming: w3@b.*\n"
        "Paused until 03:44 UTC."
    )


def test_refused_at_the_last_moment_names_who_froze_it() -> None:
    """The bot's own sentence keeps its mention."""
    refused = execution(
        state=ExecutionState.FAILED,
        verdict=None,
        started_at=None,
        error="Nothing was done: <@U0BEN> froze executions.",
    )
    message = execution_message(ExecutionCard(execution=refused, now=NOW))
    assert message.text == "❌ Nothing was done: <@U0BEN> froze executions."


def test_interrupted_tells_a_person_what_to_check() -> None:
    """It is not known; so what to look at comes before why."""
    broken = execution(state=ExecutionState.INTERRUPTED, verdict=None, error="Its process ended in the middle.")
    card = ExecutionCard(execution=broken, mitigation=mitigation(state=MitigationState.PARTIAL), undoable=True, now=NOW)
    lines = read(execution_message(card)).splitlines()
    assert lines[:4] == [
        "*⚠️ A person must look: it is not known whether “pause analytics for 30 min” worked on prod*",
        "Check which workers take tasks from analytics: `/celery status prod`. Nothing is repeated by itself.",
        "⚠️ analytics may be paused only in part: a person must look. Ends 03:44 UTC",
        "Its process ended in the middle.",
    ]


@pytest.mark.parametrize(
    ("state", "first"),
    [
        (ExecutionState.QUEUED, "⏳ About to pause analytics for 30 min on prod"),
        (ExecutionState.UNDONE, "↩️ Undone: pause analytics for 30 min on prod"),
        (ExecutionState.DRY_RUN, "👀 Observe mode: nothing was done on prod"),
    ],
)
def test_each_state_begins_with_its_own_line(state: ExecutionState, first: str) -> None:
    """The notification is enough to know where it stands."""
    assert execution_message(ExecutionCard(execution=execution(state=state), now=NOW)).text == first


def test_dry_run_says_what_would_have_run() -> None:
    """A team that only watches still learns what would happen."""
    dry = execution(state=ExecutionState.DRY_RUN, verdict=None)
    assert "It would have run: 3 workers will stop" in read(execution_message(ExecutionCard(execution=dry, now=NOW)))


def test_end_of_a_pause_was_nobodys_click() -> None:
    """What happens by itself says so, and why it has no undo."""
    by_itself = execution(
        proposal=RESUME,
        requested_by="system",
        consent="the end of mit-1, set when it began",
        verdict=Verdict(verified=True, sentence="3 workers consume analytics again; 1,284 waiting."),
        undo=None,
        irreversible="Tasks of analytics run again; pause it anew if that was too early.",
    )
    assert read(execution_message(ExecutionCard(execution=by_itself, now=NOW))) == (
        "*✅ 3 workers consume analytics again; 1,284 waiting.*\n"
        "(By itself, as agreed when it began, 03:14 UTC · prod · audit #418 · 9f3a1c2b · "
        "Tasks of analytics run again; pause it anew if that was too early.)"
    )


def ending(**changes: object) -> EndingCard:
    """Return the warning's bundle, five minutes before the end."""
    pause = mitigation(warned_for=NOW + timedelta(minutes=30)).model_copy(update=changes)
    return EndingCard(mitigation=pause, waiting=1284, now=NOW + timedelta(minutes=25))


def test_ending_warns_its_owner_with_what_will_happen() -> None:
    """Five minutes before: what then, and two buttons."""
    message = ending_message(ending())
    assert read(message) == (
        "*⏰ <@U0ANA>: the pause of analytics ends at 03:44 UTC*\n"
        "Then 1,284 waiting tasks will be consumed again by 3 workers.\n"
        "[Extend 30 min] [Resume now]\n"
        "(prod · paused for 30 min · stories are late)"
    )
    assert {b["action_id"] for b in buttons(message.blocks).values()} == {ActionId.EXTEND, ActionId.RESUME}


@pytest.mark.parametrize(
    ("waiting", "then"),
    [
        (None, "Then 3 workers will take its tasks again. How many wait is not known."),
        (0, "Then 3 workers will take its tasks again. None wait now."),
        (1, "Then 1 waiting task will be consumed again by 3 workers."),
    ],
)
def test_ending_knows_what_it_does_not_know(waiting: int | None, then: str) -> None:
    """Unknown is never nought."""
    card = ending().model_copy(update={"waiting": waiting})
    assert read(ending_message(card)).splitlines()[1] == then


def test_warning_that_was_heeded_has_no_buttons_left() -> None:
    """Extended, or ended early."""
    extended = ending_message(ending(ends_at=NOW + timedelta(minutes=60)))
    assert seen(extended.text) == "⏰ Extended until 04:14 UTC: analytics"
    ended = ending_message(ending(state=MitigationState.ENDED, ended_at=NOW))
    assert seen(ended.text) == "▶️ analytics: pause ended 03:14 UTC"
    assert not buttons(extended.blocks + ended.blocks)
