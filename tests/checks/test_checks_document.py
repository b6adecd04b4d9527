"""docs/checks.md and the runbooks' guide tell every check as it is."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from bot.adapters.discovery import DiscoveredRegistry
from bot.domain.amounts import size
from bot.domain.window import Span
from bot.ports import Check
from bot.usecases.checks import title_of

REPOSITORY = Path(__file__).resolve().parents[2]
DOCUMENT = (REPOSITORY / "docs" / "checks.md").read_text(encoding="utf-8")
CHECKS: Mapping[str, Check[Any]] = DiscoveredRegistry().checks


def row(check: Check[Any]) -> str:
    """Return the row of the document for a check."""
    marks = "" if check.needs_snapshot else "°"
    params = " · ".join(_param(name, field) for name, field in check.params.model_fields.items())
    return f"| `{check.name}`{marks} | {title_of(check)} | {params or '–'} |"


def _param(name: str, field: FieldInfo) -> str:
    default = field.default
    if default is PydanticUndefined:
        told = " (needed)"
    elif default in (None, ""):
        told = ""
    else:
        told = f" ({_plain(default, str(field.description))})"
    return f"`{name}` {field.description}{told}"


def _plain(default: object, meaning: str) -> str:
    if isinstance(default, Span):
        return default.value
    if isinstance(default, int):
        return size(default) if "GB" in meaning else f"{default:,}"
    return f"{default:g}" if isinstance(default, float) else f"{default}"


@pytest.mark.parametrize("name", sorted(CHECKS))
def test_the_document_has_a_row_for_every_check_as_it_is(name: str) -> None:
    """With its help text and its parameters; the row to paste is in the message."""
    assert row(CHECKS[name]) in DOCUMENT.splitlines()


def test_the_document_has_no_row_for_a_check_that_is_gone() -> None:
    """Somebody would type it at night."""
    assert set(re.findall(r"^\| `(\w+)`°? \|", DOCUMENT, re.MULTILINE)) == set(CHECKS)


@pytest.mark.parametrize("name", sorted(CHECKS))
def test_every_parameter_says_what_it_means(name: str) -> None:
    """Whoever mistypes one is told it."""
    fields = CHECKS[name].params.model_fields
    assert [param for param, field in fields.items() if not field.description] == []
