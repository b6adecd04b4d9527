"""The grammar of `orphans restore`."""

from typing import Any

from bot.domain.errors import BadInput
from bot.slack.acts.act import Act
from bot.slack.acts.phrases import length_of_time, split_reason, whole_number
from bot.slack.named import Names, echo
from bot.slack.typed import unquoted


def orphans(_: str, rest: list[str], names: Names) -> Act:
    """Read "restore [queue | all] [older than 5m] [limit 100]" and the reason; "cluster/queue", "cluster/all"."""
    tail, reason = split_reason(rest)
    if [w.lower() for w in tail[:1]] != ["restore"]:
        raise BadInput(_SAY)
    cluster, params, tail = names.default, dict[str, Any](), tail[1:]
    if tail and tail[0].lower() not in ("older", "limit"):
        cluster, queue = names.split(unquoted(tail[0]))
        if queue and queue.lower() != "all":
            params["queue"] = names.queue(queue, cluster)
        tail = tail[1:]
    while tail:
        key, tail = tail[0].lower(), tail[1:]
        if key == "older" and tail[:1] == ["than"]:
            params["older_than"], tail = length_of_time("older than", tail[1:])
        elif key == "limit":
            params["limit"], tail = whole_number(key, "messages", tail)
        else:
            raise BadInput(f"`{echo(' '.join([key, *tail]))}` is not understood after `orphans restore`. {_SAY}")
    return Act("restore_orphans", cluster, tuple({**params, "reason": reason}.items()), reason)


_SAY = (
    "Say `/celery orphans restore all` or `orphans restore <queue>`, and after it `older than 5m`, `limit 100` or "
    "`because …`. `/celery check orphans` shows what a killed worker left."
)
