"""Proves that each fixture is what it says."""

import socket
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import redis
import sqlalchemy

from playground.services import RedisServer, connect
from tests.services.network import SilentServer
from tests.services.require import require
from tests.services.sample_app import executions, make_app
from tests.services.workers import StartWorker


def wait_for(condition: Callable[[], object], seconds: float = 20) -> None:
    """Poll until the condition holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition never came true"
        time.sleep(0.02)


@pytest.mark.service
def test_redis_server_starts_empty_and_answers(redis_server: RedisServer) -> None:
    """Every test has a server without any key of another test."""
    with redis_server.client() as client:
        assert client.dbsize() == 0
        assert client.set("k", "v")


@pytest.mark.service
def test_paused_redis_is_silent_until_it_is_resumed(redis_server: RedisServer) -> None:
    """A frozen server accepts connections but answers only after `resume`."""
    redis_server.pause()
    with redis_server.client(timeout=0.2) as client, pytest.raises(redis.TimeoutError):
        client.ping()
    redis_server.resume()
    with redis_server.client() as client:
        assert client.ping()


@pytest.mark.service
def test_killed_redis_comes_back_empty_on_the_same_port(redis_server: RedisServer) -> None:
    """A restart keeps the address and nothing else."""
    port = redis_server.port
    with redis_server.client() as client:
        client.set("k", "v")
    redis_server.kill()
    assert not redis_server.alive
    redis_server.start()
    with redis_server.client() as client:
        assert (redis_server.port, client.dbsize()) == (port, 0)


@pytest.mark.service
def test_redis_server_takes_further_options(tmp_path: Path) -> None:
    """Options such as a memory limit reach the server."""
    require("redis")
    with RedisServer(folder=tmp_path, options=("--maxmemory", "12mb")) as server, server.client() as client:
        assert client.config_get("maxmemory")["maxmemory"] == str(12 * 1024 * 1024)


@pytest.mark.service
@pytest.mark.parametrize("round_", [1, 2])
def test_postgres_database_is_fresh_for_each_test(postgres_url: str, round_: int) -> None:
    """The table of one round is not there in the other."""
    engine = sqlalchemy.create_engine(postgres_url)
    with engine.begin() as connection:
        connection.execute(sqlalchemy.text("CREATE TABLE seen (n int)"))
    engine.dispose()


@pytest.mark.service
def test_worker_runs_tasks_and_counts_each_execution(redis_server: RedisServer, celery_worker: StartWorker) -> None:
    """A real prefork worker takes tasks from the test's own broker."""
    worker = celery_worker(redis_server.url(), queues=["celery", "booking"])
    app = make_app({"SAMPLE_BROKER_URL": redis_server.url()})
    assert worker.node == "w1@test"
    assert app.send_task("sample.add", (2, 3), queue="booking").get(timeout=20) == 5
    counted = app.send_task("sample.count")
    assert counted.get(timeout=20) == 1
    with redis_server.client() as client:
        assert executions(client) == {counted.id: 1}


@pytest.mark.service
def test_worker_obeys_pool_prefix_steps_and_separator(redis_server: RedisServer, celery_worker: StartWorker) -> None:
    """The transport options of the environment decide the keys of the queue."""
    env = {"SAMPLE_PREFIX": "shop:", "SAMPLE_STEPS": "0,5", "SAMPLE_SEP": ":"}
    app = make_app({"SAMPLE_BROKER_URL": redis_server.url(), **env})
    app.send_task("sample.add", (1, 1), queue="booking", priority=7)
    with redis_server.client() as client:
        assert client.llen("shop:booking:5") == 1
        celery_worker(redis_server.url(), queues=["booking"], pool="solo", env=env)
        wait_for(lambda: client.llen("shop:booking:5") == 0)


@pytest.mark.service
def test_frozen_worker_is_silent_and_answers_after_resume(
    redis_server: RedisServer, celery_worker: StartWorker
) -> None:
    """SIGSTOP makes a worker that is neither up nor down."""
    worker = celery_worker(redis_server.url(), pool="solo")
    app = make_app({"SAMPLE_BROKER_URL": redis_server.url()})
    worker.pause()
    assert not worker.answers(app)
    assert worker.alive
    worker.resume()
    wait_for(lambda: worker.answers(app))


@pytest.mark.service
def test_silent_server_accepts_and_never_answers(silent_server: SilentServer) -> None:
    """A client without a timeout would wait for ever."""
    with connect(silent_server.port, timeout=0.1) as client, pytest.raises(redis.TimeoutError):
        client.ping()
    assert silent_server.connections >= 1


def test_refused_port_refuses(refused_port: int) -> None:
    """A connection to it fails at once."""
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", refused_port), timeout=5)


def test_absent_program_skips_or_fails_as_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """REQUIRE_SERVICES=1 makes an absent program a failure, otherwise it is a skip."""
    monkeypatch.delenv("REQUIRE_SERVICES", raising=False)
    with pytest.raises(pytest.skip.Exception, match="not installed: no-such-program"):
        require("no-such-program")
    monkeypatch.setenv("REQUIRE_SERVICES", "1")
    with pytest.raises(pytest.fail.Exception, match="no-such-program"):
        require("no-such-program")
