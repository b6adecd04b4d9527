"""The grammar of `unrevoke`."""

from bot.domain.errors import BadInput
from bot.slack.acts.act import Act
from bot.slack.acts.phrases import split_reason
from bot.slack.named import Names, echo
from bot.slack.typed import unquoted


def unrevoke(_: str, rest: list[str], names: Names) -> Act:
    """Read "<revoke> [because ...]"."""
    tail, reason = split_reason(rest[1:])
    cluster, revoke = names.split(unquoted(rest[0])) if rest else (names.default, "")
    if not revoke:
        raise BadInput("Say which revoke to end: `/celery unrevoke <revoke>`. `/celery revokes` lists them.")
    if tail:
        raise BadInput(f"`{echo(' '.join(tail))}` is too much after `unrevoke {echo(revoke)}`.")
    return Act("end_revoke", cluster, (("revoke", revoke.lower()),), reason)
