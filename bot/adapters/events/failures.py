"""Failures by task and exception: how the last one of each looked."""

import re
from collections import OrderedDict
from datetime import UTC, datetime
from functools import lru_cache

from bot.adapters.events.event import Event
from bot.adapters.events.windows import Failed, FailureKey
from bot.domain.live import FailureGroup
from bot.domain.redaction import redacted

KINDS = 300
"""Kinds of failure whose last message and traceback are kept; the one that came longest ago goes first."""

LONGEST_MESSAGE, LONGEST_TRACEBACK = 300, 4_000
_RAW_MESSAGE, _RAW_TRACEBACK = 2_000, 12_000

_REPR = re.compile(r"([A-Za-z_][\w.]*)\((.*)\)?\s*", re.DOTALL)


class Failures:
    """The last failure of each kind.

    Texts are kept as they came, though cut, and redacted when they are read: a storm of failures costs no more than
    other events.
    """

    def __init__(self) -> None:
        self._last: OrderedDict[FailureKey, tuple[str, str, str, str | None]] = OrderedDict()

    def take(self, key: FailureKey, event: Event) -> None:
        """Remember how this one looked."""
        text = (event.exception or "")[:_RAW_MESSAGE]
        traceback = event.traceback
        if traceback and len(traceback) > _RAW_TRACEBACK:  # in whole lines: in half a line no secret could be told
            traceback = traceback[-_RAW_TRACEBACK:].partition("\n")[2]
        self._last[key] = (event.uuid, event.hostname, text, traceback)
        self._last.move_to_end(key)
        if len(self._last) > KINDS:
            self._last.popitem(last=False)

    def group(self, key: FailureKey, counted: Failed) -> FailureGroup:
        """Return a kind as the domain knows it, with secrets taken out."""
        last_id, worker, text, traceback = self._last.get(key, ("", None, "", None))
        return FailureGroup(
            task=key[0],
            queue=key[1],
            exception=key[2],
            n=counted.n,
            first_at=datetime.fromtimestamp(counted.first, UTC),
            last_at=datetime.fromtimestamp(counted.last, UTC),
            message=shown(text),
            traceback=_tail(traceback) if traceback else None,
            last_id=last_id,
            last_worker=worker,
        )


def exception_type(text: str | None) -> str:
    """Return the exception's class of its repr: `ValueError` of `ValueError('on purpose')`."""
    found = _REPR.match(text or "")
    return found[1][:100] if found else "(unknown exception)"


@lru_cache(KINDS)
def shown(text: str) -> str:
    """Return the message of an exception's repr, redacted and cut."""
    found = _REPR.fullmatch(text)
    message = redacted((found[2] if found else text).removesuffix(")"))
    quoted = len(message) > 1 and message[0] == message[-1] and message[0] in "'\""
    return _cut(message[1:-1] if quoted else message)


def worded(text: str) -> str:
    """Return an exception's repr as people write it, redacted and cut: "KeyError: seat", or "Timeout" alone."""
    found = _REPR.match(text)
    return ": ".join(part for part in (found[1][:100] if found else "", shown(text)) if part)


def _cut(message: str) -> str:
    return message if len(message) <= LONGEST_MESSAGE else message[: LONGEST_MESSAGE - 1] + "…"


@lru_cache(KINDS)
def _tail(traceback: str) -> str:
    """Return the end of a traceback, where the cause is, in whole lines."""
    text = redacted(traceback.strip())
    if len(text) <= LONGEST_TRACEBACK:
        return text
    return "…" + text[-LONGEST_TRACEBACK:].partition("\n")[2]
