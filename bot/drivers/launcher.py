"""Starts a worker on any platform without the queues that are paused: `celery-oncall run-worker CLUSTER -- celery …`.

It stands before the start command, in a unit file, a container's command or a script; it reads the pauses, adds `-X`
and becomes the worker: same process, same signals. Whatever is wrong with the bot, the worker starts.
"""

import os
import signal
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import NoReturn, TypeVar

from bot.domain.cluster import ClusterSpec
from bot.domain.errors import BadInput, OncallError
from bot.domain.mitigation import Mitigation, MitigationState, gets_back
from bot.domain.wording import listed
from bot.drivers.command import ENVIRONMENT_EXCLUDES, name_of, queues_of, with_excluded
from bot.ports import Store

READ_SECONDS = 2.0
"""How long a starting worker waits for the bot's database."""

HELD = (MitigationState.APPLYING.value, MitigationState.IN_FORCE.value, MitigationState.PARTIAL.value)
"""A pause in these states is kept from a worker that starts. One that is ending is over when the worker is up."""

T = TypeVar("T")


@dataclass(frozen=True)
class Launch:
    """The command to become, and the one line that says why it is so."""

    argv: list[str]
    line: str


def prepare(
    spec: ClusterSpec, argv: Sequence[str], store: Callable[[], Store], env: Mapping[str, str], host: str
) -> Launch:
    """Return the command without the queues paused on this cluster. Waits READ_SECONDS at most for the database.

    `store` opens the database; `env` is the worker's environment and `host` this machine's name. Raises BadInput when
    the command starts no worker, and nothing else: without an answer the command is left as it is.
    """
    consumed = queues_of(argv)
    try:
        pauses = _within(READ_SECONDS, lambda: _pauses(store(), spec.name))
    except TimeoutError:
        return unprepared(argv, f"the bot's database did not answer within {READ_SECONDS:g} s")
    except OncallError as e:
        return unprepared(argv, str(e))
    except Exception as e:  # noqa: BLE001 - a worker must start, whatever is wrong with the bot
        return unprepared(argv, f"reading the pauses failed ({type(e).__name__}: {e})")
    held = [p for p in pauses if consumed is None or p.target in consumed]
    if not held:
        return Launch(list(argv), f"Nothing that this worker consumes is paused on {spec.name}.")
    command = with_excluded(argv, {p.target for p in held}, env.get(ENVIRONMENT_EXCLUDES, ""))
    queues = listed([f"{p.target} (until {p.ends_at:%H:%M} UTC)" for p in held], most=len(held))
    return Launch(
        command, f"Paused on {spec.name}, and left out of this worker: {queues}.{_lost(spec, argv, held, host)}"
    )


def unprepared(argv: Sequence[str], why: str) -> Launch:
    """Return the command as it is, with the reason; raises BadInput when it starts no worker."""
    return Launch(
        with_excluded(argv, ()), f"Started without looking for pauses, so it may consume a paused queue: {why}"
    )


def become(argv: Sequence[str], env: Mapping[str, str]) -> NoReturn:
    """Turn this process into the command, with this environment; raises BadInput when there is no such program."""
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # Python ignores it, and what is ignored stays so over exec
    try:
        os.execvpe(argv[0], list(argv), env)  # noqa: S606 - the command is the caller's own
    except OSError as e:
        raise BadInput(f"`{argv[0]}` cannot be run: {e.strerror}.") from e


def _pauses(store: Store, cluster: str) -> list[Mitigation]:
    with store.read() as tx:
        return [m for m in tx.mitigations.find(cluster=cluster, state=HELD) if m.kind == "pause"]


def _lost(spec: ClusterSpec, argv: Sequence[str], held: Sequence[Mitigation], host: str) -> str:
    """Warn of queues that a resume would not give to this worker: nobody would know that it wants them."""
    name = name_of(argv, host)
    lost = [p.target for p in held if not gets_back(spec, p, name)]
    if not lost:
        return ""
    return (
        f" After the pause {name} consumes {listed(lost)} only once it is started anew, because no worker group of "
        f"{spec.name} tells that it should: add it to `worker_groups`."
    )


def _within(seconds: float, read: Callable[[], T]) -> T:
    """Return what `read` returns or raise what it raises; raises TimeoutError, and leaves it behind."""
    future: Future[T] = Future()

    def work() -> None:
        try:
            future.set_result(read())
        except BaseException as error:  # noqa: BLE001 - carried over to the caller, whatever it is
            future.set_exception(error)

    threading.Thread(target=work, name="read-pauses", daemon=True).start()
    return future.result(timeout=seconds)
