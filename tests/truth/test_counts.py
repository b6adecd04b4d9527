"""Every number of every view against an independent count: two clusters on one Redis, and nothing leaks between them.

`shop` is plain, tells `task-sent` and stamps its messages; `lab` has a prefix, a separator and steps of its own, and
does neither. Queues, tasks and a worker have the same names on both. What was counted otherwise: LLEN and HVALS,
Celery's own inspect, psutil, and the books that the tasks keep themselves.
"""

import json
import math
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field

import psutil
import pytest

from bot.domain.cluster import TaskInHand
from bot.domain.live import Phase, Presence, TaskEvents
from bot.domain.targets import Quality, Reading, Standing
from bot.domain.window import BOUNDS, Figures, Histogram
from bot.ports import Ports
from bot.usecases import looks
from bot.usecases.measuring import measure, poll_memory, targets
from bot.usecases.status import status
from bot.usecases.watching import sample
from playground.services import RedisServer
from tests.services.require import require
from tests.truth.bookkeeper import FAIL, RETRY, TICK, WORK
from tests.truth.bot import watching
from tests.truth.clusters import HOST, Cluster
from tests.truth.polling import until

pytestmark = [pytest.mark.service, pytest.mark.slow, pytest.mark.timeout(300)]

SHOP_SETTINGS = """\
queues: {mail: {importance: 7}, images: {}, slow: {}, doomed: {}, nobody: {importance: 3, alert_above: 10}},
    worker_groups: {"w*": {queues: [mail]}, "gpu*": {queues: [images]}},
    targets: {
      completion: {measure: completion, target: 99.9 %, alert: 99.5 %},
      latency: {measure: queue latency, target: 100ms, alert: 500ms, percentile: 99},
      work: {measure: task duration, tasks: [shop.work], target: 200ms, alert: 300ms},
      memory: {measure: worker memory, target: 2GB, alert: 3GB},
      depth: {measure: queue depth, target: 100, alert: 500}}"""

LAB_SETTINGS = """\
queues: {mail: {}, held: {}, nobody: {}},
    targets: {
      completion: {measure: completion, target: 99.9 %, alert: 99.5 %},
      latency: {measure: queue latency, target: 100ms, alert: 500ms},
      depth: {measure: queue depth, target: 100, alert: 500}}"""

SLACK = 0.5
"""Seconds that a worker may spend around a task on a loaded machine, beyond what the task measured of itself."""


@dataclass
class Counted:
    """Both clusters with all that was done to them, and the bot that watched."""

    ports: Ports
    shop: Cluster
    lab: Cluster
    ids: dict[str, list[str]] = field(default_factory=dict)

    def figures(self, cluster: str) -> dict[tuple[str, str | None], Figures]:
        """Return the rows of `/celery tasks`."""
        view = looks.tasks(self.ports, cluster)
        return {(row.name, row.queue): row.figures for row in view.tasks}

    def total(self, cluster: str) -> Figures:
        """Return them together."""
        found = Figures()
        for row in self.figures(cluster).values():
            found = found.plus(row)
        return found


@pytest.fixture(scope="module")
def counted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Counted]:
    """Everything sent, failed, tried again, revoked, delayed, held, killed; and settled."""
    require("redis")
    folder = tmp_path_factory.mktemp("truth")
    with ExitStack() as stack:
        server = stack.enter_context(RedisServer(folder=folder))
        shop = Cluster("shop", server, folder)
        lab = Cluster("lab", server, folder, prefix="lab:", sep="|", steps=(0, 5), sent_events=False)
        for cluster in (shop, lab):
            stack.callback(cluster.kill_workers)
        ports = stack.enter_context(watching(folder, f"{shop.settings(SHOP_SETTINGS)}\n{lab.settings(LAB_SETTINGS)}"))
        made = Counted(ports, shop, lab)
        _start(made)
        _send_to_lab(made)
        _send_to_shop(made)
        _settle(made)
        yield made


