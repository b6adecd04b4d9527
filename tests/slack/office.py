"""What a bot needs to stand on its own feet in a test: a real database, a real clock, a cluster in memory."""

import asyncio
import inspect
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bot.adapters.clock import SystemClock
from bot.adapters.clusters import ConfiguredClusters
from bot.adapters.discovery import DiscoveredRegistry
from bot.adapters.sql import SqlStore, migrate, open_store
from bot.domain.errors import StoreUnavailable
from bot.ports import Ports, Tx
from tests.usecases.world import POLICY, SPEC, FewRunbooks, KeptDispatcher, KeptSamples, SetClock, SimulatedCluster

CHANNEL = "C0ONCALL"
REPOSITORY = Path(__file__).parents[2]


async def until(look: Callable[[], Any], timeout: float = 20.0) -> Any:
    """Look until there is something true to see, and return it."""
    deadline = time.monotonic() + timeout
    while True:
        seen = look()
        value = await seen if inspect.isawaitable(seen) else seen
        if value:
            return value
        if time.monotonic() > deadline:
            raise TimeoutError(f"nothing to see after {timeout:g} s: {inspect.getsource(look).strip()}")
        await asyncio.sleep(0.02)


class NoExpressions:
    """Runbooks of these tests hold no expressions that matter."""

    def evaluate(self, expression: str, names: Mapping[str, Any]) -> Any:
        """Say that no condition holds."""
        return False

    def render(self, value: Any, names: Mapping[str, Any]) -> Any:
        """Leave everything as it is."""
        return value


def backed_up() -> SimulatedCluster:
    """Return a cluster whose worker spends two of four slots on the less important queue."""
    everything = {"booking", "notifications", "ai_generation", "analytics"}
    return SimulatedCluster(
        SetClock(),
        depths_={"booking": 0, "notifications": 12, "ai_generation": 1284, "analytics": 40},
        consuming={"worker1@a": set(everything), "worker2@a": set(everything)},
        running={"worker1@a": ["analytics", "analytics", "ai_generation"], "worker2@a": ["ai_generation"]},
    )


@dataclass
class Office:
    """A database file and what stands around it; every `ports` is as one more process on it."""

    folder: Path
    cluster: SimulatedCluster = field(default_factory=backed_up)
    dispatcher: KeptDispatcher = field(default_factory=KeptDispatcher)
    stores: list[SqlStore] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Where the database is."""
        return f"sqlite:///{self.folder}/oncall.sqlite3"

    def ports(self, owner: str = "bot-1") -> Ports:
        """Return the ports of one process."""
        migrate(self.url)
        store = open_store(self.url)
        self.stores.append(store)

        def roles() -> dict[str, frozenset[str]]:
            with store.read() as tx:
                return {role: frozenset(people) for role, people in (tx.note("roles") or {}).items()}

        return Ports(
            clock=SystemClock(),
            store=store,
            clusters=ConfiguredClusters({"prod": SPEC}, {"prod": self.cluster}, {CHANNEL: "prod"}),
            samples=KeptSamples(),
            dispatcher=self.dispatcher,
            runbooks=FewRunbooks(),
            expressions=NoExpressions(),
            registry=DiscoveredRegistry(),
            policy=POLICY,
            roles=roles,
            owner=owner,
        )

    def close(self) -> None:
        """Close every store."""
        for store in self.stores:
            store.close()


class FailingStore:
    """A store whose writes, or reads, fail while a test says so."""

    def __init__(self, inner: SqlStore) -> None:
        self._inner = inner
        self.fail_writes = self.fail_reads = False
        self.tried = 0
        self.fail_when: Callable[[], bool] = lambda: self.fail_writes

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def write(self) -> AbstractContextManager[Tx]:
        """Begin a transaction, or not."""
        self.tried += 1
        if self.fail_when():
            raise StoreUnavailable("the disk is full")
        return self._inner.write()

    def read(self) -> AbstractContextManager[Tx]:
        """Begin a transaction, or not."""
        if self.fail_reads:
            raise StoreUnavailable("the disk is full")
        return self._inner.read()


@contextmanager
def office(folder: Path) -> Iterator[Office]:
    """An office that is closed in the end."""
    opened = Office(folder)
    try:
        yield opened
    finally:
        opened.close()
