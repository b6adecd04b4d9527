"""The one composition root: the only place that names adapters."""

import asyncio
import os
import signal
import socket
from collections.abc import Mapping
from contextlib import AsyncExitStack
from functools import partial
from importlib import resources
from pathlib import Path

import structlog

from bot.adapters.celery.archives import CeleryArchives
from bot.adapters.celery.connection import ClusterConnection
from bot.adapters.celery.connections import CeleryConnections
from bot.adapters.celery.control import CeleryClusterControl
from bot.adapters.celery.diagnostics import CeleryDiagnostics
from bot.adapters.celery.dispatcher import CeleryDispatcher
from bot.adapters.celery.event_switch import EventSwitch, sightings
from bot.adapters.celery.old_results import CeleryOldResults
from bot.adapters.celery.online import WorkerOnlineWatch
from bot.adapters.celery.orders import CeleryOrders
from bot.adapters.celery.orphans import CeleryOrphans
from bot.adapters.celery.rates import CeleryRates
from bot.adapters.celery.requeues import CeleryRequeues
from bot.adapters.celery.revokes import CeleryRevokes
from bot.adapters.celery.schedules import CelerySchedules
from bot.adapters.celery.time_limits import CeleryTimeLimiting
from bot.adapters.celery.watched import WatchedCluster
from bot.adapters.clock import SystemClock
from bot.adapters.clusters import ConfiguredClusters
from bot.adapters.discovery import DiscoveredRegistry
from bot.adapters.events.consumer import EventConsumer
from bot.adapters.events.kombu_feed import KombuFeed
from bot.adapters.events.recorder import Recorder
from bot.adapters.events.serialized import read_other
from bot.adapters.expressions import JinjaExpressions
from bot.adapters.http import ConfiguredPages
from bot.adapters.memories import KeptMemories
from bot.adapters.prometheus import PrometheusServer, PrometheusServers
from bot.adapters.roles import StoredRoles
from bot.adapters.runbook_files import RunbookFiles
from bot.adapters.samples import MemorySamples
from bot.adapters.sql import SqlStore, open_store
from bot.adapters.sql import migrate as migrate_url
from bot.logs import set_up_logs as set_up_structlog
from bot.ports import Clock, Means, Metrics, NoHttp, NoMetrics, Ports
from bot.settings import BrokerSettings, PrometheusSettings, Settings
from bot.slack.app import SlackShell
from bot.slack.config import RoleSource, SlackConfig
from bot.usecases import history
from bot.usecases.rates import limit_new_worker
from bot.usecases.reconcile import hold_new_worker
from bot.usecases.revokes import tell_new_worker
from bot.web.server import WebServer

log = structlog.get_logger(__name__)


def set_up_logs(settings: Settings) -> None:
    """Send this process's log lines where and how the settings say."""
    set_up_structlog(settings.log.level, as_json=settings.log.format == "json")


def migrate(settings: Settings) -> None:
    """Bring the database to the newest revision, under a lock."""
    migrate_url(settings.database_url)


def store(settings: Settings) -> SqlStore:
    """Open the database; raises BadInput or StoreUnavailable in words."""
    return open_store(settings.database_url)


def make_ports(settings: Settings, role: str) -> Ports:
    """Return everything outside for one process; `role` names it in claims and leases ("bot", "worker")."""
    clock, database = SystemClock(), store(settings)
    registry = DiscoveredRegistry()
    expressions = JinjaExpressions()
    controls = {
        name: CeleryClusterControl(connection(name, settings.broker(name)), spec, clock)
        for name, spec in settings.specs.items()
    }
    return Ports(
        clock=clock,
        store=database,
        clusters=ConfiguredClusters(
            settings.specs,
            controls,
            settings.channels,
            means={
                name: _means(control.watched, clock, settings.broker(name).event_exchange)
                for name, control in controls.items()
            },
            lives={name: Recorder(clock) for name in settings.specs} if role == "bot" else {},
            diagnostics={name: CeleryDiagnostics(control.watched, clock) for name, control in controls.items()},
        ),
        samples=MemorySamples(),
        dispatcher=CeleryDispatcher(settings.ops_broker_url, settings.ops_broker_tls),
        runbooks=runbooks(settings, registry, expressions),
        expressions=expressions,
        registry=registry,
        policy=settings.policy(),
        roles=StoredRoles(database),
        owner=f"{role}@{socket.gethostname()}:{os.getpid()}",
        metrics=metrics(settings),
        memories=KeptMemories(),
        http=ConfiguredPages(settings.pages) if any(settings.pages.values()) else NoHttp(),
    )


