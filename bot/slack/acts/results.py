"""The grammar of `results clean`."""

from typing import Any

from bot.domain.errors import BadInput
from bot.slack.acts.act import Act
from bot.slack.acts.phrases import length_of_time, split_reason, whole_number
from bot.slack.named import Names, echo
from bot.slack.typed import unquoted


def results(_: str, rest: list[str], names: Names) -> Act:
    """Read "clean [cluster] [older than 7d] [task <name>] [without end] [limit 5000]" and the reason."""
    tail, reason = split_reason(rest)
    if [w.lower() for w in tail[:1]] != ["clean"]:
        raise BadInput(_SAY)
    cluster, params, tail = names.default, dict[str, Any](), tail[1:]
    if tail and tail[0].lower() not in ("older", "task", "without", "limit"):
        cluster, after = names.split(unquoted(tail[0]))
        tail = [after, *tail[1:]] if after else tail[1:]
    while tail:
        key, tail = tail[0].lower(), tail[1:]
        if key == "older" and tail[:1] == ["than"]:
            params["older_than"], tail = length_of_time("older than", tail[1:])
        elif key == "task" and tail:
            params["task"], tail = unquoted(tail[0]), tail[1:]
        elif key == "without" and [w.lower() for w in tail[:1]] == ["end"]:
            params["endless"], tail = True, tail[1:]
        elif key == "limit":
            params["limit"], tail = whole_number(key, "results", tail)
        else:
            raise BadInput(f"`{echo(' '.join([key, *tail]))}` is not understood after `results clean`. {_SAY}")
    return Act("clean_results", cluster, tuple({**params, "reason": reason}.items()), reason)


_SAY = (
    "Say `/celery results clean older than 7d`, and after it `task <name>`, `without end`, `limit 5000` or "
    "`because …`. `/celery check old_results` counts them."
)
