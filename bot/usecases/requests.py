"""From a wish to a request: draft it with a preview on the live cluster, then submit it."""

from dataclasses import dataclass
from datetime import datetime

from bot.domain.action import Execution, ExecutionState, Preview, Proposal, Risk
from bot.domain.approval import (
    ApprovalRequest,
    Policy,
    Reason,
    Refused,
    RequestState,
    Roles,
    approvers,
    expiry,
)
from bot.domain.errors import BadInput
from bot.ports import Ports, Tx
from bot.usecases.looking import look
from bot.usecases.retrying import retried
from bot.usecases.showing import refresh_homes, show_execution, show_request
from bot.usecases.switches import FROZEN, frozen
from bot.usecases.targets import action_of, target_of


@dataclass(frozen=True)
class Submitted:
    """A request that was sent on its way: with an execution when it needs nobody else's consent."""

    request: ApprovalRequest
    execution: Execution | None


@dataclass(frozen=True)
class Where:
    """Where in Slack a wish was made, and for which incident."""

    channel: str
    thread_ts: str | None = None
    incident_id: str | None = None


def draft(
    ports: Ports,
    proposal: Proposal,
    by: str,
    reason: str,
    channel: str,
    thread_ts: str | None = None,
    incident_id: str | None = None,
) -> ApprovalRequest | Refused:
    """Preview a wish on the live cluster and keep it as a draft, shown to its author alone.

    Blocks on the cluster; raises ClusterUnreachable, UnknownName or BadInput in words.
    """
    return draft_at(ports, proposal, by, reason, Where(channel, thread_ts, incident_id))


def draft_at(
    ports: Ports, proposal: Proposal, by: str, reason: str, where: Where, undoes: str | None = None
) -> ApprovalRequest | Refused:
    """Draft likewise, for a place in Slack; `undoes` is the execution that it would undo."""
    with ports.store.read() as tx:
        if refused := may_ask(ports, tx, by):
            return refused
    action, params = action_of(ports, proposal)
    target = target_of(ports, proposal.cluster)
    if not action.available(target.spec):
        return Refused(reason=Reason.NOT_POSSIBLE, detail=action.command(params, target.spec))
    snapshot = look(target)
    preview = action.preview(params, action.observe(params, target, snapshot), target.spec)
    risk = action.risk(params, target.spec, ports.policy)
    refused = _nobody(ports.policy, risk, ports.roles(), by)
    if refused:
        return refused
    return _keep_draft(ports, proposal, by, reason, where, undoes, risk, preview)


def may_ask(ports: Ports, tx: Tx, by: str) -> Refused | None:
    """Return why somebody may ask for nothing at all, if so: not on call, or everything is frozen."""
    if by not in ports.roles().get(ports.policy.acting, frozenset()):
        return Refused(reason=Reason.NOT_ON_CALL)
    return Refused(reason=Reason.FROZEN, by=(tx.note(FROZEN) or {}).get("by")) if frozen(tx) else None


def _nobody(policy: Policy, risk: Risk, roles: Roles, by: str) -> Refused | None:
    if risk is Risk.LOW or approvers(policy.alternatives(risk), roles, by):
        return None
    return Refused(
        reason=Reason.NOBODY_MAY_APPROVE, detail=", ".join(a.by for a in policy.alternatives(risk)) or risk.value
    )


def _keep_draft(
    ports: Ports,
    proposal: Proposal,
    by: str,
    reason: str,
    where: Where,
    undoes: str | None,
    risk: Risk,
    preview: Preview,
) -> ApprovalRequest:
    now = ports.clock.now()
    alternatives = () if risk is Risk.LOW else ports.policy.alternatives(risk)
    with ports.store.write() as tx:
        runs = tx.runs.find(incident_id=where.incident_id) if where.incident_id else []
        runbook = runs[-1].runbook if runs else None
        return tx.requests.add(
            ApprovalRequest(
                id=tx.requests.next_id(),
                proposal=proposal,
                risk=risk,
                preview=preview,
                reason=reason,
                policy_digest=ports.policy.digest,
                runbook_digest=runbook.digest if runbook else None,
                alternatives=alternatives,
                asked=approvers(alternatives, ports.roles(), by),
                requested_by=by,
                requested_at=now,
                expires_at=expiry(ports.policy, now),
                incident_id=where.incident_id,
                undoes=undoes,
                channel=where.channel,
                thread_ts=where.thread_ts,
                state=RequestState.DRAFT,
            )
        )