def _start(made: Counted) -> None:
    """Start workers, none with `-E`: the bot switches task events on."""
    shop, lab = made.shop, made.lab
    until(lambda: all(made.ports.clusters.live(name).feed().connected for name in ("shop", "lab")))
    shop.start("w1", ["mail", "images"], concurrency=2)
    shop.start("w2", ["slow"], prefetch=1)
    shop.start("w3", ["doomed"], pool="prefork")
    lab.folder = lab.folder / "lab"
    lab.folder.mkdir()
    lab.start("w1", ["mail", "held"], concurrency=2)
    for cluster in (shop, lab):
        for worker in cluster.workers.values():
            worker.wait_ready(cluster.app, 60)
    for cluster in (shop, lab):
        until(lambda: _all_tell(made, cluster), what="task events of every worker")  # noqa: B023 - called in this turn


def _all_tell(made: Counted, cluster: Cluster) -> bool:
    heard = made.ports.clusters.live(cluster.name).workers(made.ports.clock.now())
    return {w.name for w in heard if w.task_events is TaskEvents.ON} == set(cluster.workers)


def _send_to_shop(made: Counted) -> None:
    shop, ids = made.shop, made.ids
    ids["running"] = shop.send(WORK, 900, queue="slow")
    ids["doomed"] = shop.send(WORK, 900, queue="doomed")
    ids["later"] = shop.send(TICK, queue="mail", n=3, countdown=900)
    ids["revoked"] = shop.send(TICK, queue="mail", n=2, countdown=6)
    until(lambda: shop.books.n("begun", WORK) == 2)
    until(lambda: made.figures("shop").get((TICK, "mail"), Figures()).received == 5)
    shop.app.control.revoke(ids["revoked"])
    for priority, n in ((0, 2), (3, 1), (6, 1), (9, 2)):
        shop.send(TICK, queue="slow", n=n, priority=priority)
    for priority, n in ((0, 5), (3, 3), (7, 1), (9, 2)):
        ids.setdefault("nobody", []).extend(shop.send(TICK, queue="nobody", n=n, priority=priority))
    ids["worked"] = shop.send(WORK, 0.05, queue="mail", n=12) + shop.send(WORK, 0.4, queue="images", n=4)
    ids["failed"] = shop.send(FAIL, "ValueError", queue="mail", n=5) + shop.send(FAIL, "KeyError", queue="mail", n=3)
    ids["retried"] = shop.send(RETRY, 1, queue="mail", n=2)
    doomed = shop.workers[f"w3@{HOST}"]
    doomed.kill()  # -9, in the middle of its task
    doomed.start()


def _send_to_lab(made: Counted) -> None:
    lab = made.lab
    lab.app.control.rate_limit(TICK, "1/h", destination=list(lab.workers), reply=True, timeout=10)
    lab.send(WORK, 0.02, queue="mail", n=7)
    lab.send(FAIL, "TypeError", queue="mail", n=2)
    lab.send(TICK, queue="held", n=3)
    lab.send(WORK, 5, queue="nobody", n=4, priority=0)
    lab.send(WORK, 5, queue="nobody", n=1, priority=9)


def _settle(made: Counted) -> None:
    """Wait for the books alone, then for as many ends to be heard."""
    shop, lab = made.shop.books, made.lab.books
    until(lambda: shop.n("done", WORK) == 16 and shop.n("done", RETRY) == 2, 60, "work done")
    until(lambda: shop.n("failed ValueError", FAIL) + shop.n("failed KeyError", FAIL) == 8)
    until(lambda: lab.n("done", WORK) == 7 and lab.n("failed TypeError", FAIL) == 2 and lab.n("done", TICK) == 1)
    made.shop.workers[f"w3@{HOST}"].wait_ready(made.shop.app, 60)
    until(lambda: made.total("shop").lost + made.total("shop").revoked == 3, 60, "the lost and the revoked")
    until(lambda: made.total("shop").ended == 27, what="27 ends")
    until(lambda: made.total("lab").ended == 10, what="10 ends")
    for cluster in (made.shop, made.lab):
        sample(made.ports, cluster.name)
        poll_memory(made.ports, cluster.name)
        measure(made.ports, cluster.name)


