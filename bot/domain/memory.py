"""The memory of workers from two sources: as they were asked, and as their plugins tell in heartbeats."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from bot.domain.broker import WorkerMemory
from bot.domain.live import LiveWorker

FRESH = timedelta(minutes=1)
"""How old what a plugin told may be: it measures every ten seconds, or less often where that takes long."""

_NO_CHILDREN = "its plugin cannot see its children: that takes Linux, or psutil beside the worker"


def with_plugins(
    asked: Mapping[str, WorkerMemory], heard: Iterable[LiveWorker], now: datetime
) -> dict[str, WorkerMemory]:
    """Return what was asked, and in place of it what a worker's own plugin told lately: that one sees the children.

    Where that one sees no children, and the bot does, what was asked stands.
    """
    found = dict(asked)
    for worker in heard:
        told, known = worker.memory, asked.get(worker.name)
        if told is None or worker.twins or now - told.at > FRESH:
            continue
        if told.children is None and known is not None and known.children is not None:
            continue
        found[worker.name] = WorkerMemory(
            worker=worker.name,
            parent=told.parent,
            children=told.children,
            by_plugin=True,
            why=_NO_CHILDREN if told.children is None else None,
        )
    return found
