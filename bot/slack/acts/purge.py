"""The grammar of `purge`."""

from typing import Any

from bot.domain.errors import BadInput
from bot.slack.acts.act import Act
from bot.slack.acts.phrases import length_of_time, split_reason
from bot.slack.named import echo
from bot.slack.typed import unquoted


def purge(rest: list[str], cluster: str, queue: str) -> Act:
    """Read "[task <name>] [older than 1h] [keep 2d]" in any order, then the reason."""
    tail, reason = split_reason(rest)
    params: dict[str, Any] = {"queue": queue}
    while tail:
        key, tail = tail[0].lower(), tail[1:]
        if key == "task" and tail:
            params["task"], tail = unquoted(tail[0]), tail[1:]
        elif key == "older" and tail[:1] == ["than"]:
            params["older_than"], tail = length_of_time("older than", tail[1:])
        elif key in ("keep", "for") and tail:
            params["keep"], tail = length_of_time(key, tail)
        else:
            raise BadInput(
                f"`{echo(' '.join([key, *tail]))}` is not understood after `purge {queue}`. Say "
                f"`/celery purge {queue}`, and after it `task <name>`, `older than 1h`, `keep 2d` or `because …`."
            )
    return Act("purge_queue", cluster, tuple({**params, "reason": reason}.items()), reason)
