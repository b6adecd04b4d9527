"""What happens when a test needs a program that is not installed."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from playground.services import RedisMissingError, find_redis_server


def _find_redis() -> Path | None:
    try:
        return find_redis_server()
    except RedisMissingError:
        return None


def _find_postgres() -> Path | None:
    # Debian keeps each version's programs out of PATH; the newest wins.
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    found = shutil.which("initdb")
    return versions[-1] if versions else Path(found) if found else None


_FINDERS: dict[str, Callable[[], Path | None]] = {"redis": _find_redis, "postgres": _find_postgres}


def find(name: str) -> Path | None:
    """The program behind a service's name ("redis", "postgres"), or of that name on PATH; None when absent."""
    finder = _FINDERS.get(name)
    if finder is not None:
        return finder()
    found = shutil.which(name)
    return Path(found) if found else None


def require(name: str) -> Path:
    """The program, or the end of the test: skipped, or failed when REQUIRE_SERVICES=1 says that all must be there."""
    found = find(name)
    if found is not None:
        return found
    if os.environ.get("REQUIRE_SERVICES") == "1":
        pytest.fail(f"{name} is not installed, and REQUIRE_SERVICES=1 is set", pytrace=False)
    pytest.skip(f"not installed: {name}")
