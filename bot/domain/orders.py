"""What workers that load the worker plugin are to heed from before they consume: standing orders."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from pydantic import Field

from bot.domain.cluster import Value
from bot.domain.mitigation import PAUSE, RATE, Mitigation, MitigationState

RENEWED = timedelta(minutes=1)
"""For how long an order holds at least from when it is given: one whose end is overdue (a freeze, say) goes on so."""

HELD = (MitigationState.APPLYING, MitigationState.IN_FORCE, MitigationState.PARTIAL)
"""A mitigation in these states is kept by a worker that starts. One that is ending is over when the worker is up."""


class RateOrder(Value):
    """How fast a worker may start tasks of one name ("10/m"), and until when."""

    rate: str
    until: datetime


class StandingOrders(Value):
    """Queues to leave alone, with when each pause ends, and tasks to limit."""

    paused: dict[str, datetime] = Field(default_factory=dict)
    rates: dict[str, RateOrder] = Field(default_factory=dict)

    @property
    def until(self) -> datetime | None:
        """Return when the last of them is over; None where there is none."""
        return max([*self.paused.values(), *(r.until for r in self.rates.values())], default=None)


def orders_of(mitigations: Iterable[Mitigation], now: datetime) -> StandingOrders:
    """Return what is to be heeded of these mitigations."""
    held = [m for m in mitigations if m.state in HELD]
    return StandingOrders(
        paused={m.target: _until(m, now) for m in held if m.kind == PAUSE},
        rates={m.target: RateOrder(rate=m.rate, until=_until(m, now)) for m in held if m.kind == RATE and m.rate},
    )


def _until(mitigation: Mitigation, now: datetime) -> datetime:
    return max(mitigation.ends_at, now + RENEWED)