# --- status -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["shop", "lab"])
def test_status_counts_what_redis_and_celery_count(counted: Counted, name: str) -> None:
    """Depth and every lane, unacknowledged, delayed, consumers; slots, busy, held, totals of each worker."""
    cluster: Cluster = getattr(counted, name)
    view = status(counted.ports, name, fresh=True)
    assert (view.trouble, view.unknown, view.taken_at is not None) == (None, (), True)
    unacked, queues = cluster.unacked(), cluster.inspected("active_queues")
    lanes = {line.queue.name: (line.queue.depth, line.queue.lanes) for line in view.queues}
    declared = {q.name for q in counted.ports.clusters.spec(name).queues}
    assert lanes == {q: (sum(cluster.lanes(q)), cluster.lanes(q)) for q in declared}
    assert {line.queue.name: line.queue.unacked for line in view.queues} == {q: unacked[q] for q in declared}
    consumers = [said["name"] for rows in queues.values() for said in rows]
    assert {line.queue.name: line.consumers for line in view.queues} == {q: consumers.count(q) for q in declared}
    scheduled = cluster.inspected("scheduled")
    later = [row["request"] for rows in scheduled.values() for row in rows]
    for_later = [str(r["delivery_info"]["routing_key"]) for r in later]
    assert {line.queue.name: line.scheduled for line in view.queues} == {q: for_later.count(q) for q in declared}

    stats, active, reserved = (cluster.inspected(method) for method in ("stats", "active", "reserved"))
    assert {w.name for w in view.workers} == set(stats) == set(cluster.workers)
    for worker in view.workers:
        said = stats[worker.name]
        assert (worker.answered, worker.pool) == (True, "prefork")
        assert worker.slots == len(said["pool"]["processes"])
        assert worker.totals == said["total"]
        assert (worker.busy, ids(worker.active)) == (len(active[worker.name]), {t["id"] for t in active[worker.name]})
        assert ids(worker.reserved) == {t["id"] for t in reserved[worker.name]}
        assert ids(worker.scheduled) == {r["request"]["id"] for r in scheduled[worker.name]}


def ids(tasks: tuple[TaskInHand, ...] | None) -> set[str]:
    """Return the ids of tasks in hand."""
    return {t.id for t in tasks or ()}


def test_status_is_what_was_sent(counted: Counted) -> None:
    """The same numbers by arithmetic: what was sent less what was taken; and what is wrong comes first."""
    shop, lab = (status(counted.ports, name, fresh=True) for name in ("shop", "lab"))
    lines = {line.queue.name: line for line in shop.queues}
    nobody = lines["nobody"]
    assert (nobody.queue.depth, nobody.queue.lanes, nobody.queue.unacked) == (11, (5, 3, 1, 2), 0)
    assert (nobody.consumers, nobody.backed_up, nobody.importance) == (0, True, 3)
    assert (shop.orphaned, shop.missing_groups, shop.queues[0].queue.name) == (("nobody",), ("gpu*",), "nobody")
    assert (lines["slow"].queue.depth, lines["slow"].queue.unacked) == (5, 1)
    assert (lines["mail"].queue.depth, lines["mail"].scheduled, lines["mail"].queue.unacked) == (0, 3, 3)
    found = {line.queue.name: (line.queue.depth, line.queue.lanes, line.queue.unacked) for line in lab.queues}
    assert found == {"nobody": (5, (4, 1), 0), "mail": (0, (0, 0), 0), "held": (0, (0, 0), 2)}


# --- queues -----------------------------------------------------------------------------------------------------------