def _means(watched: WatchedCluster, clock: Clock, event_exchange: str) -> Means:
    return Means(
        archives=CeleryArchives(watched),
        revokes=CeleryRevokes(watched),
        connections=CeleryConnections(watched),
        requeues=CeleryRequeues(watched, clock),
        schedules=CelerySchedules(watched),
        rates=CeleryRates(watched),
        time_limits=CeleryTimeLimiting(watched),
        old_results=CeleryOldResults(watched, clock),
        orders=CeleryOrders(watched, clock),
        orphans=CeleryOrphans(watched, event_exchange),
    )


def close_ports(ports: Ports) -> None:
    """Close what `make_ports` opened."""
    for name in ports.clusters.names():
        control = ports.clusters.control(name)
        if isinstance(control, CeleryClusterControl):
            control.close()
        diagnostics = ports.clusters.diagnostics(name)
        if isinstance(diagnostics, CeleryDiagnostics):
            diagnostics.close()
        means = ports.clusters.means(name)
        for part in (means.revokes, means.requeues, means.old_results):
            if isinstance(part, CeleryRevokes | CeleryRequeues | CeleryOldResults):
                part.close()
    if isinstance(ports.dispatcher, CeleryDispatcher):
        ports.dispatcher.close()
    if isinstance(ports.store, SqlStore):
        ports.store.close()


def metrics(settings: Settings) -> Metrics:
    """Return the configured Prometheus servers."""
    servers = {name: prometheus_server(server) for name, server in settings.prometheus.items()}
    return PrometheusServers(servers) if servers else NoMetrics()


def prometheus_server(server: PrometheusSettings) -> PrometheusServer:
    """Return how a Prometheus server is asked."""
    return PrometheusServer(
        url=server.url,
        timeout=server.timeout,
        retries=server.retries,
        verify=server.verify,
        ca_file=server.ca_file,
        cert_file=server.cert_file,
        key_file=server.key_file,
    )


def connection(name: str, broker: BrokerSettings) -> ClusterConnection:
    """Return how a cluster is reached."""
    return ClusterConnection(
        name=name,
        broker_url=broker.broker_url,
        result_backend=broker.result_backend,
        global_keyprefix=broker.global_keyprefix,
        sep=broker.sep,
        priority_steps=broker.priority_steps,
        visibility_timeout=broker.visibility_timeout,
        result_keyprefix=broker.result_keyprefix,
        tls=broker.tls,
    )


def runbooks(settings: Settings, registry: DiscoveredRegistry, expressions: JinjaExpressions) -> RunbookFiles:
    """Return the shipped runbooks and the team's own."""
    return RunbookFiles(runbook_folders(settings), registry, expressions)


def runbook_folders(settings: Settings) -> tuple[Path, ...]:
    """Return the team's own folder, if any, after the shipped ones."""
    shipped = Path(str(resources.files("runbooks")))
    return (shipped, settings.runbooks) if settings.runbooks else (shipped,)


def run_bot(settings: Settings) -> None:
    """Run the bot until SIGTERM or SIGINT. Raises OncallError in words when it cannot start."""
    set_up_logs(settings)
    ports = make_ports(settings, "bot")
    try:
        asyncio.run(_run_bot(settings, ports))
    finally:
        close_ports(ports)


