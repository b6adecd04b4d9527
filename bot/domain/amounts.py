"""Bytes, seconds and shares as people write and read them: "2 GB", "1.4 s", "99.95 %"."""

import math
import re
from datetime import datetime
from typing import Annotated

from pydantic import BeforeValidator

from bot.domain.duration import lasting
from bot.domain.window import Span

_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
_SIZE = re.compile(r"(\d{1,12}(?:\.\d{1,3})?)\s*([kmgt]?)i?b?", re.IGNORECASE)


def size(n: float) -> str:
    """Return bytes as "512 B", "1.4 GB"; steps of 1,024, as Redis counts."""
    amount, units = float(n), iter(("B", "KB", "MB", "GB", "TB"))
    unit = next(units)
    while abs(amount) >= 1024 and unit != "TB":
        amount, unit = amount / 1024, next(units)
    return f"{amount:,.0f} {unit}" if amount >= 100 or amount == int(amount) else f"{amount:.1f} {unit}"


def took(seconds: float) -> str:
    """Return a duration: "3 ms", "1.4 s", "45 s", "12 min"."""
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms" if seconds >= 0.001 or seconds <= 0 else "less than 1 ms"
    if seconds < 9.95:
        return f"{seconds:.1f}".removesuffix(".0") + " s"
    return f"{seconds:.0f} s" if seconds < 119.5 else lasting(round(seconds / 60) * 60)


def since(at: datetime, now: datetime) -> str:
    """Return how long ago a moment was, in whole seconds or minutes: "45 s", "12 min"."""
    seconds = max(0, int((now - at).total_seconds()))
    return lasting(seconds if seconds < 60 else seconds // 60 * 60)


def percent(share: float) -> str:
    """Return a share of 1 cut to two decimals: 0.99999 is not yet "100 %"."""
    hundredths = math.floor(round(share * 10_000, 6))
    return f"{hundredths / 100:.2f}".rstrip("0").rstrip(".") + " %"


def bytes_of(text: str) -> int | None:
    """Return "2 GB", "512mb", "1.5G" in bytes; None when it is no amount of memory."""
    found = _SIZE.fullmatch(text.strip())
    return int(float(found[1]) * _UNITS[found[2].upper()]) if found else None


def span_of(text: str) -> Span | None:
    """Return the window of that length ("15 min", "15m", "1h", "24 hours"); None where none has it."""
    found = re.fullmatch(r"(\d{1,2})\s*([mhd])[a-z]*", text.strip(), re.IGNORECASE)
    if found is None:
        return None
    minutes = int(found[1]) * {"m": 1, "h": 60, "d": 1440}[found[2].lower()]
    return next((span for span in Span if span.length.total_seconds() == minutes * 60), None)


def _read_bytes(value: object) -> object:
    if not isinstance(value, str):
        return value
    read = bytes_of(value)
    if read is None:
        raise ValueError(f"`{value[:40]}` is no amount of memory; write 2GB or 512MB")
    return read


def _read_span(value: object) -> object:
    if not isinstance(value, str):
        return value
    read = span_of(value)
    if read is None:
        raise ValueError(f"`{value[:40]}` is no span that is kept; write 1m, 15m, 1h or 24h")
    return read


Bytes = Annotated[int, BeforeValidator(_read_bytes)]
"""Bytes; also read from text such as "2GB"."""

SpanText = Annotated[Span, BeforeValidator(_read_span)]
"""A window's length; also read from text such as "15m"."""
