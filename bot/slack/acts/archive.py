"""The grammar of `restore` and `drop`."""

from bot.domain.errors import BadInput
from bot.slack.acts.act import Act
from bot.slack.acts.phrases import split_reason
from bot.slack.named import Names, echo
from bot.slack.typed import unquoted


def archive(verb: str, rest: list[str], names: Names) -> Act:
    tail, reason = split_reason(rest[1:])
    cluster, archive = names.split(unquoted(rest[0])) if rest else (names.default, "")
    if not archive:
        raise BadInput(
            f"Say which archive to {verb}: `/celery {verb} <archive>`. `/celery archives` lists them with their names."
        )
    if tail:
        raise BadInput(f"`{echo(' '.join(tail))}` is too much after `{verb} {echo(archive)}`.")
    return Act(f"{verb}_archive", cluster, (("archive", archive.lower()),), reason)
