"""Standing orders in the watched broker: one key that a worker with the worker plugin reads before it consumes.

The key's name and form are a contract with `worker_plugin/celery_oncall_worker`. It ends by itself after the last of
what it holds, so that nothing is left of a bot that died.
"""

import json

import redis

from bot.adapters.celery.watched import WatchedCluster
from bot.domain.orders import StandingOrders
from bot.ports import Clock

KEY = "oncall.orders"

KEPT_SECONDS = 3600
"""How long it stays after all is over: a worker that was away meanwhile sees that nothing is in force any more."""

GIVE_SECONDS = 1.5


class CeleryOrders:
    """The standing orders of one cluster. Used from many threads."""

    def __init__(self, watched: WatchedCluster, clock: Clock) -> None:
        """Do no I/O."""
        self._watched, self._clock = watched, clock

    def give(self, orders: StandingOrders) -> None:
        """Put these in place of those before. Raises ClusterUnreachable (nothing was sent) or EffectUncertain."""
        now = self._clock.now()
        seconds = max(0, round((orders.until - now).total_seconds())) if orders.until else 0
        said = json.dumps(
            {
                "paused": {queue: until.timestamp() for queue, until in orders.paused.items()},
                "rates": {task: [order.rate, order.until.timestamp()] for task, order in orders.rates.items()},
            }
        )

        def work(client: "redis.Redis", until: float) -> None:  # noqa: ARG001 - the broker's signature
            client.set(f"{self._watched.keys.prefix}{KEY}", said, ex=seconds + KEPT_SECONDS)

        self._watched.broker.effect("writing down what workers that start are to heed", work, GIVE_SECONDS)
