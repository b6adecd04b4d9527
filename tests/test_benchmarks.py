"""The benchmarks' results on file: well formed, complete, and explained. What they say is not asserted anywhere."""

import json
import re
from pathlib import Path

import pytest

from benchmarks import _results
from benchmarks.__main__ import NAMES, main
from benchmarks._row import Row, at_least, at_most

FOLDER = Path(_results.__file__).parent
ROWS = _results.load()
FIELDS = {"name": str, "ours": float, "theirs": float, "unit": str, "ratio": float, "goal": str, "met": bool}

WANTED = [
    "status: 3 workers, fresh",
    "status: 3 workers, from memory",
    "status: 30 workers, fresh",
    "status: 30 workers, from memory",
    "status: .*95",
    "status: .*hung",
    "events: batches of 24, Flower",
    "events: batches of 24, celery.events.State",
    "events: batches of 3, Flower",
    "events: batches of 3, celery.events.State",
    "memory: 10 k tasks, Flower",
    "memory: 1 M tasks",
    "memory: 5 M events",
    "depths: 7 queues x 4 lanes",
    "depths: 100 queues x 4 lanes",
    "purge: 1 M messages and back",
    "purge: 1 M messages and back, celery purge",
    "purge: stall of 1 M",
    "purge: each message once",
    "purge: stall by task name",
    "purge: memory .*by task name",
    "requeue: 10 k",
    "requeue: .*twice",
    "revoke: a probe task during 10 k revokes",
]
"""The rows that the goals of issues 3 and 4 want, as patterns."""


def test_every_row_has_the_seven_fields() -> None:
    """Others may read the file: a number is a number, and only what cannot be compared is null."""
    found = json.loads(_results.FILE.read_text())
    assert found
    for row in found:
        assert list(row) == list(FIELDS)
        for name, value in row.items():
            assert isinstance(value, FIELDS[name]) or (value is None and name in ("theirs", "ratio")), row


def test_names_are_unique_and_begin_with_their_module() -> None:
    """That is how a run finds the rows to replace."""
    names = [row.name for row in ROWS]
    assert len(set(names)) == len(names)
    assert {_results.module_of(row) for row in ROWS} <= set(NAMES)


@pytest.mark.parametrize("pattern", WANTED)
def test_every_goal_of_the_table_has_its_row(pattern: str) -> None:
    """Whether it was met or not."""
    assert any(re.fullmatch(f"{pattern}.*", row.name) for row in ROWS)


def test_the_readme_explains_every_row() -> None:
    """And names none that is not there, of the benchmarks that have been run."""
    text = (FOLDER / "README.md").read_text()
    explained = set(re.findall(r"^\| `([a-z_]+: [^`]+)` \|", text, re.MULTILINE))
    run = {_results.module_of(row) for row in ROWS}
    assert {row.name for row in ROWS} == {name for name in explained if name.partition(":")[0] in run}


def test_a_verdict_follows_from_its_goal() -> None:
    """A row on file was not made by hand."""
    for row in ROWS:
        bound = re.fullmatch(rf"([≥≤]) ([\d,.]+)(x.*| {row.unit})", row.goal)
        if bound is not None:
            sign, number, ratio = bound.groups()
            value = row.ratio if ratio.startswith("x") else row.ours
            assert value is not None
            limit = float(number.replace(",", ""))
            assert row.met == (value >= limit if sign == "≥" else value <= limit), row


def test_a_ratio_is_better_when_higher() -> None:
    """Times are divided the other way round than rates."""
    assert at_least("a: time", 2.0, 10.0, "ms", 5) == Row("a: time", 2.0, 10.0, "ms", 5.0, "≥ 5x", True)
    assert at_least("a: rate", 10.0, 2.0, "1/s", 6, more_is_better=True).ratio == 5.0
    assert not at_least("a: rate", 10.0, 2.0, "1/s", 6, more_is_better=True).met
    assert at_most("a: bound", 3.0, None, "ms", 2) == Row("a: bound", 3.0, None, "ms", None, "≤ 2 ms", False)


def test_rows_of_benchmarks_that_were_not_run_are_kept_in_their_place(tmp_path: Path) -> None:
    """A row that its benchmark no longer has goes away."""

    def row(name: str, ours: float) -> Row:
        return Row(name, ours, None, "ms", None, "≤ 5 ms", True)

    file = tmp_path / "results.json"
    assert _results.load(file) == []
    _results.save([row("a: 1", 1.0), row("b: 1", 1.0), row("b: 2", 1.0), row("c: 1", 1.0)], file)
    _results.save(_results.merged(_results.load(file), "b", [row("b: 3", 2.00009)]), file)
    assert _results.load(file) == [row("a: 1", 1.0), row("b: 3", 2.0), row("c: 1", 1.0)]
    assert [r.name for r in _results.merged(_results.load(file), "d", [row("d: 1", 1.0)])][-1] == "d: 1"


def test_a_row_carries_the_name_of_its_benchmark() -> None:
    """Once."""
    plain = Row("3 queues", 1.0, None, "ms", None, "≤ 5 ms", True)
    assert _results.named(plain, "depths").name == "depths: 3 queues"
    assert _results.named(_results.named(plain, "depths"), "depths").name == "depths: 3 queues"


def test_an_unknown_benchmark_is_named_with_those_there_are(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is run."""
    monkeypatch.setattr("sys.argv", ["benchmarks", "statsu"])
    assert main() == 2
    assert "There is no benchmark statsu; there are:" in capsys.readouterr().out
