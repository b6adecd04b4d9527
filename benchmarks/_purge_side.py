"""A purge by task name in a process of its own: prints by how many MB the highest of its resident memory grew."""

import resource
import sys
from pathlib import Path

from benchmarks.purge import archives_of, wanted


def highest() -> float:
    """Return megabytes."""
    try:
        status = Path("/proc/self/status").read_text()
    except FileNotFoundError:  # no Linux; there this is not inherited from the process that started it
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024 / 1e6


def main() -> None:
    """Set messages of one task aside, of a queue that holds others as well."""
    archives = archives_of(sys.argv[1])
    archives.all()  # it has connected
    before = highest()
    archives.set_aside(wanted("named", "reports.build"), lambda _: None)
    print(max(0.1, highest() - before))


if __name__ == "__main__":
    main()
