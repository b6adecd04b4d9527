"""What is read out of a Slack message: its lines, its colour, its sender, its moment."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from bot.domain.alert import AlertStatus
from bot.slack.typed import decoded, visible

Message = Mapping[str, Any]

TITLE = 1100
"""Longest title kept; Alertmanager itself cuts at 1,024."""
TEXT = 12_000
"""Longest text looked at; an alert's facts stand at its beginning."""
MOST_ATTACHMENTS = 20
"""Most attachments looked at; Slack allows 100."""

_LINK = re.compile(r"<((?:https?|mailto):[^<>|\s]*)(?:\|([^<>]*))?>")
_GREEN = re.compile(r"#?(good|2eb886|36a64f|2eb67d|00ff00|008000)", re.IGNORECASE)
_SEVERITY = re.compile(r"(?<![\w-])(critical|warning|info)(?![\w-])", re.IGNORECASE)
_LIMIT = re.compile(
    r">=?\s*(\d{1,3}(?:,\d{3}){1,4}|\d{1,12})(?![\w%]|[.,]\d|\s?(?:%|[kMGT]i?B\b|m?s\b|sec|min\b|hours?\b|percent))"
)


def attachments(message: Message) -> list[Mapping[str, Any]]:
    """Return the attachments that are objects, the first ones of very many."""
    given = message.get("attachments")
    return [a for a in given[:MOST_ATTACHMENTS] if isinstance(a, Mapping)] if isinstance(given, list) else []


def field(source: Mapping[str, Any], key: str) -> str:
    """Return what can be seen of a text field, decoded and without link markup; nothing when it is absent."""
    value = source.get(key)
    return _without_links(visible(decoded(value[:TEXT]))).strip() if isinstance(value, str) else ""


def _without_links(text: str) -> str:
    return _LINK.sub(lambda m: m.group(2) or m.group(1), text)


def texts(message: Message) -> Iterator[str]:
    """Yield every text of the message, what people see first first."""
    yield field(message, "text")
    for attachment in attachments(message):
        for key in ("pretext", "title", "text", "fallback"):
            yield field(attachment, key)
    yield from _block_texts(message.get("blocks"))


def _block_texts(blocks: object) -> Iterator[str]:
    """Yield the texts of headers and sections: some senders fill nothing else."""
    for block in blocks if isinstance(blocks, list) else ():
        if isinstance(block, Mapping) and isinstance(text := block.get("text"), Mapping):
            yield field(text, "text")


def first_line(message: Message) -> str:
    """Return the first line of the first text that has one."""
    for text in texts(message):
        for line in text.splitlines():
            if line.strip():
                return line.strip()[:TITLE]
    return ""


def whole_text(message: Message) -> str:
    """Return all texts of the message, a line each."""
    return "\n".join(t for t in texts(message) if t)


def colour_status(message: Message) -> AlertStatus:
    """Return what the colour says: green is resolved, everything else is not."""
    colours = [str(a.get("color") or "") for a in attachments(message)]
    green = bool(colours) and all(_GREEN.fullmatch(c) for c in colours)
    return AlertStatus.RESOLVED if green else AlertStatus.FIRING


def severity_in(*places: str) -> str | None:
    """Return the first severity named in any of these texts."""
    for place in places:
        if found := _SEVERITY.search(place):
            return found.group(1).lower()
    return None


def limit_in(*places: str) -> int | None:
    """Return the count that must not be passed: "> 1000", "> 1,000"; not a share, a size or a time ("> 90%")."""
    for place in places:
        if found := _LIMIT.search(place):
            return int(found.group(1).replace(",", "")) or None
    return None


def sender_of(message: Message) -> str:
    """Return who posted it: a bot, an app, or the person whose message is treated as an alert."""
    profile = message.get("bot_profile")
    app = profile.get("app_id") if isinstance(profile, Mapping) else None
    return str(message.get("bot_id") or message.get("app_id") or app or message.get("user") or "unknown")


def link_of(message: Message) -> str | None:
    """Return where the alert's title leads."""
    links = (str(a.get("title_link") or "") for a in attachments(message))
    return next((link[:2000] for link in links if link.startswith(("http://", "https://"))), None)


def moment_of(message: Message, status: AlertStatus) -> str:
    """Return the timestamp that orders the alert.

    A sender that edits its message in place resolves under the first timestamp: then the edit's is the true one.
    """
    edited = message.get("edited")
    at = edited.get("ts") if isinstance(edited, Mapping) and status is AlertStatus.RESOLVED else None
    return str(at or message["ts"])