async def _run_bot(settings: Settings, ports: Ports) -> None:
    shell = SlackShell(ports, slack_config(settings))
    switches = event_switches(settings, ports)
    watches: list[WorkerOnlineWatch | EventConsumer | EventSwitch] = [*switches.values()]
    watches += [*online_watches(settings, ports, switches), *event_consumers(settings, ports)]
    slack_requests = None if settings.slack.socket else shell.http
    await asyncio.to_thread(restore_history, ports)  # before anything is heard or sampled
    async with AsyncExitStack() as stack:
        for watch in watches:
            watch.start()
            stack.callback(watch.close)
        web = WebServer(shell.readiness, slack=slack_requests, host=settings.web.host, port=settings.web.port)
        await web.start()
        stack.push_async_callback(web.close)
        log.info("bot started", web=f"http://{settings.web.host}:{web.port}", owner=ports.owner)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, lambda: loop.create_task(shell.close()))
        await shell.run()


def restore_history(ports: Ports) -> None:
    """Give back what was known before a restart; without it the bot starts all the same, and knows less at first."""
    for name in ports.clusters.names():
        try:
            history.restore(ports, name)
        except Exception:
            log.exception("history not restored", cluster=name)


def online_watches(
    settings: Settings, ports: Ports, switches: Mapping[str, EventSwitch] | None = None
) -> list[WorkerOnlineWatch]:
    """Return one watch for each cluster: a worker that starts during a pause is held at once, not at the next sweep.

    It is told by its cluster's switch to send task events, too.
    """

    def greet(name: str, worker: str) -> None:
        if switches and name in switches:
            switches[name].came_online(worker)
        hold_new_worker(ports, name, worker)
        tell_new_worker(ports, name, worker)
        limit_new_worker(ports, name, worker)

    return [
        WorkerOnlineWatch(
            connection(name, settings.broker(name)), partial(greet, name), settings.broker(name).event_exchange
        )
        for name in settings.specs
    ]


def event_switches(settings: Settings, ports: Ports) -> dict[str, EventSwitch]:
    """Return what switches task events on, for each cluster whose events are heard here and whose settings allow it."""
    found = {}
    for name in settings.specs:
        broker, live = settings.broker(name), ports.clusters.live(name)
        if broker.enable_events and isinstance(live, Recorder):
            known = partial(sightings, ports, name)
            found[name] = EventSwitch(connection(name, broker), known, live.events_confirmed)
    return found


def event_consumers(settings: Settings, ports: Ports) -> list[EventConsumer]:
    """Return what fills the live state of each cluster that has one here; it asks the workers after every gap."""
    recorders = {name: live for name in settings.specs if isinstance(live := ports.clusters.live(name), Recorder)}
    return [_event_consumer(settings, ports, name, recorder) for name, recorder in recorders.items()]


def _event_consumer(settings: Settings, ports: Ports, name: str, recorder: Recorder) -> EventConsumer:
    broker, resync = settings.broker(name), ports.clusters.control(name).snapshot
    way, exchange = connection(name, broker), broker.event_exchange
    if broker.event_receiver == "kombu":
        return KombuFeed(way, recorder, ports.clock, exchange=exchange, resync=resync)
    return EventConsumer(way, recorder, ports.clock, exchange=exchange, resync=resync, read_other=read_other)


def slack_config(settings: Settings) -> SlackConfig:
    """Return what the Slack shell needs to be told."""
    return SlackConfig(
        bot_token=settings.slack.bot_token,
        app_token=settings.slack.app_token if settings.slack.socket else "",
        signing_secret=settings.slack.signing_secret,
        api_url=settings.slack.api_url,
        channels=tuple(settings.channels),
        alert_senders=settings.alert_senders,
        roles={name: RoleSource(people=r.people, groups=r.groups) for name, r in settings.roles.items()},
    )
