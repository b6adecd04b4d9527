"""One row of `benchmarks/results.json`."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Row:
    """What was measured: ours and theirs in `unit`, the ratio that counts as better when higher, and the goal for it.

    `name` begins with the name of the module and a colon ("status: 3 workers, fresh"). `theirs` and `ratio` are None
    where there is nothing to compare with. `goal` is in words ("≥ 10x"), `met` whether this run reached it.
    """

    name: str
    ours: float
    theirs: float | None
    unit: str
    ratio: float | None
    goal: str
    met: bool

    def as_json(self) -> dict[str, Any]:
        """Return it as it stands in the file; four digits are more than a shared machine can tell."""
        return {key: _short(value) for key, value in asdict(self).items()}

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> "Row":
        """Read it back; raises TypeError when a field is missing or unknown."""
        return cls(**fields)


def at_least(name: str, ours: float, theirs: float, unit: str, goal: float, *, more_is_better: bool = False) -> Row:
    """Return a row whose goal is a ratio: theirs over ours for times and sizes, ours over theirs for rates."""
    ratio = ours / theirs if more_is_better else theirs / ours
    return Row(name, ours, theirs, unit, ratio, f"≥ {goal:g}x", ratio >= goal)


def at_most(name: str, ours: float, theirs: float | None, unit: str, goal: float) -> Row:
    """Return a row whose goal is a bound for ours; `theirs` stands beside it for comparison, where there is one."""
    ratio = None if theirs is None else theirs / ours if ours else None
    return Row(name, ours, theirs, unit, ratio, f"≤ {goal:g} {unit}", ours <= goal)


def _short(value: object) -> object:
    return float(f"{value:.4g}") if isinstance(value, float) else value
