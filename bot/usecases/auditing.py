"""The audit's own check, now and then, for everybody to see; and its latest entries."""

from datetime import timedelta

from bot.domain.audit import AuditEntry, Sound
from bot.domain.card import AuditCheck
from bot.ports import Ports, Tx
from bot.usecases.showing import refresh_homes

AUDIT_EVERY = timedelta(hours=1)
LAST_AUDIT_CHECK = "last_audit_check"


def check_audit(ports: Ports, *, every: timedelta = AUDIT_EVERY) -> None:
    """Walk the audit chain now and then; what was found stands on everybody's Home tab."""
    now = ports.clock.now()
    with ports.store.read() as tx:
        last = last_audit_check(tx)
    if last and now - last.at < every:
        return
    found = ports.store.verify_audit()
    sound = isinstance(found, Sound)
    sentence = f"{found.entries:,} entries, unbroken." if isinstance(found, Sound) else found.why
    with ports.store.write() as tx:
        check = AuditCheck(at=now, sound=sound, sentence=sentence)
        tx.set_note(LAST_AUDIT_CHECK, check.model_dump(mode="json"))
        refresh_homes(tx, now)


def last_audit_check(tx: Tx) -> AuditCheck | None:
    """Return the last walk over the audit chain, if there was one."""
    note = tx.note(LAST_AUDIT_CHECK)
    return AuditCheck.model_validate(note) if note else None


def audit_tail(ports: Ports, limit: int = 8) -> list[AuditEntry]:
    """Return the newest audit entries, newest first."""
    with ports.store.read() as tx:
        return tx.audit.latest(limit)
