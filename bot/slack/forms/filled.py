"""From a filled-in form to a proposal: the action's own parameters check every value, and every fault has a place.

Pure. What was typed is kept beside it, so that a form can be shown again as it was.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from bot.domain.action import Proposal
from bot.domain.duration import typed
from bot.ports import Action
from bot.slack.forms.fields import REASON, FormField, Kind, fields_of
from bot.slack.typed import unquoted, visible

Typed = Mapping[str, str | bool]
"""What stands in each field, by the parameter's name."""


@dataclass(frozen=True)
class Filled:
    """A form that can be taken as it is."""

    proposal: Proposal
    reason: str


@dataclass(frozen=True)
class Wrong:
    """What is wrong, by field; under an empty name what is wrong with all of it."""

    errors: Mapping[str, str]


def filled(action: Action[Any], cluster: str, given: Typed) -> Filled | Wrong:
    """Return the proposal that a form means, or what is wrong in it. An empty field is left to its default."""
    fields = fields_of(action.params)
    said = {f.name: _said(f, given.get(f.name, f.start)) for f in fields}
    words = {name: value for name, value in said.items() if value not in ("", [], None)}
    reason = str(words.get(REASON, ""))
    if REASON not in action.params.model_fields:
        words.pop(REASON, None)
    try:
        params = action.params.model_validate(words)
    except ValidationError as e:
        return Wrong(_faults(fields, e))
    kept = params.model_dump(mode="json", exclude_unset=True)
    return Filled(Proposal(action=action.name, version=action.version, cluster=cluster, params=kept), reason)


def _said(field: FormField, value: str | bool) -> Any:
    if isinstance(value, bool):
        return value
    plain = visible(value).strip()
    match field.kind:
        case Kind.LINES:
            return [word.strip("\"'`,;") for word in plain.split() if word.strip("\"'`,;")]
        case Kind.NAME | Kind.TEXT:
            return unquoted(plain)
    return plain


def _faults(fields: tuple[FormField, ...], error: ValidationError) -> dict[str, str]:
    """Return one sentence for each field at fault, the first fault of each."""
    by_name = {f.name: f for f in fields}
    found: dict[str, str] = {}
    for fault in error.errors():
        named = str(fault["loc"][0]) if fault["loc"] else _mentioned(by_name, fault["msg"])
        field = by_name.get(named)
        found.setdefault(named if field else "", _sentence(field, by_name, fault))
    return found


def _mentioned(fields: Mapping[str, FormField], message: str) -> str:
    """Return the first field that a sentence on all of them names, which is where the sentence will stand."""
    return next((word for word in re.findall(r"`(\w+)`", message) if word in fields), "")


def _sentence(field: FormField | None, fields: Mapping[str, FormField], fault: Any) -> str:
    bounds = fault.get("ctx") or {}
    match fault["type"]:
        case "missing" | "string_too_short" | "too_short":
            return "This is needed."
        case "greater_than_equal":
            return f"It has to be at least {_amount(field, bounds['ge'])}."
        case "less_than_equal":
            return f"It can be at most {_amount(field, bounds['le'])}."
        case "string_too_long":
            return f"At most {bounds['max_length']:,} characters fit here, and these are {len(fault['input']):,}."
        case "too_long":
            return f"At most {bounds['max_length']:,} can be named at once, and these are {bounds['actual_length']:,}."
        case "int_parsing" | "int_type" | "int_from_float":
            return f"“{str(fault['input'])[:40]}” is no whole number."
    return _worded(fields, fault["msg"].removeprefix("Value error, "))


def _amount(field: FormField | None, bound: int) -> str:
    return typed(bound) if field and field.kind is Kind.LENGTH else f"{bound:,}"


def _worded(fields: Mapping[str, FormField], message: str) -> str:
    """Return a sentence of the parameters' own with the labels that people see in place of names."""
    plain = re.sub(r"`([^`]*)`", lambda m: f"“{fields[m[1]].label if m[1] in fields else m[1]}”", message)
    return f"{plain[:1].upper()}{plain[1:].rstrip('.')}."
