"""Rate limits as workers have them: read by `registered`, set by `rate_limit` (celery's `worker/control.py`).

`registered` shows a limit as `shop.mail [rate_limit=10/m]`. A worker with `worker_disable_rate_limits` says ok to a new
limit and heeds none; its settings (`conf`) tell.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import redis

from bot.adapters.celery.pidbox import Command
from bot.adapters.celery.watched import WatchedCluster
from bot.domain.rates import RatesFound

ANSWER_SECONDS = 2.0

BEFORE = "oncall_rate_before"
"""The attribute of a task that the worker plugin limited when its worker started: what the application had set."""

_LIMITED = re.compile(rf"(?P<task>.+?) \[(?:rate_limit=(?P<rate>.*?))? ?(?:{BEFORE}=(?P<before>.*))?\]")


class CeleryRates:
    """The rate limits of one cluster. Used from many threads."""

    def __init__(self, watched: WatchedCluster) -> None:
        """Do no I/O."""
        self._watched = watched

    def of(self, task: str, workers: Sequence[str], deadline: float = 2.0) -> RatesFound:
        """Return what these workers say. Raises ClusterUnreachable."""
        wanted = set(workers)
        if not wanted:
            return RatesFound()
        commands = [Command("registered", {"taskinfoitems": ["rate_limit", BEFORE]}), Command("conf")]

        def work(client: "redis.Redis", until: float) -> Mapping[str, Mapping[str, Any]]:
            replies = self._watched.pidbox.ask(
                client,
                commands,
                until,
                lambda r: all({"registered", "conf"} <= r.by_node.get(w, {}).keys() for w in wanted),
                destination=sorted(wanted),
            )
            return replies.by_node

        said = self._watched.broker.read(work, deadline)
        known = {w: _rates(said[w].get("registered")) for w in wanted & said.keys()}
        return RatesFound(
            rates={w: rates[task][0] for w, rates in known.items() if rates is not None and task in rates},
            before={
                w: had for w, rates in known.items() if rates and (had := rates.get(task, (None, None))[1]) is not None
            },
            strangers=frozenset(w for w, rates in known.items() if rates is not None and task not in rates),
            unlimited=frozenset(w for w in known if _unlimited(said[w].get("conf"))),
            tasks=frozenset(t for rates in known.values() for t in rates or ()),
        )

    def set(self, task: str, rate: str | None, workers: Sequence[str]) -> Mapping[str, str]:
        """Tell exactly these workers. Raises ClusterUnreachable (nothing was sent) or EffectUncertain."""
        wanted = set(workers)
        if not wanted:
            return {}

        def work(client: "redis.Redis", until: float) -> dict[str, str]:
            replies = self._watched.pidbox.ask(
                client,
                [Command("rate_limit", {"task_name": task, "rate_limit": rate})],
                until,
                lambda r: wanted <= r.by_node.keys(),
                destination=sorted(wanted),
            )
            return {w: _reply(replies.by_node.get(w, {}).get("rate_limit")) for w in wanted}

        what = f"“limit {task} to {rate or 'no rate'}” to {', '.join(sorted(wanted))}"
        return self._watched.broker.effect(what, work, ANSWER_SECONDS)


def _rates(said: object) -> dict[str, tuple[str | None, str | None]] | None:
    """Return the limit of each task that a worker knows, and the one before its plugin's; None where it did not say."""
    if not isinstance(said, list):
        return None
    found: dict[str, tuple[str | None, str | None]] = {}
    for line in map(str, said):
        limited = _LIMITED.fullmatch(line)
        found[limited["task"] if limited else line] = (
            (limited["rate"] or None, limited["before"]) if limited else (None, None)
        )
    return found


def _unlimited(conf: object) -> bool:
    return isinstance(conf, Mapping) and bool(conf.get("worker_disable_rate_limits"))


def _reply(said: object) -> str:
    if isinstance(said, Mapping):
        return str(said.get("error") or "ok")
    return "no reply" if said is None else "ok"
