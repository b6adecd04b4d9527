"""The grammar of `requeue`."""

from typing import Any

from bot.domain.errors import BadInput
from bot.slack.acts.act import Act
from bot.slack.acts.phrases import length_of_time, split_reason
from bot.slack.named import Names, echo
from bot.slack.typed import unquoted

_WORDS = ("task", "exception", "since", "to", "force", "limit")


def requeue(_: str, rest: list[str], names: Names) -> Act:
    """Read "<id> [<id> ...]", or "task <name>", "exception <class>", "[since 2h] [to <queue>] [limit 50] [force]"."""
    tail, reason = split_reason(rest)
    params: dict[str, Any] = {}
    ids: list[str] = []
    cluster = names.default
    while tail:
        word, key, tail = unquoted(tail[0]), tail[0].lower(), tail[1:]
        if key == "task" and tail:
            cluster, params["task"] = names.split(unquoted(tail[0]))
            tail = tail[1:]
        elif key in ("exception", "to", "limit") and tail:
            params["queue" if key == "to" else key], tail = unquoted(tail[0]), tail[1:]
        elif key == "since":
            params["since"], tail = length_of_time(key, tail)
        elif key == "force":
            params["force"] = True
        elif key in _WORDS or params:
            raise BadInput(f"`{echo(' '.join([word, *tail]))}` is not understood after `requeue`. {_REQUEUE}")
        else:
            cluster, one = names.split(word.rstrip(","))
            ids.append(one)
    if ids:
        params["ids"] = ids
    if "queue" in params:
        params["queue"] = names.queue(params["queue"], cluster)
    if "limit" in params and not params["limit"].isdecimal():
        raise BadInput(f"`limit` needs a number of tasks, not `{echo(params['limit'])}`: `limit 50`.")
    if not params.keys() & {"ids", "task", "exception"}:
        raise BadInput(f"Say which failed tasks to send again. {_REQUEUE}")
    return Act("requeue_failed", cluster, tuple({**params, "reason": reason}.items()), reason)


_REQUEUE = (
    "Say `/celery requeue <id>`, `requeue task <name>` or `requeue exception <class>`, and after it `since 2h`, "
    "`to <queue>`, `limit 50`, `force` or `because …`. `/celery failures` shows what failed."
)
