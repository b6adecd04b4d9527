"""What a forecast says of a queue, in a clause: "drains in about 11 min at this rate"."""

import math

from bot.domain.duration import lasting
from bot.domain.forecast import Forecast, Prospect, Trend
from bot.slack.views.amounts import a_minute
from bot.slack.views.formatting import count
from bot.slack.views.standing import HOURS


def outlook(said: Forecast, trend: Trend | None = None) -> str:
    """Return what is to be expected if all goes on as it does; `trend` tells the rates it rests on."""
    match said.prospect:
        case Prospect.DRAINS:
            return f"{_drained(said)} at this rate"
        case Prospect.WILL_NOT_DRAIN:
            return f"will not drain at this rate{rates(trend)}"
        case Prospect.ALREADY_BELOW:
            return f"below its limit of {count(said.goal)}" if said.goal > 1 else "empty"
    return "no forecast yet: counted for too short a time"


def _drained(said: Forecast) -> str:
    what = "drains" if said.goal <= 1 else f"falls below {count(said.goal)}"
    minutes = said.minutes or 0.0
    if minutes >= HOURS:  # so slow a drain is measured in noise
        return f"{what}, but not within {HOURS // 60} h,"
    return f"{what} in less than 1 min" if minutes < 1 else f"{what} in about {lasting(60 * math.ceil(minutes))}"


def rates(trend: Trend | None) -> str:
    """Return ": 120 a minute come, 80 are done", as far as it is known."""
    if trend is None:
        return ""
    arrival = trend.arrival_per_minute
    if arrival is None or trend.service_per_minute is None:
        return f": it grows by {a_minute(trend.net_per_minute)}" if trend.net_per_minute > 0 else ": it stands still"
    return f": {a_minute(arrival)} come, {a_minute(trend.service_per_minute).removesuffix(' a minute')} are done"
