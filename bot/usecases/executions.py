"""Run a consented proposal exactly once: claim, effect, verification, and the record of each."""

import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import structlog

from bot.domain.action import (
    ClaimRefusal,
    Execution,
    ExecutionState,
    Irreversible,
    Observation,
    Outcome,
    Preview,
    Proposal,
    Verdict,
    drift,
)
from bot.domain.approval import satisfied
from bot.domain.cluster import Mode
from bot.domain.errors import ClusterUnreachable, OncallError
from bot.ports import Action, Ports, Target, Tx
from bot.usecases.asking_again import ask_again
from bot.usecases.effects import begin_effect, settle_effect
from bot.usecases.retrying import retried
from bot.usecases.showing import refresh_homes, show_execution
from bot.usecases.switches import FROZEN, frozen
from bot.usecases.targets import action_of, target_of

LEASE = timedelta(seconds=20)
"""How long a claim holds without a sign of life; the longest wait between two progress lines is about 5 s."""

log = structlog.get_logger(__name__)


class ClaimLost(OncallError):
    """The execution is no longer this process's to run."""

    def __init__(self, execution_id: str) -> None:
        super().__init__(
            f"Execution {execution_id} was taken from this process because it gave no sign of life in time."
        )


@dataclass(frozen=True)
class Work:
    """An execution with all that is needed to run it."""

    execution: Execution
    action: Action[Any]
    params: Any
    target: Target


def execute(ports: Ports, execution_id: str) -> Execution | ClaimRefusal:
    """Run one execution, if it is still to be run; returns it ended, or why this process did not run it.

    Called by the ops worker, and by the bot when nobody claims it. Blocks on the cluster.
    """
    with ports.store.read() as tx:
        execution = tx.executions.get(execution_id)
    if execution.state is not ExecutionState.QUEUED:
        return ClaimRefusal.ENDED if execution.ended else ClaimRefusal.ALREADY_CLAIMED
    try:
        work = work_of(ports, execution)
        before = observe(work)
        fresh = work.action.preview(work.params, before, work.target.spec)
    except OncallError as e:
        return _refuse(ports, execution_id, f"Nothing was done: {e}")
    token = f"{ports.owner}:{secrets.token_hex(8)}"
    claimed = _claim(ports, work, before, fresh, token)
    if isinstance(claimed, ClaimRefusal) or claimed.ended:
        return claimed
    return _run(ports, work, before, token)


def work_of(ports: Ports, execution: Execution) -> Work:
    """Return what is needed to run or verify an execution; raises OncallError in words."""
    action, params = action_of(ports, execution.proposal)
    return Work(execution, action, params, target_of(ports, execution.proposal.cluster))


def observe(work: Work) -> Observation:
    """Look at the cluster now."""
    return work.action.observe(work.params, work.target, work.target.control.snapshot())


@retried
def _claim(ports: Ports, work: Work, before: Observation, fresh: Preview, token: str) -> Execution | ClaimRefusal:
    """Write "started" down before anything is touched; or end it in words, when it may not run after all."""
    now = ports.clock.now()
    with ports.store.write() as tx:
        execution = tx.executions.get(work.execution.id)
        if execution.state is not ExecutionState.QUEUED:
            return ClaimRefusal.ENDED if execution.ended else ClaimRefusal.ALREADY_CLAIMED
        if frozen(tx):
            by = (tx.note(FROZEN) or {}).get("by", "somebody")
            return _end(ports, tx, execution, ExecutionState.FAILED, f"Nothing was done: <@{by}> froze executions.")
        if work.target.spec.mode is Mode.OBSERVE:
            sentence = f"Observe mode: nothing was done. It would have run: {fresh.summary}"
            return _end(ports, tx, execution, ExecutionState.DRY_RUN, sentence)
        if changed := _no_longer_covered(ports, tx, execution, fresh):
            again = ask_again(ports, tx, execution, fresh, changed)
            return _end(ports, tx, execution, ExecutionState.FAILED, again)
        execution = execution.model_copy(
            update={
                "state": ExecutionState.RUNNING,
                "claim": token,
                "lease_until": now + LEASE,
                "started_at": now,
                "before": before,
            }
        )
        execution = begin_effect(tx, execution, work.action, work.params, before, now)
        execution = tx.executions.save(execution)
        facts = {"cluster": execution.proposal.cluster, "proposal": execution.proposal.digest, "claim": token}
        tx.audit.append(now, execution.requested_by, "execution started", execution.id, facts)
        show_execution(tx, execution, now)
        return execution


def _no_longer_covered(ports: Ports, tx: Tx, execution: Execution, fresh: Preview) -> str | None:
    """Return in words why the consent no longer covers what would run now; None when it does."""
    if execution.request_id is not None:
        request = tx.requests.get(execution.request_id)
        if request.alternatives and not satisfied(request, request.reviews, ports.roles()):
            return "those who approved may no longer do so"
        if request.alternatives and request.policy_digest != ports.policy.digest:
            return "the approval policy was changed in between"
    return "; ".join(drift(execution.preview, fresh, ports.policy.tolerance)) or None