def test_one_queue_closely(counted: Counted) -> None:
    """What is next there and since when, how long tasks waited, what runs, who consumes; on `lab`, what is held."""
    ports, shop = counted.ports, counted.shop
    (nobody,) = looks.queues(ports, "shop", "nobody", fresh=True).queues
    assert nobody.oldest is not None
    assert (nobody.oldest.task, nobody.oldest.task_id) == (TICK, shop.waiting("nobody")[0])
    assert (nobody.consumers, nobody.running, nobody.held, nobody.wait.n) == ((), 0, 0, 0)
    stamps = [json.loads(raw)["headers"]["oncall_published_at"] for raw in shop.client.lrange("nobody", 0, -1)]
    age = ports.clock.now().timestamp() - min(stamps)
    assert nobody.oldest_estimated is None
    assert nobody.oldest_age == pytest.approx(age, abs=5)

    (slow,) = looks.queues(ports, "shop", "slow", fresh=True).queues
    assert (slow.running, slow.consumers, slow.held) == (1, (f"w2@{HOST}",), 0)
    (mail,) = looks.queues(ports, "shop", "mail", fresh=True).queues
    # A task whose start was heard before its sending has no wait.
    assert 18 <= mail.wait.n <= 22
    waited = [w for name in (WORK, FAIL, RETRY) for w in shop.books.of("waited", name)]
    assert (mail.wait.quantile(1.0) or 0) <= bound_above(max(waited) + SLACK)

    (held,) = looks.queues(ports, "lab", "held", fresh=True).queues
    assert (held.held, held.running, held.line.queue.unacked) == (2, 0, 2)
    assert held.wait.n == 0  # nobody told when tasks were sent: nothing is made up
    (theirs,) = looks.queues(ports, "lab", "nobody", fresh=True).queues
    assert (theirs.oldest.task_id if theirs.oldest else None) == counted.lab.waiting("nobody")[0]
    assert theirs.oldest_age is None or theirs.oldest_estimated


def bound_above(seconds: float) -> float:
    """Return the upper bound of the bucket that a duration falls into."""
    return next(b for b in BOUNDS if b >= seconds)


# --- workers ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["shop", "lab"])
def test_workers_by_their_heartbeats_and_their_memory(counted: Counted, name: str) -> None:
    """Accepted so far, running, process id; resident memory of parent and children as psutil has it."""
    cluster: Cluster = getattr(counted, name)
    stats, active = cluster.inspected("stats"), cluster.inspected("active")
    accepted = {worker: sum(said["total"].values()) for worker, said in stats.items()}

    def heard() -> dict[str, int | None]:
        view = looks.workers(counted.ports, name, fresh=True)
        return {d.worker.name: d.live.processed if d.live else None for d in view.workers}

    until(lambda: heard() == accepted, 10, "the heartbeats' count")
    view = looks.workers(counted.ports, name, fresh=True)
    assert view.age.trouble is None
    for detail in view.workers:
        live, memory = detail.live, detail.memory
        assert live is not None
        assert (live.presence, live.task_events, live.twins) == (Presence.ONLINE, TaskEvents.ON, False)
        assert (live.active, live.pid) == (len(active[live.name]), stats[live.name]["pid"])
        assert memory is not None
        process = psutil.Process(stats[live.name]["pid"])
        children = process.children(recursive=True)
        assert len(memory.children or ()) == len(children) == len(stats[live.name]["pool"]["processes"])
        assert memory.total == pytest.approx(sum(p.memory_info().rss for p in (process, *children)), rel=0.1)


# --- tasks ------------------------------------------------------------------------------------------------------------


MISLAID = 3
"""Tasks of one name, of 42 in all, that may be counted on the queue which that name was heard of first."""


