"""The world of each use-case test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.usecases.world import World, make_world


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Return a fresh world with a backed-up queue."""
    made = make_world(tmp_path)
    yield made
    made.store.close()
