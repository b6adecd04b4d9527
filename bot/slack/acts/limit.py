"""The grammar of `limit` and `unlimit`."""

from typing import Any

from bot.domain.errors import BadInput
from bot.domain.rates import rate_of
from bot.slack.acts.act import Act
from bot.slack.acts.phrases import length_of_time, split_reason
from bot.slack.named import Names, echo
from bot.slack.typed import unquoted

_SAY = "Say `/celery limit <task> to 10/m`, and after it `for 1h` or `because …`."


def limit(_: str, rest: list[str], names: Names) -> Act:
    """Read "<task> to 10/m [for 30m] [because ...]"."""
    tail, reason = split_reason(rest)
    if not tail:
        raise BadInput(f"Say which task to limit. {_SAY}")
    cluster, task = names.split(unquoted(tail[0]))
    tail = tail[1:]
    params: dict[str, Any] = {"task": task}
    words: list[str] = []
    if tail and tail[0].lower() == "to":
        tail = tail[1:]
    while tail and tail[0].lower() != "for":
        words.append(unquoted(tail[0]))
        tail = tail[1:]
    if not words:
        raise BadInput(f"Say to what rate on each worker: `10/m`, `5/s`, `100/h`. {_SAY}")
    params["rate"] = " ".join(words)
    if rate_of(params["rate"]) is None:
        raise BadInput(f"`{echo(params['rate'])}` is no rate above zero: say `10/m`, `5/s` or `100/h`.")
    if tail:
        params["for"], tail = length_of_time("for", tail[1:])
    if tail:
        raise BadInput(f"`{echo(' '.join(tail))}` is too much after `limit {echo(task)}`. {_SAY}")
    return Act("limit_rate", cluster, tuple({**params, "reason": reason}.items()), reason)


def unlimit(_: str, rest: list[str], names: Names) -> Act:
    """Read "<task> [because ...]"."""
    tail, reason = split_reason(rest[1:])
    cluster, task = names.split(unquoted(rest[0])) if rest else (names.default, "")
    if not task:
        raise BadInput("Say which task's limit to lift: `/celery unlimit <task>`.")
    if tail:
        raise BadInput(f"`{echo(' '.join(tail))}` is too much after `unlimit {echo(task)}`.")
    return Act("lift_rate_limit", cluster, (("task", task),), reason)
