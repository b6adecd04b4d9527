"""The grammar of what changes a cluster by hand: `purge`, `restore`, `revoke` and the like. It becomes a proposal.

`pause` and `resume` stand in `commands`, the oldest part of the grammar.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.domain.duration import seconds_of
from bot.domain.errors import BadInput
from bot.slack.named import Names, echo
from bot.slack.typed import unquoted

LONGEST_REASON = 300
MOST_SLOTS = 20
VERBS = ("purge", "restore", "drop", "revoke")

_WHOLE = re.compile(r"([-−–+]?)([0-9]{1,6})")
"""A number with its sign; phones make a longer dash of a minus."""


@dataclass(frozen=True)
class Act:
    """Propose an action on a cluster."""

    action: str
    cluster: str
    params: tuple[tuple[str, Any], ...]
    reason: str = ""


def act(verb: str, rest: list[str], names: Names, cluster: str, queue: str) -> Act:
    """Return what is meant by words after a verb; `cluster` and `queue` are of the first one, if it names a queue.

    Raises BadInput in words.
    """
    if verb == "purge":
        return _purge(rest, cluster, queue)
    if verb == "revoke":
        return _revoke(rest, names)
    return _archive(verb, rest, names)


def _purge(rest: list[str], cluster: str, queue: str) -> Act:
    """Read "[task <name>] [older than 1h] [keep 2d]" in any order, then the reason."""
    tail, reason = split_reason(rest)
    params: dict[str, Any] = {"queue": queue}
    while tail:
        key, tail = tail[0].lower(), tail[1:]
        if key == "task" and tail:
            params["task"], tail = unquoted(tail[0]), tail[1:]
        elif key == "older" and tail[:1] == ["than"]:
            params["older_than"], tail = _time("older than", tail[1:])
        elif key in ("keep", "for") and tail:
            params["keep"], tail = _time(key, tail)
        else:
            raise BadInput(
                f"`{echo(' '.join([key, *tail]))}` is not understood after `purge {queue}`. Say "
                f"`/celery purge {queue}`, and after it `task <name>`, `older than 1h`, `keep 2d` or `because …`."
            )
    return Act("purge_queue", cluster, tuple({**params, "reason": reason}.items()), reason)


def _revoke(rest: list[str], names: Names) -> Act:
    """Read "<id> [<id> ...]", "task <name>" or "queue <name>", then "[terminate] [for 3h] [keep 2d]" and the reason."""
    tail, reason = split_reason(rest)
    params: dict[str, Any] = {}
    ids: list[str] = []
    cluster = names.default
    while tail:
        word, key, tail = unquoted(tail[0]), tail[0].lower(), tail[1:]
        if key in ("task", "queue") and tail:
            cluster, params[key] = names.split(unquoted(tail[0]))
            tail = tail[1:]
        elif key == "terminate":
            params["terminate"] = True
        elif key in ("for", "keep") and tail:
            params["hold" if key == "for" else key], tail = _time(key, tail)
        elif params or key in ("task", "queue", "for", "keep"):
            raise BadInput(f"`{echo(' '.join([word, *tail]))}` is not understood after `revoke`. {_REVOKE}")
        else:
            cluster, one = names.split(word.rstrip(","))
            ids.append(one)
    if ids:
        params["ids"] = ids
    if "queue" in params:
        params["queue"] = names.queue(params["queue"], cluster)
    if not params.keys() & {"ids", "task", "queue"}:
        raise BadInput(f"Say which tasks to revoke. {_REVOKE}")
    return Act("revoke_tasks", cluster, tuple({**params, "reason": reason}.items()), reason)


_REVOKE = (
    "Say `/celery revoke <id>`, `revoke task <name>` or `revoke queue <queue>`, and after it `terminate`, `for 3h` or "
    "`because …`."
)


def _time(word: str, tail: list[str]) -> tuple[int, list[str]]:
    """Return the seconds of as many words as make a length of time, and the words after them."""
    for n in range(min(len(tail), 4), 0, -1):
        seconds = seconds_of(" ".join(tail[:n]))
        if seconds is not None:
            return seconds, tail[n:]
    said = f", not `{echo(tail[0])}`" if tail else ""
    raise BadInput(f"`{word}` needs a length of time{said}: `{word} 1h`, `{word} 2 days`.")


def _archive(verb: str, rest: list[str], names: Names) -> Act:
    tail, reason = split_reason(rest[1:])
    cluster, archive = names.split(unquoted(rest[0])) if rest else (names.default, "")
    if not archive:
        raise BadInput(
            f"Say which archive to {verb}: `/celery {verb} <archive>`. `/celery archives` lists them with their names."
        )
    if tail:
        raise BadInput(f"`{echo(' '.join(tail))}` is too much after `{verb} {echo(archive)}`.")
    return Act(f"{verb}_archive", cluster, (("archive", archive.lower()),), reason)


def scale(said: str, rest: list[str], cluster: str, aim: Mapping[str, str]) -> Act:
    """Return what "by 2" or "by -1" and a reason mean for a queue or a worker; `said` is how it was named.

    Raises BadInput in words.
    """
    tail, reason = split_reason(rest)
    words = tail[1:] if tail[:1] and tail[0].lower() == "by" else tail
    number = _WHOLE.fullmatch(words[0]) if len(words) == 1 else None
    if number is None:
        wrong = f"`{echo(' '.join(tail))}` is not understood after `scale {echo(said)}`. " if tail else ""
        how = f"`/celery scale {echo(said)} by 2` for two more in all, `by -1` for one fewer"
        raise BadInput(f"{wrong}Say by how many slots: {how}.")
    by = int(number[2]) * (1 if number[1] in ("", "+") else -1)
    if not 1 <= abs(by) <= MOST_SLOTS:
        raise BadInput(f"A pool is scaled by 1 to {MOST_SLOTS} slots at once, not by `{echo(words[0])}`.")
    return Act("resize_pools", cluster, tuple({**aim, "by": by, "reason": reason}.items()), reason)


def split_reason(tail: list[str]) -> tuple[list[str], str]:
    """Return the words before `because`, and the reason after it; raises BadInput for one that is too long."""
    for i, word in enumerate(tail):
        if word.lower().rstrip(":,") == "because":
            whole = [w.lower() for w in tail[i + 1 : i + 2]] == ["of"]  # "because of the deploy" is no "of the deploy"
            return tail[:i], _short(" ".join(tail[i if whole else i + 1 :]).strip("\"' "))
    return tail, ""


def _short(reason: str) -> str:
    if len(reason) > LONGEST_REASON:
        raise BadInput(
            f"The reason has {len(reason):,} characters, and {LONGEST_REASON} fit. Say it shorter after `because`."
        )
    return reason
