"""The bot without Slack: the ports that bootstrap makes, everything that listens, and the duties at their real pace."""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path

from bot import bootstrap
from bot.adapters.celery.event_switch import EventSwitch
from bot.adapters.celery.online import WorkerOnlineWatch
from bot.adapters.events.consumer import EventConsumer
from bot.domain.errors import OncallError
from bot.ports import Ports
from bot.settings import Need, load_settings
from bot.usecases import forecasts, history
from bot.usecases.measuring import measure, poll_memory
from bot.usecases.watching import look, sample

Duty = Callable[[Ports, str], object]

PACE: tuple[tuple[float, Duty], ...] = (
    (5.0, sample),
    (15.0, look),
    (30.0, poll_memory),
    (10.0, measure),
    (5.0, history.keep),
    (60.0, forecasts.keep),
)
"""As `bot.slack.app` has it."""


@contextmanager
def watching(folder: Path, clusters: str, *, told_of_starts: bool = True) -> Iterator[Ports]:
    """Watch these clusters, given as YAML, as the bot does, until the end.

    Without `told_of_starts` every `worker-online` is lost, as any event may be.
    """
    config = folder / "oncall.yml"
    config.write_text(f"clusters:\n{clusters}\nroles: {{oncall: {{users: []}}}}\n")
    env = {"DATABASE_URL": f"sqlite:///{folder}/oncall.sqlite3", "ONCALL_CONFIG": str(config)}
    settings = load_settings(env, (Need.CLUSTERS,))
    bootstrap.migrate(settings)
    with ExitStack() as stack:
        ports = bootstrap.make_ports(settings, "bot")
        stack.callback(bootstrap.close_ports, ports)
        bootstrap.restore_history(ports)
        switches = bootstrap.event_switches(settings, ports)
        watches: list[EventSwitch | WorkerOnlineWatch | EventConsumer] = [
            *switches.values(),
            *(bootstrap.online_watches(settings, ports, switches) if told_of_starts else ()),
            *bootstrap.event_consumers(settings, ports),
        ]
        for watch in watches:
            watch.start()
            stack.callback(watch.close)
        closed = threading.Event()
        for cluster in ports.clusters.names():
            for seconds, duty in PACE:
                _begin(partial(duty, ports, cluster), seconds, closed, stack)
        stack.callback(closed.set)
        yield ports


def _begin(duty: Callable[[], object], seconds: float, closed: threading.Event, stack: ExitStack) -> None:
    def again() -> None:
        while not closed.is_set():
            with suppress(OncallError):  # a broker that cannot be read is remembered by the duty itself
                duty()
            closed.wait(seconds)

    thread = threading.Thread(target=again, daemon=True)
    thread.start()
    stack.callback(thread.join, 10)
