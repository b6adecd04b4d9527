"""YAML files read with positions, so that every complaint names file, line and column; for settings and runbooks."""

from bot.located_yaml.checking import Unread, validated
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
    "read_document",
    "validated",
]
