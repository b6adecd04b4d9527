"""A listed sender whose form nobody knows: the first line is the name, words or the colour say how it stands."""

import re

from bot.domain.alert import Alert, AlertStatus, correlation_key
from bot.slack.alerts.labels import labels_of
from bot.slack.alerts.reading import (
    Message,
    colour_status,
    first_line,
    limit_in,
    link_of,
    moment_of,
    sender_of,
    severity_in,
    whole_text,
)

_FIRING = ("firing", "triggered", "alerting")
_OVER = ("resolved", "recovered", "cleared", "ok")
_WORDS = "|".join((*_FIRING, *_OVER))
_STATUS = re.compile(rf"(?i:^\W*({_WORDS})(?=[\s:,)\]–—-]|$)|[\[(]({_WORDS})(?::\d+)?[\])])|\b({_WORDS.upper()})\b")
"""A status counts at the beginning, in brackets or in capitals: "DNS cannot be resolved" is not over."""
_NUMBER = re.compile(r"(?<![\w.-])\d[\d,.]*%?(?![\w-])")
LONGEST_NAME = 200


def parse(message: Message, channel: str) -> Alert | None:
    """Return the alert, or None for a message without any text."""
    line = first_line(message)
    if not line:
        return None
    status, name = _read(line, message)
    sender, link, labels = sender_of(message), link_of(message), labels_of(message)
    return Alert(
        status=status,
        name=name[:LONGEST_NAME],
        title=line,
        channel=channel,
        ts=moment_of(message, status),
        sender=sender,
        key=correlation_key(channel, sender, link or "", _NUMBER.sub("#", name.lower())),
        labels=labels,
        values=tuple(word[:200] for word in re.findall(r"[\w./-]+", line)[:100]),
        severity=severity_in(labels.get("severity", ""), whole_text(message)),
        limit=limit_in(line, whole_text(message)),
        link=link,
    )


def _read(line: str, message: Message) -> tuple[AlertStatus, str]:
    """Return how it stands and what it is called: a word in the first line decides; without one the colour does."""
    found = _STATUS.search(line)
    if found is None:
        return colour_status(message), line
    word = next(g for g in found.groups() if g).lower()
    name = " ".join(f"{line[: found.start()]} {line[found.end() :]}".split()).strip("*_[](): –—-")
    return AlertStatus.FIRING if word in _FIRING else AlertStatus.RESOLVED, name or line
