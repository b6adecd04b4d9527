"""The workers of these tests run on Celery 5.3, from a virtualenv of their own; the bot runs on ours."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from playground.services import RedisServer
from tests.pauses.shop import Shop, opened_shop
from tests.services.workers import StartWorker, WorkerPool

_PYTHON = Path(__file__).parents[2] / ".venv-celery53" / "bin" / "python"


@pytest.fixture(scope="session")
def old_python() -> str:
    """The interpreter whose Celery is 5.3."""
    if _PYTHON.exists():
        return str(_PYTHON)
    words = "Celery 5.3 is not installed: `make .venv-celery53/.installed` does it"
    if os.environ.get("REQUIRE_SERVICES") == "1":
        pytest.fail(words, pytrace=False)
    pytest.skip(words)


@pytest.fixture
def celery_worker(old_python: str, tmp_path: Path) -> Iterator[StartWorker]:
    """The function that every test with workers knows; here it starts workers of Celery 5.3."""
    folder = tmp_path / "workers"
    folder.mkdir()
    pool = WorkerPool(folder, old_python)
    yield pool.start
    pool.kill_all()


@pytest.fixture
def shop(redis_server: RedisServer, old_python: str, tmp_path: Path) -> Iterator[Shop]:
    """The watched cluster of the pause tests; what its driver starts runs on Celery 5.3."""
    with opened_shop(redis_server, tmp_path, old_python) as opened:
        yield opened
