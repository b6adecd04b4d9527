"""The grammar of what changes a cluster by hand: each line becomes a proposal. One file holds the words of one action.

`pause` and `resume` stand in `commands`, the oldest part of the grammar; it tells `purge` and `scale` their queue.
"""

from collections.abc import Callable, Mapping

from bot.slack.acts.act import Act
from bot.slack.acts.archive import archive
from bot.slack.acts.connections import disconnect
from bot.slack.acts.end_revoke import unrevoke
from bot.slack.acts.limit import limit, unlimit
from bot.slack.acts.orphans import orphans
from bot.slack.acts.requeue import requeue
from bot.slack.acts.results import results
from bot.slack.acts.revoke import revoke
from bot.slack.acts.timelimit import timelimit
from bot.slack.named import Names

__all__ = ["FORMS", "READERS", "Act", "Reader"]

Reader = Callable[[str, list[str], Names], Act]
"""Takes the verb, the words after it, and the known names; raises BadInput in words."""

READERS: Mapping[str, Reader] = {
    "restore": archive,
    "drop": archive,
    "revoke": revoke,
    "unrevoke": unrevoke,
    "requeue": requeue,
    "limit": limit,
    "unlimit": unlimit,
    "timelimit": timelimit,
    "disconnect": disconnect,
    "orphans": orphans,
    "results": results,
}

FORMS: Mapping[str, str] = {
    "pause": "pause_queue",
    "resume": "resume_queue",
    "purge": "purge_queue",
    "scale": "resize_pools",
    "restore": "restore_archive",
    "drop": "drop_archive",
    "revoke": "revoke_tasks",
    "unrevoke": "end_revoke",
    "requeue": "requeue_failed",
    "limit": "limit_rate",
    "unlimit": "lift_rate_limit",
    "timelimit": "limit_time",
    "disconnect": "close_connections",
    "orphans": "restore_orphans",
    "orphans restore": "restore_orphans",
    "results": "clean_results",
}
"""What opens the form of an action, when nothing is said after it."""
