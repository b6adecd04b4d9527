"""What a story prints: who did what, what the bot answered, and after how long."""

import re
import sys
import time
from collections.abc import Callable
from typing import TextIO

from playground.slack.errors import Json

_DATE = re.compile(r"<!date\^\d+\^[^|>]*\|([^>]*)>")
_LINK = re.compile(r"<(https?://[^|>]+)\|([^>]*)>")


class Transcript:
    """Prints lines with the seconds since the story began; `names` maps user ids to people's names."""

    def __init__(self, names: dict[str, str], out: TextIO | None = None, clock: Callable[[], float] = time.monotonic):
        self._names, self._out, self._clock = names, out or sys.stdout, clock
        self._began = clock()

    @property
    def seconds(self) -> float:
        """Return how long the story has run."""
        return self._clock() - self._began

    def chapter(self, title: str) -> None:
        """Begin a part of the story."""
        self._print(f"\n== {title}")

    def did(self, who: str, what: str) -> None:
        """Say what a person did."""
        self._print(f"{self.seconds:6.1f} s  {self._names.get(who, who)}: {what}")

    def seen(self, what: str) -> None:
        """Say what was checked and holds."""
        self._print(f"{self.seconds:6.1f} s  ✓ {what}")

    def said(self, message: Json) -> None:
        """Print what the bot wrote, as people read it."""
        for line in self.words(message):
            self._print(f"          │ {line}")

    def words(self, message: Json) -> list[str]:
        """Return a message's lines as people read them: its blocks, else its text; buttons in brackets."""
        lines: list[str] = []
        for block in message.get("blocks") or []:
            lines += self._block(block)
        return lines or [self._plain(line) for line in message.get("text", "").splitlines()]

    def _block(self, block: Json) -> list[str]:
        texts = [block.get("text"), *block.get("fields", []), *_texts(block)]
        lines = [self._plain(line) for t in texts if t for line in t.get("text", "").splitlines()]
        buttons = [e["text"]["text"] for e in block.get("elements", []) if e.get("type") == "button"]
        return lines + ([" ".join(f"[{b}]" for b in buttons)] if buttons else [])

    def _plain(self, text: str) -> str:
        text = _LINK.sub(r"\2", _DATE.sub(r"\1", text))
        text = re.sub(r"<@(\w+)(\|[^>]*)?>", lambda m: "@" + self._names.get(m[1], m[1]), text)
        for entity, char in (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")):
            text = text.replace(entity, char)
        return text

    def _print(self, line: str) -> None:
        print(line, file=self._out, flush=True)


def _texts(block: Json) -> list[Json]:
    """Return a context block's texts."""
    return [e for e in block.get("elements", []) if e.get("type") in ("mrkdwn", "plain_text")]
