"""What workers take and what they are made of: children counted where they are seen, and nobody else's process."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import psutil
import pytest

from bot.adapters.celery import memory
from bot.adapters.celery.control import CeleryClusterControl
from bot.adapters.celery.diagnostics import CeleryDiagnostics
from bot.adapters.clock import SystemClock
from playground.services import RedisServer
from tests.adapters.celery.conftest import Diagnose, MakeControl
from tests.services.sample_app import make_app
from tests.services.workers import StartWorker

pytestmark = pytest.mark.service


@pytest.mark.parametrize(("pool", "children"), [("prefork", 3), ("threads", 0), ("solo", 0)])
def test_memory_counts_the_children_of_a_worker_on_this_host(
    redis_server: RedisServer,
    control: CeleryClusterControl,
    diagnose: Diagnose,
    celery_worker: StartWorker,
    pool: str,
    children: int,
) -> None:
    """A prefork worker's tasks run in its children, and that is where memory leaks."""
    worker = celery_worker(redis_server.url(), queues=["booking"], pool=pool, concurrency=3)
    found = diagnose(control).memory()["w1@test"]
    process = psutil.Process(worker.process.pid)
    assert found.children is not None
    assert (len(found.children), found.parent_is_peak, found.why) == (children, False, None)
    assert found.parent == pytest.approx(process.memory_info().rss, rel=0.2)
    together = process.memory_info().rss + sum(c.memory_info().rss for c in process.children(recursive=True))
    assert found.total == pytest.approx(together, rel=0.2)


def test_memory_of_a_worker_elsewhere_is_its_parents_peak_and_says_so(
    redis_server: RedisServer, control: CeleryClusterControl, celery_worker: StartWorker
) -> None:
    """By its name it is on another host, so that its pid means nothing here."""
    worker = celery_worker(redis_server.url(), queues=["booking"])
    found = CeleryDiagnostics(control.watched, SystemClock()).memory()["w1@test"]
    assert socket.gethostname() != "test"
    assert (found.children, found.parent_is_peak) == (None, True)
    assert found.parent is not None
    rss = psutil.Process(worker.process.pid).memory_info().rss
    assert 0.8 * rss < found.parent < 10 * rss
    assert (found.why or "").startswith("it runs on another host")


def test_memory_of_a_silent_worker_is_unknown(
    redis_server: RedisServer, control: CeleryClusterControl, diagnose: Diagnose, celery_worker: StartWorker
) -> None:
    """It is in the list, with why, within the deadline; and so are its report, and its neighbour's memory."""
    celery_worker(redis_server.url(), name="well", pool="solo")
    frozen = celery_worker(redis_server.url(), name="frozen", pool="solo")
    diagnostics = diagnose(control)
    assert set(diagnostics.memory()) == {"frozen@test", "well@test"}
    frozen.pause()
    found = diagnostics.memory(deadline=1.0)
    assert (found["frozen@test"].total, found["frozen@test"].why) == (
        None,
        "it did not answer `stats`: busy or unreachable",
    )
    assert found["well@test"].total
    reports = diagnostics.reports(deadline=1.0)
    assert reports["frozen@test"] is None
    assert reports["well@test"] is not None


@pytest.fixture
def stranger() -> Iterator[psutil.Process]:
    """A process that is no worker."""
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    yield psutil.Process(process.pid)
    process.kill()
    process.wait()


@pytest.mark.parametrize(("age", "used"), [(0, 9.0), (3600, 0.0), (0, None)])
def test_a_pid_of_another_container_is_never_believed(stranger: psutil.Process, age: int, used: float | None) -> None:
    """The same number and the same host name, but other processor time, another start, or no word of either."""
    now = time.time()
    usage = {} if used is None else {"rusage": {"utime": used, "stime": 0.0, "maxrss": 50_000}}
    said = {
        "stats": {"pid": stranger.pid, "uptime": int(now - stranger.create_time()) + age, **usage},
        "report": {"ok": "platform -> system:Linux arch:64bit"},
    }
    found = memory.memory("w1@test", said, "test", now)
    assert (found.children, found.parent) == (None, None if used is None else 50_000 * 1024)
    assert found.why


@pytest.mark.parametrize(("system", "parent"), [("Linux", 102_400), ("Darwin", 100), ("Plan9", None)])
def test_a_peak_is_read_in_the_unit_of_its_system(system: str, parent: int | None) -> None:
    """Kilobytes on Linux, bytes on macOS; of others nothing is claimed."""
    said = {
        "stats": {"pid": 1, "rusage": {"maxrss": 100}},
        "report": {"ok": f"\nplatform -> system:{system} arch:64bit"},
    }
    assert memory.memory("w1@elsewhere", said, "test", 0.0).parent == parent


def test_a_report_has_versions_and_no_secret(
    redis_server: RedisServer, make_control: MakeControl, diagnose: Diagnose, celery_worker: StartWorker
) -> None:
    """The versions that run, beside settings from which passwords were taken out."""
    with redis_server.client() as client:
        client.acl_setuser("shop", enabled=True, passwords=["+hunter2"], keys=["*"], channels=["*"], commands=["+@all"])
    url = f"redis://shop:hunter2@127.0.0.1:{redis_server.port}/0"
    worker = celery_worker(url, queues=["booking"], pool="solo")
    found = diagnose(make_control(redis_server.url(), ["booking"])).reports()[worker.node]
    assert found is not None
    app = make_app({"SAMPLE_BROKER_URL": url})
    assert set(found.versions) >= {"celery", "kombu", "billiard", "python", "redis"}
    assert found.versions["python"] == ".".join(map(str, sys.version_info[:3]))
    assert found.software == f"celery {found.versions['celery']}"
    assert found.versions["celery"] in app.bugreport()
    assert "broker_url" in found.text
    assert "hunter2" not in found.text
