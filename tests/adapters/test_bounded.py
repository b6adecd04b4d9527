"""Threads that work for callers who may go on without them."""

import subprocess
import sys
import threading

import pytest

from bot.adapters.bounded import Bounded

FORKED = """
import os
from bot.adapters.bounded import Bounded
bounded = Bounded(limit=1)
bounded.run(lambda: None, 5)
if not (child := os.fork()):
    print(bounded.run(lambda: "done", 5), flush=True)
    os._exit(0)
os.waitpid(child, 0)
"""


def test_calls_one_behind_the_other_share_a_thread() -> None:
    """It waits for the next one, also when a call has failed."""
    bounded, idents = Bounded(limit=2), set()
    for _ in range(20):
        idents.add(bounded.run(threading.get_ident, 5))
        with pytest.raises(ZeroDivisionError):
            bounded.run(lambda: 1 // 0, 5)
    assert len(idents) < 20


def test_calls_at_once_have_a_thread_each() -> None:
    """One that waits for another does not wait for its thread."""
    bounded, meet = Bounded(limit=2), threading.Barrier(2, timeout=5)
    other = threading.Thread(target=bounded.run, args=(meet.wait, 5))
    other.start()
    bounded.run(meet.wait, 5)
    other.join(5)
    assert not meet.broken


def test_a_forked_process_has_threads_of_its_own() -> None:
    """The ops worker forks; threads that waited in its parent do not exist in it."""
    ended = subprocess.run([sys.executable, "-c", FORKED], capture_output=True, text=True, timeout=60, check=True)
    assert ended.stdout == "done\n"
