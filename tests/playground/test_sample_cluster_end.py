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
    pytest.mark.skipif(not Path("/proc/self/cwd").exists(), reason="finds processes by their folder in /proc"),
]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder below which every process of a cluster works, which finds them again; what is left there is killed."""
    require("redis")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    yield tmp_path
    for pid in _processes(tmp_path):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _processes(home: Path) -> list[int]:
    """The processes that work below `home`, even if their folder is gone."""
    # Not by a variable in their environment: Redis writes its title over that.
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it ended while we looked, or belongs to somebody else
            if os.readlink(folder / "cwd").startswith(f"{home}/"):
                found.append(int(folder.name))
    return found


def _wait_for_count(home: Path, at_least: int) -> None:
    deadline = time.monotonic() + GENEROUS_SECONDS
    while len(_processes(home)) < at_least:
        assert time.monotonic() < deadline, "the cluster did not start"
        time.sleep(0.01)


async def test_stop_ends_every_process_and_removes_the_files(home: Path) -> None:
    """After stop, even with a frozen Redis and a frozen worker, no process and no folder is left."""
    cluster = Cluster(traffic=False)
    await cluster.start()
    assert len(_processes(home)) >= 6  # Redis, three workers, beat, web; and the pools
    await cluster.break_("worker1 hung")
    await cluster.break_("redis stopped")
    await cluster.stop()
    assert _processes(home) == []
    assert list(home.iterdir()) == []
    await cluster.stop()  # a second time is harmless


@pytest.mark.parametrize("after", [0.02, 0.3, 1.0])
async def test_cancelled_start_leaves_nothing(home: Path, after: float) -> None:
    """A start that is cancelled half way ends what it had started."""
    cluster = Cluster(traffic=False)
    start = asyncio.create_task(cluster.start())
    await asyncio.sleep(after)
    assert _processes(home)
    start.cancel()
    with pytest.raises(asyncio.CancelledError):
        await start
    assert _processes(home) == []
    assert list(home.iterdir()) == []


@pytest.mark.parametrize("processes", [3, 10])
async def test_killed_owner_takes_the_cluster_along(home: Path, processes: int) -> None:
    """`kill -9` of the owner, from half way through the start to a running cluster, ends every process."""
    script = textwrap.dedent("""
        import asyncio
        from playground.cluster.cluster import Cluster

        async def run():
            await Cluster().start()
            await asyncio.Event().wait()

        asyncio.run(run())
    """)
    owner = subprocess.Popen([sys.executable, "-c", script], cwd=_ROOT, env=os.environ | {"TMPDIR": str(home)})
    try:
        await asyncio.to_thread(_wait_for_count, home, processes)
    finally:
        owner.kill()
        owner.wait()

    async def gone() -> bool:
        return not _processes(home)

    await eventually(gone)
