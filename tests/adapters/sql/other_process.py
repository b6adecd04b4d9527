"""What a second process does to the same database; run as `python -m tests.adapters.sql.other_process <what> <url>`.

append: 4 threads of 60 audit entries each, then exit 0 if none failed. hold: begin a transaction that writes, say
"holding", and stay in it. migrate: say "ready", wait for a line, bring the database to the newest revision.
"""

import sys
import time
from concurrent.futures import ThreadPoolExecutor

from bot.adapters.sql import SqlStore, migrate, open_store
from tests.adapters.sql import builders
from tests.adapters.sql.conftest import NOW

THREADS, APPENDS = 4, 60


def append(url: str) -> None:
    """Append from several threads at once."""
    store = open_store(url)
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(lambda thread: _append(store, thread), range(THREADS)))


def _append(store: SqlStore, thread: int) -> None:
    for number in range(APPENDS):
        with store.write() as tx:
            tx.audit.append(NOW, "system", "counted", f"thread-{thread}", {"number": number})


def hold(url: str) -> None:
    """Stay in a transaction in which everything was written."""
    with open_store(url).write() as tx:
        tx.incidents.add(builders.incident(tx.incidents.next_id()))
        tx.inbox.record("Ev1", "event", {}, NOW)
        tx.audit.append(NOW, "U1", "opened", "inc-1", {})
        print("holding", flush=True)  # noqa: T201 - the signal for the test
        time.sleep(600)


def upgrade(url: str) -> None:
    """Migrate at a word."""
    print("ready", flush=True)  # noqa: T201 - the signal for the test
    sys.stdin.readline()
    migrate(url)


if __name__ == "__main__":
    {"append": append, "hold": hold, "migrate": upgrade}[sys.argv[1]](sys.argv[2])
