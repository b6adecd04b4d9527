"""Plain text in the words of the operations runbook: "Critical Alert: Queue Depth > 1000", "Resolved: …"."""

import re

from bot.domain.alert import Alert, AlertStatus, correlation_key
from bot.slack.alerts.reading import (
    Message,
    first_line,
    limit_in,
    link_of,
    moment_of,
    sender_of,
    severity_in,
    whole_text,
)

LONGEST_NAME = 300

_DECORATION = re.compile(r"^(?:\s|[*_~>]|:[a-z0-9_+-]+:|[^\w\s\[(<])+")
_COLON = r"(?:\s*:|\s+[–—-])\s*(\S.*)"
_SEVERITY = r"(?:(?:critical|warning|info)\s+)?"
_FIRING = re.compile(_SEVERITY + r"(?:alert(?:\s+firing)?|firing)" + _COLON, re.IGNORECASE)
_RESOLVED = re.compile(_SEVERITY + r"(?:alert\s+)?(?:resolved|recovered|cleared)" + _COLON, re.IGNORECASE)
_LABEL = re.compile(r"\b(queue|queue_name|cluster|severity)\s*[=:]\s*[`\"']?([\w./@-]{1,200})", re.IGNORECASE)
_QUEUE_WORD = re.compile(
    r"\s*(?:\bqueue\s*=\s*[`\"']?(\S+?)[`\"']?|\bon\s+(?:queue\s+)?[`\"']?([\w./-]+)[`\"']?|\(([\w./-]+)\))\s*$",
    re.IGNORECASE,
)


def parse(message: Message, channel: str) -> Alert | None:
    """Return the alert, or None when the first line does not have the form."""
    line = _DECORATION.sub("", first_line(message)).replace("*", "")
    status, subject = _read(line)
    if status is None:
        return None
    text = whole_text(message)
    labels = {name.lower(): value.rstrip(".") for name, value in reversed(_LABEL.findall(text))}
    name, values = _parted(subject)
    sender = sender_of(message)
    about = sorted({labels.get("queue", ""), labels.get("cluster", ""), *values} - {""})
    return Alert(
        status=status,
        name=name[:LONGEST_NAME],
        title=line,
        channel=channel,
        ts=moment_of(message, status),
        sender=sender,
        key=correlation_key(channel, sender, "plain", " ".join(name.lower().split()), *about),
        labels=labels,
        values=values,
        severity=severity_in(labels.get("severity", ""), line),
        limit=limit_in(subject, text),
        link=link_of(message),
    )


def _read(line: str) -> tuple[AlertStatus | None, str]:
    """Return the status and what the line is about; "Resolved: Critical Alert: …" is resolved."""
    if resolved := _RESOLVED.match(line):
        subject = resolved.group(1)
        inner = _FIRING.match(subject)
        return AlertStatus.RESOLVED, (inner.group(1) if inner else subject).strip("_ ")
    if firing := _FIRING.match(line):
        return AlertStatus.FIRING, firing.group(1).strip("_ ")
    return None, ""


def _parted(subject: str) -> tuple[str, tuple[str, ...]]:
    """Part "Queue Depth > 1000 on ai_generation" into the name and what stands behind it.

    What stands there may be a queue or a cluster: it becomes a bare value, and whoever knows the names decides.
    """
    values: list[str] = []
    while found := _QUEUE_WORD.search(subject):
        if found.start() == 0:
            break
        values.insert(0, next(g for g in found.groups() if g))
        subject = subject[: found.start()].rstrip(" ,;:-")
    return subject, tuple(values)
