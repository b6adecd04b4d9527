"""A look at a cluster that decisions may rest on."""

from bot.domain.cluster import ClusterSnapshot
from bot.domain.errors import WorkersUnasked
from bot.ports import Target


def look(target: Target) -> ClusterSnapshot:
    """Count the cluster anew; raises ClusterUnreachable also when no worker could be asked.

    A broker that passes on no replies (full, say) shows no worker. That nobody consumes a queue would then be a guess,
    and a pause or its end would be called verified on the strength of it.
    """
    snapshot = target.control.snapshot()
    unseen = next((u for u in snapshot.unknown if u.what == "workers"), None)
    if unseen and not snapshot.workers:
        raise WorkersUnasked(target.spec.name, unseen.why, snapshot.took_seconds)
    return snapshot
