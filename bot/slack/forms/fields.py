"""What a form asks for: read from the JSON schema of an action's parameters, so that a new action has a form."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from bot.domain.duration import LENGTH_OF_TIME, typed
from bot.ports import Params

REASON = "reason"
LONGEST_TEXT = 3000
"""Characters that Slack lets people type into one field."""
LONGEST_REASON = 300

_NOUNS = ("queue", "worker", "task")
"""Parameters of these names hold a name that the bot may know."""


class Kind(StrEnum):
    """How something is asked for."""

    TEXT = "text"
    NAME = "one of the known names"
    LENGTH = "length of time"
    NUMBER = "whole number"
    FLAG = "yes or no"
    CHOICE = "one of a few words"
    LINES = "several, one a line"
    REASON = "a sentence or two"


@dataclass(frozen=True)
class FormField:
    """One thing that is asked for. `name` is the parameter's; `start` what stands there at first, as it is typed.

    `least` and `most` bound a number or a length of time (seconds); `longest` is in characters.
    """

    name: str
    label: str
    hint: str
    kind: Kind
    needed: bool
    start: str | bool = ""
    least: int | None = None
    most: int | None = None
    longest: int | None = None
    choices: tuple[str, ...] = ()
    elsewhere: bool = False


def fields_of(params: type[Params]) -> tuple[FormField, ...]:
    """Return what is asked for, in the order of the parameters, the reason last; every action may be given one."""
    schema = params.model_json_schema(by_alias=False)
    needed = schema.get("required", ())
    shown = {name: of for name, of in schema.get("properties", {}).items() if not of.get("undo_only")}
    reason = shown.pop(REASON, {"title": "Why", "description": "Stands in the audit."})
    fields = [_field(name, of, needed=name in needed) for name, of in shown.items()]
    return (*fields, _reason(reason))


def _reason(of: Mapping[str, Any]) -> FormField:
    longest = of.get("maxLength", LONGEST_REASON)
    return FormField(REASON, of["title"], of.get("description", ""), Kind.REASON, needed=False, longest=longest)


def _field(name: str, given: Mapping[str, Any], *, needed: bool) -> FormField:
    of = {**given, **next((one for one in given.get("anyOf", ()) if one.get("type") != "null"), {})}
    kind = _kind(name, of)
    least, most = of.get("minimum", of.get("ge")), of.get("maximum", of.get("le"))
    return FormField(
        name=name,
        label=of.get("title") or name.replace("_", " ").capitalize(),
        hint=_hint(of.get("description", ""), kind, least, most),
        kind=kind,
        needed=needed,
        start=as_typed(kind, given.get("default")),
        least=least,
        most=most,
        longest=of.get("maxLength"),
        choices=tuple(str(word) for word in of.get("enum", ())),
        elsewhere=bool(of.get("elsewhere")),
    )


def _kind(name: str, of: Mapping[str, Any]) -> Kind:
    if "enum" in of:
        return Kind.CHOICE
    match of.get("type"):
        case "boolean":
            return Kind.FLAG
        case "array":
            return Kind.LINES
        case "integer":
            return Kind.LENGTH if of.get(LENGTH_OF_TIME) else Kind.NUMBER
    return Kind.NAME if name in _NOUNS else Kind.TEXT


def _hint(described: str, kind: Kind, least: int | None, most: int | None) -> str:
    """Return the hint with what is allowed: "As 30m or 2h. From 10s to 1d"."""
    say = typed if kind is Kind.LENGTH else "{:,}".format
    match least, most:
        case int(low), int(high):
            allowed = f"From {say(low)} to {say(high)}."
        case int(low), None if low > 1:
            allowed = f"At least {say(low)}."
        case None, int(high):
            allowed = f"At most {say(high)}."
        case _:
            allowed = ""
    return re.sub(r"\s+", " ", f"{described} {allowed}").strip()


def as_typed(kind: Kind, value: Any) -> str | bool:
    """Return a parameter's value as somebody would have typed it into its field; nothing for none."""
    if kind is Kind.FLAG:
        return bool(value)
    if value is None:
        return ""
    if kind is Kind.LINES:
        return "\n".join(str(one) for one in value)
    return typed(value) if kind is Kind.LENGTH and isinstance(value, int) else str(value)


def typed_of(fields: tuple[FormField, ...], params: Mapping[str, Any]) -> dict[str, str | bool]:
    """Return parameters (of an offer, say) as they would have been typed; those that no field asks for are left out.

    A length of time may be called `for` in a runbook.
    """
    by_name = {**params, **({"seconds": params["for"], "hold": params["for"]} if "for" in params else {})}
    return {f.name: as_typed(f.kind, by_name[f.name]) for f in fields if f.name in by_name}
