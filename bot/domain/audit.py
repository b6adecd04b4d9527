"""The audit chain: each entry carries the hash of the one before, over canonical bytes that are fixed for good."""

import hashlib
import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.domain.cluster import Value

FORMAT = 1
GENESIS = "0" * 64
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class AuditEntry(Value):
    """One entry. `at_us` is microseconds since 1970 UTC; `facts` holds anything JSON knows but floats."""

    seq: int
    at_us: int
    actor: str
    event: str
    subject: str
    facts: dict[str, Any]
    prev_hash: str
    hash: str

    @property
    def at(self) -> datetime:
        """Return the moment as a datetime."""
        return _EPOCH + timedelta(microseconds=self.at_us)

    @property
    def label(self) -> str:
        """Return how cards name it: an outside witness of the chain."""
        return f"audit #{self.seq} · {self.hash[:8]}"


def microseconds(at: datetime) -> int:
    """Return whole microseconds since 1970 UTC, exactly."""
    return (at - _EPOCH) // timedelta(microseconds=1)


def canonical(seq: int, at_us: int, actor: str, event: str, subject: str, facts: dict[str, Any], prev: str) -> bytes:
    """Return the bytes that are hashed: versioned, sorted UTF-8 JSON without spaces or floats.

    Raises TypeError for a float in `facts`: its text differs between machines and versions.
    """
    _refuse_floats(facts)
    document = {
        "v": FORMAT,
        "seq": seq,
        "at_us": at_us,
        "actor": actor,
        "event": event,
        "subject": subject,
        "facts": facts,
        "prev": prev,
    }
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def _refuse_floats(value: Any) -> None:
    if isinstance(value, float):
        raise TypeError(f"audit facts hold no floats, got {value!r}")
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ():
        _refuse_floats(item)


def entry_after(
    head: tuple[int, str], at: datetime, actor: str, event: str, subject: str, facts: dict[str, Any]
) -> AuditEntry:
    """Return the entry that follows `head` = (its seq, its hash); (0, GENESIS) for the first."""
    seq, at_us = head[0] + 1, microseconds(at)
    digest = hashlib.sha256(canonical(seq, at_us, actor, event, subject, facts, head[1])).hexdigest()
    return AuditEntry(
        seq=seq, at_us=at_us, actor=actor, event=event, subject=subject, facts=facts, prev_hash=head[1], hash=digest
    )


class Broken(Value):
    """The first place where the chain does not hold, in one sentence for people."""

    seq: int
    why: str


class Sound(Value):
    """The chain holds: how many entries, and the last hash, to compare with a card's."""

    entries: int
    head_hash: str


def verify(entries: Iterable[AuditEntry], head: tuple[int, str]) -> Sound | Broken:
    """Walk the chain in order of `seq` and compare its end with `head`, as the database keeps it apart."""
    at = (0, GENESIS)
    for e in entries:
        if broken := _break_at(e, at):
            return broken
        at = (e.seq, e.hash)
    if at != head:
        return Broken(
            seq=at[0] + 1,
            why=f"the chain ends at #{at[0]} ({at[1][:8]}) but its head says #{head[0]} ({head[1][:8]}): "
            "entries are missing at the end, or were written past the head",
        )
    return Sound(entries=at[0], head_hash=at[1])


def _break_at(e: AuditEntry, at: tuple[int, str]) -> Broken | None:
    if e.seq != at[0] + 1:
        return Broken(
            seq=at[0] + 1, why=f"entry #{at[0] + 1} is missing or out of order; the next one found is #{e.seq}"
        )
    if e.prev_hash != at[1]:
        return Broken(
            seq=e.seq, why=f"entry #{e.seq} does not follow #{at[0]}: its link to the entry before is another"
        )
    try:
        content = canonical(e.seq, e.at_us, e.actor, e.event, e.subject, e.facts, e.prev_hash)
    except TypeError:
        return Broken(seq=e.seq, why=f"entry #{e.seq} holds a number the bot never writes: its content was changed")
    if hashlib.sha256(content).hexdigest() != e.hash:
        return Broken(seq=e.seq, why=f"entry #{e.seq} was changed: its content does not give its hash")
    return None
