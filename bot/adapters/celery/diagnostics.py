"""One watched Celery cluster on Redis, as the port `Diagnostics` wants it: all that may be asked beyond a snapshot."""

import socket
import time
from collections.abc import Mapping

import redis

from bot.adapters.celery import finding, info, memory, oldest, reports, unacknowledged
from bot.adapters.celery.pidbox import Replies
from bot.adapters.celery.results import ResultBackend
from bot.adapters.celery.watched import WatchedCluster, workers_of
from bot.domain.broker import (
    BrokerInfo,
    OldestMessage,
    StoredResults,
    TaskPlace,
    UnacknowledgedMessages,
    WorkerMemory,
    WorkerReport,
)
from bot.domain.errors import BadInput, OutsideUnreachable
from bot.domain.redaction import redacted
from bot.ports import Clock

RESULT_SECONDS = 0.5
"""What a search for a task keeps of its deadline for the result backend, which may be another server."""

MOST_OF_AN_ERROR = 300
"""Characters of a task's error that are kept."""


class CeleryDiagnostics:
    """Asks one cluster, over what its control has: `CeleryClusterControl.watched`. Safe to use from many threads.

    `host` is what workers on this machine have behind the @ of their names.
    """

    def __init__(self, watched: WatchedCluster, clock: Clock, host: str | None = None) -> None:
        """Do no I/O."""
        self._watched, self._clock = watched, clock
        self._broker = watched.broker
        self._results = ResultBackend(watched.connection)
        self._host = host or socket.gethostname()

    def close(self) -> None:
        """Close the connections to the result backend; those to the broker are the control's."""
        self._results.close()

    def broker_info(self, deadline: float = 1.0) -> BrokerInfo:
        """Return what the broker says of itself, as far as it may; raises ClusterUnreachable."""
        db = self._watched.connection.db
        return self._broker.read(lambda client, _: info.broker_info(client, db, self._clock.now()), deadline)

    def oldest(self, deadline: float = 1.0) -> Mapping[str, OldestMessage]:
        """Return per queue with messages the one that is next; raises ClusterUnreachable."""

        def work(client: "redis.Redis", until: float) -> dict[str, OldestMessage]:
            self._watched.topology.refresh(client, until)
            names = self._watched.topology.names
            return oldest.oldest(client, self._watched.keys, names, self._clock.now().timestamp())

        return self._broker.read(work, deadline)

    def unacknowledged(self, deadline: float = 2.0) -> UnacknowledgedMessages:
        """Return what was taken and not acknowledged, and whose it is; raises ClusterUnreachable."""

        def work(client: "redis.Redis", until: float) -> UnacknowledgedMessages:
            return unacknowledged.find(self._watched, client, self._clock.now(), until)

        return self._broker.read(work, deadline)

    def results(self, deadline: float = 2.0) -> StoredResults:
        """Return how many results the backend holds; raises BadInput or OutsideUnreachable."""
        return self._results.count(self._clock.now(), deadline)

    def reports(self, deadline: float = 2.0) -> Mapping[str, WorkerReport | None]:
        """Return per worker its software and settings; None for one that did not answer. Raises ClusterUnreachable."""

        def work(client: "redis.Redis", until: float) -> dict[str, WorkerReport | None]:
            replies = self._watched.ask(client, reports.QUESTIONS, until)
            silent = self._silent(replies)
            said = workers_of(replies).items()
            return silent | {name: reports.report(name, one.get("report")) for name, one in said}

        return self._broker.read(work, deadline)

    def memory(self, deadline: float = 2.0) -> Mapping[str, WorkerMemory]:
        """Return per worker its memory, with why it is not known where it is not; raises ClusterUnreachable."""

        def work(client: "redis.Redis", until: float) -> dict[str, WorkerMemory]:
            replies = self._watched.ask(client, memory.QUESTIONS, until)
            now = self._clock.now().timestamp()
            said = dict(self._silent(replies).items()) | dict(workers_of(replies))
            return {name: memory.memory(name, one or {}, self._host, now) for name, one in said.items()}

        return self._broker.read(work, deadline)

    def find_task(self, id: str, deadline: float = 2.0) -> TaskPlace:
        """Look for a task everywhere, and say where could not be looked; raises ClusterUnreachable."""
        started = time.monotonic()
        search = self._broker.read(
            lambda client, until: finding.find(self._watched, client, id, until - RESULT_SECONDS), deadline
        )
        left = max(RESULT_SECONDS, started + deadline - time.monotonic())
        state, error = self._result_of(id, left, search)
        place = search.place or TaskPlace(id=id, place=None if state is None else "is only among the results")
        return place.model_copy(
            update={
                "result_state": state,
                "result_error": error,
                "searched_all": not search.unsearched,
                "unsearched": tuple(search.unsearched),
            }
        )

    def _silent(self, replies: Replies) -> dict[str, None]:
        return dict.fromkeys(self._watched.call_roll(replies).silent)

    def _result_of(self, id: str, deadline: float, search: finding.Search) -> tuple[str | None, str | None]:
        """Return the state and the error of a task's result; None, None without one."""
        try:
            meta = self._results.of(id, deadline)
        except BadInput:
            search.unsearched.append("results, as no result backend that can be read is set")
            return None, None
        except OutsideUnreachable as error:
            search.unsearched.append(f"results: {error.why}")
            return None, None
        if meta is None:
            return None, None
        return str(meta.get("status") or "stored, not in JSON"), _error(meta.get("result"))


def _error(result: object) -> str | None:
    """Return the error of a failed task from its stored result: "ValueError: no seat"."""
    if not isinstance(result, Mapping) or "exc_type" not in result:
        return None
    message = result.get("exc_message")
    words = ", ".join(map(str, message)) if isinstance(message, list | tuple) else str(message)
    return redacted(f"{result['exc_type']}: {words}")[:MOST_OF_AN_ERROR]
