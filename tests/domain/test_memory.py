"""The memory of workers from two sources."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.domain.broker import WorkerMemory
from bot.domain.live import LiveWorker, Presence, ToldMemory
from bot.domain.memory import FRESH, with_plugins

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
TOLD = LiveWorker("w1@far", Presence.ONLINE, NOW, NOW, plugin="0.1.0", memory=ToldMemory(NOW, 100, (40, 50)))
PEAK = WorkerMemory(worker="w1@far", parent=900, parent_is_peak=True, why="it runs on another host")
BESIDE = WorkerMemory(worker="w1@far", parent=110, children=(45, 55))


def test_what_the_plugin_told_stands_in_place_of_the_parents_peak() -> None:
    """Of a worker elsewhere that is all of it: now, and with its children."""
    found = with_plugins({"w1@far": PEAK}, [TOLD], NOW)["w1@far"]
    assert found == WorkerMemory(worker="w1@far", parent=100, children=(40, 50), by_plugin=True)
    assert found.total == 190


def test_a_worker_that_was_not_asked_or_kept_silent_is_known_by_its_plugin() -> None:
    """A busy solo worker answers nothing, and its heartbeat came a moment ago."""
    silent = WorkerMemory(worker="w1@far", parent=None, why="it did not answer `stats`: busy or unreachable")
    assert with_plugins({}, [TOLD], NOW)["w1@far"].total == 190
    assert with_plugins({"w1@far": silent}, [TOLD], NOW)["w1@far"].total == 190


@pytest.mark.parametrize("worker", [replace(TOLD, memory=None), replace(TOLD, twins=True)])
def test_without_a_word_or_with_two_of_one_name_what_was_asked_stands(worker: LiveWorker) -> None:
    """Which of the two told it, nobody knows."""
    assert with_plugins({"w1@far": PEAK}, [worker], NOW) == {"w1@far": PEAK}


def test_what_was_told_long_ago_is_not_how_it_is_now() -> None:
    """A worker whose heartbeats stopped may have grown since."""
    assert with_plugins({"w1@far": PEAK}, [TOLD], NOW + FRESH)["w1@far"].by_plugin
    assert not with_plugins({"w1@far": PEAK}, [TOLD], NOW + FRESH + timedelta(seconds=1))["w1@far"].by_plugin


def test_a_plugin_that_sees_no_children_takes_nothing_from_a_bot_that_does() -> None:
    """And where neither sees them, its word of the parent is newer than a peak, and it says what is missing."""
    parent = replace(TOLD, memory=ToldMemory(NOW, 100))
    assert with_plugins({"w1@far": BESIDE}, [parent], NOW) == {"w1@far": BESIDE}
    found = with_plugins({"w1@far": PEAK}, [parent], NOW)["w1@far"]
    assert (found.parent, found.children, found.parent_is_peak) == (100, None, False)
    assert "Linux, or psutil" in (found.why or "")
