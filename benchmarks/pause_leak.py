"""How many of 3,000 waiting tasks of a paused queue run when a worker starts, layer by layer.

Each round has a broker, a database and a prefork worker of its own. The tasks take no time, which is the worst case:
what leaks is what runs before the worker is told.
"""

import statistics
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path

from benchmarks._row import Row, at_most
from bot.adapters.celery.online import WorkerOnlineWatch
from bot.usecases.reconcile import hold_new_worker
from playground.services import RedisServer
from tests.pauses.shop import Shop, opened_shop

WORKER = "worker1@test"

ROUNDS = 5

Act = Callable[[Shop, str], None]
Start = Callable[[Shop, Path], AbstractContextManager[None]]


def one_cancel(shop: Shop, worker: str) -> None:
    """Tell the worker once, when it comes online."""
    shop.ports.clusters.control("shop").cancel_consumer("analytics", [worker])


def hold(shop: Shop, worker: str) -> None:
    """What the bot does."""
    hold_new_worker(shop.ports, "shop", worker)


@contextmanager
def started(shop: Shop, folder: Path, without: tuple[str, ...] = ()) -> Iterator[None]:  # noqa: ARG001 - as run_worker
    """Start the worker as its command says, but for these queues."""
    shop.start(WORKER, without)
    yield


@contextmanager
def run_worker(shop: Shop, folder: Path) -> Iterator[None]:
    """Start the worker behind `celery-oncall run-worker`."""
    with shop.run_worker(WORKER, folder / "worker.log"):
        shop.wait_answers(WORKER)
        yield


@contextmanager
def plugged(shop: Shop, folder: Path) -> Iterator[None]:
    """Start the worker with the worker plugin."""
    with shop.plugged(WORKER, folder):
        yield


ONE_CANCEL = "one cancel at worker-online"
LAYERS: dict[str, tuple[Act | None, Start]] = {
    ONE_CANCEL: (one_cancel, started),
    "watch and hold": (hold, started),
    "started by run-worker": (None, run_worker),
    "started with the worker plugin": (None, plugged),
    "started with -X": (None, partial(started, without=("analytics",))),
}
GOALS = {"watch and hold": 100, "started by run-worker": 0, "started with the worker plugin": 0, "started with -X": 0}


def rows() -> list[Row]:
    """Measure each layer against the one cancel that a script would send."""
    leaked = {name: _median(act, start) for name, (act, start) in LAYERS.items()}
    theirs = leaked.pop(ONE_CANCEL)
    return [at_most(f"pause_leak: {name}", n, theirs, "tasks", GOALS[name]) for name, n in leaked.items()]


def _median(act: Act | None, start: Start) -> float:
    return float(statistics.median(leak(act, start) for _ in range(ROUNDS)))


def leak(act: Act | None, start: Start) -> int:
    """Start a worker during a pause, and return how many tasks of the paused queue it ran."""
    with (
        tempfile.TemporaryDirectory() as folder,
        RedisServer() as server,
        opened_shop(server, Path(folder)) as shop,
        watched(shop, act),
    ):
        shop.pause()
        shop.fill()
        with start(shop, Path(folder)):
            shop.prove_alive()
            shop.quiet()
            return len(shop.runs())


@contextmanager
def watched(shop: Shop, act: Act | None) -> Iterator[None]:
    """Do this whenever a worker comes online."""
    if act is None:
        yield
        return
    watch = WorkerOnlineWatch(shop.connection, lambda worker: act(shop, worker))
    watch.start()
    watch.wait_connected(10)
    yield
    watch.close(15)
