"""The results on file, and how they are shown."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks._row import Row

FILE = Path(__file__).with_name("results.json")


def load(file: Path = FILE) -> list[Row]:
    """Return the rows on file; none when there is no file yet."""
    return [Row.from_json(fields) for fields in json.loads(file.read_text())] if file.exists() else []


def save(rows: Iterable[Row], file: Path = FILE) -> None:
    """Write them, one row a line, so that a change shows as one."""
    lines = (json.dumps(row.as_json(), ensure_ascii=False) for row in rows)
    file.write_text("[\n" + ",\n".join(lines) + "\n]\n")


def merged(kept: Sequence[Row], module: str, measured: Sequence[Row]) -> list[Row]:
    """Return the rows on file with those of one module replaced; a module's rows stay together, new ones come last."""
    mine = [i for i, row in enumerate(kept) if module_of(row) == module]
    before = mine[0] if mine else len(kept)
    others = [row for row in kept[before:] if module_of(row) != module]
    return [*kept[:before], *measured, *others]


def named(row: Row, module: str) -> Row:
    """Return the row with the name of its module before its own."""
    return row if module_of(row) == module else replace(row, name=f"{module}: {row.name}")


def module_of(row: Row) -> str:
    """Return the name of the module that measured it."""
    return row.name.partition(":")[0]


def line(row: Row) -> str:
    """Return a row as it is printed."""
    theirs = "–" if row.theirs is None else f"{row.theirs:,.4g}"
    ratio = "" if row.ratio is None else f"{row.ratio:,.1f}x"
    verdict = "met" if row.met else "NOT MET"
    return f"{row.name:<52} {row.ours:>10,.4g} {theirs:>10} {row.unit:<12} {ratio:>10}  {row.goal:<14} {verdict}"


def heading() -> str:
    """Return what stands above the lines."""
    return f"{'':<52} {'ours':>10} {'theirs':>10} {'unit':<12} {'ratio':>10}  {'goal':<14}"
