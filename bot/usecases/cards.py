"""What each card is made from, read in one transaction."""

from bot.domain.action import Execution, ExecutionState, Risk
from bot.domain.approval import RequestState, approvers
from bot.domain.card import EndingCard, ExecutionCard, HomeView, IncidentCard, Offer, RequestCard
from bot.domain.errors import OncallError
from bot.domain.incident import IncidentState
from bot.domain.mitigation import LIVE
from bot.domain.run import Run, StepState
from bot.ports import Ports, Tx
from bot.usecases.auditing import last_audit_check
from bot.usecases.switches import frozen
from bot.usecases.targets import action_of


def incident_card(ports: Ports, tx: Tx, id: str) -> IncidentCard:
    """Return what an incident's status message is made from."""
    incident = tx.incidents.get(id)
    run = next(iter(tx.runs.find(incident_id=id)), None)
    in_force = tuple(tx.mitigations.find(incident_id=id, state=LIVE))
    hidden = (RequestState.DRAFT, RequestState.WITHDRAWN)
    return IncidentCard(
        incident=incident,
        run=run,
        offers=() if incident.over or run is None else _offers(ports, run),
        in_force=in_force,
        requests=tuple(r for r in tx.requests.find(incident_id=id) if r.state not in hidden),
        executions=tuple(tx.executions.find(incident_id=id)),
        mode=ports.clusters.spec(incident.cluster).mode,
        frozen=frozen(tx),
        now=ports.clock.now(),
    )


def _offers(ports: Ports, run: Run) -> tuple[Offer, ...]:
    return tuple(
        offer
        for r in run.results
        if r.state is StepState.OFFERED and r.proposal and (offer := _offer(ports, run, r.id))
    )


def _offer(ports: Ports, run: Run, step_id: str) -> Offer | None:
    """Return the offer of a step; None when its action is gone or its parameters no longer fit."""
    result = run.result(step_id)
    if result is None or result.proposal is None or run.runbook is None:
        return None
    try:
        action, params = action_of(ports, result.proposal)
        risk = action.risk(params, ports.clusters.spec(run.cluster), ports.policy)
    except OncallError:
        return None
    step = next(s for s in run.runbook.steps if s.id == step_id)
    return Offer(
        step_id=step_id,
        title=step.title,
        proposal=result.proposal,
        risk=risk,
        alone=risk is Risk.LOW,
        asks=tuple(a.by for a in ports.policy.alternatives(risk)),
        preview=result.preview,
    )


def request_card(ports: Ports, tx: Tx, id: str, reader: str | None = None) -> RequestCard:
    """Return what a request's message is made from; `reader` for the direct message to one approver."""
    request = tx.requests.get(id)
    return RequestCard(
        request=request,
        execution=tx.executions.get(request.execution_id) if request.execution_id else None,
        incident=tx.incidents.get(request.incident_id) if request.incident_id else None,
        reader=reader,
        now=ports.clock.now(),
    )


def execution_card(ports: Ports, tx: Tx, id: str) -> ExecutionCard:
    """Return what an execution's message is made from."""
    execution = tx.executions.get(id)
    mitigation = tx.mitigations.get(execution.mitigation_id) if execution.mitigation_id else None
    return ExecutionCard(
        execution=execution,
        mitigation=mitigation,
        undoable=_undoable(execution) and (mitigation is None or mitigation.live),
        now=ports.clock.now(),
    )


def _undoable(execution: Execution) -> bool:
    ended = (ExecutionState.VERIFIED, ExecutionState.FAILED, ExecutionState.INTERRUPTED)
    return execution.undo is not None and execution.state in ended


def ending_card(ports: Ports, tx: Tx, id: str) -> EndingCard:
    """Return what the warning before a mitigation's end is made from; how much waits is the last sampled depth."""
    mitigation = tx.mitigations.get(id)
    samples = ports.samples.of(mitigation.cluster, mitigation.target)
    waiting = samples[-1].depth if samples else None
    return EndingCard(mitigation=mitigation, waiting=waiting, now=ports.clock.now())


def home(ports: Ports, tx: Tx, user: str) -> HomeView:
    """Return what a person's Home tab is made from."""
    roles = ports.roles()
    pending = tx.requests.find(state=RequestState.PENDING.value)
    return HomeView(
        user=user,
        modes={name: ports.clusters.spec(name).mode for name in ports.clusters.names()},
        frozen=frozen(tx),
        waiting=tuple(r for r in pending if user in approvers(r.alternatives, roles, r.requested_by)),
        in_force=tuple(tx.mitigations.find(state=LIVE)),
        incidents=tuple(tx.incidents.find(state=(IncidentState.OPEN.value, IncidentState.MITIGATED.value))),
        audit_check=last_audit_check(tx),
        now=ports.clock.now(),
    )
