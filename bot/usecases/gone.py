"""Workers that were heard and are gone or stopping: written down by the bot, which hears them, for who does not.

One that says goodbye finishes what it runs, and nobody can ask it any more. The ops worker must know of it, too.
"""

from datetime import datetime, timedelta

from bot.domain.live import LiveWorker, Presence
from bot.ports import Ports, Tx

KNOWN_FOR = timedelta(minutes=10)
"""For how long they are known; as long as a live state speaks of a worker that said goodbye."""


def note_gone(ports: Ports, cluster: str) -> None:
    """Write down who is gone, if that changed; a bot that just started adds to what the last one wrote."""
    now = ports.clock.now()
    heard = ports.clusters.live(cluster).workers(now)
    with ports.store.read() as tx:
        written = tx.note(_name(cluster))
        known = {w.name: w for w in gone(tx, cluster, now)}
    for worker in heard:
        known.pop(worker.name, None)
        if worker.presence is not Presence.ONLINE and now - worker.seen_at < KNOWN_FOR:
            known[worker.name] = worker
    rows = [[w.name, w.presence.value, w.seen_at.isoformat(), w.active] for _, w in sorted(known.items())]
    if rows != (written or []):
        with ports.store.write() as tx:
            tx.set_note(_name(cluster), rows)


def gone(tx: Tx, cluster: str, now: datetime) -> tuple[LiveWorker, ...]:
    """Return the workers of a cluster that are written down as gone or stopping."""
    read = (_worker(*row) for row in tx.note(_name(cluster)) or ())
    return tuple(w for w in read if now - w.seen_at < KNOWN_FOR)


def _worker(name: str, presence: str, seen_at: str, active: int | None) -> LiveWorker:
    at = datetime.fromisoformat(seen_at)
    return LiveWorker(name, Presence(presence), seen_at=at, since=at, active=active)


def _name(cluster: str) -> str:
    return f"gone:{cluster}"
