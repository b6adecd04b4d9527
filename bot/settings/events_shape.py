"""The `events` block of a cluster: how its application sends events."""

from typing import Literal

from pydantic import Field

from bot.settings.base_shape import Shape


class EventsShape(Shape):
    """`exchange` is the application's `event_exchange`; `enable`: task events are switched on where they are off.

    That changes what workers send, so a cluster in `mode: observe` has it done only when it says so here.
    `receiver: kombu` hears events by kombu's own, slower means.
    """

    exchange: str = Field(default="celeryev", min_length=1)
    enable: bool | None = None
    receiver: Literal["auto", "kombu"] = "auto"
