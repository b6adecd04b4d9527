"""When the cluster moved on since people consented: the same wish is asked again, with what is true now."""

from bot.domain.action import Execution, Preview
from bot.domain.approval import RequestState, expiry
from bot.ports import Ports, Tx
from bot.usecases.showing import show_request


def ask_again(ports: Ports, tx: Tx, execution: Execution, fresh: Preview, changed: str) -> str:
    """Return the sentence that ends the old execution; a request that people approved is asked anew."""
    request = tx.requests.get(execution.request_id) if execution.request_id else None
    if request is None or not request.alternatives:
        return (
            f"Nothing was done, because the cluster changed since the preview: {changed}. Look again and press again."
        )
    now = ports.clock.now()
    again = tx.requests.add(
        request.model_copy(
            update={
                "id": tx.requests.next_id(),
                "version": 0,
                "preview": fresh,
                "policy_digest": ports.policy.digest,
                "requested_at": now,
                "expires_at": expiry(ports.policy, now),
                "state": RequestState.PENDING,
                "reviews": (),
                "decided_at": None,
                "execution_id": None,
            }
        )
    )
    tx.audit.append(now, "system", "approval requested again", again.id, {"was": request.id, "because": changed})
    show_request(tx, again, now)
    return f"Nothing was done, because the cluster changed since the approval: {changed}. It is asked again below."
