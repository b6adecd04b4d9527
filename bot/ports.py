"""What the use cases need of the outside, as Protocols; and the bases of actions and checks."""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Collection as Some
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from pydantic import BaseModel, ConfigDict

from bot.domain.action import (
    Effect,
    Execution,
    Irreversible,
    Observation,
    Outcome,
    Preview,
    Proposal,
    Risk,
    Verdict,
)
from bot.domain.approval import ApprovalRequest, Policy, Roles
from bot.domain.audit import AuditEntry, Broken, Sound
from bot.domain.card import Card, CardKind
from bot.domain.cluster import ClusterSnapshot, ClusterSpec
from bot.domain.errors import ClusterUnreachable
from bot.domain.forecast import DepthSample
from bot.domain.incident import Incident
from bot.domain.mitigation import Mitigation
from bot.domain.run import Finding, Run
from bot.domain.runbook import Runbook

T = TypeVar("T")


class Clock(Protocol):
    """The time, so that tests can set it."""

    def now(self) -> datetime:
        """Return the moment, in UTC, aware."""
        ...


# --- storage ---------------------------------------------------------------------------------------------------------


class Collection(Protocol[T]):
    """The stored things of one noun. Items carry `id` and `version`; version 0 has never been stored."""

    def get(self, id: str) -> T:
        """Return the item; raises NotFound."""
        ...

    def find(self, **equals: str | Sequence[str] | None) -> list[T]:
        """Return items whose indexed fields equal the given values (a sequence: any of them), oldest first.

        Raises KeyError for a field that is not indexed.
        """
        ...

    def next_id(self) -> str:
        """Return a fresh short id, unique for good ("inc-12")."""
        ...

    def add(self, item: T) -> T:
        """Store a new item; returns it at version 1."""
        ...

    def save(self, item: T) -> T:
        """Store a changed item; returns it at the next version; raises LostRace if somebody saved it since."""
        ...


@dataclass(frozen=True)
class InboxEntry:
    """Something Slack sent, written down before it was acknowledged. `payload` is Slack's own body."""

    id: str
    kind: str
    payload: Mapping[str, Any]
    received_at: datetime
    attempts: int = 0


class Inbox(Protocol):
    """Events, commands and clicks, each stored once before Slack gets its acknowledgement."""

    def record(self, id: str, kind: str, payload: Mapping[str, Any], at: datetime) -> bool:
        """Store it; returns False when it is there already (a repeated delivery)."""
        ...

    def done(self, id: str, at: datetime) -> None:
        """Mark it handled."""
        ...

    def attempt(self, id: str) -> None:
        """Count one more attempt at handling it."""
        ...

    def unhandled(self, before: datetime) -> list[InboxEntry]:
        """Return what was received before that moment and never handled, oldest first."""
        ...

    def forget(self, before: datetime) -> int:
        """Delete handled entries received before that moment; returns how many."""
        ...


class Cards(Protocol):
    """The cards: what should stand in Slack, and what does."""

    def want(
        self,
        kind: CardKind,
        subject: str,
        channel: str,
        at: datetime,
        *,
        thread_ts: str | None = None,
        text: str | None = None,
    ) -> None:
        """Say that the truth behind a card changed (or that it should exist now)."""
        ...

    def get(self, kind: CardKind, subject: str) -> Card | None:
        """Return the card, if it was ever wanted."""
        ...

    def pending(self, now: datetime, limit: int = 50) -> list[Card]:
        """Return cards whose truth is ahead of Slack and whose `retry_at` has passed, oldest wish first."""
        ...

    def published(self, card: Card) -> None:
        """Store what the publisher did: `published`, `ts`, `shown`, `dead`, `retry_at` of this card; never `wanted`."""
        ...

    def of_kind(self, kind: CardKind) -> list[Card]:
        """Return all cards of a kind."""
        ...


class Audit(Protocol):
    """The append-only chain."""

    def append(self, at: datetime, actor: str, event: str, subject: str, facts: Mapping[str, Any]) -> AuditEntry:
        """Add an entry in this transaction; `actor` is a Slack user id or "system"."""
        ...

    def latest(self, limit: int = 10) -> list[AuditEntry]:
        """Return the newest entries, newest first."""
        ...

    def about(self, subject: str) -> list[AuditEntry]:
        """Return the entries of one subject, oldest first."""
        ...


class Tx(Protocol):
    """One transaction. Everything read and written in it is one step."""

    @property
    def incidents(self) -> Collection[Incident]:
        """Indexed by key, state, channel, root_ts."""
        ...

    @property
    def runs(self) -> Collection[Run]:
        """Indexed by incident_id."""
        ...

    @property
    def requests(self) -> Collection[ApprovalRequest]:
        """Indexed by state, incident_id."""
        ...

    @property
    def executions(self) -> Collection[Execution]:
        """Indexed by state, incident_id, request_id, undoes, mitigation_id."""
        ...

    @property
    def mitigations(self) -> Collection[Mitigation]:
        """Indexed by state, cluster, target, incident_id."""
        ...

    @property
    def inbox(self) -> Inbox:
        """What Slack sent."""
        ...

    @property
    def cards(self) -> Cards:
        """What should stand in Slack."""
        ...

    @property
    def audit(self) -> Audit:
        """The chain."""
        ...

    def note(self, name: str) -> Any | None:
        """Return a small named JSON fact ("frozen", "roles", "last audit check"), or None."""
        ...

    def set_note(self, name: str, value: Any) -> None:
        """Store a small named JSON fact; None removes it."""
        ...


