"""The bot as it is put together: whose task events it switches on, and by which means it hears them."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from bot import bootstrap
from bot.adapters.celery.event_switch import EventSwitch
from bot.adapters.celery.online import WorkerOnlineWatch
from bot.adapters.events.consumer import EventConsumer
from bot.adapters.events.kombu_feed import KombuFeed
from bot.domain.live import TaskEvents
from bot.domain.window import Span
from bot.ports import Ports
from bot.settings import Need, Settings, load_settings
from playground.services import RedisServer
from tests.services.sample_app import make_app
from tests.services.workers import StartWorker


def wait_for(condition: Callable[[], object], seconds: float = 20) -> None:
    """Poll until the condition holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition never came true"
        time.sleep(0.02)


class Install:
    """Settings in a folder of their own, and the ports that the bot makes of them."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._stack = folder, ExitStack()

    def load(self, clusters: str, role: str = "bot") -> tuple[Settings, Ports]:
        """Open the bot's hands on these clusters."""
        (self._folder / "oncall.yml").write_text(f"clusters: {{{clusters}}}\nroles: {{oncall: {{users: []}}}}\n")
        env = {
            "DATABASE_URL": f"sqlite:///{self._folder}/oncall.sqlite3",
            "ONCALL_CONFIG": str(self._folder / "oncall.yml"),
        }
        settings = load_settings(env, (Need.CLUSTERS,))
        bootstrap.migrate(settings)
        ports = bootstrap.make_ports(settings, role)
        self._stack.callback(bootstrap.close_ports, ports)
        return settings, ports

    def close(self) -> None:
        """Close what was opened."""
        self._stack.close()


@pytest.fixture
def install(tmp_path: Path) -> Iterator[Install]:
    """An installation whose settings a test writes."""
    made = Install(tmp_path)
    yield made
    made.close()


def cluster(name: str, more: str = "", url: str = "redis://127.0.0.1:1/0") -> str:
    """One cluster's settings."""
    return f"{name}: {{broker_url: '{url}', queues: {{celery: {{}}}}{more}}}"


@pytest.mark.parametrize(
    ("more", "switched"),
    [
        ("", True),
        (", events: {enable: false}", False),
        (", mode: observe", False),
        (", mode: observe, events: {enable: true}", True),
        (", mode: observe, events: {exchange: shopev}", False),
    ],
)
def test_task_events_are_switched_on_where_the_settings_allow_it(install: Install, more: str, switched: bool) -> None:
    """To watch alone is to change nothing, unless somebody says so."""
    settings, ports = install.load(cluster("shop", more))
    assert list(bootstrap.event_switches(settings, ports)) == (["shop"] if switched else [])


def test_the_ops_worker_switches_nothing_on_and_hears_nothing(install: Install) -> None:
    """One process of ours is enough."""
    settings, ports = install.load(cluster("shop"), "worker")
    assert not bootstrap.event_switches(settings, ports)
    assert not bootstrap.event_consumers(settings, ports)


def test_the_receiver_is_chosen_by_the_settings(install: Install) -> None:
    """The lean one, unless kombu's is asked for."""
    settings, ports = install.load(f"{cluster('a')}, {cluster('b', ', events: {receiver: kombu}')}")
    assert [type(c) for c in bootstrap.event_consumers(settings, ports)] == [EventConsumer, KombuFeed]


@pytest.mark.service
def test_a_worker_without_e_is_counted_from_its_start_on(
    redis_server: RedisServer, celery_worker: StartWorker, install: Install
) -> None:
    """Watch, switch and consumer together: nobody told the worker anything by hand, and nobody asked it first.

    The other cluster is on the same server under another prefix, and is left alone.
    """
    url = redis_server.url()
    mine, other = cluster("mine", url=url), cluster("other", ", global_keyprefix: 'o:', events: {enable: false}", url)
    settings, ports = install.load(f"{mine}, {other}")
    live, now = ports.clusters.live("mine"), ports.clock.now
    switches = bootstrap.event_switches(settings, ports)
    parts: list[EventSwitch | WorkerOnlineWatch | EventConsumer] = [
        *switches.values(),
        *bootstrap.online_watches(settings, ports, switches),
        *bootstrap.event_consumers(settings, ports),
    ]
    with ExitStack() as stack:
        for part in parts:
            part.start()
            stack.callback(part.close)
        wait_for(lambda: live.feed().connected and ports.clusters.live("other").feed().connected)
        celery_worker(url, pool="solo")
        celery_worker(url, pool="solo", env={"SAMPLE_PREFIX": "o:"})
        wait_for(lambda: [w.task_events for w in live.workers(now())] == [TaskEvents.ON])
        for env in ({"SAMPLE_BROKER_URL": url}, {"SAMPLE_BROKER_URL": url, "SAMPLE_PREFIX": "o:"}):
            make_app(env).send_task("sample.add", (1, 1)).get(timeout=20)
        wait_for(lambda: live.window(Span.MINUTE, now()).total().succeeded == 1)
        theirs = ports.clusters.live("other")
        wait_for(lambda: [w.task_events for w in theirs.workers(now())] == [TaskEvents.OFF])
        assert theirs.window(Span.MINUTE, now()).total().succeeded == 0
