"""Ends a process's children when that process is gone, however it went.

Run as a script by `playground.processes`, with a pipe as its standard input. Each line is `+<group>` (watch this
process group) or `-<group>` (it has ended). The kernel closes the pipe when its owner dies, even by `kill -9`; then
every group still watched is killed. A pipe is used rather than Linux's PR_SET_PDEATHSIG, because that signal fires when
the *thread* that started the child ends, reaches no grandchildren, and does not exist on macOS.
"""

import contextlib
import os
import signal
import sys


def main() -> None:
    """Watch until the pipe closes, then kill what is left."""
    # Ctrl-C in a terminal is for the owner: it decides in which order its children end.
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    watched: set[int] = set()
    for line in sys.stdin:
        group = int(line[1:])
        if line.startswith("+"):
            watched.add(group)
        else:
            watched.discard(group)
    for group in watched:
        with contextlib.suppress(ProcessLookupError):  # it ended by itself meanwhile
            os.killpg(group, signal.SIGKILL)


if __name__ == "__main__":
    main()
