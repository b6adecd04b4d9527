"""The off switch: freeze stops every new execution at once."""

from bot.domain.approval import Reason, Refused
from bot.ports import Ports, Tx
from bot.usecases.showing import refresh_homes, show_incident

FROZEN = "frozen"


def frozen(tx: Tx) -> bool:
    """Return whether executions are frozen."""
    return tx.note(FROZEN) is not None


def freeze(ports: Ports, by: str) -> bool | Refused:
    """Stop new executions. Anyone on call may; returns whether anything changed."""
    return _set(ports, by, on=True)


def unfreeze(ports: Ports, by: str) -> bool | Refused:
    """Allow executions again. Anyone on call may; returns whether anything changed."""
    return _set(ports, by, on=False)


def _set(ports: Ports, by: str, *, on: bool) -> bool | Refused:
    if by not in ports.roles().get(ports.policy.acting, frozenset()):
        return Refused(reason=Reason.NOT_ON_CALL)
    now = ports.clock.now()
    with ports.store.write() as tx:
        if frozen(tx) == on:
            return False
        tx.set_note(FROZEN, {"by": by, "at": int(now.timestamp())} if on else None)
        tx.audit.append(now, by, "frozen" if on else "unfrozen", "executions", {})
        for incident in tx.incidents.find(state=("open", "mitigated")):
            show_incident(tx, incident.id, now)
        refresh_homes(tx, now)
        return True
