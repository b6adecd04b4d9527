"""What people answer to a request: approve, deny, withdraw; and what time answers."""

from bot.domain.approval import (
    Answer,
    Decided,
    Reason,
    Refused,
    RequestState,
    expire,
    review,
)
from bot.ports import Ports, Tx
from bot.usecases.requests import execution_for, facts_of
from bot.usecases.retrying import retried
from bot.usecases.showing import refresh_homes, show_execution, show_request
from bot.usecases.switches import FROZEN, frozen


def over_already(tx: Tx, incident_id: str | None) -> Refused | None:
    """Return a refusal when an incident is over: what was wished for its sake is not done for a late click."""
    incident = tx.incidents.get(incident_id) if incident_id else None
    if incident is None or not incident.over:
        return None
    return Refused(reason=Reason.ALREADY_DONE, at=incident.resolved_at, detail="resolved")


@retried
def _answer(ports: Ports, request_id: str, by: str, answer: Answer) -> tuple[Decided | Refused, str | None]:
    now = ports.clock.now()
    with ports.store.write() as tx:
        request = tx.requests.get(request_id)
        pending = request.state is RequestState.PENDING and answer is Answer.APPROVE
        if pending and (over := over_already(tx, request.incident_id)):
            return over, None
        outcome = review(request, by, answer, ports.roles(), now)
        if isinstance(outcome, Refused):
            return outcome, None
        decided = outcome.request
        if decided.state is RequestState.APPROVED and frozen(tx):
            return Refused(reason=Reason.FROZEN, by=(tx.note(FROZEN) or {}).get("by")), None
        execution = None
        if decided.state is RequestState.APPROVED:
            yes = [r.by for r in decided.reviews if r.answer is Answer.APPROVE]
            execution = execution_for(tx, decided, now, consent=f"approved by {', '.join(yes)}")
            decided = decided.model_copy(update={"execution_id": execution.id})
        decided = tx.requests.save(decided)
        tx.audit.append(now, by, f"request: {answer.value}", decided.id, facts_of(decided))
        show_request(tx, decided, now)
        if execution:
            show_execution(tx, execution, now)
        refresh_homes(tx, now)
        return Decided(request=decided), execution.id if execution else None


def answer(ports: Ports, request_id: str, by: str, answer: Answer) -> Decided | Refused:
    """Take one person's Approve, Deny or Withdraw; the last approval needed starts the execution."""
    outcome, execution_id = _answer(ports, request_id, by, answer)
    if execution_id:
        ports.dispatcher.dispatch(execution_id)
    return outcome


@retried
def expire_requests(ports: Ports) -> None:
    """Expire what nobody answered in time, drafts included."""
    now = ports.clock.now()
    with ports.store.write() as tx:
        for request in tx.requests.find(state=(RequestState.PENDING.value, RequestState.DRAFT.value)):
            expired = expire(request, now)
            if expired is request:
                continue
            expired = tx.requests.save(expired)
            if request.state is RequestState.PENDING:
                tx.audit.append(now, "system", "request: expired", expired.id, facts_of(expired))
                show_request(tx, expired, now)
                refresh_homes(tx, now)
