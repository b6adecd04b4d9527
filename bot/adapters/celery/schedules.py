"""Beat's schedule as it stands in the settings that workers share with beat.

A worker answers `conf` with what its application sets (celery's `worker/control.py` and `app/utils.py`), schedules as
their `repr`. Of a reply nothing is kept but the entries that lead into the queue that was asked for. An entry's queue
is that of its options, else the first route that fits its task, else the default queue: as Celery's `app/routes.py`
has it, but for routes that are functions.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

import redis

from bot.adapters.celery.pidbox import Command
from bot.adapters.celery.watched import WatchedCluster
from bot.domain.duration import lasting
from bot.domain.periodic import Periodic, Refills

ASKED = 3
"""Workers that are asked at once: all of one application have the same settings, and the first answer does."""

_CRONTAB = re.compile(r"<crontab: (.+?) \(")
_SPAN = re.compile(r"(?:(\d+) days?, )?(\d+):(\d\d):(\d\d)(?:\.\d+)?")
_FREQUENCY = re.compile(r"<freq: (.+)>")


class CelerySchedules:
    """The schedule of one cluster. Used from many threads."""

    def __init__(self, watched: WatchedCluster) -> None:
        """Do no I/O."""
        self._watched = watched

    def into(self, queue: str, workers: Sequence[str], deadline: float = 1.0) -> Refills:
        """Return what beat sends into a queue. Raises ClusterUnreachable."""
        asked = list(workers[:ASKED])
        if not asked:
            return Refills()

        def work(client: "redis.Redis", until: float) -> tuple[str, Any] | None:
            replies = self._watched.pidbox.ask(
                client, [Command("conf")], until, lambda r: bool(r.by_node), destination=asked
            )
            return next(((node, said.get("conf")) for node, said in replies.by_node.items()), None)

        told = self._watched.broker.read(work, deadline)
        if told is None or not isinstance(told[1], Mapping):
            return Refills()
        worker, conf = told
        return Refills(entries=tuple(_entries(conf, queue)), told_by=worker)


def _entries(conf: Mapping[str, Any], queue: str) -> Iterable[Periodic]:
    schedule = conf.get("beat_schedule")
    for name, entry in (schedule if isinstance(schedule, Mapping) else {}).items():
        if isinstance(entry, Mapping) and isinstance(entry.get("task"), str) and _queue(entry, conf) == queue:
            yield Periodic(name=str(name), task=entry["task"], often=_often(entry.get("schedule")))


def _queue(entry: Mapping[str, Any], conf: Mapping[str, Any]) -> str:
    options = entry.get("options")
    for said in (options, *_routes(entry["task"], conf.get("task_routes"))):
        if isinstance(said, str):
            return said
        if isinstance(said, Mapping) and (found := said.get("queue") or said.get("routing_key")):
            return str(found.get("name") if isinstance(found, Mapping) else found)
    return str(conf.get("task_default_queue") or "celery")


def _routes(task: str, routes: object) -> Iterable[object]:
    """Return where a task is routed to: exact names first, then patterns in their order."""
    for some in routes if isinstance(routes, list) else [routes]:
        pairs = some.items() if isinstance(some, Mapping) else some if isinstance(some, list) else ()
        known = [(str(p[0]), p[1]) for p in pairs if isinstance(p, list | tuple) and len(p) == 2]
        yield from (to for name, to in known if name == task)
        yield from (to for name, to in known if name != task and fnmatchcase(task, name))


def _often(schedule: object) -> str:
    """Return "every 60 s", "at crontab 30 3 * * *"; the schedule as Celery shows it where it is another."""
    if isinstance(schedule, int | float):
        return f"every {lasting(round(schedule)) if schedule >= 1 else f'{schedule:g} s'}"
    said = str(schedule)
    if found := _CRONTAB.search(said):
        return f"at crontab {found.group(1)}"
    if found := _FREQUENCY.fullmatch(said):
        return f"every {found.group(1)}"
    if found := _SPAN.fullmatch(said):
        days, hours, minutes, seconds = (int(n or 0) for n in found.groups())
        return f"every {lasting(((days * 24 + hours) * 60 + minutes) * 60 + seconds)}"
    return f"by {said}"
