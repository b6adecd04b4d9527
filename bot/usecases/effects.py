"""What an execution leaves in force, or ends: the mitigation beside it."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

from bot.domain.action import Effect, Execution
from bot.domain.incident import after_mitigation_ended
from bot.domain.mitigation import LIVE, PAUSE, RATE, Mitigation, MitigationState, extended, limited
from bot.ports import Action, Ports, Tx
from bot.usecases.showing import follow_endings, show_execution, show_incident
from bot.usecases.targets import acted_now


def begin_effect(tx: Tx, execution: Execution, action: Action[Any], params: Any, now: datetime) -> Execution:
    """Write the mitigation down before the cluster is touched; returns the execution that points at it."""
    cluster = execution.proposal.cluster
    effect, ends = action.effect(params), action.ends(params)
    if effect:
        return execution.model_copy(update={"mitigation_id": _begun(tx, execution, effect, now).id})
    if ends and (live := in_force(tx, cluster, *ends)):
        ending = tx.mitigations.save(live[-1].model_copy(update={"state": MitigationState.ENDING}))
        return _seen_by(execution, ending)
    acted_now(tx, cluster, now)
    return execution


def in_force(tx: Tx, cluster: str, kind: str, target: str) -> list[Mitigation]:
    """Return the live mitigations of a kind on a target: a task may be named as a queue is."""
    return [m for m in tx.mitigations.find(cluster=cluster, target=target, state=LIVE) if m.kind == kind]


def _seen_by(execution: Execution, ending: Mitigation) -> Execution:
    """Return the execution with the workers that joined while it looked: from now on no more are recorded."""
    before = execution.before
    if before is not None:
        recorded = tuple(sorted({*before.recorded, *ending.joined}))
        before = before.model_copy(update={"recorded": recorded})
    return execution.model_copy(update={"mitigation_id": ending.id, "before": before})


def _begun(tx: Tx, execution: Execution, effect: Effect, now: datetime) -> Mitigation:
    cluster, before = execution.proposal.cluster, execution.before
    assert before is not None  # noqa: S101 - a claim stores it in the same step
    rates = dict(before.facts.get("rates", {})) | _rates_owed(tx, cluster, effect)
    if live := in_force(tx, cluster, effect.kind, effect.target):
        follow_endings(tx, live[-1].id, now)
        current = extended(live[-1], now, effect.seconds)
        return tx.mitigations.save(limited(current, effect.rate, rates) if effect.rate else current)
    touched, others = set(rates), set[str]()
    if effect.kind == PAUSE:
        touched = {w.name for w in before.snapshot.consumers(effect.target)} | _owed(tx, cluster, effect.target)
        touched |= {w.name for w in before.snapshot.workers if w.leaves_out(effect.target)}
        others = {w.name for w in before.snapshot.workers if w.queues is not None} - touched
    acted_now(tx, cluster, now)
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
            workers=tuple(sorted(touched)),
            absent=tuple(sorted(others)),
            rate=effect.rate,
            rates=rates,
        )
    )


def _owed(tx: Tx, cluster: str, target: str) -> set[str]:
    """Return who has yet to take the queue back from the pause before; from now on the new pause owes it to them."""
    owed: set[str] = set()
    for former in tx.mitigations.find(cluster=cluster, target=target, state=MitigationState.RETURNING.value):
        if former.kind != PAUSE:
            continue
        owed |= set(former.owed)
        tx.mitigations.save(former.model_copy(update={"state": MitigationState.ENDED, "owed": ()}))
    return owed


def _rates_owed(tx: Tx, cluster: str, effect: Effect) -> dict[str, str]:
    """Return what workers have yet to get back from the rate limit before; what they have now may be that limit."""
    owed: dict[str, str] = {}
    for former in tx.mitigations.find(cluster=cluster, target=effect.target, state=MitigationState.RETURNING.value):
        if former.kind == RATE and effect.kind == RATE:
            owed |= {w: former.rates.get(w, "") for w in former.owed}
            tx.mitigations.save(former.model_copy(update={"state": MitigationState.ENDED, "owed": ()}))
    return owed


def record_workers(tx: Tx, execution: Execution, workers: Collection[str]) -> None:
    """Record workers on an execution's mitigation, before they are touched."""
    if not workers or execution.mitigation_id is None:
        return
    mitigation = tx.mitigations.get(execution.mitigation_id)
    if new := set(workers) - set(mitigation.workers):
        update = {
            "workers": tuple(sorted({*mitigation.workers, *new})),
            "absent": tuple(w for w in mitigation.absent if w not in new),
        }
        tx.mitigations.save(mitigation.model_copy(update=update))


def settle_effect(ports: Ports, tx: Tx, execution: Execution) -> None:
    """Bring the mitigation to where the verdict leaves it.

    A pause that could be looked at is in force, even where a worker does not agree yet: reconcile goes on asking it.
    One that could not is partial. An end that could not be looked at leaves the pause in force, to be ended again.
    """
    if execution.mitigation_id is None:
        return
    if execution.verdict is None:
        unsettled(tx, execution, ports.clock.now())
        return
    mitigation = tx.mitigations.get(execution.mitigation_id)
    if mitigation.state is MitigationState.ENDING:
        end_mitigation(tx, mitigation, ports.clock.now(), owed=execution.verdict.missing)
    else:
        tx.mitigations.save(mitigation.model_copy(update={"state": MitigationState.IN_FORCE}))


def unsettled(tx: Tx, execution: Execution, now: datetime) -> None:
    """Leave a mitigation as an execution left it that never began, or whose effect nobody could look at."""
    if execution.mitigation_id is None:
        return
    mitigation = tx.mitigations.get(execution.mitigation_id)
    if mitigation.state is MitigationState.APPLYING:
        tx.mitigations.save(mitigation.model_copy(update={"state": MitigationState.PARTIAL}))
    elif mitigation.state is MitigationState.ENDING:
        tx.mitigations.save(mitigation.end_failed(now))


def end_mitigation(tx: Tx, mitigation: Mitigation, now: datetime, owed: Sequence[str] = ()) -> None:
    """Record that an effect is no longer in force; its incident may be over with it.

    `owed` are workers that did not take the queue back yet: they are asked again by the sweep.
    """
    state = MitigationState.RETURNING if owed else MitigationState.ENDED
    tx.mitigations.save(mitigation.model_copy(update={"state": state, "ended_at": now, "owed": tuple(owed)}))
    acted_now(tx, mitigation.cluster, now)
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
