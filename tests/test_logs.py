"""Log lines are one JSON object each, whoever wrote them, with the ids of what they are about."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from bot.logs import set_up_logs
from bot.slack.executors import Executors


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """Logs into memory, and logging as it was afterwards."""
    root = logging.getLogger()
    before, level, configured = root.handlers[:], root.level, structlog.get_config()
    stream = io.StringIO()
    set_up_logs("info", as_json=True, stream=stream)
    yield stream
    root.handlers[:], root.level = before, level
    structlog.configure(**configured)


def read(stream: io.StringIO) -> list[dict[str, Any]]:
    """Return the lines written."""
    return [json.loads(line) for line in stream.getvalue().splitlines()]


async def test_ids_bound_by_the_caller_stand_in_lines_written_in_a_thread(lines: io.StringIO) -> None:
    """An incident's id goes along into the executors, where the use cases log."""
    executors = Executors()
    with structlog.contextvars.bound_contextvars(incident="inc-1"):
        await executors.db(structlog.get_logger("bot.usecases").info, "refreshed", queue="analytics")
    await executors.close()
    (line,) = read(lines)
    assert (line["event"], line["incident"], line["queue"]) == ("refreshed", "inc-1", "analytics")


def test_libraries_lines_take_the_same_form(lines: io.StringIO) -> None:
    """A line of the standard library's logging becomes JSON too, with level, logger and time."""
    logging.getLogger("some.library").warning("disk is at %s%%", 91)
    (line,) = read(lines)
    assert (line["event"], line["level"], line["logger"]) == ("disk is at 91%", "warning", "some.library")
    assert line["timestamp"].endswith("Z")


def test_a_traceback_is_part_of_its_line_and_shows_no_values(lines: io.StringIO) -> None:
    """One line stays one line, and what variables held (a token, say) is not printed."""
    try:
        token = "xoxb-" + "very-secret"
        raise ValueError(f"no use for {len(token)} characters")
    except ValueError:
        structlog.get_logger("bot").exception("stumbled")
    (line,) = read(lines)
    assert "ValueError: no use for 16 characters" in line["exception"]
    assert "xoxb-very-secret" not in lines.getvalue()


def test_what_is_below_the_level_is_not_written(lines: io.StringIO) -> None:
    """At level info there are no debug lines, ours or others'."""
    structlog.get_logger("bot").debug("detail")
    logging.getLogger("some.library").debug("detail")
    assert read(lines) == []
