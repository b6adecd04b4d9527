"""A watched cluster for each test of pauses."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from playground.services import RedisServer
from tests.pauses.shop import Shop, opened_shop


@pytest.fixture
def shop(redis_server: RedisServer, tmp_path: Path) -> Iterator[Shop]:
    """A cluster without workers; what the driver starts ends with the test."""
    with opened_shop(redis_server, tmp_path) as opened:
        yield opened
