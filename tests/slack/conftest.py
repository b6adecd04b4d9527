"""A local Slack, and an office for the bot."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import structlog

from playground.slack import LocalSlack, Rules
from tests.slack.office import REPOSITORY, Office, office


@pytest.fixture(scope="session", autouse=True)
def plain_logs() -> None:
    """Log lines as plain text: structlog's default draws tracebacks in colour, for seconds on a busy machine."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.format_exc_info,
            structlog.processors.KeyValueRenderer(key_order=["level", "event"]),
        ]
    )


QUICK = Rules(retry_after=(0.1, 0.2, 0.4), refresh_grace=0.2)
"""Slack's rules, but what it repeats it repeats soon."""


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Office]:
    """An office with an empty database."""
    with office(tmp_path) as opened:
        yield opened


@pytest.fixture
async def slack() -> AsyncIterator[LocalSlack]:
    """A local Slack with our own manifest."""
    running = LocalSlack(REPOSITORY / "manifest.yml", rules=QUICK)
    await running.start()
    yield running
    await running.stop()
