"""What beat sends by its schedule, as far as workers' settings tell."""

from bot.domain.cluster import Value
from bot.domain.wording import verb

MOST_SHOWN = 3


class Periodic(Value):
    """One entry of a `beat_schedule`: how often it sends which task, in words ("every 60 s")."""

    name: str
    task: str
    often: str


class Refills(Value):
    """What beat sends into a queue. `told_by` is the worker whose settings say so, None where none said anything.

    A schedule that lives in a database (django-celery-beat, RedBeat) stands in no worker's settings.
    """

    entries: tuple[Periodic, ...] = ()
    told_by: str | None = None

    @property
    def sentence(self) -> str | None:
        """Return it for people; None where nothing is known to be sent."""
        if not self.entries:
            return None
        n = len(self.entries)
        shown = ", ".join(f"{e.task} {e.often} ({e.name})" for e in self.entries[:MOST_SHOWN])
        more = f" and {n - MOST_SHOWN} more entries" if n > MOST_SHOWN else ""
        entries = "this entry" if n == 1 else "these entries"
        return f"Beat fills it again: {entries} of the schedule {verb(n, 'send')} into it: {shown}{more}."
