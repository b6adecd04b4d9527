"""Slack messages as desired state: a card says what should stand where; a publisher makes Slack agree."""

from datetime import datetime
from enum import StrEnum

from pydantic import Field

from bot.domain.action import Execution, Preview, Proposal, Risk
from bot.domain.approval import ApprovalRequest
from bot.domain.cluster import Mode, Queue, Unknown, Value, Worker
from bot.domain.incident import Incident
from bot.domain.mitigation import Mitigation, Protection
from bot.domain.run import Run


class CardKind(StrEnum):
    """What a card shows. Each kind has one renderer."""

    INCIDENT = "incident"  # the status message in an incident's thread, edited in place; subject: incident id
    MARK = "mark"  # eyes, then a tick, on the alert itself; subject: incident id
    REPEAT = "repeat"  # one link under a repeated alert; subject: incident id + "/" + ts
    REQUEST = "request"  # a request for approval, in its thread; subject: request id
    REQUEST_DM = "request_dm"  # the same to one approver by direct message; subject: request id + "/" + user id
    EXECUTION = "execution"  # progress and outcome; subject: execution id
    ENDING = "ending"  # warning that a mitigation ends; subject: mitigation id + "/" + its end, epoch seconds
    NOTICE = "notice"  # one sentence written when the card was wanted; subject: unique
    HOME = "home"  # a person's Home tab; subject: user id


class Card(Value):
    """One card. `wanted` counts up each time its truth changed; `published` is the count Slack has seen.

    `ts` is the message once posted; `shown` a digest of what was last sent, so that equal content is not sent twice;
    `text` is what a NOTICE says; `dead` is why it can never be published (channel gone, say).
    """

    id: str
    version: int = 0
    kind: CardKind
    subject: str
    channel: str
    thread_ts: str | None = None
    wanted: int = 1
    published: int = 0
    ts: str | None = None
    shown: str | None = None
    text: str | None = None
    dead: str | None = None
    retry_at: datetime | None = None
    wanted_at: datetime


def card_id(kind: CardKind, subject: str) -> str:
    """Return the id of the one card of that kind and subject."""
    return f"{kind.value}:{subject}"


# --- what views are made from: bundles of truth, read in one transaction; words and blocks are made in bot.slack ---


class Offer(Value):
    """An action that an incident's card offers.

    `alone` says that one on-call person may do it (low risk); else `asks` names the roles that are asked.
    """

    step_id: str
    title: str
    proposal: Proposal
    risk: Risk
    alone: bool
    asks: tuple[str, ...] = ()
    preview: Preview | None = None


class IncidentCard(Value):
    """What an incident's status message is made from. `trouble` says why live numbers are missing."""

    incident: Incident
    run: Run | None
    offers: tuple[Offer, ...] = ()
    in_force: tuple[Mitigation, ...] = ()
    requests: tuple[ApprovalRequest, ...] = ()
    executions: tuple[Execution, ...] = ()
    mode: Mode = Mode.ACT
    frozen: bool = False
    now: datetime


class RequestCard(Value):
    """What a request's message is made from. `reader` is set in a direct message: whose it is."""

    request: ApprovalRequest
    execution: Execution | None = None
    incident: Incident | None = None
    reader: str | None = None
    now: datetime


class ExecutionCard(Value):
    """What an execution's message is made from. `undoable`: an Undo button may stand there now."""

    execution: Execution
    mitigation: Mitigation | None = None
    undoable: bool = False
    now: datetime


class EndingCard(Value):
    """What the warning before a mitigation's end is made from. `waiting` messages will be consumed again."""

    mitigation: Mitigation
    waiting: int | None
    now: datetime


class AuditCheck(Value):
    """The last walk over the audit chain."""

    at: datetime
    sound: bool
    sentence: str


class HomeView(Value):
    """What a person's Home tab is made from. `waiting` are the requests that this person may approve."""

    user: str
    modes: dict[str, Mode]
    frozen: bool
    waiting: tuple[ApprovalRequest, ...] = ()
    in_force: tuple[Mitigation, ...] = ()
    incidents: tuple[Incident, ...] = ()
    audit_check: AuditCheck | None = None
    now: datetime


class QueueLine(Value):
    """One queue in a status. `consumers` None: not every worker answered, so it is not known.

    `set_aside` messages of it lie in archives: they do not wait, and do not run until they are put back.
    """

    queue: Queue
    importance: int | None
    net_per_minute: float | None
    scheduled: int | None
    consumers: int | None
    pause: Mitigation | None = None
    backed_up: bool = False
    set_aside: int = 0


class StatusView(Value):
    """What `/celery status` shows of one cluster. `trouble` is set when nothing could be read.

    `orphaned` are the queues with messages and no consumer, which come first; `protection` says per worker which layer
    keeps it from paused queues. `limits` are the rate limits in force.
    """

    cluster: str
    mode: Mode
    frozen: bool
    queues: tuple[QueueLine, ...] = ()
    orphaned: tuple[str, ...] = ()
    limits: tuple[Mitigation, ...] = ()
    workers: tuple[Worker, ...] = ()
    unknown: tuple[Unknown, ...] = ()
    protection: dict[str, Protection] = Field(default_factory=dict)
    missing_groups: tuple[str, ...] = ()
    taken_at: datetime | None = None
    trouble: str | None = None
    now: datetime
