"""What a diagnosis of a cluster, or of the ops broker, means for whoever installs the bot."""

from collections.abc import Callable, Iterator, Mapping

from bot.adapters.celery.connection import ClusterConnection
from bot.adapters.celery.diagnosis import Diagnosis, Place, diagnose
from bot.adapters.celery.dispatcher import KEY_PREFIX
from bot.domain.cluster import ClusterSpec, in_group
from bot.domain.diagnosed import Diagnosed, bad, note, ok
from bot.domain.wording import counted, listed, verb

_LOCAL = "127.0.0.1"


def examine_cluster(connection: ClusterConnection, spec: ClusterSpec, seconds: float) -> list[Diagnosed]:
    """Return what was found in a watched cluster, in `seconds` at most. Raises BadInput for a wrong address."""
    found = diagnose(connection, spec, seconds)
    if found.why is not None:
        where = f"the broker's address under `clusters.{spec.name}`, and the ACL of its user"
        return [bad(f"The broker cannot be used: {found.why}; check {where}.")]
    checks: tuple[Callable[[Diagnosis, ClusterConnection, ClusterSpec], Diagnosed | None], ...] = (
        _broker,
        _queues,
        _undiscovered,
        _workers,
        _silent,
        _groups,
        _heartbeats,
        _task_events,
    )
    return [d for check in checks if (d := check(found, connection, spec)) is not None]


def _broker(found: Diagnosis, _connection: ClusterConnection, _spec: ClusterSpec) -> Diagnosed:
    took = f" in {found.round_trip_seconds * 1000:.0f} ms" if found.round_trip_seconds is not None else ""
    return ok(f"The broker ({found.server or 'Redis'} at {found.address}) answers{took}.")


def _queues(found: Diagnosis, connection: ClusterConnection, spec: ClusterSpec) -> Diagnosed:
    here = _shown(Place(connection.db, connection.global_keyprefix))
    if found.queues:
        return ok(f"{counted(len(found.queues), 'queue')} in {here}: {listed(found.queues)}.")
    others = [_shown(place) for place in found.elsewhere if place.prefix != KEY_PREFIX]
    if not others:
        return note(f"No queue has been used in {here} yet; if your tasks run, this is not their Redis server.")
    return bad(
        f"No queue is in {here}, but some are in {listed(others)}: set `clusters.{spec.name}.global_keyprefix`, or the "
        "database at the end of the broker's address."
    )


def _shown(place: Place) -> str:
    return f"database {place.db} {f'under `{place.prefix}`' if place.prefix else 'without a prefix'}"


def _undiscovered(found: Diagnosis, _connection: ClusterConnection, spec: ClusterSpec) -> Diagnosed | None:
    if not found.queues or not found.undiscovered:
        return None
    names, n = listed(found.undiscovered), len(found.undiscovered)
    return note(
        f"Nobody has used {counted(n, 'declared queue')} here yet ({names}); check the spelling under "
        f"`clusters.{spec.name}.queues`, or start a worker for it."
    )


def _workers(found: Diagnosis, _connection: ClusterConnection, _spec: ClusterSpec) -> Diagnosed:
    if found.workers:
        n = len(found.workers)
        return ok(f"{counted(n, 'worker')} {verb(n, 'answer')}: {listed(found.workers)}.")
    return bad(
        "No worker answers remote control; start one, and if some run, see that `worker_enable_remote_control` is on "
        "and that they use this broker, database and prefix."
    )


def _silent(found: Diagnosis, _connection: ClusterConnection, _spec: ClusterSpec) -> Diagnosed | None:
    if not found.unanswered:
        return None
    n = found.unanswered
    return note(
        f"{counted(n, 'listener')} to remote control {verb(n, 'keep')} silent: a busy worker of the solo pool, one "
        "that hangs, or another program."
    )


def _groups(found: Diagnosis, _connection: ClusterConnection, spec: ClusterSpec) -> Diagnosed | None:
    missing = [g.name for g in spec.worker_groups if not any(in_group(w, g) for w in found.workers)]
    if not found.workers or not missing:
        return None
    return note(
        f"No worker answers of {counted(len(missing), 'worker group')} ({listed(missing)}); start it, or give "
        f"`clusters.{spec.name}.worker_groups` the names that your workers have before their @."
    )


def _heartbeats(found: Diagnosis, _connection: ClusterConnection, _spec: ClusterSpec) -> Diagnosed | None:
    if not found.workers:
        return None
    mute = sorted(set(found.workers) - found.events.heartbeats)
    if not mute:
        return ok("All of them send heartbeats.")
    return bad(
        f"No heartbeat came from {counted(len(mute), 'worker')} ({listed(mute)}) within "
        f"{found.events.listened_seconds:.0f} s; start without `--without-heartbeat`, or a pause reaches them late "
        "when they start again."
    )


def _task_events(found: Diagnosis, _connection: ClusterConnection, _spec: ClusterSpec) -> Diagnosed | None:
    if not found.workers:
        return None
    on = found.events.task_events or bool(found.events.configured)
    return note(f"{'Task events are on' if on else 'No task events were heard'}; the bot needs none.")


# --- the bot's own broker --------------------------------------------------------------------------------------------


def examine_ops(ops: ClusterConnection, watched: list[ClusterConnection], seconds: float) -> list[Diagnosed]:
    """Return what was found of the ops broker and worker; `ops` has the ops worker's own prefix. Raises BadInput."""
    shared = [_shared(w) for w in watched if _place(w) == _place(ops)]
    found = diagnose(ops, ClusterSpec(name=ops.name), seconds)
    if found.why is not None:
        words = f"The bot's own broker cannot be used: {found.why}; until ONCALL_BROKER_URL names one that the bot may"
        return [*shared, bad(f"{words} write to, the bot executes by itself, without the ops worker.")]
    return [*shared, ok(f"The bot's own broker at {found.address} answers."), *_ops_workers(found)]


def _ops_workers(found: Diagnosis) -> Iterator[Diagnosed]:
    if found.workers:
        yield ok(f"The ops worker answers: {listed(found.workers)}.")
    elif found.unanswered:
        yield bad("The ops worker listens and does not answer; look into its log, and start it again.")
    else:
        yield bad("No ops worker answers; start `celery-oncall up`, or `celery-oncall worker` with the same settings.")


def _shared(watched: ClusterConnection) -> Diagnosed:
    return bad(
        f"The cluster `{watched.name}` uses the prefix `{KEY_PREFIX}` in the very database of the bot's own broker, so "
        "that a `control shutdown` of it ends the ops worker; set ONCALL_BROKER_URL to another database."
    )


def _place(connection: ClusterConnection) -> tuple[str, int, str]:
    return connection.address.replace("localhost", _LOCAL), connection.db, connection.global_keyprefix


def ops_connection(broker_url: str, tls: Mapping[str, str] | None = None) -> ClusterConnection:
    """Return how the ops broker is reached, in the ops worker's own keyspace; raises BadInput."""
    return ClusterConnection(name="ops", broker_url=broker_url, global_keyprefix=KEY_PREFIX, tls=tls or {})
