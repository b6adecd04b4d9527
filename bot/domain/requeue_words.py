"""What a requeue says for itself."""

from collections.abc import Collection, Sequence

from bot.domain.action import Outcome, Verdict
from bot.domain.duration import lasting
from bot.domain.errors import BadInput, UnknownName
from bot.domain.redaction import redacted
from bot.domain.requeue import FIRST_BATCH, Became, FailedFound, Requeue, RequeueState, Source, by_kind
from bot.domain.wording import counted, listed, verb

MOST_KINDS, SAMPLES, LONGEST_SAMPLE = 4, 2, 160

EXTENDED = (
    "Celery keeps what a task was called with only where `result_extended = True` is set, or a failure hook records "
    "messages whole (docs/actions.md)."
)

LeftOut = Sequence[tuple[str, int]]


def check(
    ids: Collection[str],
    task: str | None,
    exception: str | None,
    since: int,
    n: int,
    found: FailedFound,
    left_out: LeftOut,
) -> None:
    """Refuse what would send nothing, with the reason. Raises UnknownName or BadInput."""
    if n:
        return
    if left_out:
        raise BadInput(f"None can be sent again: {_left_out(left_out)}.{_hint(left_out)}")
    if not ids and task is not None and found.tasks and task not in found.tasks:
        raise UnknownName("failed task", task, found.tasks)
    if not ids and exception is not None and found.exceptions and exception not in found.exceptions:
        raise UnknownName("exception", exception, found.exceptions, "among the failures")
    if found.without:
        raise BadInput(
            f"{counted(found.without, 'failure')} {'is' if found.without == 1 else 'are'} kept "
            f"without name and arguments, so they cannot be sent again. {EXTENDED}"
        )
    if found.trouble:
        raise BadInput(f"Nothing is known of failed tasks. {found.trouble} The worker plugin has no record of one.")
    which = "with these ids" if ids else f"of the last {lasting(since)}"
    part = " The result backend is large, and only part of it was read: name the ids." if found.at_least else ""
    raise BadInput(f"No failed task {which} is known that fits.{part} {EXTENDED}")


def _hint(left_out: LeftOut) -> str:
    reasons = {why for why, _ in left_out}
    if "part of a group, chord or chain" in reasons:
        return " Add `force` to send those of groups, chords and chains: what waits for them is not told again."
    if "of which nobody knows the queue" in reasons:
        return " Say `to <queue>`."
    return ""


def _left_out(left_out: LeftOut) -> str:
    return ", ".join(f"{n:,} {why}" for why, n in left_out)


def summary(n: int, queues: Sequence[str]) -> str:
    """Return in one line what would happen."""
    ids = "under a new id" if n == 1 else "under new ids"
    return f"{counted(n, 'failed task')} would be sent again {ids}, once each, to {listed(tuple(queues))}."


def notes(n: int, found: FailedFound, left_out: LeftOut) -> tuple[str, ...]:
    """Return what is sent, from when, with what, and what is not."""
    kinds = by_kind(found.failed)
    words = ", ".join(f"{k:,} × {task} ({exception})" for (task, exception), k in kinds[:MOST_KINDS])
    more = f" and {len(kinds) - MOST_KINDS} more kinds" if len(kinds) > MOST_KINDS else ""
    part = f"Of the first {len(found.failed):,}: " if n > len(found.failed) else ""
    said = [f"{part}{words}{more}."]
    if found.failed:
        first, last = found.failed[0].failed_at, found.failed[-1].failed_at
        when = (
            f"at {first:%H:%M}"
            if f"{first:%d %H:%M}" == f"{last:%d %H:%M}"
            else f"from {first:%d %b %H:%M} to {last:%d %b %H:%M}"
        )
        said.append(f"They failed {when} UTC, as {_sources(found)} {verb(len(_source_set(found)), 'tell')}.")
    said += [f"For example with {_sample(f.arguments)}." for f in found.failed[:SAMPLES] if f.arguments]
    if left_out:
        said.append(f"Left out: {_left_out(left_out)}.")
    if n > FIRST_BATCH:
        said.append(f"{FIRST_BATCH} are sent first; if most of them fail again, the others stay where they are.")
    if any(f.source is Source.RESULTS for f in found.failed):
        said.append("Results do not tell importance, time limits or chains: these are sent without them.")
    called = sum(1 for f in found.failed if f.called_by and f.source is Source.RESULTS)
    if called:
        said.append(
            f"{counted(called, 'task')} {'was' if called == 1 else 'were'} called by another, perhaps in a chain."
        )
    return tuple(said)


def _source_set(found: FailedFound) -> list[str]:
    return sorted({f.source.value for f in found.failed})


def _sources(found: FailedFound) -> str:
    return " and ".join(_source_set(found))


def _sample(arguments: str) -> str:
    text = redacted(arguments)
    return f"`{text[:LONGEST_SAMPLE].replace('`', ' ')}{'…' if len(text) > LONGEST_SAMPLE else ''}`"


def warnings(found: FailedFound, *, forced: bool) -> tuple[str, ...]:
    """Return what can go wrong."""
    said = ["A task that did part of its work before it failed does that part again."]
    if forced and any(f.linked for f in found.failed):
        said.append("Members of groups, chords and chains are sent, too: what waited for them is not told again.")
    if found.at_least:
        said.append("The result backend is large, and only part of it was read: more may have failed.")
    if found.trouble:
        said.append(f"Only the plugin's record was read. {found.trouble}")
    return tuple(said)


def outcome(made: Requeue) -> Outcome:
    """Return what a run did."""
    return Outcome(summary=_sent(made), facts={"requeue": made.id, "sent": made.sent})


def verdict(made: Requeue, became: Became) -> Verdict:
    """Return whether what was meant is sent. One that stopped by itself did less than people consented to."""
    first = _became(made, became)
    if made.state is RequeueState.STOPPED:
        stay = f"the other {made.left:,} stay where they are, and may be requeued later"
        return Verdict(verified=False, sentence=f"{_sent(made)} {first}So {stay}.")
    if made.state is RequeueState.SENDING:
        return Verdict(verified=False, sentence=f"{_sent(made)} {made.left:,} are not sent yet. {first}".strip())
    return Verdict(verified=True, sentence=f"{_sent(made)} {first}".strip())


def _sent(made: Requeue) -> str:
    doubled = f"; {made.doubled:,} had been sent again by another requeue" if made.doubled else ""
    return f"{counted(made.sent, 'task')} {'is' if made.sent == 1 else 'are'} sent again{doubled}."


def _became(made: Requeue, became: Became) -> str:
    """Return what became of the first ones; nothing where nobody knows."""
    if not (became.succeeded or became.failed):
        return ""
    ended = [f"{became.succeeded:,} ended well"] if became.succeeded else []
    ended += [f"{became.failed:,} failed again"] if became.failed else []
    of = f"Of the first {len(made.first)}" if made.total > len(made.first) else "Of them"
    return f"{of}, {' and '.join(ended)} so far. "
