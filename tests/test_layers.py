"""The layers are not only drawn: a planted import is refused."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LINT = Path(sys.executable).with_name("lint-imports")


@pytest.mark.parametrize(
    ("place", "line", "broken"),
    [
        ("bot/domain/incident.py", "import celery", "The domain is pure BROKEN"),
        ("bot/usecases/runs.py", "import bot.adapters.samples", "Imports point down BROKEN"),
        ("bot/web/server.py", "import tasks.app", "The bot never imports the ops worker or the playground BROKEN"),
    ],
)
def test_a_planted_import_is_refused(tmp_path: Path, place: str, line: str, broken: str) -> None:
    """The same contracts as `make check`, over a copy of the tree with one line more."""
    for package in ("bot", "tasks", "playground"):
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    planted = tmp_path / place
    planted.write_text(planted.read_text(encoding="utf-8") + f"\n{line}\n", encoding="utf-8")
    done = subprocess.run(
        [LINT, "--no-logo", "--no-cache"], cwd=tmp_path, capture_output=True, text=True, timeout=100, check=False
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert broken in done.stdout
