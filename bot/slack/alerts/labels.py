"""Label names with their values, where a sender gives them: Grafana's list, Alertmanager templates' fields, pairs."""

import re

from bot.slack.alerts.reading import Message, attachments, field

MOST = 50
LONGEST = 300
LONGEST_FIELD = 2000

_GRAFANA = re.compile(r"^ - (\w{1,80}) = (.*)$", re.MULTILINE)
_PAIR = re.compile(r"(\w{1,80})=(\S+)")
_NAME = re.compile(r"[A-Za-z_]\w{0,79}")


def labels_of(message: Message) -> dict[str, str]:
    """Return the labels that stand in the message under their names; none in Alertmanager's default form."""
    found: dict[str, str] = {}
    for attachment in attachments(message):
        found |= _grafana(field(attachment, "text")) | _fields(attachment.get("fields"))
    return dict(list(found.items())[:MOST])


def _grafana(text: str) -> dict[str, str]:
    """Read the "Labels:" lists, one for each alert, and keep what all of them share."""
    _, *lists = text.split("Labels:\n")
    each = [{name: value.strip()[:LONGEST] for name, value in _GRAFANA.findall(_label_lines(part))} for part in lists]
    if not each:
        return {}
    return {name: value for name, value in each[0].items() if all(other.get(name) == value for other in each)}


def _label_lines(part: str) -> str:
    return part.partition("Annotations:")[0].partition("Source:")[0]


def _fields(fields: object) -> dict[str, str]:
    """Read fields such as Queue: payments, and those that hold pairs: "cluster=prod-eu severity=warning"."""
    found: dict[str, str] = {}
    for each in fields[:MOST] if isinstance(fields, list) else ():
        if not isinstance(each, dict):
            continue
        title, value = field(each, "title"), field(each, "value")[:LONGEST_FIELD]
        if not value or "\n" in value:
            continue
        if all(_PAIR.fullmatch(word) for word in value.split()):
            found |= {name: v[:LONGEST] for name, v in _PAIR.findall(value)}
        elif _NAME.fullmatch(label := title.lower().replace(" ", "_")):
            found[label] = value[:LONGEST]
    return found
