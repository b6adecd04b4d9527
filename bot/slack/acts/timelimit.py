"""The grammar of `timelimit`."""

from typing import Any

from bot.domain.errors import BadInput
from bot.slack.acts.act import Act
from bot.slack.acts.phrases import length_of_time, split_reason
from bot.slack.named import Names, echo
from bot.slack.typed import unquoted

_SAY = "Say `/celery timelimit <task> soft 30s hard 60s`, one of them or both, and after it `because …`."


def timelimit(_: str, rest: list[str], names: Names) -> Act:
    """Read "<task> [soft 30s] [hard 60s] [because ...]"."""
    tail, reason = split_reason(rest)
    if not tail:
        raise BadInput(f"Say which task to limit. {_SAY}")
    cluster, task = names.split(unquoted(tail[0]))
    params: dict[str, Any] = {"task": task}
    tail = tail[1:]
    while tail:
        key = tail[0].lower()
        if key not in ("soft", "hard"):
            raise BadInput(f"`{echo(' '.join(tail))}` is not understood after `timelimit {echo(task)}`. {_SAY}")
        params[key], tail = length_of_time(key, tail[1:])
    if not task or len(params) == 1:
        raise BadInput(f"Say how long {echo(task) if task else 'which task'} may run. {_SAY}")
    return Act("limit_time", cluster, tuple({**params, "reason": reason}.items()), reason)
