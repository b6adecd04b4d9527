"""The live state of one cluster, kept from its events."""

from collections.abc import Sequence

from bot.adapters.events.event import Event


class Recorder:
    """Counts and remembers what events tell of one cluster; implements `bot.ports.Live`. Safe to use from many threads."""

    def take(self, events: Sequence[Event], heard_at: float) -> None:
        """Count these events, all heard at `heard_at` (seconds since 1970 by our clock). The hot path: one lock a call.

        Whoever has dicts, such as kombu's own receiver, makes events of them by `event_of`.
        """
        raise NotImplementedError
