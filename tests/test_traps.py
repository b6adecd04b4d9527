"""docs/traps.md: each trap is held by the tests that it names."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROW = re.compile(r"^\| (\d+) \| .+? \| (.+) \|$", re.MULTILINE)
TESTS = {
    int(number): re.findall(r"`([^`]+)`", tests)
    for number, tests in ROW.findall((ROOT / "docs" / "traps.md").read_text(encoding="utf-8"))
}
WANTED = set(range(1, 32))


@cache
def defined_in(file: str) -> frozenset[str]:
    """Return the names of the tests in a file."""
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    return frozenset(n.name for n in tree.body if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef))


def test_every_trap_has_its_row() -> None:
    """None is forgotten."""
    assert set(TESTS) >= WANTED
    assert all(TESTS.values())


@pytest.mark.parametrize("test", sorted({t for named in TESTS.values() for t in named}))
def test_a_named_test_is_there(test: str) -> None:
    """Whoever renames one says so in the document."""
    file, _, name = test.partition("::")
    assert name in defined_in(file)
