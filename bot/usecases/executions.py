"""Run a consented proposal exactly once: claim, effect, verification, and the record of each."""

import secrets
from collections.abc import Collection, Mapping

import structlog

from bot.domain.action import (
    ClaimRefusal,
    Execution,
    ExecutionState,
    Irreversible,
    Observation,
    Outcome,
    Proposal,
    Verdict,
)
from bot.domain.errors import ClusterUnreachable, OncallError
from bot.ports import Ports
from bot.usecases.claims import LEASE, claim, touched_by
from bot.usecases.closing import close, what
from bot.usecases.effects import record_workers, settle_effect
from bot.usecases.orders import give_orders
from bot.usecases.retrying import retried
from bot.usecases.showing import show_execution
from bot.usecases.work import Work, work_of

log = structlog.get_logger(__name__)


class ClaimLost(OncallError):
    """The execution is no longer this process's to run."""

    def __init__(self, execution_id: str) -> None:
        super().__init__(f"Execution {execution_id} was taken from this process: it gave no sign of life in time.")


def execute(ports: Ports, execution_id: str) -> Execution | ClaimRefusal:
    """Run one execution, if it is still to be run; returns it ended, or why this process did not run it.

    Called by the ops worker, and by the bot when nobody claims it. Blocks on the cluster.
    """
    with ports.store.read() as tx:
        execution = tx.executions.get(execution_id)
    with structlog.contextvars.bound_contextvars(execution=execution_id, incident=execution.incident_id):
        done = _execute(ports, execution)
        log.info("execution", state=done.state.value if isinstance(done, Execution) else done.value)
        return done


def _execute(ports: Ports, execution: Execution) -> Execution | ClaimRefusal:
    if execution.state is not ExecutionState.QUEUED:
        return ClaimRefusal.ENDED if execution.ended else ClaimRefusal.ALREADY_CLAIMED
    try:
        work = work_of(ports, execution)
        before = work.observe()
        fresh = work.preview(before)
    except OncallError as e:
        return _refuse(ports, execution.id, f"Nothing was done: {e}")
    token = f"{ports.owner}:{secrets.token_hex(8)}"
    claimed = claim(ports, work, before, fresh, token)
    if isinstance(claimed, ClaimRefusal) or claimed.ended:
        return claimed
    ended = _run(ports, work, claimed.before or before, token)
    _next_in_line(ports, ended)
    return ended


def _run(ports: Ports, work: Work, before: Observation, token: str) -> Execution:
    """Cause the effect, then ask the cluster whether it is there, whatever happened on the way."""
    outcome: Outcome | None = None
    error: str | None = None
    untold: str | None = None

    def progress(line: str, workers: Collection[str] = ()) -> None:
        _progress(ports, work.execution.id, token, line, workers)

    try:
        if work.action.effect(work.params) or work.action.ends(work.params):
            untold = give_orders(ports, work.execution.proposal.cluster)  # first: workers may start at any moment
        outcome = work.action.run(work.params, before, work.target, progress)
    except ClaimLost as e:
        log.warning("claim lost")
        with ports.store.read() as tx:
            lost: Execution = tx.executions.get(work.execution.id)
        return lost if lost.ended else lost.model_copy(update={"error": str(e)})
    except OncallError as e:
        error = str(e)
    except Exception:  # whatever broke, the cluster may have been touched: it is looked at, and recorded
        log.exception("action broke", action=work.action.name)
        error = "The bot made a mistake while running this; its log holds the details."
    return _finish(ports, work, before, outcome, error, token, _note(before, untold))


def _note(before: Observation, untold: str | None) -> str:
    """Return in a sentence that workers with the plugin do not know yet; nothing where no worker has it."""
    plugged = any(w.plugin for w in before.snapshot.workers)
    return f" Workers that start with the worker plugin were not told: {untold}" if untold and plugged else ""


@retried
def _progress(ports: Ports, execution_id: str, token: str, line: str, workers: Collection[str]) -> None:
    """Keep one line for people and renew the claim; raises ClaimLost when it is no longer ours.

    `workers` are about to be touched: they are recorded first, so that a resume finds them whatever happens next.
    """
    now = ports.clock.now()
    with ports.store.write() as tx:
        execution = tx.executions.get(execution_id)
        if execution.claim != token or execution.state is not ExecutionState.RUNNING:
            raise ClaimLost(execution_id)
        lines = (*execution.progress, line) if line not in execution.progress[-1:] else execution.progress
        tx.executions.save(execution.model_copy(update={"progress": lines[-20:], "lease_until": now + LEASE}))
        record_workers(tx, execution, workers)
        show_execution(tx, execution, now)


