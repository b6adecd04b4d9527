"""What a line of words that changes a cluster becomes."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Act:
    """Propose an action on a cluster."""

    action: str
    cluster: str
    params: tuple[tuple[str, Any], ...]
    reason: str = ""
