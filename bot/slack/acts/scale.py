"""The grammar of `scale`."""

import re
from collections.abc import Mapping

from bot.domain.errors import BadInput
from bot.slack.acts.act import Act
from bot.slack.acts.phrases import split_reason
from bot.slack.named import echo

MOST_SLOTS = 20

_WHOLE = re.compile(r"([-−–+]?)([0-9]{1,6})")
"""A number with its sign; phones make a longer dash of a minus."""


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
