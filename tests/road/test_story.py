"""The whole story, played without a terminal, as somebody sees it who runs the demo in a pipe or in CI."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.service, pytest.mark.slow, pytest.mark.timeout(300)]

CHAPTERS = [
    "An alert lands in #platform-oncall",
    "One person on call may pause a queue of low importance",
    "A more important queue needs another person",
    "Ben approves, from his direct message",
    "Pauses end",
    "The alert resolves",
    "The audit",
]
TOLD = (
    "offers a pause",
    "Ana: presses the button, and confirms",
    "stopped consuming notifications",
    "the refusal, shown to Ana alone",
    "Ben: approves, and confirms",
    "the tick on the alert",
    "The audit chain holds:",
    "All of it was seen through Slack's own API",
)


def test_the_story_is_played_to_its_end(tmp_path: Path) -> None:
    """Every chapter in its order, each part seen; nothing stays on the disk."""
    command = [str(Path(sys.executable).with_name("celery-oncall")), "demo", "--headless", "--scenario", "queue-depth"]
    env = os.environ | {"TMPDIR": str(tmp_path)}
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.findall(r"^== (.+)$", done.stdout, re.MULTILINE) == CHAPTERS
    assert [words for words in TOLD if words not in done.stdout] == []
    assert list(tmp_path.iterdir()) == []
