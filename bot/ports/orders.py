"""What workers that load the worker plugin are told before they consume."""

from typing import Protocol

from bot.domain.orders import StandingOrders


class Orders(Protocol):
    """The standing orders of one cluster; they lie in its broker, where a worker that starts reads them."""

    def give(self, orders: StandingOrders) -> None:
        """Put these in place of those before. Raises ClusterUnreachable (nothing was sent) or EffectUncertain."""
        ...


class NoOrders:
    """A cluster whose workers read none."""

    def give(self, orders: StandingOrders) -> None:
        """Tell nobody: all that keeps a pause without the plugin goes on as it is."""
