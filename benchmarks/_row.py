"""One row of `benchmarks/results.json`."""

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Row:
    """What was measured: ours and theirs in `unit`, the ratio that counts as better when higher, and the goal for it.

    `goal` is in words ("≥ 10x"), `met` whether this run reached it.
    """

    name: str
    ours: float
    theirs: float | None
    unit: str
    ratio: float | None
    goal: str
    met: bool

    def as_json(self) -> dict[str, Any]:
        """Return it as it stands in the file."""
        return asdict(self)
