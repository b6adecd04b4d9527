"""The grammar of `revoke`."""

from typing import Any

from bot.domain.errors import BadInput
from bot.slack.acts.act import Act
from bot.slack.acts.phrases import length_of_time, split_reason
from bot.slack.named import Names, echo
from bot.slack.typed import unquoted


def revoke(_: str, rest: list[str], names: Names) -> Act:
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
            params["hold" if key == "for" else key], tail = length_of_time(key, tail)
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
