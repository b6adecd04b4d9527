"""How many of 3,000 waiting tasks of a paused queue run when a worker starts, layer by layer.

Each round has a broker, a database and a prefork worker of its own. The tasks take no time, which is the worst case:
what leaks is what runs before the worker is told.
"""

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bot.adapters.celery.online import WorkerOnlineWatch
from bot.usecases.reconcile import hold_new_worker
from playground.services import RedisServer
from tests.pauses.shop import WAITING, Shop, opened_shop

WORKER = "worker1@test"

ROUNDS = 5

Act = Callable[[Shop, str], None]


def one_cancel(shop: Shop, worker: str) -> None:
    """Tell the worker once, when it comes online."""
    shop.ports.clusters.control("shop").cancel_consumer("analytics", [worker])


def hold(shop: Shop, worker: str) -> None:
    """What the bot does."""
    hold_new_worker(shop.ports, "shop", worker)


LAYERS: dict[str, tuple[Act | None, tuple[str, ...]]] = {
    "nothing": (None, ()),
    "one cancel at worker-online": (one_cancel, ()),
    "watch and hold": (hold, ()),
    "started with -X": (None, ("analytics",)),
}


def main() -> None:
    """Measure each layer, and print what leaked."""
    print(f"{WAITING:,} waiting tasks, prefork, concurrency 2; leaked in {ROUNDS} rounds:")
    for name, (act, without) in LAYERS.items():
        began = time.monotonic()
        leaked = [leak(act, without) for _ in range(ROUNDS)]
        shown = ", ".join(f"{n:,}" for n in leaked)
        median, seconds = statistics.median(leaked), time.monotonic() - began
        print(f"{name:<28} {shown:<36} median {median:,.0f}  ({seconds:.0f} s)", flush=True)


def leak(act: Act | None, without: tuple[str, ...]) -> int:
    """Start a worker during a pause, and return how many tasks of the paused queue it ran."""
    with (
        tempfile.TemporaryDirectory() as folder,
        RedisServer() as server,
        opened_shop(server, Path(folder)) as shop,
        watched(shop, act),
    ):
        shop.pause()
        shop.fill()
        shop.start(WORKER, without)
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
