"""The words in which the shapes of Block Kit are written down.

A check looks at one value and adds what is wrong to a list, in the form Slack uses:
`[ERROR] must be less than 76 characters [json-pointer:/blocks/0/text/text]`.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

Check = Callable[[Any, str, list[str]], None]
"""A check of one value at a JSON pointer, adding its problems to the list."""


def complain(problems: list[str], sentence: str, at: str) -> None:
    """Add one problem in Slack's form."""
    problems.append(f"[ERROR] {sentence} [json-pointer:{at}]")


def string(most: int, least: int = 1) -> Check:
    """A string of so many characters."""

    def check(value: Any, at: str, problems: list[str]) -> None:
        if not isinstance(value, str):
            complain(problems, f"must provide a string, not {_kind(value)}", at)
        elif len(value) < least:
            complain(problems, f"must be more than {least - 1} characters", at)
        elif len(value) > most:
            complain(problems, f"must be less than {most + 1} characters", at)

    return check


def matching(pattern: str, words: str) -> Check:
    """A string of a given form; `words` say which."""
    form = re.compile(pattern)

    def check(value: Any, at: str, problems: list[str]) -> None:
        if not isinstance(value, str) or not form.fullmatch(value):
            complain(problems, f"must be {words}", at)

    return check


def flag(value: Any, at: str, problems: list[str]) -> None:
    """A boolean."""
    if not isinstance(value, bool):
        complain(problems, f"must provide a boolean, not {_kind(value)}", at)


def number(least: float, most: float) -> Check:
    """A whole number within bounds."""

    def check(value: Any, at: str, problems: list[str]) -> None:
        if isinstance(value, bool) or not isinstance(value, int):
            complain(problems, f"must provide a number, not {_kind(value)}", at)
        elif not least <= value <= most:
            complain(problems, f"must be from {least} to {most}", at)

    return check


def one_of(*allowed: str) -> Check:
    """One of some words."""

    def check(value: Any, at: str, problems: list[str]) -> None:
        if value not in allowed:
            complain(problems, f"must be a valid enum value: one of {', '.join(allowed)}", at)

    return check


def anything(_value: Any, _at: str, _problems: list[str]) -> None:
    """A value nobody looks at."""


def array(item: Check, most: int, least: int = 1) -> Check:
    """A list of so many items."""

    def check(value: Any, at: str, problems: list[str]) -> None:
        if not isinstance(value, list):
            complain(problems, f"must provide an array, not {_kind(value)}", at)
            return
        if len(value) < least:
            complain(problems, f"no fewer than {least} items required", at)
        if len(value) > most:
            complain(problems, f"no more than {most} items allowed", at)
        for index, each in enumerate(value):
            item(each, f"{at}/{index}", problems)

    return check


def mapping(required: Mapping[str, Check], optional: Mapping[str, Check] | None = None, *rules: Check) -> Check:
    """An object with these fields and no others; `rules` look at it as a whole once its fields are sound."""
    fields = {**required, **(optional or {})}

    def check(value: Any, at: str, problems: list[str]) -> None:
        if not isinstance(value, dict):
            complain(problems, f"must provide an object, not {_kind(value)}", at)
            return
        before = len(problems)
        for name in required:
            if value.get(name) is None:
                complain(problems, f"missing required field: {name}", at)
        for name, each in value.items():
            if name not in fields:
                complain(problems, f"invalid additional property: {name}", at)
            elif each is not None:
                fields[name](each, f"{at}/{name}", problems)
        for rule in rules if len(problems) == before else ():
            rule(value, at, problems)

    return check


def typed(shapes: Mapping[str, Check], allowed: frozenset[str] | None = None) -> Check:
    """An object whose `type` says which of the shapes it has; `allowed` narrows them for one place."""

    def check(value: Any, at: str, problems: list[str]) -> None:
        if not isinstance(value, dict):
            complain(problems, f"must provide an object, not {_kind(value)}", at)
            return
        name = value.get("type")
        if name is None:
            complain(problems, "missing required field: type", at)
        elif not isinstance(name, str) or name not in shapes:
            complain(problems, f"unsupported type: {name}", f"{at}/type")
        elif allowed is not None and name not in allowed:
            complain(problems, f"unsupported type here: {name}; allowed: {', '.join(sorted(allowed))}", f"{at}/type")
        else:
            shapes[name](value, at, problems)

    return check


def either(*names: str) -> Check:
    """A rule: exactly one of these fields is given."""

    def check(value: Any, at: str, problems: list[str]) -> None:
        given = [name for name in names if value.get(name) is not None]
        if len(given) != 1:
            complain(problems, f"exactly one of {', '.join(names)} is required", at)

    return check


def some(*names: str) -> Check:
    """A rule: at least one of these fields is given."""

    def check(value: Any, at: str, problems: list[str]) -> None:
        if all(value.get(name) is None for name in names):
            complain(problems, f"at least one of {', '.join(names)} is required", at)

    return check


def _kind(value: Any) -> str:
    names = {dict: "an object", list: "an array", str: "a string", bool: "a boolean", type(None): "null"}
    return names.get(type(value), "a number")
