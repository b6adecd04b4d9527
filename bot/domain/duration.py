"""Lengths of time as people write and read them: "30m", "1h30m", "20 seconds"."""

import math
import re
from typing import Annotated

from pydantic import BeforeValidator, Field

_PART = re.compile(
    r"(\d{1,6}(?:[.,]\d{1,2})?)\s*(d|days?|h|hrs?|hours?|m|mins?|minutes?|s|secs?|seconds?)(?![a-z])", re.IGNORECASE
)
_SECONDS = {"d": 86400, "h": 3600, "m": 60, "s": 1}


def seconds_of(text: str) -> int | None:
    """Return "30m", "2 hours", "1h30m", "1.5h" in whole seconds, rounded up; None when it is no length of time."""
    rest = _PART.sub("", text).replace("and", "").strip()
    parts = _PART.findall(text)
    if rest or not parts:
        return None
    return math.ceil(sum(float(n.replace(",", ".")) * _SECONDS[unit[0].lower()] for n, unit in parts))


def _read(value: object) -> object:
    if not isinstance(value, str):
        return value
    seconds = seconds_of(value)
    if seconds is None:
        raise ValueError(f"`{value[:40]}` is no length of time; write 30m, 2h or 1h30m")
    return seconds


LENGTH_OF_TIME = "length_of_time"
"""Key in the JSON schema of a parameter by which a form knows that it asks for a length of time."""

Seconds = Annotated[int, BeforeValidator(_read), Field(json_schema_extra={LENGTH_OF_TIME: True})]
"""Whole seconds; also read from text such as "30m"."""


def typed(seconds: int) -> str:
    """Return a length of time as people type it, to the second: "45s", "30m", "1h30m", "7d"."""
    parts = []
    for unit, size in _SECONDS.items():
        n, seconds = divmod(seconds, size)
        parts += [f"{n}{unit}"] if n else []
    return "".join(parts) or "0s"


def lasting(seconds: int) -> str:
    """Return "20 s", "30 min", "2 h", "1 h 30 min"; above a minute rounded up to whole minutes."""
    if seconds < 60:
        return f"{seconds} s"
    hours, minutes = divmod(math.ceil(seconds / 60), 60)
    parts = [f"{hours:,} h"] if hours else []
    return " ".join([*parts, f"{minutes} min"] if minutes or not hours else parts)
