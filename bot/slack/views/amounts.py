"""Durations and rates as people read them: as exact as is needed. Sizes and shares are in bot.domain.amounts."""

import math
from datetime import datetime

from bot.domain.window import Histogram
from bot.slack.views.formatting import count

ROUGHLY = "~ is read from a histogram: it may be off by up to a third."
"""Said once below a view that shows quantiles."""


def duration(seconds: float) -> str:
    """Return "120 ms", "4.2 s", "42 s", "1 min 5 s", "2 h 5 min", "3 d 4 h"."""
    if seconds < 0.9995:
        return f"{round(seconds * 1000)} ms" if seconds >= 0.001 or seconds <= 0 else "under 1 ms"
    if seconds < 9.95:
        return f"{seconds:.1f}".removesuffix(".0") + " s"
    whole = round(seconds)
    for large, small, of_large, of_small in (("d", "h", 86_400, 3600), ("h", "min", 3600, 60), ("min", "s", 60, 1)):
        if whole >= of_large:
            rest = whole % of_large // of_small
            return f"{whole // of_large:,} {large}" + (f" {rest} {small}" if rest else "")
    return f"{whole} s"


def ago(at: datetime, now: datetime) -> str:
    """Return "5 s ago", "just now"; so is a moment that another clock puts into the future."""
    seconds = math.floor((now - at).total_seconds())
    return f"{duration(seconds)} ago" if seconds > 0 else "just now"


def a_minute(per_minute: float) -> str:
    """Return "120 a minute", "0.4 a minute", "none"."""
    if per_minute <= 0:
        return "none"
    if per_minute < 0.05:
        return "under 0.1 a minute"
    return f"{per_minute:.1f} a minute" if per_minute < 9.95 else f"{count(round(per_minute))} a minute"


def quantiles(durations: Histogram) -> str | None:
    """Return "half within ~0.8 s, 95 % ~4.2 s"; None of none."""
    half, most = durations.quantile(0.5), durations.quantile(0.95)
    if half is None or most is None:
        return None
    return f"half within ~{duration(_rough(half))}, 95 % ~{duration(_rough(most))}"


def _rough(seconds: float) -> float:
    """Return two digits of it: a histogram knows no more."""
    return float(f"{seconds:.2g}") if seconds < 100 else seconds
