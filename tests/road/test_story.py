"""The stories, each played without a terminal, as somebody sees it who runs the demo in a pipe or in CI."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.service, pytest.mark.slow, pytest.mark.timeout(300)]

CHAPTERS = {
    "queue-depth": [
        "An alert lands in #platform-oncall",
        "One person on call may pause a queue of low importance",
        "A more important queue needs another person",
        "Ben approves, from his direct message",
        "Pauses end",
        "The alert resolves",
        "The audit",
    ],
    "stuck-tasks": [
        "Report exports hang, and everything in analytics waits behind them",
        "The ones that wait are set aside",
        "The ones that run are ended, and the others run",
        "The fix is deployed, and what was set aside runs",
        "The alert resolves",
        "The audit",
    ],
    "task-failures": [
        "The mail server goes down, and notifications fail",
        "No more of them are let fail",
        "The mail server is back",
        "What failed is sent again",
        "The alert resolves",
        "The audit",
    ],
}
TOLD = {
    "queue-depth": (
        "offers a pause",
        "Ana: presses the button, and confirms",
        "stopped consuming notifications",
        "the refusal, shown to Ana alone",
    ),
    "stuck-tasks": (
        "messages of analytics are set aside",
        "tasks in workers' hands stopped, 4 of them while they ran.",
        "every visit counted, each once",
        "are back in analytics.",
        "reports exported, each once",
    ),
    "task-failures": (
        "most often notifications.send: MailServerDownError",
        "stopped consuming notifications",
        "tasks are sent again. Of the first 10, 10 ended well so far.",
        "every notification sent, each once",
    ),
}
ALWAYS = (
    "Ben: approves, and confirms",
    "the tick on the alert",
    "The audit chain holds:",
    "All of it was seen through Slack's own API",
)


@pytest.mark.parametrize("scenario", CHAPTERS)
def test_the_story_is_played_to_its_end(scenario: str, tmp_path: Path) -> None:
    """Every chapter in its order, each part seen; what ran stands in the books once; nothing stays on the disk."""
    command = [str(Path(sys.executable).with_name("celery-oncall")), "demo", "--headless", "--scenario", scenario]
    env = os.environ | {"TMPDIR": str(tmp_path)}
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.findall(r"^== (.+)$", done.stdout, re.MULTILINE) == CHAPTERS[scenario]
    assert [words for words in (*TOLD[scenario], *ALWAYS) if words not in done.stdout] == []
    assert list(tmp_path.iterdir()) == []
