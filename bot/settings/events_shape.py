"""The `events` block of a cluster: how its application sends events."""

from pydantic import Field

from bot.settings.base_shape import Shape


class EventsShape(Shape):
    """`exchange` is the application's `event_exchange`; `enable`: task events are switched on where they are off."""

    exchange: str = Field(default="celeryev", min_length=1)
    enable: bool = True