class Store(Protocol):
    """The database. All calls block; they raise StoreUnavailable when it does not answer in time."""

    def write(self) -> AbstractContextManager[Tx]:
        """Begin a transaction that may write; commits at the end, rolls back on an exception.

        They run one after the other: what one of them found stays true until it commits. So they must be short, and
        one must not begin inside another.
        """
        ...

    def read(self) -> AbstractContextManager[Tx]:
        """Begin a transaction that only reads."""
        ...

    def lease(self, name: str, owner: str, now: datetime, seconds: float) -> bool:
        """Take or renew a named lease; returns whether `owner` holds it until `now` + `seconds`."""
        ...

    def release(self, name: str, owner: str) -> None:
        """Give a lease back, if `owner` holds it."""
        ...

    def verify_audit(self) -> Sound | Broken:
        """Walk the whole audit chain."""
        ...

    def export_audit(self) -> Sequence[AuditEntry]:
        """Return every audit entry in order."""
        ...


# --- the watched cluster ---------------------------------------------------------------------------------------------


class ClusterControl(Protocol):
    """One watched cluster. Reads answer within their deadline and raise ClusterUnreachable.

    Effects are sent once, never repeated, and raise EffectUncertain when the connection broke under them.
    """

    def snapshot(self, deadline: float = 2.0) -> ClusterSnapshot:
        """Count everything anew, within `deadline` seconds in all; what could not be learned stands in `unknown`."""
        ...

    def depths(self, deadline: float = 1.0) -> Mapping[str, int]:
        """Return the true depth of every known queue, in messages: one pipelined probe of the broker alone."""
        ...

    def consumers(self, deadline: float = 2.0) -> Mapping[str, frozenset[str] | None]:
        """Return per worker the queues it consumes; None for a known worker that did not answer."""
        ...

    def cancel_consumer(self, queue: str, workers: Sequence[str]) -> Mapping[str, str]:
        """Tell exactly these workers to stop consuming `queue`; returns what each replied."""
        ...

    def add_consumer(self, queue: str, workers: Sequence[str]) -> Mapping[str, str]:
        """Tell exactly these workers to consume `queue`; returns what each replied."""
        ...


class Clusters(Protocol):
    """The watched clusters by name."""

    def spec(self, name: str) -> ClusterSpec:
        """Return how it is configured; raises UnknownName."""
        ...

    def control(self, name: str) -> ClusterControl:
        """Return its control; raises UnknownName."""
        ...

    def names(self) -> tuple[str, ...]:
        """Return all names, the default first."""
        ...

    def for_channel(self, channel: str) -> str:
        """Return the name of a channel's default cluster."""
        ...


class Samples(Protocol):
    """Depths of the last minutes, in memory."""

    def of(self, cluster: str, queue: str) -> Sequence[DepthSample]:
        """Return the samples of a queue, oldest first."""
        ...

    def take(self, snapshot: ClusterSnapshot) -> None:
        """Remember what a snapshot counted."""
        ...

    def failed(self, cluster: str, at: datetime, error: ClusterUnreachable) -> None:
        """Remember that a cluster could not be read."""
        ...

    def failure(self, cluster: str) -> tuple[datetime, ClusterUnreachable] | None:
        """Return when and why a cluster could not be read, if that is the newest there is."""
        ...

    def snapshots(self, cluster: str) -> Sequence[ClusterSnapshot]:
        """Return the last snapshots of a cluster, oldest first; at least those of the last minute."""
        ...

    def take_depths(self, cluster: str, at: datetime, depths: Mapping[str, int]) -> None:
        """Remember depths alone, of a probe that asked no worker."""
        ...


class Dispatcher(Protocol):
    """Hands an execution to the ops worker."""

    def dispatch(self, execution_id: str) -> bool:
        """Publish it; returns False when the ops broker did not take it (the bot then runs it itself)."""
        ...


class Runbooks(Protocol):
    """The loaded runbooks."""

    def all(self) -> tuple[Runbook, ...]:
        """Return every sound runbook."""
        ...


class Expressions(Protocol):
    """The expression language of runbooks."""

    def evaluate(self, expression: str, names: Mapping[str, Any]) -> Any:
        """Return the value of one expression; raises BadInput with a sentence."""
        ...

    def render(self, value: Any, names: Mapping[str, Any]) -> Any:
        """Return `value` with every `{{ … }}` in its strings evaluated; one expression alone keeps its type."""
        ...