def _run(ports: Ports, work: Work, before: Observation, token: str) -> Execution:
    """Cause the effect, then ask the cluster whether it is there, whatever happened on the way."""
    outcome: Outcome | None = None
    error: str | None = None
    try:
        outcome = work.action.run(
            work.params, before, work.target, lambda line: _progress(ports, work.execution.id, token, line)
        )
    except ClaimLost as e:
        log.warning("claim lost", execution=work.execution.id)
        with ports.store.read() as tx:
            lost: Execution = tx.executions.get(work.execution.id)
        return lost.model_copy(update={"error": str(e)}) if not lost.ended else lost
    except OncallError as e:
        error = str(e)
    except Exception:  # whatever broke, the cluster may have been touched: it is looked at, and recorded
        log.exception("action broke", execution=work.execution.id, action=work.action.name)
        error = "The bot made a mistake while running this; its log holds the details."
    return finish(ports, work, before, outcome, error, token)


@retried
def _progress(ports: Ports, execution_id: str, token: str, line: str) -> None:
    """Keep one line for people and renew the claim; raises ClaimLost when it is no longer ours."""
    now = ports.clock.now()
    with ports.store.write() as tx:
        execution = tx.executions.get(execution_id)
        if execution.claim != token or execution.state is not ExecutionState.RUNNING:
            raise ClaimLost(execution_id)
        lines = (*execution.progress, line) if line not in execution.progress[-1:] else execution.progress
        tx.executions.save(execution.model_copy(update={"progress": lines[-20:], "lease_until": now + LEASE}))
        show_execution(tx, execution, now)


def finish(
    ports: Ports, work: Work, before: Observation, outcome: Outcome | None, error: str | None, token: str
) -> Execution:
    """Verify and close an execution whose claim is `token`. A cluster that cannot be asked leaves it interrupted."""
    verdict: Verdict | None = None
    try:
        verdict = work.action.verify(work.params, before, observe(work))
    except ClusterUnreachable as e:
        error = f"{error or ''} The effect could not be verified: {e}".strip()
    except OncallError as e:
        error = error or str(e)
    return _close(ports, work, before, outcome, verdict, error, token)


@retried
def _close(
    ports: Ports,
    work: Work,
    before: Observation,
    outcome: Outcome | None,
    verdict: Verdict | None,
    error: str | None,
    token: str,
) -> Execution:
    with ports.store.write() as tx:
        execution = tx.executions.get(work.execution.id)
        if execution.claim != token or execution.ended:
            return execution
        undo = work.action.undo(work.params, before, execution.proposal.cluster)
        execution = execution.model_copy(
            update={
                "outcome": outcome,
                "verdict": verdict,
                "undo": undo if isinstance(undo, Proposal) else None,
                "irreversible": undo.why if isinstance(undo, Irreversible) else None,
            }
        )
        state = _state(verdict, error)
        settle_effect(ports, tx, execution, work.action, work.params, verdict)
        return _end(ports, tx, execution, state, error)


def _state(verdict: Verdict | None, error: str | None) -> ExecutionState:
    """A verified effect counts even if something broke on the way; without a verdict a person must look."""
    if verdict is None:
        return ExecutionState.INTERRUPTED
    if verdict.verified:
        return ExecutionState.VERIFIED
    return ExecutionState.INTERRUPTED if error else ExecutionState.FAILED


def _end(ports: Ports, tx: Tx, execution: Execution, state: ExecutionState, error: str | None) -> Execution:
    """Store an execution's end with the audit entry that witnesses it."""
    now = ports.clock.now()
    sentence = execution.verdict.sentence if execution.verdict else ""
    facts = {"cluster": execution.proposal.cluster, "verdict": sentence, "note": error or ""}
    entry = tx.audit.append(now, "system", f"execution {state.value}", execution.id, facts)
    ended = tx.executions.save(
        execution.model_copy(
            update={
                "state": state,
                "ended_at": now,
                "error": error,
                "audit_seq": entry.seq,
                "audit_hash": entry.hash,
                "lease_until": None,
            }
        )
    )
    if ended.undoes and state is ExecutionState.VERIFIED:
        original = tx.executions.get(ended.undoes)
        show_execution(tx, tx.executions.save(original.model_copy(update={"state": ExecutionState.UNDONE})), now)
    show_execution(tx, ended, now)
    refresh_homes(tx, now)
    return ended


@retried
def _refuse(ports: Ports, execution_id: str, why: str) -> Execution | ClaimRefusal:
    """End an execution that could not begin; the cluster was not touched."""
    with ports.store.write() as tx:
        execution = tx.executions.get(execution_id)
        if execution.state is not ExecutionState.QUEUED:
            return ClaimRefusal.ENDED if execution.ended else ClaimRefusal.ALREADY_CLAIMED
        if execution.mitigation_id:
            mitigation = tx.mitigations.get(execution.mitigation_id)
            tx.mitigations.save(mitigation.back_in_force())
        return _end(ports, tx, execution, ExecutionState.FAILED, why)


def settle(ports: Ports, execution_id: str) -> Execution | None:
    """Close an execution whose process died: its effect is verified, never run again. None while its claim holds."""
    now = ports.clock.now()
    with ports.store.write() as tx:
        execution = tx.executions.get(execution_id)
        if execution.state is not ExecutionState.RUNNING or (execution.lease_until and now < execution.lease_until):
            return None
        token = f"settling:{ports.owner}"
        execution = tx.executions.save(execution.model_copy(update={"claim": token, "lease_until": now + LEASE}))
    if execution.before is None:
        return None
    work = work_of(ports, execution)
    error = "Its process ended in the middle; nothing was repeated, and the effect was looked at instead."
    return finish(ports, work, execution.before, None, error, token)
