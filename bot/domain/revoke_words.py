"""A revoke in words: what would be stopped, what cannot be, and what became of it."""

from bot.domain.archive import Archive, ArchiveState
from bot.domain.duration import lasting
from bot.domain.purge_words import stands_still, what_follows
from bot.domain.revoke import CELERY_KEEPS, CELERY_KEEPS_SECONDS, Chosen, Found, Left, Way
from bot.domain.wording import counted, listed, verb


def what(chosen: Chosen) -> str:
    """Return what is meant, as in "3 tasks", "tasks mail.send of booking"."""
    if chosen.ids:
        return f"task {next(iter(chosen.ids))}" if len(chosen.ids) == 1 else f"{len(chosen.ids):,} tasks"
    named = f"tasks {chosen.task}" if chosen.task else "tasks"
    return f"{named} of {chosen.queue}" if chosen.queue else named


def summary(chosen: Chosen, found: Found) -> str:
    """Return in one line what would be stopped where."""
    about = "about " if found.about else ""
    parts = [
        f"{about}{counted(n, 'message')} would be taken out of {queue}, to be put back if need be"
        for queue, n in found.waiting.items()
    ]
    stops = sum(found.by(Way.STOPS).values()) + (0 if found.silent else found.unlisted)
    ends = sum(found.by(Way.ENDS).values())
    if stops:
        parts.append(f"{counted(stops, 'task')} that workers hold would not run")
    if found.unlisted and found.silent:
        told = f"{counted(found.unlisted, 'task')} would be told that a worker which does not answer may hold or run"
        parts.append(told)
    if ends:
        parts.append(f"{counted(ends, 'task')} would be ended by force")
    whole = what(chosen)
    return f"{whole[0].upper()}{whole[1:]}: {'; '.join(parts)}."


def notes(chosen: Chosen, found: Found, hold: int, keep: int) -> tuple[str, ...]:
    """Return where they are, what runs on, and how long a revoke holds."""
    lines = [
        f"On {_by_worker(found.by(way))}: {meaning}"
        for way, meaning in (
            (Way.STOPS, "prefetched or kept for later, and stopped."),
            (Way.ENDS, "running or about to run, and ended."),
        )
        if found.by(way)
    ]
    if found.unlisted:
        lines.append(
            f"{counted(found.unlisted, 'task')} {verb(found.unlisted, 'lie')} with workers that do not list them (kept "
            "back by a rate limit, or for later by gevent, or its worker is busy); every worker is told."
        )
    if on := sum(found.by(Way.RUNS_ON).values()):
        lines.append(
            f"{counted(on, 'task')} {verb(on, 'run')} already and will run on, without retries; `terminate` would end "
            f"{_them(on)}."
        )
    lines += stands_still(found.sorted_through)
    if found.waiting:
        lines.append(f"Messages taken out of the queue can be put back for {lasting(keep)}.")
    if found.in_reach:
        lines.append(
            f"Workers that start are told again for {lasting(hold)}. Celery itself forgets a revoke when all workers "
            f"restart, after {lasting(CELERY_KEEPS_SECONDS)}, or behind {CELERY_KEEPS:,} others. What a stopped worker "
            "gives back may run in the moment in which the next one starts."
        )
    if left_out := len(found.finished) + len(found.astray) + len(found.unknown):
        lines.append(f"{counted(left_out, 'id')} left out: {_left_out(found)}.")
    if chosen.task or chosen.queue:
        lines.append("Tasks that are sent from now on are not revoked.")
    return tuple(lines)


def warnings(chosen: Chosen, found: Found, signal: str) -> tuple[str, ...]:
    """Return what cannot be stopped, what is lost, and where nobody could look."""
    lines = []
    if cannot := found.by(Way.CANNOT):
        n = sum(cannot.values())
        lines.append(
            f"{counted(n, 'task')} on {_by_worker(cannot)} cannot be stopped and will run: threads and solo end no "
            "task, and threads and gevent take a prefetched one into their pool at once"
            f"{'' if chosen.terminate else ' (gevent ends it with `terminate`)'}."
        )
    if found.by(Way.ENDS):
        lines.append(
            f"SIG{signal} ends a task in the middle. It does not run again: not even one that is acknowledged late, "
            "while the revoke is in force."
        )
    if found.late:
        lines.append(
            f"{counted(found.late, 'task')} {_are(found.late)} due after the revoke ends, the last at "
            f"{found.latest:%Y-%m-%d %H:%M} UTC: say a longer `for`, or they run."
        )
    if found.linked:
        lines.append(what_follows(found.linked, at_least=found.about or found.sampled))
    if found.unsearched:
        lines.append(f"Not looked at: {listed(list(found.unsearched))}.{_named(chosen, found)}")
    return tuple(lines)


