"""Switches task events on, on every worker that runs: Celery's workers keep them to themselves until they are told.

`enable_events` holds for the life of a worker's process, and a command is lost on a worker that has not subscribed yet,
which is so when it says `worker-online`. So each worker is told by name, again and ever later, until it has said yes,
and anew in its next life. Nobody else is told: other programs may share the control channel.
"""

import threading
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import structlog

from bot.adapters.celery.broker import Broker
from bot.adapters.celery.connection import ClusterConnection
from bot.adapters.celery.pidbox import Command, Pidbox
from bot.adapters.celery.told import Sighting, Told
from bot.domain.errors import ClusterUnreachable
from bot.domain.live import Presence, TaskEvents
from bot.ports import Ports

if TYPE_CHECKING:
    import redis

LOOK_SECONDS = 1.0
"""How often it looks who is there."""

ANSWER_SECONDS = 0.5
"""How long the replies of one turn are waited for; a worker that is slower is told once more and says "already"."""

LONGEST_OUTAGE = 10.0
"""Seconds between two attempts at most while the broker cannot be reached."""

_LEAST_REST = 0.05
_ENABLE = Command("enable_events")

log = structlog.get_logger(__name__)


def sightings(ports: Ports, cluster: str) -> list[Sighting]:
    """Return the workers of a cluster that are known to run: by their heartbeats, else by the newest snapshot.

    Workers that were started with `--without-heartbeat` are known by snapshots alone.
    """
    heard = [
        Sighting(w.name, w.pid, w.since, w.task_events is TaskEvents.ON, w.presence is Presence.SILENT)
        for w in ports.clusters.live(cluster).workers(ports.clock.now())
        if w.presence is not Presence.OFFLINE
    ]
    names = {s.name for s in heard}
    snapshots = ports.samples.snapshots(cluster)
    for worker in snapshots[-1].workers if snapshots else ():
        if worker.uptime_seconds is not None and worker.name not in names:
            started = snapshots[-1].taken_at - timedelta(seconds=worker.uptime_seconds)
            heard.append(Sighting(worker.name, None, started))
    return heard


class EventSwitch:
    """Tells the workers of one cluster, in a thread of its own; nobody waits for it.

    `known` returns the workers that are known to run, from memory; `confirmed` is called with the name of each worker
    that said yes.
    """

    def __init__(
        self,
        connection: ClusterConnection,
        known: Callable[[], Iterable[Sighting]],
        confirmed: Callable[[str], None],
    ) -> None:
        """Do no I/O."""
        self._connection, self._known, self._confirmed = connection, known, confirmed
        self._broker, self._pidbox = Broker(connection), Pidbox(connection.keys)
        self._told = Told()
        self._closed, self._news = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"event-switch-{connection.name}", daemon=True)

    def start(self) -> None:
        """Begin to look, for ever in the background."""
        self._thread.start()

    def close(self, seconds: float = 2.0) -> None:
        """Stop; what was switched on stays on."""
        self._closed.set()
        self._news.set()
        if self._thread.is_alive():
            self._thread.join(seconds)
        self._broker.close()

    def came_online(self, name: str) -> None:
        """Tell this worker at once, and again until it says yes. Does not wait."""
        self._told.came_online(name)
        self._news.set()

    def _run(self) -> None:
        outage = 0.0
        while not self._closed.is_set():
            try:
                self._turn()
                outage = 0.0
            except ClusterUnreachable as error:
                if not outage:
                    log.warning("task events not switched on until the broker answers", why=error.why, **self._names)
                outage = min(max(outage * 2, LOOK_SECONDS), LONGEST_OUTAGE)
            except Exception:  # a mistake about one turn must not leave later workers unheard
                log.exception("switching task events on broke, tried again", **self._names)
                outage = LONGEST_OUTAGE
            self._rest(outage)

    @property
    def _names(self) -> dict[str, str]:
        return {"cluster": self._connection.name}

    def _rest(self, outage: float) -> None:
        due = self._told.rest()
        look = LOOK_SECONDS if due is None else min(LOOK_SECONDS, max(due, _LEAST_REST))
        if self._news.wait(outage or look) and not self._closed.is_set():
            self._news.clear()

    def _turn(self) -> None:
        self._told.see(self._known())
        told = self._told.due()
        if not told:
            return
        on, never = self._told.answered(told, self._tell(list(told)))
        for name in on:
            log.info("task events are on", worker=name, **self._names)
            self._confirmed(name)
        for name, why in never.items():
            log.warning("this worker cannot send task events", worker=name, why=why, **self._names)

    def _tell(self, names: list[str]) -> dict[str, Any]:
        # It may go out twice when the connection breaks: saying it again does no harm.
        wanted = set(names)

        def work(client: "redis.Redis", until: float) -> dict[str, Any]:
            replies = self._pidbox.ask(client, [_ENABLE], until, lambda r: wanted <= r.by_node.keys(), names)
            return {n: said.get(_ENABLE.method) for n, said in replies.by_node.items()}

        return self._broker.read(work, ANSWER_SECONDS)
