"""One row of docs/errors.md."""

import functools
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One wrong input: the section it stands in, how it is shown, and how to get the bot's sentence for it.

    `service`: a real server is needed, and where none is installed, `tell` ends the test by `require`.
    """

    section: str
    wrong: str
    tell: Callable[[], str]
    service: bool = False


@functools.cache
def told(row: Row) -> str:
    """Return what the bot says to it; asked once, since some rows need a real server."""
    return row.tell()
