"""Looks at everything around an installation at once, and says what is wrong with it, each with its fix."""

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

from bot import bootstrap
from bot.adapters import prometheus
from bot.adapters.celery.examination import examine_cluster, examine_ops, ops_connection
from bot.adapters.discovery import DiscoveredRegistry
from bot.adapters.expressions import JinjaExpressions
from bot.adapters.http import ConfiguredPages
from bot.adapters.sql import open_store
from bot.domain.approval import Policy
from bot.domain.diagnosed import Diagnosed, bad, ok
from bot.domain.errors import OncallError, OutsideUnreachable, StoreUnavailable
from bot.domain.wording import counted
from bot.settings import PrometheusSettings, Settings
from bot.settings.urls import shown
from bot.slack.examination import examine as examine_slack

SECONDS = 10.0
"""How long all of it may take."""

CLUSTER_SECONDS = 5.0
"""How long one cluster is looked at: workers that work send a heartbeat every two seconds."""

Look = Callable[[], Iterable[Diagnosed]]


@dataclass(frozen=True)
class Section:
    """What was found in one place."""

    title: str
    found: tuple[Diagnosed, ...]


def examine(settings: Settings, seconds: float = SECONDS) -> list[Section]:
    """Look everywhere side by side, for `seconds` at most; a failure in one place hides nothing in another."""
    looks: dict[str, Look] = {"Slack": partial(_slack, settings)}
    looks |= {f"Cluster {name}": partial(_cluster, settings, name) for name in settings.specs}
    looks |= {
        "Ops worker": partial(_ops, settings),
        "Database": partial(_database, settings),
        "Runbooks": partial(_runbooks, settings),
    }
    looks |= {f"Prometheus {name}": partial(_prometheus, server) for name, server in settings.prometheus.items()}
    looks |= {f"Pages of {name}": partial(_pages, settings, name) for name, pages in settings.pages.items() if pages}
    return side_by_side(looks, seconds)


def side_by_side(looks: Mapping[str, Look], seconds: float) -> list[Section]:
    """Run each look in a thread of its own, which nobody waits for when the time is over."""
    found: dict[str, tuple[Diagnosed, ...]] = {}

    def run(title: str) -> None:
        found[title] = _found(looks[title])

    threads = [threading.Thread(target=run, args=(title,), name=title, daemon=True) for title in looks]
    deadline = time.monotonic() + seconds
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    late = bad(f"This took longer than {seconds:g} s and was given up; see whether the network is slow, and try again.")
    return [Section(title, found.get(title, (late,))) for title in looks]


def _found(look: Look) -> tuple[Diagnosed, ...]:
    try:
        return tuple(look())
    except OncallError as e:
        return (bad(str(e)),)
    except Exception as e:  # noqa: BLE001 - a mistake of ours in one look must not hide what the others find
        return (bad(f"This could not be looked at: {e!r}; please report that, it is a mistake in celery-oncall."),)


# --- the looks -------------------------------------------------------------------------------------------------------


def _slack(settings: Settings) -> list[Diagnosed]:
    return asyncio.run(examine_slack(bootstrap.slack_config(settings), asked_of_roles(settings.policy())))


def asked_of_roles(policy: Policy) -> Mapping[str, int]:
    """Return every role that the policy names, with how many of its people it asks for at most."""
    asked = Counter({policy.acting: 1})
    for alternatives in policy.consent.values():
        for way in alternatives:
            asked[way.by] = max(asked[way.by], way.approve)
    return asked


def _cluster(settings: Settings, name: str) -> list[Diagnosed]:
    connection = bootstrap.connection(name, settings.broker(name))
    return examine_cluster(connection, settings.spec(name), CLUSTER_SECONDS)


def _ops(settings: Settings) -> list[Diagnosed]:
    watched = [bootstrap.connection(name, settings.broker(name)) for name in settings.specs]
    return examine_ops(ops_connection(settings.ops_broker_url, settings.ops_broker_tls), watched, CLUSTER_SECONDS)


def _database(settings: Settings) -> list[Diagnosed]:
    try:
        open_store(settings.database_url).close()
    except StoreUnavailable as e:
        return [bad(f"The database does not answer ({e.why}); check DATABASE_URL, and what it names.")]
    return [ok(f"The database ({shown(settings.database_url)}) answers and is at the newest revision.")]


def _runbooks(settings: Settings) -> list[Diagnosed]:
    loaded = bootstrap.runbooks(settings, DiscoveredRegistry(), JinjaExpressions())
    n = len(loaded.all())
    return [*(bad(str(problem)) for problem in loaded.problems), ok(f"{counted(n, 'runbook')} can be used.")]


def _prometheus(server: PrometheusSettings) -> list[Diagnosed]:
    address = shown(server.url)
    if trouble := prometheus.trouble(bootstrap.prometheus_server(server)):
        place = f"{server.url_from} ({address})" if server.url_from else address
        return [bad(f"Prometheus cannot be asked: {trouble}; check {place}, or take it out of the settings.")]
    return [ok(f"Prometheus ({address}) answers.")]


def _pages(settings: Settings, cluster: str) -> list[Diagnosed]:
    pages = settings.pages[cluster]
    asked = ConfiguredPages(settings.pages)
    with ThreadPoolExecutor(max_workers=len(pages)) as threads:  # each ends by itself, after 3 s at most
        return list(threads.map(partial(_page, asked, cluster), pages, pages.values()))


def _page(asked: ConfiguredPages, cluster: str, page: str, url: str) -> Diagnosed:
    """Look whether a page can be asked; whether it answers as it should is what checks are for."""
    try:
        answer = asked.page(cluster, page)
    except OutsideUnreachable as e:
        return bad(f"`{page}` ({shown(url)}) cannot be asked: {e.why}; check its address under `clusters.{cluster}`.")
    if answer.status in (401, 403, 404):
        return bad(f"`{page}` ({shown(url)}) answers {answer.status}; check its path, user and password.")
    return ok(f"`{page}` ({shown(url)}) answers {answer.status}.")
