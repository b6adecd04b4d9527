"""What was found by looking at an installation: sound, worth knowing, or to be put right."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Diagnosed:
    """One thing that was looked at. A `bad` one names its fix; a `note` is worth knowing and nothing is wrong."""

    level: Literal["ok", "note", "bad"]
    sentence: str


def ok(sentence: str) -> Diagnosed:
    """Return that something is as it should be."""
    return Diagnosed("ok", sentence)


def note(sentence: str) -> Diagnosed:
    """Return something worth knowing."""
    return Diagnosed("note", sentence)


def bad(sentence: str) -> Diagnosed:
    """Return something that has to be put right, with how."""
    return Diagnosed("bad", sentence)
