"""Rate limits of tasks, as Celery has them: for each worker by itself, "10/m" and the like."""

import math
import re
from collections.abc import Mapping

from pydantic import Field

from bot.domain.cluster import Value

_RATE = re.compile(r"(\d+(?:\.\d+)?)\s*(?:/|per )?\s*(s|m|h|sec|second|min|minute|hour)?")
_UNITS = {"s": "a second", "m": "a minute", "h": "an hour"}
_SECONDS = {"s": 1, "m": 60, "h": 3600}


def rate_of(text: str) -> str | None:
    """Return "10/m" for "10/m", "10 / min", "10 per minute"; None where it is no rate, or none above zero.

    A number alone is per second, as in Celery. Of zero Celery would make no limit at all.
    """
    found = _RATE.fullmatch(text.strip().lower())
    if found is None or float(found.group(1)) <= 0:
        return None
    return f"{_plain(found.group(1))}/{(found.group(2) or 's')[0]}"


def _plain(number: str) -> str:
    """Return a number without needless zeros; never as 1e+06, which would not be read again as what it is."""
    whole, _, part = number.partition(".")
    return f"{whole.lstrip('0') or '0'}.{part.rstrip('0')}".removesuffix(".")


def per_second(rate: str) -> float:
    """Return how many tasks a second a rate such as "10/m" lets start; 0 where it is none."""
    known = rate_of(rate)
    if known is None:
        return 0.0
    number, _, unit = known.partition("/")
    return float(number) / _SECONDS[unit]


def same(one: str | None, other: str | None) -> bool:
    """Return whether two rates limit alike: "60/m" is "1/s", and no rate is none."""
    return math.isclose(per_second(one or ""), per_second(other or ""), rel_tol=1e-9)


def more(one: str | None, other: str | None) -> bool:
    """Return whether `one` lets more tasks start than `other`; what is no rate lets all of them start."""
    first, second = per_second(one or ""), per_second(other or "")
    return second > 0 and (first <= 0 or first > second) and not same(one, other)


def in_words(rate: str, workers: int = 1) -> str:
    """Return "10 a minute"; with `workers` how many that lets start in all."""
    number, _, unit = (rate_of(rate) or rate).partition("/")
    return f"{float(number) * workers:,.12g} {_UNITS.get(unit, unit)}"


class RatesFound(Value):
    """What workers say of the rate limit of one task.

    `rates` holds each worker that knows the task, with its limit or None; `before`, where a worker's plugin set that
    limit when it started, the one that it had of its own, "" for none. `strangers` answered and do not know it;
    `unlimited` let no limit hold (`worker_disable_rate_limits`). `tasks` are all names met, for suggestions.
    """

    rates: dict[str, str | None] = Field(default_factory=dict)
    before: dict[str, str] = Field(default_factory=dict)
    strangers: frozenset[str] = frozenset()
    unlimited: frozenset[str] = frozenset()
    tasks: frozenset[str] = frozenset()

    def by_plugin(self, rate: str | None) -> dict[str, str]:
        """Return what each worker had before its plugin set this limit, which is in force."""
        return {w: r for w, r in self.before.items() if rate and same(self.rates.get(w), rate)}

    def differing(self, wanted: Mapping[str, str | None]) -> tuple[str, ...]:
        """Return the workers whose limit is another than is wanted there."""
        return tuple(sorted(w for w, r in self.rates.items() if w in wanted and not same(r, wanted[w])))