def test_tasks_by_name_and_queue_are_what_was_sent_and_done(counted: Counted) -> None:
    """Sent, received, started, succeeded, failed, retried, revoked, lost: of `shop` on each queue, by the books."""
    books = counted.shop.books
    sent: dict[tuple[str, str | None], tuple[int, ...]] = {
        (WORK, "mail"): (12, 12, 12, 12, 0, 0, 0, 0),
        (WORK, "images"): (4, 4, 4, 4, 0, 0, 0, 0),
        (WORK, "slow"): (1, 1, 1, 0, 0, 0, 0, 0),
        (WORK, "doomed"): (1, 1, 1, 0, 0, 0, 0, 1),
        (FAIL, "mail"): (8, 8, 8, 0, 8, 0, 0, 0),
        (RETRY, "mail"): (4, 4, 4, 2, 0, 2, 0, 0),
        (TICK, "mail"): (5, 5, 0, 0, 0, 0, 2, 0),
        (TICK, "slow"): (6, 1, 0, 0, 0, 0, 0, 0),
        (TICK, "nobody"): (11, 0, 0, 0, 0, 0, 0, 0),
    }
    rows = {key: numbers(figures) for key, figures in counted.figures("shop").items()}
    # A task may have ended before its sender's event was heard: then its queue is not known. While its name was heard
    # of on one queue alone, it counts there, which on a machine that is busy elsewhere a few of a name on four may do.
    unsure = {key: found for key, found in rows.items() if key[1] is None}
    assert rows.keys() - unsure.keys() == sent.keys()
    assert sum(found[1] for found in unsure.values()) <= 14  # of 42
    for name in (WORK, FAIL, RETRY, TICK):
        assert added(rows, name) == added(sent, name)
        assert added(rows, name)[2] == books.n("begun", name)
    for key, found in sent.items():
        missing = [there - here for there, here in zip(found, rows[key], strict=True)]
        assert all(-MISLAID <= n <= m + MISLAID for n, m in zip(missing, added(unsure, key[0]), strict=True))
    view = looks.tasks(counted.ports, "shop")
    assert (view.gaps, view.feed.connected, view.feed.trouble) == ((), True, None)


def numbers(f: Figures) -> tuple[int, ...]:
    """Return what was counted in the order in which the test writes it."""
    return (f.sent, f.received, f.started, f.succeeded, f.failed, f.retried, f.revoked, f.lost)


def added(rows: Mapping[tuple[str, str | None], tuple[int, ...]], name: str) -> tuple[int, ...]:
    """Return the numbers of one task name over all queues."""
    return tuple(map(sum, zip((0,) * 8, *(found for (of, _), found in rows.items() if of == name), strict=True)))


def test_nothing_of_one_cluster_is_counted_on_the_other(counted: Counted) -> None:
    """The same names on `lab` have its own numbers, whatever was sent to `shop`; a queue nobody told of is None."""
    rows = counted.figures("lab")
    by_name = {name: Figures() for name, _ in rows}
    for (name, queue), figures in rows.items():
        by_name[name] = by_name[name].plus(figures)
        assert queue in {None, "held" if name == TICK else "mail"}
    found = {name: (f.sent, f.received, f.started, f.succeeded, f.failed) for name, f in by_name.items()}
    assert found == {WORK: (0, 7, 7, 7, 0), FAIL: (0, 2, 2, 0, 2), TICK: (0, 3, 1, 1, 0)}
    assert {g.exception for g in looks.failures(counted.ports, "lab").groups} == {"TypeError"}
    assert counted.ports.clusters.live("lab").task(counted.ids["worked"][0]) is None


@pytest.mark.parametrize(("name", "n"), [("shop", 16), ("lab", 7)])
def test_durations_are_those_that_the_tasks_measured(counted: Counted, name: str, n: int) -> None:
    """At every bound of the histogram: no task is below what it measured, none far above."""
    cluster: Cluster = getattr(counted, name)
    measured = cluster.books.of("done", WORK)
    runtime = Histogram()
    for (task, _), figures in counted.figures(name).items():
        runtime = runtime.plus(figures.runtime if task == WORK else Histogram())
    assert (runtime.n, len(measured)) == (n, n)
    for bound in BOUNDS:
        assert sum(d > bound for d in measured) <= runtime.above(bound) <= sum(d + SLACK > bound for d in measured)
    for q in (0.5, 0.95, 1.0):
        ranked = sorted(measured)[math.ceil(q * n) - 1]
        below = max((b for b in BOUNDS if b < ranked), default=0.0)
        assert below <= (runtime.quantile(q) or 0) <= bound_above(ranked + SLACK)


