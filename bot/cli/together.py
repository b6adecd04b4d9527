"""Several processes that live and end together."""

import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import click

GRACE_SECONDS = 30.0
"""How long children may take to end; an ops worker first finishes what it executes."""

_POLL_SECONDS = 0.1

Children = Mapping[str, "subprocess.Popen[bytes]"]


def run_together(
    commands: Mapping[str, Sequence[str]], env: Mapping[str, str], grace_seconds: float = GRACE_SECONDS
) -> int:
    """Run the commands until SIGTERM, SIGINT, or one of them ends; then end all. Returns the exit code.

    0 after a signal; else the code of the one that ended (128 + n for signal n, and 1 when it claimed to be done).
    """
    with _signals_noted() as noted:
        children = {name: subprocess.Popen(command, env=env) for name, command in commands.items()}  # noqa: S603 - ours
        code = _watch(children, noted)
        killed = _end(children, noted, grace_seconds)
    return code or (1 if killed else 0)


@contextmanager
def _signals_noted() -> Iterator[list[int]]:
    """Collect SIGTERM and SIGINT in a list instead of being ended by them."""
    noted: list[int] = []
    before = {n: signal.signal(n, lambda number, _: noted.append(number)) for n in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield noted
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _watch(children: Children, noted: Sequence[int]) -> int:
    """Wait for a signal (0) or for a child's end (its code, never 0)."""
    while not noted:
        for name, child in children.items():
            if (code := child.poll()) is not None:
                click.echo(f"`{name}` {_how_it_ended(code)}; ending the others.", err=True)
                return 128 - code if code < 0 else code or 1
        time.sleep(_POLL_SECONDS)
    return 0


def _how_it_ended(code: int) -> str:
    return f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"


def _end(children: Children, noted: Sequence[int], grace_seconds: float) -> list[str]:
    """Ask every child to end; after the grace, or at a further signal, kill what is left and return its names."""
    for child in children.values():
        child.terminate()
    deadline, signals = time.monotonic() + grace_seconds, len(noted)
    while any(c.poll() is None for c in children.values()):
        if time.monotonic() > deadline or len(noted) > signals:
            break
        time.sleep(_POLL_SECONDS)
    left = [name for name, child in children.items() if child.poll() is None]
    for name in left:
        click.echo(f"`{name}` did not end in time and was killed.", err=True)
        children[name].kill()
        children[name].wait()
    return left
