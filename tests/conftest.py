"""Fixtures that every test may use: real Redis, PostgreSQL and Celery workers, and servers that misbehave."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from playground.services import RedisServer
from tests.services import network
from tests.services.postgres import PostgresServer
from tests.services.require import require
from tests.services.workers import StartWorker, WorkerPool

# Machines here are shared and slow: how long an example took says nothing of the code.
settings.register_profile("shared", deadline=None)
settings.load_profile("shared")


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[RedisServer]:
    """An empty Redis server of the test's own; it starts in some 15 ms."""
    require("redis")
    folder = tmp_path / "redis"
    folder.mkdir()
    with RedisServer(folder=folder) as server:
        yield server


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """One PostgreSQL server for each xdist worker."""
    server = PostgresServer(require("postgres").parent)
    yield server
    server.stop()


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """The SQLAlchemy URL of an empty PostgreSQL database of the test's own."""
    url = postgres_server.create_database()
    yield url
    postgres_server.drop_database(url)


@pytest.fixture
def celery_worker(tmp_path: Path) -> Iterator[StartWorker]:
    """A function that starts real Celery workers; see `tests.services.workers.StartWorker`. They end with the test."""
    folder = tmp_path / "workers"
    folder.mkdir()
    pool = WorkerPool(folder)
    yield pool.start
    pool.kill_all()


@pytest.fixture
def silent_server() -> Iterator[network.SilentServer]:
    """A TCP server that accepts and never answers."""
    server = network.SilentServer()
    yield server
    server.close()


@pytest.fixture
def refused_port() -> Iterator[int]:
    """A port on which every connection is refused."""
    with network.refused_port() as port:
        yield port
