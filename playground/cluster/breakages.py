"""What can be broken in the sample cluster, by name; each is one thing that happens to real clusters."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from playground.cluster import books, faults
from playground.cluster.workers import IMAGE_WORKER

if TYPE_CHECKING:
    from playground.cluster.cluster import Cluster

# worker1 has four slots. With these and the usual rates, 0.67 analytics tasks a second of about 3 s keep two of them;
# the other two finish some 16 stories a second, as many as come in, so the backlog stands. With analytics paused, all
# four slots finish twice as many, and the backlog falls below 500 in some 40 s (measured on two cores).
_FLOOD_RATES = {"ai_generation": 15.4, "analytics": 0.62}
_FLOOD_BURST = {"ai_generation": 1240, "analytics": 3}
_FAILING_SHARE = 0.3

USUAL_REPORTS = 30
"""Reports that are exported well before the code that hangs is deployed: how long one takes is known from them."""

STUCK_REPORTS = 60
"""Reports that hang, each in a slot: numbered from USUAL_REPORTS + 1."""

VISITS = 700
"""Quick tasks in the same queue that wait behind them, numbered from 1."""

_USUAL_WITHIN_SECONDS = 20.0
_MORE_MAILS = 3.0


@dataclass(frozen=True)
class Breakage:
    """One way to break the cluster, and the way back (None for what is over at once); `repair` says what that is."""

    name: str
    text: str
    happen: "Callable[[Cluster], Awaitable[None]]"
    mend: "Callable[[Cluster], Awaitable[None]] | None" = None
    repair: str = ""


async def _flood(cluster: "Cluster") -> None:
    await cluster.burst(_FLOOD_BURST)
    await cluster.add_traffic("flood", _FLOOD_RATES)


async def _end_flood(cluster: "Cluster") -> None:
    await cluster.end_traffic("flood")


async def _fail_stories(cluster: "Cluster") -> None:
    await cluster.add_traffic("failures", {"ai_generation": 4.0}, failing={"ai_generation": _FAILING_SHARE})


async def _end_failures(cluster: "Cluster") -> None:
    await cluster.end_traffic("failures")


async def _lose_image_worker(cluster: "Cluster") -> None:
    if cluster.workers[IMAGE_WORKER].alive:  # the cluster may have been started without it
        cluster.workers[IMAGE_WORKER].kill()


async def _start_image_worker(cluster: "Cluster") -> None:
    await cluster.start_worker(IMAGE_WORKER)


async def _freeze_worker1(cluster: "Cluster") -> None:
    cluster.workers["worker1"].pause()


async def _thaw_worker1(cluster: "Cluster") -> None:
    cluster.workers["worker1"].resume()


async def _freeze_redis(cluster: "Cluster") -> None:
    cluster.redis.pause()


async def _thaw_redis(cluster: "Cluster") -> None:
    cluster.redis.resume()


async def _restart_worker1(cluster: "Cluster") -> None:
    await cluster.restart_worker("worker1")


def _reports(first: int, n: int) -> list[tuple[str, dict[str, object]]]:
    return [("analytics.export_report", {"number": first + i, "month": "October"}) for i in range(n)]


async def _hang_reports(cluster: "Cluster") -> None:
    await cluster.publish(_reports(1, USUAL_REPORTS))
    deadline = time.monotonic() + _USUAL_WITHIN_SECONDS
    while len(books.read(cluster.folder).get("analytics.export_report", ())) < USUAL_REPORTS:
        if time.monotonic() > deadline:  # worker1 is hung or gone: then all of them will hang
            break
        await asyncio.sleep(0.1)
    faults.begin(cluster.folder, faults.REPORTS_HANG)
    stuck = _reports(USUAL_REPORTS + 1, STUCK_REPORTS)
    visits: list[tuple[str, dict[str, object]]] = [("analytics.count_visits", {"number": i + 1}) for i in range(VISITS)]
    # The first ones take every slot; the others lie between the visits.
    first, others = stuck[:8], stuck[8:]
    each = VISITS // len(others)
    mixed = [job for i, report in enumerate(others) for job in (report, *visits[i * each : (i + 1) * each])]
    await cluster.publish([*first, *mixed, *visits[each * len(others) :]])


async def _deploy_reports(cluster: "Cluster") -> None:
    faults.end(cluster.folder, faults.REPORTS_HANG)
    await cluster.restart_worker("worker1")


async def _stop_mail(cluster: "Cluster") -> None:
    faults.begin(cluster.folder, faults.MAIL_DOWN)
    await cluster.add_traffic("mails", {"notifications": _MORE_MAILS})


async def _start_mail(cluster: "Cluster") -> None:
    faults.end(cluster.folder, faults.MAIL_DOWN)
    await cluster.end_traffic("mails")


BREAKAGES: dict[str, Breakage] = {
    breakage.name: breakage
    for breakage in (
        Breakage("backlog", "Flood ai_generation while analytics keeps half of worker1 busy", _flood, _end_flood),
        Breakage(
            "image worker gone", "Kill the only consumer of image_processing", _lose_image_worker, _start_image_worker
        ),
        Breakage("worker1 hung", "Freeze worker1: alive, but silent", _freeze_worker1, _thaw_worker1),
        Breakage(
            "redis stopped", "Freeze Redis: it accepts connections and answers nothing", _freeze_redis, _thaw_redis
        ),
        Breakage("stories failing", "Let three of ten story generations fail", _fail_stories, _end_failures),
        Breakage(
            "stuck tasks",
            "Stuck tasks: report exports hang, and analytics waits behind them",
            _hang_reports,
            _deploy_reports,
            "Deploy the fix for report exports: worker1 restarts",
        ),
        Breakage(
            "failing task",
            "Failing task: the mail server is down, notifications.send fails",
            _stop_mail,
            _start_mail,
            "Bring the mail server back",
        ),
        Breakage("restart worker1", "Restart worker1, as a deployment would", _restart_worker1),
    )
}
