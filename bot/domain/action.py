"""What an action says before, while and after it runs."""

import hashlib
import json
from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import Field

from bot.domain.cluster import ClusterSnapshot, Value
from bot.domain.wording import counted


class Risk(StrEnum):
    """How much harm an action can do; the policy names who must consent for each."""

    LOW = "low"
    HIGH = "high"
    DESTRUCTIVE = "destructive"


class Proposal(Value):
    """An action with its parameters, bound to one cluster: what somebody wants done."""

    action: str
    version: int = 1
    cluster: str
    params: dict[str, Any]

    @property
    def digest(self) -> str:
        """Return a digest over all of it."""
        return digest_of(self.model_dump(mode="json"))


class BlastRadius(Value):
    """What would be touched. Counts are of the moment of the preview; None is unknown."""

    queues: tuple[str, ...] = ()
    workers: tuple[str, ...] = ()
    messages: int | None = None
    running: int | None = None
    connections: int | None = None
    results: int | None = None


class Preview(Value):
    """What people see before they consent: one line on what happens, then what it touches and what it does not stop."""

    summary: str
    radius: BlastRadius
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


class Observation(Value):
    """What was read of the cluster to preview, or to compare before and after.

    `recorded` are workers that a mitigation in force remembers; `facts` whatever else the action needs.
    """

    snapshot: ClusterSnapshot
    recorded: tuple[str, ...] = ()
    facts: dict[str, Any] = Field(default_factory=dict)

    def without_tasks(self) -> "Observation":
        """Return it fit to be stored: a cluster may hold tens of thousands of tasks in hand."""
        return self.model_copy(update={"snapshot": self.snapshot.without_tasks()})


class Outcome(Value):
    """What a run did, as far as it knows: replies are no proof. `replied` maps a worker to what it said."""

    summary: str
    replied: dict[str, str] = Field(default_factory=dict)
    workers: tuple[str, ...] = ()
    facts: dict[str, Any] = Field(default_factory=dict)


class Verdict(Value):
    """Whether the effect was seen in the cluster, in one sentence for people."""

    verified: bool
    sentence: str
    confirmed: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


class Irreversible(Value):
    """Why an action has no undo."""

    why: str


class Effect(Value):
    """An effect that stays in force until it ends: what a mitigation is made from, for so many seconds.

    `kind` is one of those of `domain.mitigation`; a rate limit has a `rate`.
    """

    kind: str
    target: str
    seconds: int
    reason: str
    rate: str | None = None


class Tolerance(Value):
    """How far a fresh preview may differ from the consented one before the bot asks again.

    `messages_factor`: the count of messages may grow to this multiple (or by `messages_slack`, whichever is more).
    """

    messages_factor: float = Field(default=2.0, ge=1)
    messages_slack: int = Field(default=500, ge=0)


def drift(consented: Preview, fresh: Preview, tolerance: Tolerance) -> tuple[str, ...]:
    """Return in words what changed beyond tolerance since people consented; empty when nothing did."""
    then, now = consented.radius, fresh.radius
    found: list[str] = []
    if more := sorted(set(now.queues) - set(then.queues)):
        found.append(f"it would now also touch {', '.join(more)}")
    if more := sorted(set(now.workers) - set(then.workers)):
        found.append(f"it would now also reach {', '.join(more)}")
    if then.messages is not None and now.messages is not None:
        bound = max(then.messages * tolerance.messages_factor, then.messages + tolerance.messages_slack)
        if now.messages > bound:
            found.append(f"it was {then.messages:,} messages and is {now.messages:,} now")
    results = then.results or 0
    if (now.results or 0) > max(results * tolerance.messages_factor, results + tolerance.messages_slack):
        found.append(f"it was {counted(results, 'result')} and is {now.results:,} now")
    if (now.connections or 0) > (then.connections or 0) * tolerance.messages_factor:
        found.append(f"it was {counted(then.connections or 0, 'connection')} and is {now.connections:,} now")
    return tuple(found)


class ExecutionState(StrEnum):
    """The life of an execution. Dry run: the cluster is only observed, so nothing was changed."""

    QUEUED = "queued"
    RUNNING = "running"
    VERIFIED = "verified"
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    UNDONE = "undone"
    DRY_RUN = "dry run"


class Execution(Value):
    """One consented proposal on its way through the cluster.

    `consent` says in words why it may run ("policy low", "approved by …"); `claim` is the token of the one process that
    may run it, until `lease_until`; `audit_seq` and `audit_hash` point at the entry that closed it.
    """

    id: str
    version: int = 0
    proposal: Proposal
    risk: Risk
    consent: str
    requested_by: str
    request_id: str | None = None
    incident_id: str | None = None
    channel: str
    thread_ts: str | None = None
    preview: Preview
    state: ExecutionState = ExecutionState.QUEUED
    queued_at: datetime
    claim: str | None = None
    lease_until: datetime | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    progress: tuple[str, ...] = ()
    before: Observation | None = None
    outcome: Outcome | None = None
    verdict: Verdict | None = None
    error: str | None = None
    undo: Proposal | None = None
    irreversible: str | None = None
    mitigation_id: str | None = None
    undoes: str | None = None
    audit_seq: int | None = None
    audit_hash: str | None = None

    @property
    def ended(self) -> bool:
        """Return whether nothing more will happen by itself."""
        return self.state not in (ExecutionState.QUEUED, ExecutionState.RUNNING)


class ClaimRefusal(StrEnum):
    """Why an execution may not be started by this process, now."""

    ALREADY_CLAIMED = "already claimed"
    ENDED = "already ended"
    BUSY = "another execution works on the same thing"


def digest_of(document: Any) -> str:
    """Return the SHA-256 of a JSON document in canonical form (sorted keys, no spaces, UTF-8), in hex."""
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()
