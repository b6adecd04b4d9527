"""Nothing of the sample cluster outlives its owner, however and whenever that ends."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from playground.cluster.cluster import Cluster
from tests.playground.polling import GENEROUS_SECONDS, eventually
from tests.services.require import require

_ROOT = Path(__file__).resolve().parents[2]

pytestmark = [
    pytest.mark.service,
    pytest.mark.timeout(180),
    pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="finds processes by their environment in /proc"),
]


@pytest.fixture
def mark(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A variable that every process started during the test inherits, which finds them again."""
    require("redis")
    value = f"CLUSTER_TEST_MARK={uuid.uuid4()}"
    monkeypatch.setenv(*value.split("="))
    yield value
    for pid in _marked(value):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _marked(mark: str) -> list[int]:
    """The processes, but for this one and its guard, that carry the mark."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it ended while we looked, or belongs to somebody else
            if mark.encode() in (folder / "environ").read_bytes() and b"guard.py" not in _command(folder):
                found.append(int(folder.name))
    return [pid for pid in found if pid != os.getpid()]


def _command(folder: Path) -> bytes:
    return (folder / "cmdline").read_bytes()


def _wait_for_count(mark: str, at_least: int) -> None:
    deadline = time.monotonic() + GENEROUS_SECONDS
    while len(_marked(mark)) < at_least:
        assert time.monotonic() < deadline, "the cluster did not start"
        time.sleep(0.01)


async def test_stop_ends_every_process_and_removes_the_files(
    mark: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After stop, even with a frozen Redis and a frozen worker, no process and no folder is left."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    cluster = Cluster(traffic=False)
    await cluster.start()
    assert len(_marked(mark)) >= 6  # Redis, three workers, beat, web; and the pools
    await cluster.break_("worker1 hung")
    await cluster.break_("redis stopped")
    await cluster.stop()
    assert _marked(mark) == []
    assert list(tmp_path.iterdir()) == []
    await cluster.stop()  # a second time is harmless


@pytest.mark.parametrize("after", [0.02, 0.3, 1.0])
async def test_cancelled_start_leaves_nothing(mark: str, after: float) -> None:
    """A start that is cancelled half way ends what it had started."""
    cluster = Cluster(traffic=False)
    start = asyncio.create_task(cluster.start())
    await asyncio.sleep(after)
    start.cancel()
    with pytest.raises(asyncio.CancelledError):
        await start
    assert _marked(mark) == []


@pytest.mark.parametrize("processes", [3, 10])
async def test_killed_owner_takes_the_cluster_along(mark: str, tmp_path: Path, processes: int) -> None:
    """`kill -9` of the owner, from half way through the start to a running cluster, ends every process."""
    script = textwrap.dedent("""
        import asyncio
        from playground.cluster.cluster import Cluster

        async def run():
            await Cluster().start()
            await asyncio.Event().wait()

        asyncio.run(run())
    """)
    owner = subprocess.Popen([sys.executable, "-c", script], cwd=_ROOT, env=os.environ | {"TMPDIR": str(tmp_path)})
    try:
        await asyncio.to_thread(_wait_for_count, mark, processes + 1)  # and the owner itself
    finally:
        owner.kill()
        owner.wait()

    async def gone() -> bool:
        return not _marked(mark)

    await eventually(gone)
