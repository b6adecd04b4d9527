"""Pauses and rate limits end: a warning five minutes before, then an end that runs like any other execution."""

from datetime import datetime

from bot.domain.action import Execution, Proposal, Risk
from bot.domain.card import CardKind
from bot.domain.cluster import Mode
from bot.domain.mitigation import LIVE, PAUSE, RATE, Mitigation, MitigationState
from bot.ports import Ports
from bot.usecases.looking import look
from bot.usecases.retrying import retried
from bot.usecases.showing import show_ending, show_execution
from bot.usecases.switches import frozen
from bot.usecases.targets import action_of, target_of

_NAMES = {PAUSE: "pause", RATE: "rate limit"}
_BY_HAND = {PAUSE: "add_consumer {}", RATE: "rate_limit {} 0"}


def end_of(mitigation: Mitigation) -> Proposal:
    """Return what ends a mitigation."""
    action, key = ("resume_queue", "queue") if mitigation.kind == PAUSE else ("lift_rate_limit", "task")
    return Proposal(action=action, cluster=mitigation.cluster, params={key: mitigation.target})


def end_pauses(ports: Ports, cluster: str) -> None:
    """Warn of ends, and end what is due; raises ClusterUnreachable, and it is tried again at the next sweep."""
    with ports.store.read() as tx:
        in_force = tx.mitigations.find(
            cluster=cluster, state=(MitigationState.IN_FORCE.value, MitigationState.PARTIAL.value)
        )
        stopped = frozen(tx)
    now = ports.clock.now()
    for mitigation in in_force:
        if mitigation.warning_due(now):
            _warn(ports, mitigation.id)
    due = [m for m in in_force if m.due(now)]
    if due and stopped:
        _say_kept(ports, due, "executions are frozen", "It ends when somebody says `/celery unfreeze`.")
    elif due and ports.clusters.spec(cluster).mode is Mode.OBSERVE:
        _say_kept(ports, due, f"{cluster} is set to observe", "It ends once the settings say `mode: act` again.")
    elif due:
        for execution_id in _end_due(ports, cluster, due):
            ports.dispatcher.dispatch(execution_id)


@retried
def _warn(ports: Ports, mitigation_id: str) -> None:
    now = ports.clock.now()
    with ports.store.write() as tx:
        mitigation = tx.mitigations.get(mitigation_id)
        if mitigation.warning_due(now):
            show_ending(tx, mitigation, now)
            tx.mitigations.save(mitigation.model_copy(update={"warned_for": mitigation.ends_at}))


def _say_kept(ports: Ports, due: list[Mitigation], why: str, then: str) -> None:
    """Say once per end that a pause goes on, why, and what ends it."""
    now = ports.clock.now()
    with ports.store.write() as tx:
        for m in due:
            subject = f"kept/{m.id}/{int(m.ends_at.timestamp())}"
            if tx.cards.get(CardKind.NOTICE, subject) is None:
                text = f"The {_NAMES[m.kind]} of {m.target} has reached its end, but {why}, so it stays. {then}"
                tx.cards.want(CardKind.NOTICE, subject, m.channel, now, thread_ts=m.thread_ts, text=text)


def say_unknown(ports: Ports) -> None:
    """Say once of each pause whose cluster is no longer in the settings that the bot cannot end it."""
    known, now = ports.clusters.names(), ports.clock.now()
    with ports.store.write() as tx:
        for m in tx.mitigations.find(state=LIVE):
            subject = f"unknown/{m.id}"
            if m.cluster not in known and tx.cards.get(CardKind.NOTICE, subject) is None:
                text = (
                    f"The {_NAMES[m.kind]} of {m.target} is still in force on {m.cluster}, and {m.cluster} is no "
                    "longer in the settings: the bot can neither keep nor end it. Put the cluster back, or end it by "
                    f"hand (`celery control {_BY_HAND[m.kind].format(m.target)} -d` and the worker's name)."
                )
                tx.cards.want(CardKind.NOTICE, subject, m.channel, now, thread_ts=m.thread_ts, text=text)


def _end_due(ports: Ports, cluster: str, due: list[Mitigation]) -> list[str]:
    """Queue the end of each due pause, previewed on the live cluster; raises ClusterUnreachable, to be tried again."""
    target = target_of(ports, cluster)
    snapshot = look(target)
    queued = []
    for mitigation in due:
        proposal = end_of(mitigation)
        action, params = action_of(ports, proposal)
        preview = action.preview(params, action.observe(params, target, snapshot), target.spec)
        now = ports.clock.now()
        execution = Execution(
            id="",
            proposal=proposal,
            risk=Risk.LOW,
            consent=f"the end of {mitigation.id}, set when it began",
            requested_by="system",
            incident_id=mitigation.incident_id,
            channel=mitigation.channel,
            thread_ts=mitigation.thread_ts,
            preview=preview,
            queued_at=now,
            mitigation_id=mitigation.id,
        )
        if queued_id := _queue_end(ports, mitigation.id, execution, now):
            queued.append(queued_id)
    return queued


@retried
def _queue_end(ports: Ports, mitigation_id: str, execution: Execution, now: datetime) -> str | None:
    """Store the execution and mark the pause as ending in one step; None when somebody extended or ended it."""
    with ports.store.write() as tx:
        mitigation = tx.mitigations.get(mitigation_id)
        if not mitigation.due(now):
            return None
        tx.mitigations.save(mitigation.model_copy(update={"state": MitigationState.ENDING}))
        stored = tx.executions.add(execution.model_copy(update={"id": tx.executions.next_id()}))
        facts = {"cluster": mitigation.cluster, "target": mitigation.target, "execution": stored.id}
        tx.audit.append(now, "system", f"{mitigation.kind} reached its end", mitigation.id, facts)
        show_execution(tx, stored, now)
        return stored.id
