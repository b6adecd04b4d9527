"""What the use cases need of the outside, as Protocols; and the bases of actions and checks."""

from bot.ports.archives import Archives, NoArchives
from bot.ports.cluster import ClusterControl, Clusters, Diagnostics, NoDiagnostics, Samples
from bot.ports.connections import Connections, NoConnections
from bot.ports.hand import Ports
from bot.ports.kinds import ELSEWHERE, UNDO_ONLY, Action, Check, Params, Progress, Registry, Target
from bot.ports.live import Deaf, Live
from bot.ports.means import Means
from bot.ports.memories import Memories, NoMemories, Remembered
from bot.ports.old_results import NoOldResults, OldResults
from bot.ports.orders import NoOrders, Orders
from bot.ports.orphans import NoOrphans, Orphans
from bot.ports.outside import (
    Clock,
    Dispatcher,
    Driver,
    Expressions,
    Http,
    HttpAnswer,
    Metrics,
    NoHttp,
    NoMetrics,
    QueryAnswer,
    Runbooks,
    Series,
)
from bot.ports.rates import NoRates, Rates
from bot.ports.requeues import NoRequeues, Requeues
from bot.ports.revokes import NoRevokes, Revokes
from bot.ports.schedules import NoSchedules, Schedules
from bot.ports.storage import Audit, Cards, Collection, Forecasts, History, Inbox, InboxEntry, Mark, Store, Tx
from bot.ports.time_limits import NoTimeLimiting, TimeLimiting

__all__ = [
    "ELSEWHERE",
    "UNDO_ONLY",
    "Action",
    "Archives",
    "Audit",
    "Cards",
    "Check",
    "Clock",
    "ClusterControl",
    "Clusters",
    "Collection",
    "Connections",
    "Deaf",
    "Diagnostics",
    "Dispatcher",
    "Driver",
    "Expressions",
    "Forecasts",
    "History",
    "Http",
    "HttpAnswer",
    "Inbox",
    "InboxEntry",
    "Live",
    "Mark",
    "Means",
    "Memories",
    "Metrics",
    "NoArchives",
    "NoConnections",
    "NoDiagnostics",
    "NoHttp",
    "NoMemories",
    "NoMetrics",
    "NoOldResults",
    "NoOrders",
    "NoOrphans",
    "NoRates",
    "NoRequeues",
    "NoRevokes",
    "NoSchedules",
    "NoTimeLimiting",
    "OldResults",
    "Orders",
    "Orphans",
    "Params",
    "Ports",
    "Progress",
    "QueryAnswer",
    "Rates",
    "Registry",
    "Remembered",
    "Requeues",
    "Revokes",
    "Runbooks",
    "Samples",
    "Schedules",
    "Series",
    "Store",
    "Target",
    "TimeLimiting",
    "Tx",
]