def test_one_task_name_closely(counted: Counted) -> None:
    """What runs of it now, on which worker, and nothing of other names."""
    looks.workers(counted.ports, "shop", fresh=True)  # what runs is from the newest snapshot
    view = looks.tasks(counted.ports, "shop", "work")
    assert {row.name for row in view.tasks} == {WORK}
    assert ([t.id for t in view.running], view.failures) == (counted.ids["running"], ())
    assert view.on == {counted.ids["running"][0]: f"w2@{HOST}"}


def test_failures_by_cause(counted: Counted) -> None:
    """Most first; as many as the tasks wrote down before they raised."""
    books, view = counted.shop.books, looks.failures(counted.ports, "shop")
    assert view.failed == 8
    assert [(g.task, g.queue, g.exception, g.n) for g in view.groups] == [
        (FAIL, "mail", "ValueError", books.n("failed ValueError", FAIL)),
        (FAIL, "mail", "KeyError", books.n("failed KeyError", FAIL)),
    ]
    assert {g.last_id for g in view.groups} <= set(counted.ids["failed"])
    assert all("on purpose" in g.message and "raise _CAUSES" in (g.traceback or "") for g in view.groups)


def test_single_tasks_are_where_they_are(counted: Counted) -> None:
    """Each as it ended, or where it waits: its place in the queue as LRANGE has it."""
    ids, shop = counted.ids, counted.shop
    phases = {"worked": Phase.SUCCEEDED, "failed": Phase.FAILED, "retried": Phase.SUCCEEDED, "revoked": Phase.REVOKED}
    phases |= {"doomed": Phase.LOST, "running": Phase.RUNNING, "later": Phase.RECEIVED, "nobody": Phase.SENT}
    for kind, phase in phases.items():
        view = looks.task(counted.ports, "shop", ids[kind][-1])
        assert view.trace is not None, kind
        assert (kind, view.trace.phase, view.age.trouble) == (kind, phase, None)
    trace = looks.task(counted.ports, "shop", ids["retried"][0]).trace
    assert (trace.retries if trace else None) == 1
    order = shop.waiting("nobody")
    last = looks.task(counted.ports, "shop", order[-1]).place
    assert (last.queue if last else None, last.place if last else None) == ("nobody", "waits in nobody, about 11th")
    running = looks.task(counted.ports, "shop", ids["running"][0]).place
    assert (running.worker if running else None) == f"w2@{HOST}"
    later = looks.task(counted.ports, "shop", ids["later"][0]).place
    assert (later.worker if later else None) == f"w1@{HOST}"
    elsewhere = looks.task(counted.ports, "lab", ids["running"][0])
    assert (elsewhere.trace, elsewhere.place and elsewhere.place.place) == (None, None)


# --- targets ----------------------------------------------------------------------------------------------------------


def readings(counted: Counted, name: str) -> dict[str, Reading]:
    """Return what each target reads."""
    return {line.spec.name: line.reading for line in targets(counted.ports, name).targets}


