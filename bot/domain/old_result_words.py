"""What a clean-up of old results says for itself."""

from collections.abc import Mapping
from datetime import datetime

from bot.domain.action import Verdict
from bot.domain.amounts import size
from bot.domain.duration import lasting
from bot.domain.errors import BadInput, UnknownName
from bot.domain.old_results import NAMELESS, YOUNGER, ResultsFound
from bot.domain.wording import counted

MOST_NAMES = 5


def check(found: ResultsFound, older_than: int, task: str | None) -> None:
    """Refuse what would delete nothing, with the reason. Raises UnknownName or BadInput."""
    if found.meant:
        return
    if task is not None and found.tasks and task not in found.tasks and found.whole:
        raise UnknownName("task", task, found.tasks, "among the results")
    if not found.n:
        raise BadInput(f"{found.backend} holds no results{' that were seen in time' if found.at_least else ''}.")
    part = "" if found.whole else f" of the {found.looked_at:,} looked at"
    which = f" of {task}" if task else ""
    raise BadInput(
        f"No result{part} is one{which} that ended more than {_long(older_than)} ago. There: {_kept(found.kept)}."
    )


def _long(seconds: int) -> str:
    days, rest = divmod(seconds, 24 * 3600)
    return counted(days, "day") if days and not rest else lasting(seconds)


def _kept(kept: Mapping[str, int]) -> str:
    return ", ".join(f"{n:,} {why}" for why, n in kept.items())


def meant(found: ResultsFound, most: int) -> int:
    """Return how many would be deleted; an estimate where not all were looked at."""
    return min(most, found.scaled(found.meant))


def summary(found: ResultsFound, older_than: int, task: str | None, most: int) -> str:
    """Return in one line what would happen."""
    all_like_that = found.scaled(found.meant)
    n, about = min(most, all_like_that), "" if found.whole else "about "
    which = f" of {task}" if task else ""
    number = counted(n, "result")
    more = f", of {about}{all_like_that:,} like that," if all_like_that > most else ""
    at_least = "at least " if found.at_least else ""
    begin = f"{'About ' if about and not more else ''}{number}{which}{more}"
    return (
        f"{begin} of {at_least}{found.n:,} in {found.backend} would be deleted for good: those of tasks that "
        f"ended more than {_long(older_than)} ago."
    )


def notes(found: ResultsFound) -> tuple[str, ...]:
    """Return what they are, what they take, and what stays."""
    said = [] if found.whole else [f"Numbers are estimates, by a sample of {found.looked_at:,}."]
    if found.by_task:
        names = list(found.by_task.items())
        more = f" and {len(names) - MOST_NAMES} more names" if len(names) > MOST_NAMES else ""
        words = ", ".join(f"{_about(found, n)} × {name}" for name, n in names[:MOST_NAMES])
        said.append(f"By task: {words}{more}.")
    if found.oldest is not None:
        said.append(f"The oldest of them ended on {found.oldest:%d %b %Y}.")
    said.append(f"They take about {size(found.scaled(found.bytes))}.")
    if found.endless:
        which = (
            "None of them expires"
            if found.endless == found.meant
            else f"Of them, {_about(found, found.endless)} never expire"
        )
        said.append(f"{which}: set `result_expires`, or it fills up again.")
    kept = {why: n for why, n in found.kept.items() if why != YOUNGER}
    if kept:
        said.append(f"These stay: {', '.join(f'{_about(found, n)} {why}' for why, n in kept.items())}.")
    return tuple(said)


def _about(found: ResultsFound, n: int) -> str:
    return f"{'' if found.whole else 'about '}{found.scaled(n):,}"


def warnings(found: ResultsFound) -> tuple[str, ...]:
    """Return what is lost with them."""
    said = ["Programs that have yet to read one of them get no answer any more: `result.get()` waits for ever."]
    if found.failures:
        n = found.scaled(found.failures)
        said.append(
            f"{'' if found.whole else 'About '}{counted(n, 'result')} {'is' if n == 1 else 'are'} of failed tasks, "
            "which can then be requeued from the worker plugin's record alone."
        )
    if found.at_least:
        said.append("Not all keys could be looked at in time: there are more results than were counted.")
    if NAMELESS in found.kept:
        said.append("Results without a task name stay: which task they are of, nobody can tell.")
    return tuple(said)


def verdict(then: ResultsFound, now: ResultsFound, before: datetime, most: int) -> Verdict:
    """Return whether what was meant is gone: of tasks that ended before a moment. Others became old enough since."""
    seen = "" if now.whole else f", as far as a sample of {now.looked_at:,} shows"
    left = f"Still there: {_about(now, now.meant)} results as old as that"
    if then.scaled(then.meant) > most:
        fewer = now.scaled(now.meant) < then.scaled(then.meant)
        return Verdict(verified=fewer, sentence=f"{left}; one request deletes {most:,} at most.")
    if now.oldest is None or now.oldest >= before:
        return Verdict(verified=True, sentence=f"None of those results is left{seen}.")
    return Verdict(verified=False, sentence=f"{left}{seen}.")
