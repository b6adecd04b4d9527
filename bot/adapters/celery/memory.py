"""How much memory workers take: parent and children where they run beside us, else what the parent says of itself.

A process id means something on one host, and in one container, alone. So a process is only believed to be the worker
when all agree: the host in the worker's name, when it was started, and how much processor time it has used, which no
two processes share to the tenth of a second for long.
"""

import time
from collections.abc import Mapping
from typing import Any

import psutil

from bot.adapters.celery.pidbox import Command
from bot.adapters.celery.reports import system_of
from bot.domain.broker import WorkerMemory

QUESTIONS = (Command("report"), Command("stats"), Command("ping"))

STARTING_SECONDS = 120.0
"""How long a process may take from its start to the moment from which the worker counts its uptime."""

CPU_SECONDS = 1.0
"""How much processor time it may have used between its answer and our look."""

_ELSEWHERE = "it runs on another host, where its children cannot be seen; the parent's highest is its own word"
_UNPROVEN = "no process here is surely this worker (another container?); the parent's highest is its own word"


def memory(worker: str, said: Mapping[str, Any], host: str, now: float) -> WorkerMemory:
    """Return the memory of a worker that answered `report` and `stats` at `now`, in seconds since 1970."""
    stats = said.get("stats")
    if not isinstance(stats, Mapping) or "pid" not in stats:
        return WorkerMemory(worker=worker, parent=None, why="it did not answer `stats`: busy or unreachable")
    if worker.partition("@")[2] != host:
        return _peak(worker, stats, system_of(said.get("report")), _ELSEWHERE)
    try:
        process = psutil.Process(int(stats["pid"]))
        if _is_the_worker(process, stats, now):
            children = tuple(_resident(child) for child in process.children(recursive=True))
            return WorkerMemory(
                worker=worker, parent=process.memory_info().rss, children=tuple(c for c in children if c is not None)
            )
    except (psutil.Error, ValueError, TypeError):  # gone, or not ours to look at
        pass
    return _peak(worker, stats, system_of(said.get("report")), _UNPROVEN)


def _is_the_worker(process: psutil.Process, stats: Mapping[str, Any], now: float) -> bool:
    uptime, usage = stats.get("uptime"), stats.get("rusage")
    if not isinstance(uptime, int) or not isinstance(usage, Mapping):
        return False
    began = now - uptime  # about: uptime is in whole seconds
    started = process.create_time()
    used = process.cpu_times()
    then = float(usage["utime"]) + float(usage["stime"])
    allowed = CPU_SECONDS + max(0.0, time.time() - now)
    return began - STARTING_SECONDS <= started <= began + 2 and -0.2 <= used.user + used.system - then <= allowed


def _resident(process: psutil.Process) -> int | None:
    try:
        return int(process.memory_info().rss)
    except psutil.Error:  # ended meanwhile
        return None


def _peak(worker: str, stats: Mapping[str, Any], system: str | None, why: str) -> WorkerMemory:
    """Return the parent's highest so far: getrusage counts kilobytes on Linux, and bytes on macOS."""
    usage = stats.get("rusage")
    highest = usage.get("maxrss") if isinstance(usage, Mapping) else None
    unit = {"Linux": 1024, "Darwin": 1}.get(system or "")
    if not isinstance(highest, int) or unit is None:
        return WorkerMemory(worker=worker, parent=None, why="it runs where its memory can be neither seen nor asked")
    return WorkerMemory(worker=worker, parent=highest * unit, parent_is_peak=True, why=why)