def test_targets_of_a_cluster_that_tells_everything(counted: Counted) -> None:
    """Value, n, worst queue or worker, DPMO and its bound from the numbers that were sent."""
    sample(counted.ports, "shop")
    found = readings(counted, "shop")
    completion = found["completion"]
    assert (completion.value, completion.n, completion.of) == (18 / 27, 27, FAIL)
    assert completion.quality is not None
    exactly(completion.quality, 9, 27)
    work, books = found["work"], counted.shop.books.of("done", WORK)
    assert (work.n, work.of, work.estimated) == (4, "images", None)
    slow = sorted(d for d in books if d >= 0.4)
    assert len(slow) >= 4
    assert 0.4 <= (work.value or 0) <= bound_above(slow[-1] + SLACK)
    assert work.quality is not None
    exactly(work.quality, 4, 4)
    latency = found["latency"]
    assert latency.estimated is None
    assert 0 < (latency.n or 0) <= 26
    waited = [w for name in (WORK, FAIL, RETRY) for w in counted.shop.books.of("waited", name)]
    assert min(waited) / 2 <= (latency.value or 0) <= bound_above(max(waited) + SLACK)
    depth = found["depth"]
    assert (depth.value, depth.of, depth.alert, depth.target) == (11.0, "nobody", 10.0, 2.0)
    stats = counted.shop.inspected("stats")
    taken = {name: resident(said["pid"]) for name, said in stats.items()}
    assert found["memory"].value == pytest.approx(max(taken.values()), rel=0.1)
    assert found["memory"].value == pytest.approx(taken[str(found["memory"].of)], rel=0.1)
    standing = {line.spec.name: line.state.standing for line in targets(counted.ports, "shop").targets}
    assert standing["memory"] is not Standing.ALERT


def test_targets_of_a_cluster_that_tells_less_claim_less(counted: Counted) -> None:
    """No wait was told on `lab`: the latency is unknown and says why, or an estimate and says so."""
    sample(counted.ports, "lab")
    found = readings(counted, "lab")
    assert (found["completion"].value, found["completion"].n) == (8 / 10, 10)
    exactly(found["completion"].quality, 2, 10)
    assert found["latency"].estimated or (found["latency"].value is None and found["latency"].why)
    assert (found["depth"].value, found["depth"].of) == (5.0, "nobody")
    for reading in (*found.values(), *readings(counted, "shop").values()):
        if reading.n is not None:
            assert "The bot has listened" in str(reading.incomplete)


def exactly(quality: Quality | None, defects: int, n: int) -> None:
    """Hold defects per million, and the rate at which so few are just not unlikely, against the binomial sum."""
    assert quality is not None
    assert (quality.n, quality.defects) == (n, defects)
    assert quality.dpmo == pytest.approx(defects / n * 1e6)
    rate = quality.dpmo_upper / 1e6
    chance = sum(math.comb(n, k) * rate**k * (1 - rate) ** (n - k) for k in range(defects + 1))
    assert chance == pytest.approx(1.0 if defects == n else 0.05, abs=1e-6)
    assert rate >= defects / n


def resident(pid: int) -> int:
    """Return what a worker takes, with its pool."""
    process = psutil.Process(pid)
    return sum(p.memory_info().rss for p in (process, *process.children(recursive=True)))


# --- what cannot be known ---------------------------------------------------------------------------------------------


def test_what_a_frozen_worker_knows_is_unknown_and_the_other_cluster_stays_known(counted: Counted) -> None:
    """No 0 stands where nothing could be counted, and the worker is silent, not down. Runs last: it freezes one."""
    frozen = counted.lab.workers[f"w1@{HOST}"]
    frozen.pause()
    try:
        view = status(counted.ports, "lab", fresh=True)
        (worker,) = view.workers
        assert (worker.answered, worker.busy, worker.slots, worker.queues) == (False, None, None, None)
        assert any(u.what == worker.name and "busy or unreachable" in u.why for u in view.unknown)
        assert {(line.queue.name, line.consumers, line.scheduled) for line in view.queues} == {
            (q, None, None) for q in ("mail", "held", "nobody")
        }
        assert {line.queue.name: line.queue.depth for line in view.queues}["nobody"] == 5  # of Redis, which answers
        (held,) = looks.queues(counted.ports, "lab", "held", fresh=True).queues
        assert (held.held, held.running, held.consumers) == (None, None, ())
        other = status(counted.ports, "shop", fresh=True)
        assert (other.unknown, all(w.answered for w in other.workers)) == ((), True)
    finally:
        frozen.resume()
    until(lambda: status(counted.ports, "lab", fresh=True).workers[0].answered, what="the worker's answer")
