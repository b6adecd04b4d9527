"""The grammar of `disconnect`."""

from typing import Any

from bot.domain.errors import BadInput
from bot.slack.acts.act import Act
from bot.slack.acts.phrases import length_of_time, split_reason
from bot.slack.named import Names, echo
from bot.slack.typed import unquoted

MOST_DIGITS = 18


def disconnect(_: str, rest: list[str], names: Names) -> Act:
    """Read "[cluster] <id> [<id> ...]", or "idle 1h from <host> named <name>"; "including workers"; the reason."""
    tail, reason = split_reason(rest)
    params: dict[str, Any] = {}
    ids: list[int] = []
    cluster, tail = _cluster(tail, names)
    while tail:
        word, key, tail = unquoted(tail[0]).rstrip(","), tail[0].lower(), tail[1:]
        if key == "idle" and tail:
            params["idle"], tail = length_of_time(key, tail[2:] if tail[:2] == ["longer", "than"] else tail)
        elif key in ("from", "named") and tail:
            params["host" if key == "from" else key], tail = unquoted(tail[0]), tail[1:]
        elif key == "including" and [w.lower() for w in tail[:1]] == ["workers"]:
            params["workers"], tail = True, tail[1:]
        elif word.isdecimal() and word.isascii() and len(word) <= MOST_DIGITS:
            ids.append(int(word))
        else:
            raise BadInput(f"`{echo(' '.join([word, *tail]))}` is not understood after `disconnect`. {_SAY}")
    if ids and params.keys() - {"workers"}:
        raise BadInput(f"Name connections by id, or say which by `idle`, `from` and `named`: one of them. {_SAY}")
    if ids:
        params["ids"] = ids
    if not params.keys() - {"workers"}:
        raise BadInput(f"Say which connections to close. {_SAY}")
    return Act("close_connections", cluster, tuple({**params, "reason": reason}.items()), reason)


def _cluster(tail: list[str], names: Names) -> tuple[str, list[str]]:
    """Return the cluster, and the words after it: of "prod idle 1h", or of "prod/12"."""
    cluster, first = names.split(unquoted(tail[0])) if tail else (names.default, "")
    return cluster, [first, *tail[1:]] if first else tail[1:]


_SAY = (
    "Say `/celery disconnect <id>`, `disconnect idle 1h` or `disconnect from 10.0.0.7`, and after it "
    "`including workers` or `because …`. `/celery connections` lists them with their ids."
)
