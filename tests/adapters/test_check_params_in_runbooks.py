"""Parameters of checks as runbooks write them: read as people write amounts, and told at their place when wrong."""

from pathlib import Path

import pytest

from bot.adapters.discovery import DiscoveredRegistry
from bot.adapters.expressions import JinjaExpressions
from bot.adapters.runbook_files import RunbookFiles
from bot.adapters.runbook_parsing import parse_runbook
from bot.domain.runbook import Runbook
from bot.located_yaml import ProblemsFound
from bot.usecases.checks import asked_for

REGISTRY = DiscoveredRegistry()
HEAD = "runbook: x\ntitle: X\nalerts: [{name: A}]\nsteps:\n"


def parsed(step: str) -> Runbook:
    """Return a runbook of one check step."""
    return parse_runbook(f"{HEAD}- {{id: c, title: C, {step}}}\n".encode(), "x.yml", REGISTRY, JinjaExpressions())


@pytest.mark.parametrize(
    "step",
    [
        "check: worker_memory, with: {warn: 1.5GB, alert: 2GB}",
        "check: worker_memory, with: {warn: 1000000000}",
        "check: slow_tasks, with: {seconds: 5m, factor: 2, task: shop.*}",
        "check: slow_tasks, with: {seconds: 90}",
        "check: completion, with: {span: 1 h, warn: 99.9, alert: 99}",
        "check: failures, with: {span: 24h}",
        "check: task_durations, with: {alert: 60}",
        "check: queue_latency",
        'check: running, with: {queue: "{{ alert.labels.queue }}"}',
    ],
)
def test_amounts_are_written_as_people_write_them(step: str) -> None:
    """And what the loader takes, a run takes too."""
    (loaded,) = parsed(step).steps
    if not any("{{" in str(value) for value in loaded.params.values()):
        asked_for(REGISTRY, loaded.check or "", loaded.params)


@pytest.mark.parametrize(
    ("step", "told"),
    [
        ("check: worker_memory, with: {warn: much}", "`much` is no amount of memory; write 2GB or 512MB"),
        ("check: failures, with: {span: 2h}", "`2h` is no span that is kept; write 1m, 15m, 1h or 24h"),
        ("check: slow_tasks, with: {seconds: soon}", "`soon` is no length of time; write 30m, 2h or 1h30m"),
        (
            "check: slow_tasks, with: {secnds: 5}",
            "There is no key `secnds` in `steps[1].with`. Did you mean `seconds`?",
        ),
        ("check: running", "The key `queue` (the queue to look at) is missing"),
        ("check: redis_pnig", "Did you mean `redis_ping`"),
        ("check: beat, with: {expected: 2}", "`steps[1].with.expected` must be at most 1, and is 2."),
    ],
)
def test_wrong_parameters_are_told_at_their_place(step: str, told: str) -> None:
    """With the line, as all that is wrong in a file."""
    with pytest.raises(ProblemsFound) as found:
        parsed(step)
    assert "x.yml:5:" in str(found.value)
    assert told in str(found.value)


def test_values_of_checks_with_units_reach_the_steps_of_a_file(tmp_path: Path) -> None:
    """A whole file with the new checks is loaded as any other."""
    file = tmp_path / "memory.yml"
    steps = "- {id: m, title: M, check: worker_memory, with: {warn: 2GB}}\n"
    steps += "- {id: n, title: N, note: '{{ checks.m.worst }}'}\n"
    file.write_text(HEAD.replace("runbook: x", "runbook: memory") + steps, encoding="utf-8")
    (runbook,) = RunbookFiles((tmp_path,), REGISTRY, JinjaExpressions()).all()
    assert [s.params for s in runbook.steps] == [{"warn": "2GB"}, {}]
