"""What can be done to one cluster beyond its control, part by part."""

from dataclasses import dataclass

from bot.ports.archives import Archives, NoArchives
from bot.ports.connections import Connections, NoConnections
from bot.ports.old_results import NoOldResults, OldResults
from bot.ports.orders import NoOrders, Orders
from bot.ports.orphans import NoOrphans, Orphans
from bot.ports.rates import NoRates, Rates
from bot.ports.requeues import NoRequeues, Requeues
from bot.ports.revokes import NoRevokes, Revokes
from bot.ports.schedules import NoSchedules, Schedules
from bot.ports.time_limits import NoTimeLimiting, TimeLimiting


@dataclass(frozen=True)
class Means:
    """The parts of one cluster that actions work with. A part that is not there refuses in words."""

    archives: Archives = NoArchives()  # noqa: RUF009 - immutable
    revokes: Revokes = NoRevokes()  # noqa: RUF009 - immutable
    connections: Connections = NoConnections()  # noqa: RUF009 - immutable
    requeues: Requeues = NoRequeues()  # noqa: RUF009 - immutable
    old_results: OldResults = NoOldResults()  # noqa: RUF009 - immutable
    orders: Orders = NoOrders()  # noqa: RUF009 - immutable
    orphans: Orphans = NoOrphans()  # noqa: RUF009 - immutable
    schedules: Schedules = NoSchedules()  # noqa: RUF009 - immutable
    rates: Rates = NoRates()  # noqa: RUF009 - immutable
    time_limits: TimeLimiting = NoTimeLimiting()  # noqa: RUF009 - immutable
