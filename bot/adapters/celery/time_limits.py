"""Time limits as workers have them: read by `registered`, set by `time_limit`, made to hold by `pool_restart`.

A worker copies the limits of a task when it begins to consume (celery's `create_request_cls`), and looks at the task
itself no more. `time_limit` changes the task alone; `pool_restart` has the copy made anew, before it replaces the
processes of a prefork pool (`WorkController.reload`). A worker hears commands in the order in which they are sent: one
that shows a limit that was sent together with a restart has met the restart, too, and a process that is new since tells
that the restart went as far as the processes, which come after the copy. If its connection broke in between, it began
to consume anew, which makes the copy as well.
`registered` shows what the task says: `shop.mail [soft_time_limit=30 time_limit=60 rate_limit=10/m]`.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import redis

from bot.adapters.celery.pidbox import Command
from bot.adapters.celery.watched import WatchedCluster
from bot.domain.rates import per_second
from bot.domain.time_limits import TimeLimits, TimeLimitsFound

ANSWER_SECONDS = 2.0

_ASKED = (
    Command("registered", {"taskinfoitems": ["soft_time_limit", "time_limit", "rate_limit"]}),
    Command("conf"),
    Command("stats"),
)
_SAYS = re.compile(r"(?P<task>.+?) \[(?P<items>\w+=[^\]]*)\]")


class CeleryTimeLimiting:
    """The time limits of one cluster's tasks. Used from many threads."""

    def __init__(self, watched: WatchedCluster) -> None:
        """Do no I/O."""
        self._watched = watched

    def of(self, task: str, workers: Sequence[str], deadline: float = 2.0) -> TimeLimitsFound:
        """Return what these workers say. Raises ClusterUnreachable."""
        wanted, methods = set(workers), {c.method for c in _ASKED}
        if not wanted:
            return TimeLimitsFound()

        def work(client: "redis.Redis", until: float) -> Mapping[str, Mapping[str, Any]]:
            replies = self._watched.pidbox.ask(
                client,
                _ASKED,
                until,
                lambda r: all(methods <= r.by_node.get(w, {}).keys() for w in wanted),
                destination=sorted(wanted),
            )
            return replies.by_node

        said = self._watched.broker.read(work, deadline)
        here = sorted(wanted & said.keys())
        known = {w: tasks for w in here if (tasks := _tasks(said[w].get("registered"))) is not None}
        return TimeLimitsFound(
            limits={w: _limits(tasks[task]) for w, tasks in known.items() if task in tasks},
            strangers=frozenset(w for w, tasks in known.items() if task not in tasks),
            restartable=frozenset(w for w in here if _restartable(said[w].get("conf"))),
            processes={w: _processes(said[w].get("stats")) for w in here},
            pools={w: _pool_limits(said[w].get("stats")) for w in here},
            rated={w: frozenset(t for t, says in tasks.items() if _rated(says)) for w, tasks in known.items()},
            tasks=frozenset(t for tasks in known.values() for t in tasks),
        )

    def set(self, task: str, limits: TimeLimits, worker: str) -> str:
        """Tell exactly this worker. Raises ClusterUnreachable (nothing was sent) or EffectUncertain."""
        commands = [
            Command("time_limit", {"task_name": task, "soft": limits.soft, "hard": limits.hard}),
            Command("pool_restart", {"modules": []}),  # none: by default it imports what is not imported yet
        ]

        def work(client: "redis.Redis", until: float) -> str:
            replies = self._watched.pidbox.ask(
                client, commands, until, lambda r: "pool_restart" in r.by_node.get(worker, {}), destination=[worker]
            )
            said = replies.by_node.get(worker, {})
            return "; ".join(_reply(said.get(c.method)) for c in commands)

        what = f"“limit {task} to {limits.in_words()}, and restart the pool” to {worker}"
        return self._watched.broker.effect(what, work, ANSWER_SECONDS)


def _tasks(said: object) -> dict[str, dict[str, str]] | None:
    """Return what each task that a worker knows says of itself; None where the worker did not say."""
    if not isinstance(said, list):
        return None
    found: dict[str, dict[str, str]] = {}
    for line in map(str, said):
        says = _SAYS.fullmatch(line)
        items = (item.partition("=") for item in says["items"].split(" ")) if says else ()
        found[says["task"] if says else line] = {key: value for key, _, value in items}
    return found


def _limits(says: Mapping[str, str]) -> TimeLimits:
    return TimeLimits(soft=_seconds(says.get("soft_time_limit")), hard=_seconds(says.get("time_limit")))


def _rated(says: Mapping[str, str]) -> bool:
    return per_second(says.get("rate_limit", "")) > 0


def _seconds(text: str | None) -> float | None:
    try:
        return float(text) if text else None
    except ValueError:
        return None


def _restartable(conf: object) -> bool:
    return isinstance(conf, Mapping) and bool(conf.get("worker_pool_restarts"))


def _pool_limits(stats: object) -> TimeLimits:
    """Return the limits of the pool itself; Celery says 0 for none."""
    pool = stats.get("pool") if isinstance(stats, Mapping) else None
    said = pool.get("timeouts") if isinstance(pool, Mapping) else None
    if not (isinstance(said, list) and len(said) == 2 and all(isinstance(n, int | float) for n in said)):
        return TimeLimits()
    return TimeLimits(soft=said[0] or None, hard=said[1] or None)


def _processes(stats: object) -> frozenset[int]:
    pool = stats.get("pool") if isinstance(stats, Mapping) else None
    pids = pool.get("processes") if isinstance(pool, Mapping) else None
    return frozenset(p for p in pids if isinstance(p, int)) if isinstance(pids, list) else frozenset()


def _reply(said: object) -> str:
    if isinstance(said, Mapping):
        return str(said.get("error") or said.get("ok") or said)
    return "no reply" if said is None else str(said)
