"""How far the clocks of hosts are off, guessed from when their events are heard."""

TURN = 60.0
"""Seconds after which the smallest delay seen is sought anew; the one before counts for as long again."""

MOST_CLOCKS = 5_000


class Offset:
    """The least of `heard - timestamp` lately: what to add to a host's times to have ours, transport included."""

    __slots__ = ("_before", "_low", "_turn")

    def __init__(self, late: float, heard_at: float) -> None:
        self._low = self._before = late
        self._turn = heard_at + TURN

    def see(self, late: float, heard_at: float) -> None:
        """Take one event's delay into account."""
        if heard_at >= self._turn:
            self._before, self._low, self._turn = self._low, late, heard_at + TURN
        elif late < self._low:
            self._low = late

    @property
    def seconds(self) -> float:
        """Return what to add to the host's times."""
        return min(self._low, self._before)


class Clocks:
    """The clocks of senders, by host name; the oldest half is forgotten when there are too many."""

    def __init__(self) -> None:
        self._offsets: dict[str, Offset] = {}

    def ours(self, host: str, timestamp: float, heard_at: float) -> float:
        """Return a moment of a host's clock by ours."""
        late = heard_at - timestamp
        found = self._offsets.get(host)
        if found is None:
            if len(self._offsets) >= MOST_CLOCKS:
                self._offsets = dict(list(self._offsets.items())[MOST_CLOCKS // 2 :])
            found = self._offsets[host] = Offset(late, heard_at)
        else:
            found.see(late, heard_at)
        return timestamp + found.seconds
