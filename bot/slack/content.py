"""What is to stand in Slack for a card."""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.slack.answers import said, sentence
from bot.slack.views.message import Message

EYES = "eyes"
TICK = "white_check_mark"


@dataclass(frozen=True)
class Mark:
    """A reaction on the alert itself: that we saw it, then that it is over. `ts` None: there is no message to mark."""

    ts: str | None
    name: str
    instead_of: str | None


@dataclass(frozen=True)
class HomeTab:
    """A person's Home tab."""

    user: str
    view: dict[str, Any]


Content = Message | Mark | HomeTab


def digest(content: Content) -> str:
    """Return a digest by which equal content is recognised."""
    if isinstance(content, Mark):
        return content.name
    body = content.view if isinstance(content, HomeTab) else {"text": content.text, "blocks": content.blocks}
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()[:24]


def plain(content: Content) -> Content:
    """Return the same with the simplest block there is, for when Slack refuses the others."""
    if isinstance(content, Message):
        return said(content.text)
    if isinstance(content, HomeTab):
        text = "The Home tab could not be drawn. `/celery status` and `/celery audit` still answer."
        return HomeTab(content.user, {"type": "home", "blocks": sentence(text).blocks})
    return content


def posting(at: datetime) -> str:
    """Return what stands in a card's `shown` from before its first post until Slack's answer is stored."""
    return f"posting:{int(at.timestamp())}"


def posting_since(shown: str | None) -> int | None:
    """Return since when (epoch seconds) a post is under way whose answer was never stored; None if there is none."""
    return int(shown.removeprefix("posting:")) if shown and shown.startswith("posting:") else None
