"""A store on each database. Every test that asks for one runs on both."""

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine

from bot.adapters.sql import SqlStore, migrate, open_store
from bot.adapters.sql.address import parse

NOW = datetime(2026, 11, 22, 3, 0, 0, 123456, tzinfo=UTC)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.service)])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The DATABASE_URL of a database without tables."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/oncall.db"
    url: str = request.getfixturevalue("postgres_url")
    return url


@pytest.fixture
def url(empty_url: str) -> str:
    """The DATABASE_URL of a database at the newest revision."""
    migrate(empty_url)
    return empty_url


@pytest.fixture
def open_again(url: str) -> Iterator[Callable[..., SqlStore]]:
    """A function that opens one more store on the same database, as another process would."""
    opened: list[SqlStore] = []

    def open_one(busy_seconds: float = 10.0) -> SqlStore:
        opened.append(open_store(url, busy_seconds=busy_seconds))
        return opened[-1]

    yield open_one
    for store in opened:
        store.close()


@pytest.fixture
def store(open_again: Callable[..., SqlStore]) -> SqlStore:
    """A store on an empty database."""
    return open_again()


@pytest.fixture
def raw(url: str) -> Iterator[Engine]:
    """Somebody else's way into the database: plain SQL, no settings of ours."""
    engine = create_engine(parse(url))
    yield engine
    engine.dispose()


@pytest.fixture
def raw_empty(empty_url: str) -> Iterator[Engine]:
    """The same, before there are any tables."""
    engine = create_engine(parse(empty_url))
    yield engine
    engine.dispose()


@pytest.fixture
def in_threads() -> Callable[..., list[Any]]:
    """A function that calls another with 0, 1, 2, … from that many threads that begin together; returns the results."""

    def run(call: Callable[[int], Any], threads: int) -> list[Any]:
        together = threading.Barrier(threads)

        def begin(number: int) -> Any:
            together.wait(timeout=30)
            return call(number)

        with ThreadPoolExecutor(threads) as pool:
            return list(pool.map(begin, range(threads)))

    return run


@pytest.fixture
def start_process() -> Iterator[Callable[[str, str], "subprocess.Popen[str]"]]:
    """A function that runs `tests.adapters.sql.other_process` on a database; what still runs is killed at the end."""
    started: list[subprocess.Popen[str]] = []

    def start(what: str, url: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "tests.adapters.sql.other_process", what, url]
        pipe = subprocess.PIPE
        started.append(subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
def pg(postgres_url: str) -> Iterator[Engine]:
    """Somebody else's way into a PostgreSQL database at the newest revision."""
    migrate(postgres_url)
    engine = create_engine(parse(postgres_url))
    yield engine
    engine.dispose()


@pytest.fixture
def postgres_store(pg: Engine, postgres_url: str) -> Iterator[SqlStore]:
    """A store on that database alone, which gives up soon."""
    store = open_store(postgres_url, busy_seconds=0.5)
    yield store
    store.close()
