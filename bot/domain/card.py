"""Slack messages as desired state: a card says what should stand where; a publisher makes Slack agree."""

from datetime import datetime
from enum import StrEnum

from bot.domain.cluster import Value


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