@retried
def _submit(ports: Ports, request_id: str, by: str) -> Submitted | Refused:
    now = ports.clock.now()
    with ports.store.write() as tx:
        request = tx.requests.get(request_id)
        if refused := _may_not_submit(ports, tx, request, by, now):
            return refused
        low = request.risk is Risk.LOW
        execution = execution_for(tx, request, now, consent="policy low") if low else None
        request = tx.requests.save(
            request.model_copy(
                update={
                    "state": RequestState.APPROVED if low else RequestState.PENDING,
                    "decided_at": now if low else None,
                    "execution_id": execution.id if execution else None,
                }
            )
        )
        event = "consented: policy low" if low else "approval requested"
        tx.audit.append(now, by, event, request.id, facts_of(request))
        if execution:
            show_execution(tx, execution, now)
        else:
            show_request(tx, request, now)
        refresh_homes(tx, now)
    return Submitted(request, execution)


def submit(ports: Ports, request_id: str, by: str) -> Submitted | Refused:
    """Send a draft on its way: low risk runs at once, all else asks those who may approve."""
    submitted = _submit(ports, request_id, by)
    if isinstance(submitted, Submitted) and submitted.execution:
        ports.dispatcher.dispatch(submitted.execution.id)
    return submitted


def _may_not_submit(ports: Ports, tx: Tx, request: ApprovalRequest, by: str, now: datetime) -> Refused | None:
    if request.state is not RequestState.DRAFT:
        return Refused(reason=Reason.ALREADY_DONE, by=request.requested_by, at=request.decided_at, detail=request.id)
    if by != request.requested_by:
        return Refused(reason=Reason.NOT_YOURS, by=request.requested_by)
    if by not in ports.roles().get(ports.policy.acting, frozenset()):
        return Refused(reason=Reason.NOT_ON_CALL)
    if now >= request.expires_at:
        return Refused(reason=Reason.EXPIRED, at=request.expires_at)
    if request.policy_digest != ports.policy.digest:
        return Refused(reason=Reason.OUTDATED)
    if frozen(tx):
        note = tx.note(FROZEN) or {}
        return Refused(reason=Reason.FROZEN, by=note.get("by"))
    return _twin(ports, tx, request)


def _twin(ports: Ports, tx: Tx, request: ApprovalRequest) -> Refused | None:
    """Return a refusal when the same thing is asked for, or on its way, already."""
    aim = _aim(ports, request.proposal)
    # What one person may do now does not wait for what others have yet to approve.
    pending = [] if request.risk is Risk.LOW else tx.requests.find(state=RequestState.PENDING.value)
    for other in pending:
        if _aim(ports, other.proposal) == aim:
            at, asked = other.requested_at, other.asked
            return Refused(reason=Reason.ALREADY_DONE, by=other.requested_by, at=at, asked=asked, detail=other.id)
    for running in tx.executions.find(state=(ExecutionState.QUEUED.value, ExecutionState.RUNNING.value)):
        if _aim(ports, running.proposal) == aim:
            at = running.queued_at
            return Refused(reason=Reason.ALREADY_DONE, by=running.requested_by, at=at, detail=running.id)
    return None


def _aim(ports: Ports, proposal: Proposal) -> tuple[str, str, str]:
    try:
        action, params = action_of(ports, proposal)
    except BadInput:  # of a version that is gone; it is the same as nothing else
        return proposal.cluster, proposal.action, proposal.digest
    return proposal.cluster, proposal.action, action.aim(params)


def execution_for(tx: Tx, request: ApprovalRequest, now: datetime, consent: str) -> Execution:
    """Store the execution of a request that has its consent."""
    return tx.executions.add(
        Execution(
            id=tx.executions.next_id(),
            proposal=request.proposal,
            risk=request.risk,
            consent=consent,
            requested_by=request.requested_by,
            request_id=request.id,
            incident_id=request.incident_id,
            channel=request.channel,
            thread_ts=request.thread_ts,
            preview=request.preview,
            queued_at=now,
            undoes=request.undoes,
        )
    )


def discard(ports: Ports, request_id: str, by: str) -> Refused | None:
    """Throw a draft away; returns why not, if not."""
    with ports.store.write() as tx:
        request = tx.requests.get(request_id)
        if request.state is not RequestState.DRAFT:
            return Refused(
                reason=Reason.ALREADY_DONE, by=request.requested_by, at=request.decided_at, detail=request.id
            )
        if by != request.requested_by:
            return Refused(reason=Reason.NOT_YOURS, by=request.requested_by)
        withdrawn = {"state": RequestState.WITHDRAWN, "decided_at": ports.clock.now()}
        tx.requests.save(request.model_copy(update=withdrawn))
        return None


def facts_of(request: ApprovalRequest) -> dict[str, str]:
    """Return what the audit keeps of a request."""
    return {
        "cluster": request.proposal.cluster,
        "action": request.proposal.action,
        "params": str(sorted(request.proposal.params.items())),
        "risk": request.risk.value,
        "reason": request.reason,
        "digest": request.digest,
        "execution": request.execution_id or "",
    }
