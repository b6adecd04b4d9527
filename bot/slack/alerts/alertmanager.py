"""Alertmanager, as it posts by default, with the usual custom titles; Grafana, whose titles are the same.

The default form carries values only: `[FIRING:n] <group label values> (<other common values>)`. The values in
parentheses shrink when alerts of the group differ, so only the group's own make two messages the same alert.
"""

import re
from dataclasses import dataclass

from bot.domain.alert import Alert, AlertStatus, correlation_key
from bot.slack.alerts.labels import labels_of
from bot.slack.alerts.reading import (
    TITLE,
    Message,
    attachments,
    field,
    limit_in,
    link_of,
    moment_of,
    sender_of,
    severity_in,
    texts,
)

_BRACKETED = re.compile(r"\[((?:(?:FIRING|RESOLVED)(?::\d+)?(?:,\s*)?)+)\]\s*(.*)", re.DOTALL)
_CUSTOM = re.compile(r"(FIRING|RESOLVED)\b(?:\s*\(\d+\))?\s+(\S.*)", re.DOTALL)
_FALLBACK_LINK = re.compile(r"\s\|\s<?https?://\S*$")
_SENTENCE_LIKE = re.compile(r"\s[<>=]|:\s")
CUT = "…"
LONGEST_LINE = 2000
LONGEST_NAME = 300


@dataclass(frozen=True)
class Headline:
    """One title taken apart: `group` are the values that identify the alert, `values` the others they share."""

    status: AlertStatus
    group: str
    values: tuple[str, ...]


def parse(message: Message, channel: str) -> Alert | None:
    """Return the alert, or None when no title of the message has the form."""
    found = [(line, h) for line in _titles(message) if (h := headline(line))]
    if not found:
        return None
    title, first = found[0]
    values = tuple(dict.fromkeys(v for _, h in found for v in (*h.group.split(), *h.values)))
    labels = labels_of(message)
    link, sender = link_of(message), sender_of(message)
    identity = (first.group,) if first.group else first.values
    return Alert(
        status=first.status,
        name=(labels.get("alertname") or _name(first))[:LONGEST_NAME],
        title=title[:TITLE],
        channel=channel,
        ts=moment_of(message, first.status),
        sender=sender,
        key=correlation_key(channel, sender, link or "", *identity),
        labels=labels,
        values=tuple(v[:200] for v in values[:100]),
        severity=severity_in(labels.get("severity", ""), " ".join(first.values), " ".join(values)),
        limit=limit_in(title, *texts(message)),
        link=link,
    )


def headline(line: str) -> Headline | None:
    """Take one title apart; None when it does not have the form."""
    found = _BRACKETED.match(line) or _CUSTOM.match(line)
    if found is None:
        return None
    status = AlertStatus.FIRING if "FIRING" in found.group(1) else AlertStatus.RESOLVED
    group, values = _parted(found.group(2).strip())
    return Headline(status, group, values) if group or values else None


def _titles(message: Message) -> list[str]:
    """Return the lines that may be titles; the fallback is Alertmanager's own even where the title is a template."""
    lines = [field(message, "text").partition("\n")[0]]
    for attachment in attachments(message):
        pretext = field(attachment, "pretext").partition("\n")[0]
        fallback = _FALLBACK_LINK.sub("", field(attachment, "fallback"))
        lines += [field(attachment, "title"), pretext, fallback]
    return [line[:LONGEST_LINE] for line in lines if line]


def _parted(rest: str) -> tuple[str, tuple[str, ...]]:
    """Part "group values (other values)": the parenthesis that closes at the very end, or was cut off there."""
    if rest.endswith(CUT):
        group, _, cut = rest.partition("(")
        return group.strip(), tuple(cut.split()[:-1])
    start = _opening(rest) if rest.endswith(")") else None
    if start is None:
        return rest, ()
    return rest[:start].strip(), tuple(rest[start + 1 : -1].split())


def _opening(text: str) -> int | None:
    """Return where the parenthesis opens that closes at the end of the text."""
    depth = 0
    for i in range(len(text) - 1, -1, -1):
        depth += {")": 1, "(": -1}.get(text[i], 0)
        if depth == 0:
            return i
    return None


def _name(first: Headline) -> str:
    """Return the alert's name: group labels come with `alertname` first; a name that is a sentence stays whole."""
    if not first.group:
        return first.values[0]
    return first.group if _SENTENCE_LIKE.search(first.group) else first.group.split()[0]