def _named(chosen: Chosen, found: Found) -> str:
    """Return how all of a queue is looked through, where only part of one was."""
    if not found.behind or chosen.queue:
        return ""
    which = f"task {chosen.task}" if chosen.task else "<id>"
    return f" Name the queue and all of it is: `/celery revoke {which} queue {found.behind[0]}`."


def ended_or_unknown(chosen: Chosen, found: Found) -> str:
    """Return why there is nothing to revoke."""
    rest = f" Not looked at: {listed(list(found.unsearched))}.{_named(chosen, found)}" if found.unsearched else ""
    if cannot := found.by(Way.CANNOT):
        return (
            f"Nothing can be stopped: {counted(sum(cannot.values()), 'task')} on {_by_worker(cannot)} run on, as their "
            f"pool ends no task.{rest}"
        )
    if on := found.by(Way.RUNS_ON):
        return (
            f"Nothing waits: {counted(sum(on.values()), 'task')} {verb(sum(on.values()), 'run')} already on "
            f"{_by_worker(on)}. Add `terminate` to end {_them(sum(on.values()))}.{rest}"
        )
    if found.finished or found.astray or found.unknown:
        return f"There is nothing to revoke: {_left_out(found)}.{rest}"
    where = chosen.queue or "a queue"
    return f"There is nothing to revoke: no worker holds any {what(chosen)}, and none wait in {where}.{rest}"


def _left_out(found: Found) -> str:
    parts = []
    if found.finished:
        ended = [f"`{i}` has a result already ({state})" for i, state in found.finished.items()]
        parts.append(listed(ended, 3))
    if found.astray:
        but = "by its result, but in no queue and with no worker"
        said = [f"`{i}` is {state} {but}" for i, state in found.astray.items()]
        parts.append(listed(said, 3))
    if found.unknown:
        parts.append(
            f"{listed([f'`{i}`' for i in found.unknown], 3)} {_are(len(found.unknown))} in no queue, "
            "with no worker and among no results (Celery would write down a result for it all the same)"
        )
    return "; ".join(parts)


def verdict(archive: Archive | None, left: Left | None, then: Found, waiting: int) -> tuple[bool, str]:
    """Return whether nothing of it can run any more, and what became of it in one sentence.

    `waiting` of the ids wait in a queue all the same.
    """
    parts, ok = [], not waiting
    if archive is not None:
        how = "" if archive.state is ArchiveState.HELD else f" ({archive.state.value})"
        parts.append(f"{counted(archive.messages, 'message')} of {archive.queue} set aside{how}")
    if waiting:
        parts.append(f"{waiting:,} still {verb(waiting, 'wait')}")
    if left is None and then.in_reach:
        ok = False
        parts.append("what workers held was not revoked")
    elif left is not None:
        ok = ok and not (left.running or left.unknowing or left.spared_in_hand or left.unsure)
        parts += _became(left)
    if then.behind:
        ok = False
        parts.append(f"more may wait in {listed(list(then.behind))}, of which only the next messages were looked at")
    return ok, f"{'; '.join(parts) or 'Nothing was done'}."


def _became(left: Left) -> list[str]:
    parts = []
    stopped = left.ids - left.running - left.outran - left.unsure - sum(left.unknowing.values())
    if left.ids and not (left.unsure and not stopped):
        ended = f", {left.ended:,} of them while {_they(left.ended)} ran" if left.ended else ""
        parts.append(f"{counted(stopped, 'task')} in workers' hands stopped{ended}")
    if left.running:
        parts.append(f"{left.running:,} still {verb(left.running, 'run')}")
    if left.unsure:
        parts.append(
            f"{counted(left.unsure, 'task')} may run yet: a worker that does not answer may hold {_them(left.unsure)}"
        )
    if left.outran:
        parts.append(f"{left.outran:,} ended before {_they(left.outran)} could be stopped")
    if left.unknowing:
        parts.append(f"{_by_worker(left.unknowing)} may still run: the worker does not know of the revoke")
    if left.spared:
        gone = left.spared - left.spared_in_hand - left.spared_running
        now = f" ({gone:,} have ended)" if gone else ""
        parts.append(f"{left.spared:,} ran on{now}")
    if left.spared_in_hand:
        parts.append(
            f"{left.spared_in_hand:,} prefetched {verb(left.spared_in_hand, 'run')} yet: their pool cannot be told"
        )
    if left.silent:
        parts.append(f"no answer from {listed(list(left.silent))}")
    return parts


def _by_worker(counts: dict[str, int]) -> str:
    return listed([f"{worker} ({n:,})" for worker, n in counts.items()])


def _are(n: int) -> str:
    return "is" if n == 1 else "are"


def _them(n: int) -> str:
    return "it" if n == 1 else "them"


def _they(n: int) -> str:
    return "it" if n == 1 else "they"
