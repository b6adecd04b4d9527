"""The end of an execution: its state, the audit entry that witnesses it, and every card that shows it."""

from bot.domain.action import Execution, ExecutionState
from bot.ports import Ports, Tx
from bot.usecases.effects import unsettled
from bot.usecases.showing import refresh_homes, show_execution


def close(ports: Ports, tx: Tx, execution: Execution, state: ExecutionState, error: str | None) -> Execution:
    """Store an execution's end. One that never began leaves the mitigation it was to end as it was."""
    now = ports.clock.now()
    if execution.started_at is None:
        unsettled(tx, execution, now)
    sentence = execution.verdict.sentence if execution.verdict else ""
    facts = {**what(execution), "verdict": sentence, "note": error or ""}
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


def what(execution: Execution) -> dict[str, str]:
    """Return the facts by which an auditor finds an execution: cluster, action, and the queue where there is one."""
    proposal = execution.proposal
    queue = proposal.params.get("queue")
    named = {"queue": queue} if isinstance(queue, str) else {}
    return {"cluster": proposal.cluster, "action": proposal.action, **named}
