"""What an execution leaves in force, or ends: the mitigation beside it."""

from datetime import datetime, timedelta
from typing import Any

from bot.domain.action import Effect, Execution, Observation, Verdict
from bot.domain.incident import after_mitigation_ended
from bot.domain.mitigation import LIVE, Mitigation, MitigationState, extended
from bot.ports import Action, Ports, Tx
from bot.usecases.showing import follow_endings, show_execution, show_incident


def begin_effect(
    tx: Tx, execution: Execution, action: Action[Any], params: Any, before: Observation, now: datetime
) -> Execution:
    """Write the mitigation down before the cluster is touched; returns the execution that points at it."""
    cluster = execution.proposal.cluster
    effect, ends = action.effect(params), action.ends(params)
    if effect:
        mitigation = _begun(tx, execution, effect, before, now)
    elif ends and (live := tx.mitigations.find(cluster=cluster, target=ends, state=LIVE)):
        mitigation = tx.mitigations.save(live[-1].model_copy(update={"state": MitigationState.ENDING}))
    else:
        return execution
    return execution.model_copy(update={"mitigation_id": mitigation.id})


def _begun(tx: Tx, execution: Execution, effect: Effect, before: Observation, now: datetime) -> Mitigation:
    cluster = execution.proposal.cluster
    live = tx.mitigations.find(cluster=cluster, target=effect.target, state=LIVE)
    if live:
        follow_endings(tx, live[-1].id, now)
        return tx.mitigations.save(extended(live[-1], now, effect.seconds))
    consumers = {w.name for w in before.snapshot.consumers(effect.target)}
    others = {w.name for w in before.snapshot.workers if w.queues is not None} - consumers
    return tx.mitigations.add(
        Mitigation(
            id=tx.mitigations.next_id(),
            kind=effect.kind,
            cluster=cluster,
            target=effect.target,
            owner=execution.requested_by,
            reason=effect.reason,
            channel=execution.channel,
            thread_ts=execution.thread_ts,
            incident_id=execution.incident_id,
            began_at=now,
            ends_at=now + timedelta(seconds=effect.seconds),
            workers=tuple(sorted(consumers)),
            absent=tuple(sorted(others)),
        )
    )


def settle_effect(
    ports: Ports, tx: Tx, execution: Execution, action: Action[Any], params: Any, verdict: Verdict | None
) -> None:
    """Bring the mitigation to where the verdict leaves it.

    A pause that could be looked at is in force, even where a worker does not agree yet: reconcile goes on asking it.
    One that could not is partial. An end that could not be looked at leaves the pause in force, to be ended again.
    """
    if execution.mitigation_id is None:
        return
    now = ports.clock.now()
    mitigation = tx.mitigations.get(execution.mitigation_id)
    if action.effect(params):
        state = MitigationState.IN_FORCE if verdict else MitigationState.PARTIAL
        reached = {*mitigation.workers, *(execution.outcome.workers if execution.outcome else ())}
        mitigation = mitigation.model_copy(update={"state": state, "workers": tuple(sorted(reached))})
        tx.mitigations.save(mitigation)
    elif verdict is None:
        tx.mitigations.save(mitigation.back_in_force())
    else:
        end_mitigation(tx, mitigation, now)


def end_mitigation(tx: Tx, mitigation: Mitigation, now: datetime) -> None:
    """Record that an effect is no longer in force; its incident may be over with it."""
    tx.mitigations.save(mitigation.model_copy(update={"state": MitigationState.ENDED, "ended_at": now}))
    follow_endings(tx, mitigation.id, now)
    for execution in tx.executions.find(mitigation_id=mitigation.id):
        show_execution(tx, execution, now)
    if mitigation.incident_id is None:
        return
    incident = tx.incidents.get(mitigation.incident_id)
    others = bool(tx.mitigations.find(incident_id=incident.id, state=LIVE))
    after = after_mitigation_ended(incident, others_in_force=others, now=now)
    if after != incident:
        tx.incidents.save(after)
        tx.audit.append(now, "system", f"incident {after.state.value}", incident.id, {"cluster": incident.cluster})
    show_incident(tx, incident.id, now)
