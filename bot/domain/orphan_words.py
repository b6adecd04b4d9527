"""What a restore of orphans says for itself."""

from collections import Counter
from datetime import datetime

from bot.domain.amounts import since
from bot.domain.duration import lasting
from bot.domain.errors import BadInput
from bot.domain.orphans import Chosen, Seen, again_at
from bot.domain.wording import counted, listed

MOST_NAMES = 5


def check(found: Seen, chosen: Chosen, queue: str | None) -> None:
    """Refuse what could make a task run twice, and what would put back nothing. Raises BadInput."""
    if found.unacknowledged and found.why_not is not None:
        raise BadInput(
            f"Whether a worker still holds these messages cannot be told: {found.why_not}. What it "
            "holds would run twice if it were put back. Ask again when that is over; `/celery check orphans` shows how "
            "it stands."
        )
    if not chosen.messages:
        where = f" of {queue}" if queue else ""
        left = f" Left out: {_left_out(chosen)}." if chosen.left_out else ""
        raise BadInput(f"There is no message{where} to put back: {_all_held(found)}{left}{_held(found)}")


def _all_held(found: Seen) -> str:
    n = found.unacknowledged
    if not n:
        return "no worker has one that it did not acknowledge."
    if found.orphans:
        return f"{counted(found.orphans, 'message')} in all {'was' if found.orphans == 1 else 'were'} left."
    return f"{counted(n, 'message')} {'is' if n == 1 else 'are'} unacknowledged, held by workers that answer."


def _left_out(chosen: Chosen) -> str:
    return ", ".join(f"{n:,} {why}" for why, n in chosen.left_out)


def _held(found: Seen) -> str:
    n = found.held
    return f" {counted(n, 'message')} may be held back by a rate limit, and {_stay(n)}." if n else ""


def _stay(n: int) -> str:
    return "stays" if n == 1 else "stay"


def summary(chosen: Chosen) -> str:
    """Return in one line what would happen."""
    queues = Counter(m.queue for m in chosen.messages).most_common()
    where = listed([f"{queue} ({n:,})" for queue, n in queues] if len(queues) > 1 else [str(queues[0][0])])
    n = len(chosen.messages)
    took = "that a lost worker took"
    return f"{counted(n, 'message')} {took} would go back to {where}, to be taken next, each once."


def notes(found: Seen, chosen: Chosen) -> tuple[str, ...]:
    """Return what goes back, since when it waits, what would happen without us, and what stays."""
    names = Counter(m.task or "?" for m in chosen.messages).most_common()
    more = f" and {len(names) - MOST_NAMES} more names" if len(names) > MOST_NAMES else ""
    said = ["By task: " + ", ".join(f"{n:,} × {name}" for name, n in names[:MOST_NAMES]) + f"{more}."]
    oldest = chosen.messages[0].taken_at
    if oldest is not None:
        said.append(f"The oldest was taken {since(oldest, found.at)} ago.")
    later = sum(1 for m in chosen.messages if m.eta is not None and m.eta > found.at)
    if later:
        said.append(
            f"{counted(later, 'message')} {'is' if later == 1 else 'are'} for later: a worker keeps it till then."
        )
    if (at := again_at(found, chosen)) is not None:
        said.append(_anyway(at, found))
    if chosen.left_out:
        said.append(f"Left out: {_left_out(chosen)}.")
    if found.held:
        said.append(_held(found).strip())
    return tuple(said)


def _anyway(at: datetime, found: Seen) -> str:
    timeout = f"the visibility timeout of {lasting(found.visibility_timeout)}"
    if at <= found.at:
        return f"They are overdue: {timeout} is over for the first, and no worker has brought it back."
    return f"Left alone, a worker brings them back from {at:%H:%M} UTC on, after {timeout}."


def warnings(found: Seen, chosen: Chosen) -> tuple[str, ...]:
    """Return what can go wrong."""
    said = [
        "Those that are acknowledged late may have run in part or whole already, and run again from their beginning; "
        "nobody can tell which."
    ]
    again = sum(1 for m in chosen.messages if m.redelivered)
    if again:
        said.append(
            f"{counted(again, 'message')} {'was' if again == 1 else 'were'} delivered again before: a task that ends "
            "its worker does so again."
        )
    if not found.answered:
        said.append("No worker answers. One that is only cut off from Redis may still work on them.")
    if found.at_least:
        said.append(f"Only the {found.unacknowledged:,} messages taken first were looked at; there are more.")
    return tuple(said)