def _finish(
    ports: Ports,
    work: Work,
    before: Observation,
    outcome: Outcome | None,
    error: str | None,
    token: str,
    note: str = "",
) -> Execution:
    """Verify and close an execution whose claim is `token`. A cluster that cannot be asked leaves it interrupted.

    `note` is added to the verdict's sentence.
    """
    verdict: Verdict | None = None
    try:
        verdict = work.action.verify(work.params, before, work.observe())
        verdict = verdict.model_copy(update={"sentence": f"{verdict.sentence}{note}"})
    except ClusterUnreachable as e:
        error = f"{error or ''} The effect could not be verified: {e}".strip()
    except OncallError as e:
        error = error or str(e)
    except Exception:  # a mistake of ours must not leave an execution that runs for ever
        log.exception("verification broke", execution=work.execution.id, action=work.action.name)
        error = error or "The bot made a mistake while verifying this; its log holds the details."
    undo = work.action.undo(work.params, before, work.execution.proposal.cluster)
    result: dict[str, object] = {
        "outcome": outcome,
        "verdict": verdict,
        "undo": undo if isinstance(undo, Proposal) else None,
        "irreversible": undo.why if isinstance(undo, Irreversible) else None,
    }
    return _close(ports, work.execution.id, token, result, error)


@retried
def _close(ports: Ports, execution_id: str, token: str, result: Mapping[str, object], error: str | None) -> Execution:
    """Store the end of an execution that is still ours."""
    with ports.store.write() as tx:
        execution = tx.executions.get(execution_id)
        if execution.claim != token or execution.ended:
            return execution
        execution = execution.model_copy(update=result)
        settle_effect(ports, tx, execution)
        return close(ports, tx, execution, _state(execution.verdict, error), error)


def _state(verdict: Verdict | None, error: str | None) -> ExecutionState:
    """A verified effect counts even if something broke on the way; without a verdict a person must look."""
    if verdict is None:
        return ExecutionState.INTERRUPTED
    if verdict.verified:
        return ExecutionState.VERIFIED
    return ExecutionState.INTERRUPTED if error else ExecutionState.FAILED


@retried
def _refuse(ports: Ports, execution_id: str, why: str) -> Execution | ClaimRefusal:
    """End an execution that could not begin; the cluster was not touched."""
    with ports.store.write() as tx:
        execution = tx.executions.get(execution_id)
        if execution.state is not ExecutionState.QUEUED:
            return ClaimRefusal.ENDED if execution.ended else ClaimRefusal.ALREADY_CLAIMED
        return close(ports, tx, execution, ExecutionState.FAILED, why)


def _next_in_line(ports: Ports, ended: Execution) -> None:
    """Hand out what waited because this one worked on the same thing."""
    mine = touched_by(ports, ended)
    if mine is None:
        return
    with ports.store.read() as tx:
        queued = tx.executions.find(state=ExecutionState.QUEUED.value)
    for execution in queued:
        if execution.proposal.cluster == ended.proposal.cluster and touched_by(ports, execution) == mine:
            ports.dispatcher.dispatch(execution.id)


def settle(ports: Ports, execution_id: str) -> Execution | None:
    """Close an execution whose process died: its effect is verified, never run again. None while its claim holds."""
    now = ports.clock.now()
    token = f"settling:{ports.owner}:{secrets.token_hex(8)}"
    with ports.store.write() as tx:
        execution = tx.executions.get(execution_id)
        if execution.state is not ExecutionState.RUNNING or (execution.lease_until and now < execution.lease_until):
            return None
        execution = tx.executions.save(execution.model_copy(update={"claim": token, "lease_until": now + LEASE}))
    error: str | None = "Its process ended in the middle; nothing was repeated, and the effect was looked at instead."
    try:
        work = work_of(ports, execution)
    except OncallError as e:
        return _close(ports, execution_id, token, {}, f"Its process ended in the middle, and nobody could look: {e}")
    assert execution.before is not None  # noqa: S101 - a claim stores it in the same step as RUNNING
    outcome, told = _resume(ports, work, execution.before, token)
    ended = _finish(ports, work, execution.before, outcome, told or (error if outcome is None else None), token)
    _next_in_line(ports, ended)
    return ended


def _resume(ports: Ports, work: Work, before: Observation, token: str) -> tuple[Outcome | None, str | None]:
    """Let an action go on whose steps may be repeated; returns what came of it, and what went wrong."""
    lines = 0

    def progress(line: str, workers: Collection[str] = ()) -> None:
        nonlocal lines
        if not lines:
            _resumed(ports, work.execution)
        lines += 1
        _progress(ports, work.execution.id, token, line, workers)

    try:
        return work.action.resume(work.params, before, work.target, progress), None
    except OncallError as e:
        return None, f"Its process ended in the middle, and going on failed: {e}"
    except Exception:  # as in `_run`
        log.exception("action broke while it went on", action=work.action.name)
        return None, "Its process ended in the middle, and the bot made a mistake while going on; its log holds more."


def _resumed(ports: Ports, execution: Execution) -> None:
    """Write down that another process goes on, before it touches anything."""
    with ports.store.write() as tx:
        tx.audit.append(ports.clock.now(), "system", "execution resumed", execution.id, what(execution))
