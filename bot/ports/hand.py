"""All ports in one hand."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from bot.domain.approval import Policy, Roles
from bot.ports.cluster import Clusters, Samples
from bot.ports.kinds import Registry
from bot.ports.memories import Memories, NoMemories
from bot.ports.outside import Clock, Dispatcher, Expressions, Http, Metrics, NoHttp, NoMetrics, Runbooks
from bot.ports.storage import Store


@dataclass(frozen=True)
class Ports:
    """Everything outside, in one hand: made once, by bootstrap."""

    clock: Clock
    store: Store
    clusters: Clusters
    samples: Samples
    dispatcher: Dispatcher
    runbooks: Runbooks
    expressions: Expressions
    registry: Registry
    policy: Policy
    roles: Callable[[], Roles]
    owner: str
    metrics: Metrics = NoMetrics()  # noqa: RUF009 - immutable
    http: Http = NoHttp()  # noqa: RUF009 - immutable
    memories: Memories = NoMemories()  # noqa: RUF009 - immutable
    wait: Callable[[float], None] = time.sleep
