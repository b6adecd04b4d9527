"""What buttons wish for: a runbook's offer, an undo, a pause's earlier or later end. All block on the cluster."""

from datetime import timedelta

from bot.domain.action import Execution, ExecutionState, Proposal
from bot.domain.approval import (
    Reason,
    Refused,
)
from bot.domain.mitigation import PAUSE, Mitigation
from bot.domain.run import StepState
from bot.ports import Ports, Tx
from bot.usecases.approvals import over_already
from bot.usecases.effects import in_force
from bot.usecases.endings import end_of
from bot.usecases.requests import Submitted, Where, draft_at, submit
from bot.usecases.targets import action_of


def offer(ports: Ports, run_id: str, step_id: str, by: str, shown: str = "") -> Submitted | Refused:
    """Take up what an incident's card offers: draft and submit in one. Blocks on the cluster.

    `shown` is how the digest of the proposal began that stood on the button: a step may offer another queue by now.
    """
    with ports.store.read() as tx:
        run = tx.runs.get(run_id)
        incident = tx.incidents.get(run.incident_id)
        if over := over_already(tx, incident.id):
            return over
    result = run.result(step_id)
    if result is None or result.proposal is None or result.state is not StepState.OFFERED:
        return Refused(reason=Reason.ALREADY_DONE, detail="no longer offered")
    if not result.proposal.digest.startswith(shown):
        return Refused(reason=Reason.ALREADY_DONE, detail="no longer offered")
    if refused := _in_force_already(ports, result.proposal):
        return refused
    where = Where(incident.channel, incident.root_ts, incident.id)
    with ports.store.read() as tx:
        undoes = _undone_by(tx, incident.id, result.proposal)
    why = str(result.proposal.params.get("reason") or f"runbook step {step_id} of {incident.id}")
    return _draft_and_submit(ports, result.proposal, by, why, where, undoes)


def _undone_by(tx: Tx, incident_id: str, proposal: Proposal) -> str | None:
    """Return what was done for an incident and is undone by a proposal that its runbook offers by itself, if any."""
    done = tx.executions.find(incident_id=incident_id)
    return next((e.id for e in done if e.undo == proposal and e.state is ExecutionState.VERIFIED), None)


def _in_force_already(ports: Ports, proposal: Proposal) -> Refused | None:
    """A second tap on an offer must not prolong a pause that the first tap began."""
    action, params = action_of(ports, proposal)
    effect = action.effect(params)
    if effect is None:
        return None
    with ports.store.read() as tx:
        live = in_force(tx, proposal.cluster, effect.kind, effect.target)
    if not live:
        return None
    return Refused(reason=Reason.ALREADY_DONE, by=live[0].owner, at=live[0].began_at, detail="in force")


def _draft_and_submit(
    ports: Ports, proposal: Proposal, by: str, reason: str, where: Where, undoes: str | None = None
) -> Submitted | Refused:
    drafted = draft_at(ports, proposal, by, reason, where, undoes)
    return drafted if isinstance(drafted, Refused) else submit(ports, drafted.id, by)


def undo(ports: Ports, execution_id: str, by: str) -> Submitted | Refused:
    """Undo an execution by what its action says undoes it. Blocks on the cluster."""
    with ports.store.read() as tx:
        execution = tx.executions.get(execution_id)
        if refused := _not_undoable(tx, execution):
            return refused
    assert execution.undo is not None  # noqa: S101 - _not_undoable refuses otherwise
    where = Where(execution.channel, execution.thread_ts, execution.incident_id)
    return _draft_and_submit(ports, execution.undo, by, f"undo of {execution.id}", where, undoes=execution.id)


def _not_undoable(tx: Tx, execution: Execution) -> Refused | None:
    if execution.state is ExecutionState.UNDONE:
        return Refused(reason=Reason.ALREADY_DONE, at=execution.ended_at, detail="undone")
    if execution.undo is None:
        return Refused(reason=Reason.NOT_POSSIBLE, detail=execution.irreversible or "It has no undo.")
    if execution.mitigation_id and not tx.mitigations.get(execution.mitigation_id).live:
        ended = tx.mitigations.get(execution.mitigation_id)
        return Refused(reason=Reason.ALREADY_DONE, at=ended.ended_at, detail="ended")
    return None


def resume(ports: Ports, mitigation_id: str, by: str) -> Submitted | Refused:
    """End a pause early. Blocks on the cluster."""
    mitigation = _mitigation(ports, mitigation_id)
    if not mitigation.live:
        return Refused(reason=Reason.ALREADY_DONE, at=mitigation.ended_at, detail="ended")
    return _draft_and_submit(ports, end_of(mitigation), by, f"end of {mitigation.id}", _where(mitigation))


def extend(ports: Ports, mitigation_id: str, by: str, seen_end: int, seconds: int = 1800) -> Submitted | Refused:
    """Move a pause's end `seconds` further. What remains in all decides the risk. Blocks on the cluster.

    `seen_end` is the end that the button showed, in epoch seconds: a second click on it must not extend twice.
    """
    mitigation = _mitigation(ports, mitigation_id)
    if not mitigation.live:
        return Refused(reason=Reason.ALREADY_DONE, at=mitigation.ended_at, detail="ended")
    if int(mitigation.ends_at.timestamp()) != seen_end:
        return Refused(reason=Reason.ALREADY_DONE, at=mitigation.ends_at, detail="extended")
    left = max(mitigation.ends_at - ports.clock.now(), timedelta(0))
    total = int(left.total_seconds()) + seconds
    params = {"seconds": total, "reason": mitigation.reason}
    if mitigation.kind == PAUSE:
        proposal = Proposal(
            action="pause_queue", cluster=mitigation.cluster, params={"queue": mitigation.target, **params}
        )
    else:
        limit = {"task": mitigation.target, "rate": mitigation.rate}
        proposal = Proposal(action="limit_rate", cluster=mitigation.cluster, params={**limit, **params})
    return _draft_and_submit(ports, proposal, by, f"extension of {mitigation.id}", _where(mitigation))


def _mitigation(ports: Ports, mitigation_id: str) -> Mitigation:
    with ports.store.read() as tx:
        return tx.mitigations.get(mitigation_id)


def _where(mitigation: Mitigation) -> Where:
    return Where(mitigation.channel, mitigation.thread_ts, mitigation.incident_id)
