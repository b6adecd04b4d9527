"""May it run, now, by this process? "Started" is written down before anything is touched."""

from datetime import timedelta

from bot.domain.action import ClaimRefusal, Execution, ExecutionState, Observation, Preview, Risk, drift
from bot.domain.approval import satisfied
from bot.domain.cluster import Mode
from bot.domain.errors import OncallError
from bot.domain.mitigation import MitigationState
from bot.domain.wording import counted
from bot.ports import Ports, Tx
from bot.usecases.asking_again import ask_again
from bot.usecases.closing import close, what
from bot.usecases.effects import begin_effect
from bot.usecases.retrying import retried
from bot.usecases.showing import show_execution
from bot.usecases.switches import FROZEN, frozen
from bot.usecases.targets import action_of
from bot.usecases.work import Work

LEASE = timedelta(seconds=20)
"""How long a claim holds without a sign of life; the longest wait between two progress lines is about 5 s."""

CONSENT_HOLDS = timedelta(minutes=10)
"""How long an execution may wait to be run: what people wanted last night, they need not want in the morning."""


@retried
def claim(ports: Ports, work: Work, before: Observation, fresh: Preview, token: str) -> Execution | ClaimRefusal:
    """Claim an execution for this process; or end it in words, when it may not run after all."""
    now = ports.clock.now()
    with ports.store.write() as tx:
        execution = tx.executions.get(work.execution.id)
        if execution.state is not ExecutionState.QUEUED:
            return ClaimRefusal.ENDED if execution.ended else ClaimRefusal.ALREADY_CLAIMED
        if _in_the_way(ports, tx, work):
            return ClaimRefusal.BUSY
        if ended := _may_not_run(ports, tx, work, execution, fresh):
            return ended
        started = {"state": ExecutionState.RUNNING, "claim": token, "lease_until": now + LEASE, "started_at": now}
        execution = execution.model_copy(update={**started, "before": before.without_tasks()})
        execution = tx.executions.save(begin_effect(tx, execution, work.action, work.params, now))
        facts = {**what(execution), "proposal": execution.proposal.digest, "claim": token}
        tx.audit.append(now, execution.requested_by, "execution started", execution.id, facts)
        show_execution(tx, execution, now)
        return execution


def _in_the_way(ports: Ports, tx: Tx, work: Work) -> bool:
    """Return whether another execution works on the same thing now: a pause and its resume must not overlap."""
    mine = work.action.touches(work.params)
    return mine is not None and any(
        e.proposal.cluster == work.execution.proposal.cluster and touched_by(ports, e) == mine
        for e in tx.executions.find(state=ExecutionState.RUNNING.value)
    )


def touched_by(ports: Ports, execution: Execution) -> str | None:
    """Return what an execution works on; None when that is nothing in particular, or its action is gone."""
    try:
        action, params = action_of(ports, execution.proposal)
    except OncallError:
        return None
    return action.touches(params)


def _may_not_run(ports: Ports, tx: Tx, work: Work, execution: Execution, fresh: Preview) -> Execution | None:
    """Return the execution, ended, when it may not run any more; None when it may."""
    if frozen(tx):
        by = (tx.note(FROZEN) or {}).get("by", "somebody")
        return close(ports, tx, execution, ExecutionState.FAILED, f"Nothing was done: <@{by}> froze executions.")
    if work.target.spec.mode is Mode.OBSERVE:
        sentence = f"Observe mode: nothing was done. It would have run: {fresh.summary}"
        return close(ports, tx, execution, ExecutionState.DRY_RUN, sentence)
    if stale := _stale(ports, tx, execution):
        return close(ports, tx, execution, ExecutionState.FAILED, f"Nothing was done: {stale}.")
    if changed := _no_longer_covered(ports, tx, work, execution, fresh):
        again = ask_again(ports, tx, work, execution, fresh, changed)
        return close(ports, tx, execution, ExecutionState.FAILED, again)
    return None


def _stale(ports: Ports, tx: Tx, execution: Execution) -> str | None:
    """Return why an execution came too late: its pause was extended or ended meanwhile, or it waited for too long."""
    if execution.request_id is None and execution.mitigation_id is not None:
        if tx.mitigations.get(execution.mitigation_id).state is MitigationState.ENDING:
            return None
        return "the pause was extended, or ended by somebody, meanwhile"
    waited = ports.clock.now() - execution.queued_at
    if waited <= CONSENT_HOLDS:
        return None
    return f"nobody ran it for {counted(int(waited.total_seconds() // 60), 'minute')}; ask again if it is still wanted"


def _no_longer_covered(ports: Ports, tx: Tx, work: Work, execution: Execution, fresh: Preview) -> str | None:
    """Return in words why the consent no longer covers what would run now; None when it does.

    An end was consented to when its effect began, whatever the cluster looks like by now.
    """
    if execution.request_id is None:
        return None
    request, roles = tx.requests.get(execution.request_id), ports.roles()
    if request.alternatives:
        if not satisfied(request, request.reviews, roles):
            return "those who approved may no longer do so"
        if request.policy_digest != ports.policy.digest:
            return "the approval policy was changed in between"
    elif work.action.risk(work.params, work.target.spec, ports.policy) is not Risk.LOW:
        return "one person may no longer do this alone"
    elif execution.requested_by not in roles.get(ports.policy.acting, frozenset()):
        return "who asked for it is no longer on call"
    return "; ".join(drift(execution.preview, fresh, ports.policy.tolerance)) or None
