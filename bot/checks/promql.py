"""What a query of Prometheus gives, held against limits, worst first."""

import math
from collections.abc import Sequence
from typing import Literal

from pydantic import Field, model_validator

from bot.domain.cluster import ClusterSnapshot
from bot.domain.errors import OutsideUnreachable
from bot.domain.run import Finding, Level
from bot.domain.troubles import brief, table, worst
from bot.domain.wording import listed
from bot.ports import Check, Params, QueryAnswer, Series, Target

SECONDS = 2.5
"""How long a query may take; checks of one block have 3 s together."""

MOST_CHARACTERS = 60
"""Of a series' name: it stands in one line on a phone."""


class PromqlParams(Params):
    """A query, and what of it is too much or too little."""

    query: str = Field(min_length=1, description="an instant query in PromQL")
    server: str | None = Field(default=None, description="a server of the settings; the first, if none is named")
    above: float | None = Field(default=None, description="a value above it is bad")
    below: float | None = Field(default=None, description="a value below it is bad")
    warn_above: float | None = Field(default=None, description="a value above it is a warning")
    warn_below: float | None = Field(default=None, description="a value below it is a warning")
    unit: str = Field(default="", max_length=20, description="what stands behind the values, like `s` or `%`")
    empty: Literal["unknown", "ok"] = Field(default="unknown", description="what it means that no series is there")

    @model_validator(mode="after")
    def _in_order(self) -> "PromqlParams":
        if self.above is not None and self.warn_above is not None and self.warn_above > self.above:
            raise ValueError("`warn_above` must not be higher than `above`")
        if self.below is not None and self.warn_below is not None and self.warn_below < self.below:
            raise ValueError("`warn_below` must not be lower than `below`")
        return self

    def level(self, value: float) -> Level:
        """Return how bad a value is; NaN is no value."""
        if math.isnan(value):
            return Level.UNKNOWN
        if _beyond(value, self.above, self.below):
            return Level.BAD
        return Level.WARN if _beyond(value, self.warn_above, self.warn_below) else Level.OK

    @property
    def less_is_worse(self) -> bool:
        """Return whether the lowest value is the worst."""
        return self.above is None and self.warn_above is None and not (self.below is self.warn_below is None)


class Promql(Check[PromqlParams]):
    """The answer of a Prometheus query, against limits."""

    name = "promql"
    needs_snapshot = False
    params = PromqlParams

    def run(self, params: PromqlParams, snapshot: ClusterSnapshot, target: Target) -> Finding:  # noqa: ARG002
        """Values for expressions: `value` is the worst one, `series` its name, `n` how many series there are.

        Raises BadInput for a query or server that cannot be used.
        """
        at = target.clock.now()
        try:
            answer = target.metrics.query(params.query, params.server, SECONDS)
        except OutsideUnreachable as e:
            values = {"value": None, "series": "", "n": None}
            return Finding(level=Level.UNKNOWN, sentence=str(e), at=at, values=values, unknown=(e.what,))
        names = _names(answer.series)
        found = sorted(zip(answer.series, names, strict=True), key=lambda pair: _badness(pair[0].value, params))
        numbers = [(s, name) for s, name in found if not math.isnan(s.value)]
        level = _level(params, answer)
        return Finding(
            level=level,
            sentence=_sentence(params, numbers, len(found)),
            at=at,
            values={
                "value": numbers[0][0].value if numbers else None,
                "series": numbers[0][1] if numbers else "",
                "n": len(found),
            },
            table=table(("series", "value"), [(brief(name), _shown(s.value, params.unit)) for s, name in found])
            if len(found) > 1
            else None,
            unknown=_unknown(answer, len(found) - len(numbers)),
        )


def _level(params: PromqlParams, answer: QueryAnswer) -> Level:
    """What is bad is so whatever else is missing; what looks well is so only if nothing is."""
    found = worst(params.level(s.value) for s in answer.series) if answer.series else Level(params.empty)
    return Level.UNKNOWN if found is Level.OK and answer.warnings else found


def _sentence(params: PromqlParams, numbers: Sequence[tuple[Series, str]], n: int) -> str:
    if not n:
        as_it_should = ", as it should be" if params.empty == "ok" else "; is the query right?"
        return f"The query gives no series{as_it_should}."
    if not numbers:
        return "The one series has no number (NaN)." if n == 1 else f"None of {n:,} series has a number (NaN)."
    value, name = numbers[0][0].value, numbers[0][1]
    is_what = f"{name} is {_shown(value, params.unit)}" if name else f"It is {_shown(value, params.unit)}"
    limit = _limit(params, value)
    if limit is None:
        return f"{is_what}{f', the worst of {n:,} series' if n > 1 else ''}."
    beyond = sum(1 for s, _ in numbers if _limit(params, s.value) is not None)
    others = f"; {beyond:,} of {n:,} series are beyond their limit" if n > 1 else ""
    return f"{is_what}, {limit}{others}."


def _limit(params: PromqlParams, value: float) -> str | None:
    """Return in a clause which limit a value is beyond, the worse one first."""
    for above, below in ((params.above, params.below), (params.warn_above, params.warn_below)):
        if above is not None and value > above:
            return f"above {_shown(above, params.unit)}"
        if below is not None and value < below:
            return f"below {_shown(below, params.unit)}"
    return None


def _unknown(answer: QueryAnswer, nan: int) -> tuple[str, ...]:
    silent = (f"the number of {nan:,} of {len(answer.series):,} series (NaN)",) if nan else ()
    warned = (f"whether that is all; Prometheus warns: {listed(answer.warnings, 2)[:200]}",) if answer.warnings else ()
    return silent + warned


def _badness(value: float, params: PromqlParams) -> tuple[int, float]:
    """Return what sorts the worst value first, and NaN last."""
    if math.isnan(value):
        return (3, 0.0)
    rank = {Level.BAD: 0, Level.WARN: 1}.get(params.level(value), 2)
    high = _beyond(value, params.above, None) or _beyond(value, params.warn_above, None)
    return (rank, -value if high or not params.less_is_worse else value)


def _beyond(value: float, above: float | None, below: float | None) -> bool:
    return (above is not None and value > above) or (below is not None and value < below)


def _names(series: Sequence[Series]) -> list[str]:
    """Return what tells the series apart: the labels that differ; of one alone, all of them."""
    labels = {key for s in series for key in s.labels}
    telling = [k for k in sorted(labels) if len(series) == 1 or len({s.labels.get(k) for s in series}) > 1]
    return [_name(s, telling) for s in series]


def _name(series: Series, telling: Sequence[str]) -> str:
    own = [k for k in telling if k != "__name__" and k in series.labels]
    if not own:
        return series.labels.get("__name__", "")
    words = series.labels[own[0]] if len(own) == 1 else ", ".join(f"{k}={series.labels[k]}" for k in own)
    return words if len(words) <= MOST_CHARACTERS else f"{words[: MOST_CHARACTERS - 1]}…"


def _shown(value: float, unit: str) -> str:
    """Return a value with its unit: whole above 100, else with three digits that count."""
    if math.isnan(value):
        return "no number"
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    number = f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:,.3g}"
    return f"{number} {unit}".strip()
