"""The machine's clock."""

from datetime import UTC, datetime


class SystemClock:
    """The time of this machine."""

    def now(self) -> datetime:
        """Return the moment, in UTC, aware."""
        return datetime.now(UTC)