class Driver(Protocol):
    """A platform that starts and stops workers. None is required: without one, commands are shown to copy."""

    name: str

    def start(self, worker: str, without: Sequence[str]) -> None:
        """Start a worker that does not consume the queues in `without` (Celery's `-X`)."""
        ...

    def restart(self, worker: str, without: Sequence[str]) -> None:
        """Stop it warmly and start it again likewise."""
        ...


# --- actions and checks ----------------------------------------------------------------------------------------------


class Params(BaseModel):
    """Base of an action's or check's parameters: immutable, unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


P = TypeVar("P", bound=Params)


@dataclass(frozen=True)
class Target:
    """What an action or check works on: one cluster, how it is configured, and what is in force there.

    `acted` is when a pause last began or ended there: what was counted before says nothing of how it goes now.
    `earlier` are the snapshots since then. `wait` takes seconds; actions poll with it between two looks.
    """

    spec: ClusterSpec
    control: ClusterControl
    clock: Clock
    mitigations: Sequence[Mitigation] = ()
    acted: datetime | None = None
    earlier: Sequence[ClusterSnapshot] = ()
    wait: Callable[[float], None] = time.sleep

    def pause_of(self, queue: str) -> Mitigation | None:
        """Return the live pause of a queue, if there is one."""
        return next((m for m in self.mitigations if m.live and m.kind == "pause" and m.target == queue), None)


class Progress(Protocol):
    """Called by a running action before each effect; raises when this process no longer owns the execution."""

    def __call__(self, line: str, workers: Some[str] = ()) -> None:
        """Keep one line for people; `workers` are about to be touched, and are recorded on the mitigation first."""
        ...


class Action(ABC, Generic[P]):
    """One thing that changes a cluster. The docstring's first line is the help text."""

    name: ClassVar[str]
    version: ClassVar[int] = 1
    params: type[P]

    @abstractmethod
    def risk(self, params: P, spec: ClusterSpec, policy: Policy) -> Risk:
        """Return how risky it is with these parameters on this cluster. Pure."""

    @abstractmethod
    def observe(self, params: P, target: Target, snapshot: ClusterSnapshot) -> Observation:
        """Add to a fresh snapshot what it does not hold. Read-only; raises ClusterUnreachable or BadInput in words."""

    @abstractmethod
    def preview(self, params: P, observation: Observation, spec: ClusterSpec) -> Preview:
        """Say what would be touched. Pure."""

    def effect(self, params: P) -> Effect | None:  # noqa: ARG002 - most actions leave nothing in force
        """Return the effect that stays in force until its end, or None."""
        return None

    def aim(self, params: P) -> str:
        """Return what two wishes of this action must share to be the same wish: an effect's target, else everything."""
        effect = self.effect(params)
        return effect.target if effect else params.model_dump_json()

    def touches(self, params: P) -> str | None:  # noqa: ARG002 - most actions may overlap
        """Return what no two executions may work on at once (a queue), or None."""
        return None

    def ends(self, params: P) -> str | None:  # noqa: ARG002 - most actions end nothing
        """Return the target whose live mitigation this action ends, or None."""
        return None

    @abstractmethod
    def run(self, params: P, before: Observation, target: Target, progress: Progress) -> Outcome:
        """Do it. Calls `progress` before each effect."""

    @abstractmethod
    def verify(self, params: P, before: Observation, after: Observation) -> Verdict:
        """Say whether the effect is there. Pure: compares two observations, believes no reply."""

    @abstractmethod
    def undo(self, params: P, before: Observation, cluster: str) -> Proposal | Irreversible:
        """Return what would undo it, or why nothing can."""

    @abstractmethod
    def command(self, params: P, spec: ClusterSpec) -> str:
        """Return the (corrected) command for a person's own shell that does the same."""

    def available(self, spec: ClusterSpec) -> bool:  # noqa: ARG002 - most actions need nothing but the broker
        """Return whether the bot has the means here; without, the command is shown to copy."""
        return True


class Check(ABC, Generic[P]):
    """One read-only diagnostic. The docstring's first line is the help text."""

    name: ClassVar[str]
    params: type[P]

    @abstractmethod
    def run(self, params: P, snapshot: ClusterSnapshot, target: Target) -> Finding:
        """Return what was found in a fresh snapshot (one is taken for all checks of a block)."""


class Registry(Protocol):
    """The actions and checks found by discovery."""

    @property
    def actions(self) -> Mapping[str, Action[Any]]:
        """Actions by name."""
        ...

    @property
    def checks(self) -> Mapping[str, Check[Any]]:
        """Checks by name."""
        ...


@dataclass(frozen=True)
class Ports:
    """Everything outside, in one hand: made once, by bootstrap."""

    clock: Clock
    store: Store
    clusters: Clusters
    samples: Samples
    dispatcher: Dispatcher
    runbooks: Runbooks
    expressions: Expressions
    registry: Registry
    policy: Policy
    roles: Callable[[], Roles]
    owner: str
    wait: Callable[[float], None] = time.sleep
