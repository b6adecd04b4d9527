"""When consent no longer covers what would run: the same wish is asked again, of those who may approve now."""

from bot.domain.action import Execution, Preview, Risk
from bot.domain.approval import RequestState, approvers, expiry
from bot.ports import Ports, Tx
from bot.usecases.showing import show_request
from bot.usecases.work import Work


def ask_again(ports: Ports, tx: Tx, work: Work, execution: Execution, fresh: Preview, changed: str) -> str:
    """Return the sentence that ends the old execution; a request that people approved is asked anew."""
    request = tx.requests.get(execution.request_id) if execution.request_id else None
    if request is None or not request.alternatives:
        return f"Nothing was done, because things changed since the preview: {changed}. Look again and press again."
    risk = work.action.risk(work.params, work.target.spec, ports.policy)
    alternatives = ports.policy.alternatives(Risk.HIGH if risk is Risk.LOW else risk)
    asked = approvers(alternatives, ports.roles(), request.requested_by)
    if not asked:
        return f"Nothing was done, because things changed since the approval: {changed}. Nobody may approve it now."
    now = ports.clock.now()
    again = tx.requests.add(
        request.model_copy(
            update={
                "id": tx.requests.next_id(),
                "version": 0,
                "risk": risk,
                "preview": fresh,
                "policy_digest": ports.policy.digest,
                "alternatives": alternatives,
                "asked": asked,
                "requested_at": now,
                "expires_at": expiry(ports.policy, now),
                "state": RequestState.PENDING,
                "reviews": (),
                "decided_at": None,
                "execution_id": None,
            }
        )
    )
    tx.audit.append(
        now,
        "system",
        "approval requested again",
        again.id,
        {"cluster": request.proposal.cluster, "was": request.id, "because": changed},
    )
    show_request(tx, again, now)
    return f"Nothing was done, because things changed since the approval: {changed}. It is asked again below."
