"""What pydantic found, in sentences for people. Values are not quoted: they may be secret."""

import difflib
import re
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic_core import ErrorDetails

_WANTED = {
    "string_type": "text",
    "int_type": "a whole number",
    "float_type": "a number",
    "bool_type": "`true` or `false`",
    "dict_type": "a map (`key: value`)",
    "model_type": "a map (`key: value`)",
    "tuple_type": "a list (`[a, b]`)",
    "list_type": "a list (`[a, b]`)",
}
_KINDS = {int: "a number", float: "a number with decimals", str: "text", list: "a list", dict: "a map"}
_PATTERNS = {
    "^[a-z][a-z0-9-]*$": "small letters, digits and `-`, a letter first, like `queue-depth`",
    "^[a-z][a-z0-9_]*$": "small letters, digits and `_`, a letter first, like `scale_up`",
}
_BOUNDS = {
    "greater_than_equal": ("at least", "ge"),
    "greater_than": ("more than", "gt"),
    "less_than_equal": ("at most", "le"),
    "less_than": ("less than", "lt"),
}


def dotted(path: Iterable[str | int]) -> str:
    """Return a path as people write it: `clusters.prod.queues`, `steps[2].when`; items count from 1."""
    words = ""
    for part in path:
        words += f"[{part + 1}]" if isinstance(part, int) else f".{part}" if words else part
    return words


def sentence(error: ErrorDetails, path: tuple[str | int, ...]) -> str:
    """Return the sentence for one of pydantic's errors at `path`; unknown and missing keys have their own."""
    kind, ctx = error["type"], error.get("ctx", {})
    subject = f"`{dotted(path)}`" if path else "The file"
    if kind in _WANTED:
        return f"{subject} must be {_WANTED[kind]}, {given(error['input'])}."
    if kind in _BOUNDS:
        words, key = _BOUNDS[kind]
        return f"{subject} must be {words} {ctx[key]:,}, and is {error['input']:,}."
    if kind in ("literal_error", "enum"):
        return f"{subject} must be {choices(ctx['expected'], error['input'])}"
    if kind in ("string_too_short", "too_short"):
        return f"{subject} must not be empty."
    if kind == "string_too_long":
        return f"{subject} must have at most {ctx['max_length']:,} characters."
    if kind == "string_pattern_mismatch":
        return f"{subject} must be {_PATTERNS.get(ctx['pattern'], 'text that fits `' + ctx['pattern'] + '`')}."
    if kind == "value_error":
        return f"{subject}: {ctx['error']}."
    return f"{subject}: {error['msg']}."


def given(value: Any) -> str:
    """Return what stands there instead, by its kind."""
    if value is None:
        return "and is empty"
    if isinstance(value, bool):
        return "not true or false"
    return f"not {_KINDS[type(value)]}"


def choices(expected: str, value: Any) -> str:
    """Return "`observe` or `act`. Did you mean `act`?" from pydantic's "'observe' or 'act'"."""
    known = re.findall(r"'([^']*)'", expected)
    close = difflib.get_close_matches(value, known, n=1, cutoff=0.6) if isinstance(value, str) else []
    words = " or ".join([", ".join(f"`{k}`" for k in known[:-1]), *(f"`{k}`" for k in known[-1:])]).removeprefix(" or ")
    return f"{words}. Did you mean `{close[0]}`?" if close else f"{words}."


def meant(key: str, siblings: Iterable[str]) -> str | None:
    """Return the key that a misspelt one stands for, if any is near."""
    return next(iter(difflib.get_close_matches(key, sorted(siblings), n=1, cutoff=0.6)), None)


def unknown_key(path: tuple[str | int, ...], siblings: Iterable[str], places: Mapping[str, list[str]]) -> str:
    """Return the sentence for a key that is not known at its place: where it belongs, or what may be meant.

    `places` gives for each key of the whole file the maps in which it is known, as people write them.
    """
    key, here = str(path[-1]), dotted(path[:-1])
    known = sorted(siblings)
    where = f"in `{here}`" if here else "at the top of the file"
    if key in places:
        belongs = " or ".join(f"`{p}`" if p else "the top of the file" for p in places[key][:2])
        return f"`{key}` is not a key {where}; it belongs in {belongs}."
    if near := meant(key, known):
        return f"There is no key `{key}` {where}. Did you mean `{near}`?"
    if close := difflib.get_close_matches(key, places, n=1, cutoff=0.75):
        belongs = f"in `{places[close[0]][0]}`" if places[close[0]][0] else "at the top of the file"
        return f"There is no key `{key}` {where}. Did you mean `{close[0]}`, which belongs {belongs}?"
    if not known:
        return f"There is no key `{key}` {where}; it takes none."
    return f"There is no key `{key}` {where}. Known: {', '.join(f'`{k}`' for k in known)}."
