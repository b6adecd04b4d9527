"""`python -m benchmarks [name …]` runs the benchmarks, all of them by default, and keeps what came of it on file."""

import importlib
import os
import pkgutil
import sys
import traceback

import benchmarks
from benchmarks import _results

NAMES = [m.name for m in pkgutil.iter_modules(benchmarks.__path__) if not m.name.startswith("_")]


def main() -> int:
    """Run what was named; returns 2 for an unknown name, 1 when one could not be measured.

    A goal that is not met is a result like any other.
    """
    wanted = sys.argv[1:] or NAMES
    if unknown := sorted(set(wanted) - set(NAMES)):
        print(f"There is no benchmark {', '.join(unknown)}; there are: {', '.join(NAMES)}.")
        return 2
    print(f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f} before the start: others' work costs ours more.")
    print(_results.heading())
    failed = [name for name in wanted if not _run(name)]
    if failed:
        print(f"Not measured, their rows on file are of an earlier run: {', '.join(failed)}.")
    return 1 if failed else 0


def _run(name: str) -> bool:
    """Measure one, print its rows and keep them; the rows of the others stay as they are."""
    try:
        rows = [_results.named(row, name) for row in importlib.import_module(f"benchmarks.{name}").rows()]
    except Exception:  # noqa: BLE001 - one that breaks must not cost the results of the others
        traceback.print_exc()
        return False
    for row in rows:
        print(_results.line(row), flush=True)
    _results.save(_results.merged(_results.load(), name, rows))
    return True


if __name__ == "__main__":
    sys.exit(main())
