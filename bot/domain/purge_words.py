"""What a purge says before it is done."""

from collections.abc import Mapping
from datetime import datetime

from bot.domain.archive import Census
from bot.domain.cluster import ClusterSnapshot
from bot.domain.duration import lasting
from bot.domain.periodic import Refills
from bot.domain.wording import counted, verb

SHORT = 0.9
"""From which share of its memory on Redis is called short of it."""

A_SECOND = 15_000
"""Messages that a queue is sorted by in a second, about: 60,000 took 3.7 s on two slow cores."""

MOST_NAMES = 5
"""Task names that a preview lists."""


def notes(queue: str, snapshot: ClusterSnapshot, census: Census, refills: Refills, now: datetime) -> tuple[str, ...]:
    """Return what waits and since when, what a purge does not reach, and what fills the queue again."""
    found = [_by_name(census), _age(census, now)] if census.by_task else []
    found += unreached(queue, snapshot)
    if refilled := refills.sentence:
        found.append(refilled)
    return tuple(found)


def unreached(queue: str, snapshot: ClusterSnapshot) -> list[str]:
    """Return what workers hold of a queue, which a purge does not reach."""
    found = []
    fetched = sum(w.fetched_from(queue) for w in snapshot.workers)
    if fetched:
        found.append(f"{counted(fetched, 'task')} that workers hold already will still run.")
    scheduled = sum(1 for w in snapshot.workers for t in w.scheduled or () if t.queue == queue)
    if scheduled:
        found.append(
            f"{counted(scheduled, 'task')} with a later time {verb(scheduled, 'wait')} in workers and will run."
        )
    if any(w.scheduled is None or w.reserved is None for w in snapshot.workers):
        found.append("Not every worker answered: more may be held by them.")
    return found


def stands_still(messages: int) -> tuple[str, ...]:
    """Return for how long workers find the queue empty, where so many messages are looked at one by one."""
    if messages <= A_SECOND:
        return ()
    seconds = lasting(-(-messages // A_SECOND))
    return (f"They are looked for one by one: for about {seconds} workers find the queue empty.",)


def _age(census: Census, now: datetime) -> str:
    if census.oldest is None:
        return "How old they are nobody knows: their publishers do not stamp them (docs/install.md)."
    of = "" if census.looked_at == census.messages else f" of the next {census.looked_at:,}"
    part = "" if census.stamped == census.looked_at else f"; only {census.stamped:,} say when they were sent"
    return f"The oldest{of} was sent {lasting(max(0, round((now - census.oldest).total_seconds())))} ago{part}."


def _by_name(census: Census) -> str:
    shown = list(census.by_task.items())[:MOST_NAMES]
    words = ", ".join(f"{n:,} × {name}" for name, n in shown)
    more = len(census.by_task) - len(shown)
    rest = f" and {more} more names" if more else ""
    if census.looked_at < census.messages:
        return f"Of the next {census.looked_at:,} of {census.messages:,}: {words}{rest}."
    return f"By task: {words}{rest}."


def warnings(census: Census, task: str | None) -> tuple[str, ...]:
    """Return what else would wait with them, or with those of one task name."""
    linked = census.linked if task is None else census.linked_by.get(task, 0)
    return (what_follows(linked, at_least=census.looked_at < census.messages),) if linked else ()


def what_follows(linked: int, *, at_least: bool) -> str:
    """Return what it means that so many messages, or more, are of chords and chains."""
    part = "At least " if at_least else ""
    return (
        f"{part}{counted(linked, 'message')} {'is' if linked == 1 else 'are'} part of a chord or chain: "
        f"what follows {'it' if linked == 1 else 'them'} waits until {'it is' if linked == 1 else 'they are'} put back."
    )


def cramped(room: Mapping[str, str | int | None]) -> tuple[str, ...]:
    """Return what endangers an archive, or makes it no help: eviction, and memory that only a drop gives back."""
    frees = ", and a purge frees none. Deleting the archive for good, with `/celery drop` afterwards, does."
    return _dangers(room, frees)


def endangered(room: Mapping[str, str | int | None]) -> tuple[str, ...]:
    """Return what endangers archives that there are, and what gives their memory back."""
    return _dangers(room, ". `/celery drop` deletes an archive for good, and gives its memory back.")


def _dangers(room: Mapping[str, str | int | None], frees: str) -> tuple[str, ...]:
    policy, used, most = room.get("policy"), room.get("used"), room.get("most")
    if not isinstance(used, int) or not isinstance(most, int) or not most:
        return ()
    found = []
    if isinstance(policy, str) and policy.startswith("allkeys"):
        found.append(f"Redis may evict what is set aside: its policy is {policy}. Then it is lost.")
    if used >= SHORT * most:
        found.append(f"Redis is short of memory ({used * 100 // most} % used){frees}")
    return tuple(found)
