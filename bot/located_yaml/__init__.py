"""YAML files read with positions, so that every complaint names file, line and column; for settings and runbooks."""

from bot.located_yaml.checking import Unread, keys_of, misfits, validated
from bot.located_yaml.document import Document, Mark, Path, Problem, ProblemsFound, read_document
from bot.located_yaml.wording import dotted

__all__ = [
    "Document",
    "Mark",
    "Path",
    "Problem",
    "ProblemsFound",
    "Unread",
    "dotted",
    "keys_of",
    "misfits",
    "read_document",
    "validated",
]
