"""Trigger ids: the right to open a view, for three seconds and once."""

import time
from dataclasses import dataclass
from itertools import count
from secrets import token_hex

from playground.slack.errors import Refused
from playground.slack.faults import Faults
from playground.slack.rules import Rules


@dataclass
class _Trigger:
    user: str
    expires: float
    used: bool = False


class Triggers:
    """Issues trigger ids with every interaction and redeems them for views.open and views.push."""

    def __init__(self, rules: Rules, faults: Faults) -> None:
        self._rules = rules
        self._faults = faults
        self._issued: dict[str, _Trigger] = {}
        self._numbers = count(1)

    def issue(self, user: str) -> str:
        """A new trigger id for what this person just did."""
        trigger_id = f"{next(self._numbers)}.0.{token_hex(16)}"
        self._issued[trigger_id] = _Trigger(user, time.monotonic() + self._rules.trigger)
        return trigger_id

    def redeem(self, trigger_id: str) -> str:
        """The person this trigger id belongs to; Refused when unknown, too old or used before."""
        trigger = self._issued.get(trigger_id)
        if trigger is None:
            raise Refused("invalid_trigger_id", "The trigger_id was not issued to this app.")
        if trigger.used:
            raise Refused("exchanged_trigger_id", "The trigger_id was already exchanged in a previous call.")
        if self._faults.expire_triggers or time.monotonic() > trigger.expires:
            raise Refused(
                "expired_trigger_id", f"The trigger_id expired {self._rules.trigger:g} s after it was issued."
            )
        trigger.used = True
        return trigger.user
