"""What the sample application has done, as its accounts would show it: a line for each task that ran to its end."""

from collections import Counter
from pathlib import Path

_NAME = "books"


def enter(folder: Path, task: str, number: int) -> None:
    """Enter that a task did its work, for good: one write, so that processes of one machine may do it at once."""
    with (folder / _NAME).open("a", encoding="utf-8", buffering=1) as book:
        book.write(f"{task} {number}\n")


def read(folder: Path) -> dict[str, Counter[int]]:
    """Return how often each task did the work of each number."""
    path = folder / _NAME
    done: dict[str, Counter[int]] = {}
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
        task, _, number = line.partition(" ")
        done.setdefault(task, Counter())[int(number)] += 1
    return done
