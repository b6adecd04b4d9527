"""What a view makes."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Message:
    """One Slack message: `text` means something alone, since phones show it as the notification."""

    text: str
    blocks: list[dict[str, Any]]
