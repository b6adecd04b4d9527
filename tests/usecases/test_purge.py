"""A purge is consented to, done once, verified, and undone; its archive is on a real Redis."""

import base64
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.adapters.celery.archives import CeleryArchives
from bot.adapters.clusters import ConfiguredClusters
from bot.domain.action import Execution, ExecutionState, Proposal, Risk
from bot.domain.approval import Alternative, Answer, ApprovalRequest
from bot.domain.archive import ArchiveState, ArchiveWanted, Made
from bot.domain.broker import BrokerInfo
from bot.domain.card import CardKind
from bot.domain.errors import BadInput, EffectUncertain, OncallError
from bot.domain.periodic import Periodic, Refills
from bot.ports import Means, NoDiagnostics, NoSchedules, Ports
from bot.usecases import approvals, requests, switches
from bot.usecases.archives import archives, end_archives
from bot.usecases.executions import execute, settle
from bot.usecases.status import status
from playground.services import RedisServer
from tests.adapters.celery.test_archives import Broker, ids
from tests.usecases.world import SPEC, World, make_world

PAGES = 1200


class Died(BaseException):
    """The ops worker is killed here."""


class Shop:
    """A world whose queue `analytics` lies in a real Redis."""

    def __init__(self, folder: Path, server: RedisServer) -> None:
        self.broker = Broker(server, queue="analytics")
        self.world: World = make_world(folder)
        self.ports = self.with_archives(self.broker.archives)

    def with_archives(self, archives: Any) -> Ports:
        """Return the ports with these archives."""
        clusters = ConfiguredClusters(
            {"prod": SPEC}, {"prod": self.world.cluster}, {"C0ONCALL": "prod"}, means={"prod": Means(archives=archives)}
        )
        consent = {Risk.DESTRUCTIVE: (Alternative(approve=1, by="oncall"),)}
        policy = self.world.ports.policy.model_copy(update={"consent": consent})
        return replace(self.world.ports, clusters=clusters, policy=policy)

    def approved(self, **params: Any) -> str:
        """Ask for a purge, have it approved, and return its execution's id."""
        proposal = Proposal(action="purge_queue", cluster="prod", params={"queue": "analytics", **params})
        draft = requests.draft(self.ports, proposal, "U0ANA", "", "C0ONCALL", None)
        assert isinstance(draft, ApprovalRequest)
        requests.submit(self.ports, draft.id, "U0ANA")
        approvals.answer(self.ports, draft.id, "U0BEN", Answer.APPROVE)
        with self.world.store.read() as tx:
            (execution,) = tx.executions.find(request_id=draft.id)
        return execution.id

    def undone(self, execution: Execution) -> Execution:
        """Undo it, as its button does, and return the undo's execution."""
        assert execution.undo is not None
        draft = requests.draft(self.ports, execution.undo, "U0ANA", "", "C0ONCALL", None)
        assert isinstance(draft, ApprovalRequest)
        assert draft.risk is Risk.LOW
        requests.submit(self.ports, draft.id, "U0ANA")
        with self.world.store.read() as tx:
            (made,) = tx.executions.find(request_id=draft.id)
        return ended(execute(self.ports, made.id))


def ended(result: object) -> Execution:
    """Return an execution that ran."""
    assert isinstance(result, Execution)
    return result


@pytest.fixture
def shop(tmp_path: Path, redis_server: RedisServer) -> Shop:
    """Return one with an empty queue."""
    return Shop(tmp_path, redis_server)


def test_a_purge_sets_the_queue_aside_and_its_undo_puts_each_message_back_once(shop: Shop) -> None:
    """What came meanwhile stands behind what came before."""
    shop.broker.put(range(100))
    execution = ended(execute(shop.ports, shop.approved()))
    assert (execution.state, shop.broker.waiting()) == (ExecutionState.VERIFIED, [])
    assert execution.verdict is not None
    assert execution.verdict.sentence == "100 messages of analytics are set aside."
    shop.broker.put(range(100, 120))
    assert shop.undone(execution).state is ExecutionState.VERIFIED
    assert shop.broker.waiting() == ids(range(120))


def test_a_status_says_of_an_empty_queue_that_its_messages_are_set_aside(shop: Shop) -> None:
    """Until they are back: nobody is to take it for a queue that was worked off."""
    shop.broker.put(range(40))

    def aside() -> int:
        view = status(shop.ports, "prod", fresh=True)
        return next(line.set_aside for line in view.queues if line.queue.name == "analytics")

    assert aside() == 0
    done = ended(execute(shop.ports, shop.approved()))
    assert aside() == 40
    shop.undone(done)
    assert aside() == 0


def test_an_empty_queue_is_not_purged(shop: Shop) -> None:
    """Nothing would be set aside, so nobody is asked."""
    with pytest.raises(BadInput, match="Nothing waits in `analytics`: there is nothing to set aside"):
        shop.approved()


def test_the_preview_counts_by_task_and_says_that_nothing_is_deleted(shop: Shop) -> None:
    """People see what they consent to."""
    shop.broker.put(range(30), task="mail.clean")
    shop.broker.put(range(30, 40), task="mail.send")
    proposal = Proposal(action="purge_queue", cluster="prod", params={"queue": "analytics"})
    draft = requests.draft(shop.ports, proposal, "U0ANA", "", "C0ONCALL", None)
    assert isinstance(draft, ApprovalRequest)
    assert draft.preview.summary.startswith("40 messages in analytics would be set aside, not deleted")
    assert "By task: 30 × mail.clean, 10 × mail.send." in draft.preview.notes
    unstamped = "How old they are nobody knows: their publishers do not stamp them (docs/install.md)."
    assert unstamped in draft.preview.notes


class Scheduled(NoSchedules):
    """A cluster whose beat sends into `analytics`."""

    def into(self, queue: str, workers: Sequence[str], deadline: float = 1.0) -> Refills:
        """Say so."""
        entry = Periodic(name="clean-up", task="mail.clean", often="every 1 min")
        return Refills(entries=(entry,) if queue == "analytics" else (), told_by="w1@test")


def test_the_preview_says_how_old_they_are_and_what_fills_the_queue_again(shop: Shop) -> None:
    """A purge of a queue that beat fills every minute is no cure."""
    shop.broker.put(range(3), at=shop.world.clock.now().timestamp() - 7200)
    clusters = ConfiguredClusters(
        {"prod": SPEC},
        {"prod": shop.world.cluster},
        {"C0ONCALL": "prod"},
        means={"prod": Means(archives=shop.broker.archives, schedules=Scheduled())},
    )
    proposal = Proposal(action="purge_queue", cluster="prod", params={"queue": "analytics"})
    draft = requests.draft(replace(shop.ports, clusters=clusters), proposal, "U0ANA", "", "C0ONCALL", None)
    assert isinstance(draft, ApprovalRequest)
    assert "The oldest was sent 2 h ago." in draft.preview.notes
    assert draft.preview.notes[-1] == (
        "Beat fills it again: this entry of the schedule sends into it: mail.clean every 1 min (clean-up)."
    )


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"queue": "analitycs"}, "Did you mean `analytics`"),
        ({"task": "mail.sned"}, "Did you mean `mail.send`"),
        ({"older_than": "1h"}, "says when it was published"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_words(shop: Shop, params: dict[str, str], said: str) -> None:
    """Celery's own purge says "no messages purged" to a typo."""
    shop.broker.put(range(3))
    proposal = Proposal(action="purge_queue", cluster="prod", params={"queue": "analytics"} | params)
    with pytest.raises(OncallError, match=said):
        requests.draft(shop.ports, proposal, "U0ANA", "", "C0ONCALL", None)


@pytest.mark.parametrize("task", [None, "mail.send"])
def test_what_redis_evicts_at_once_is_no_purge_that_can_be_undone(shop: Shop, task: str | None) -> None:
    """The archive says so many; what lies there is counted, and that is believed."""
    shop.broker.put(range(40))
    execution_id = shop.approved(**({"task": task} if task else {}))
    archives, step = shop.broker.archives, shop.broker.archives._step

    def evicting(*args: Any) -> Any:
        said = step(*args)
        shop.broker.client.delete(f"oncall.archive.{execution_id}")
        return said

    archives._step = evicting  # type: ignore[method-assign,assignment]  # Redis evicts when it likes
    execution = ended(execute(shop.ports, execution_id))
    assert execution.state is ExecutionState.FAILED
    assert execution.verdict is not None
    assert "40 of them are no longer in Redis, evicted or removed, and cannot be put back." in (
        execution.verdict.sentence
    )


def test_a_queue_that_grew_far_beyond_what_was_shown_is_asked_about_again(shop: Shop) -> None:
    """Consent to a hundred messages is none to ten thousand."""
    shop.broker.put(range(100))
    execution_id = shop.approved()
    shop.broker.put(range(100, 5000))
    execution = ended(execute(shop.ports, execution_id))
    assert (execution.state, len(shop.broker.waiting())) == (ExecutionState.FAILED, 5000)


class Dying:
    """Archives whose process dies at the so-manieth step towards Redis, before or after it took place."""

    def __init__(self, archives: CeleryArchives, steps: int, *, after: bool) -> None:
        self._archives, self._left, self._after = archives, steps, after
        self._step = archives._step
        archives._step = self._dying  # type: ignore[method-assign,assignment]  # death is what is tested

    def _dying(self, *args: Any) -> Any:
        self._left -= 1
        if self._left < 0 and not self._after:
            raise Died
        done = self._step(*args)
        if self._left < 0:
            raise Died
        return done

    def alive(self) -> None:
        """Let the next process live."""
        self._archives._step = self._step  # type: ignore[method-assign]  # as above


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("steps", range(5))
@pytest.mark.parametrize("task", [None, "mail.send"])
def test_a_purge_whose_process_died_is_resumed_or_never_began(
    shop: Shop, steps: int, task: str | None, after: bool
) -> None:
    """Killed before or after any step: the sweep ends it, and after the undo each message is there once."""
    shop.broker.put(range(PAGES))
    shop.broker.put(range(PAGES, PAGES + 10), task="mail.clean")
    execution_id = shop.approved(**({"task": task} if task else {}))
    dying = Dying(shop.broker.archives, steps, after=after)
    try:
        execute(shop.ports, execution_id)
    except Died:
        dying.alive()
        shop.world.clock.pass_time(seconds=30)
        assert settle(shop.ports, execution_id) is not None
    dying.alive()
    with shop.world.store.read() as tx:
        execution = tx.executions.get(execution_id)
    archive = shop.broker.archives.get(execution_id)
    assert execution.state is (ExecutionState.VERIFIED if archive else ExecutionState.INTERRUPTED), execution.error
    if archive:
        shop.undone(execution)
    assert sorted(shop.broker.waiting(), key=int) == ids(range(PAGES + 10))
    assert shop.world.events().count("execution started") == 1 + bool(archive)


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("steps", range(4))
def test_a_restore_whose_process_died_is_resumed(shop: Shop, steps: int, after: bool) -> None:
    """Killed before or after any step of putting back: each message is there once."""
    shop.broker.put(range(PAGES))
    purge = ended(execute(shop.ports, shop.approved()))
    shop.broker.put(range(PAGES, 2 * PAGES))
    assert purge.undo is not None
    draft = requests.draft(shop.ports, purge.undo, "U0ANA", "", "C0ONCALL", None)
    assert isinstance(draft, ApprovalRequest)
    requests.submit(shop.ports, draft.id, "U0ANA")
    with shop.world.store.read() as tx:
        (made,) = tx.executions.find(request_id=draft.id)
    dying = Dying(shop.broker.archives, steps, after=after)
    try:
        execute(shop.ports, made.id)
    except Died:
        dying.alive()
        shop.world.clock.pass_time(seconds=30)
        assert ended(settle(shop.ports, made.id)).state is ExecutionState.VERIFIED
        assert "execution resumed" in shop.world.events()
    assert sorted(shop.broker.waiting(), key=int) == ids(range(2 * PAGES))


def notices(shop: Shop) -> list[str]:
    """Return what was said without being asked."""
    with shop.world.store.read() as tx:
        return [c.text or "" for c in tx.cards.of_kind(CardKind.NOTICE)]


def test_an_archive_is_dropped_at_its_end_after_a_warning_and_forgotten_a_week_later(shop: Shop) -> None:
    """Who purged is told an hour before, once; the drop is an execution like any other, and cannot be undone."""
    shop.broker.put(range(7))
    purge = ended(execute(shop.ports, shop.approved(keep="2h")))
    shop.world.clock.pass_time(minutes=59)
    end_archives(shop.ports, "prod")
    assert notices(shop) == []
    shop.world.clock.pass_time(minutes=2)
    for _ in range(3):
        end_archives(shop.ports, "prod")
    (said,) = notices(shop)
    assert said.startswith(
        f"<@U0ANA> 7 messages of analytics that {purge.id} set aside will be deleted for good in 59 min"
    )
    shop.world.clock.pass_time(hours=1)
    shop.world.dispatcher.sent.clear()
    for _ in range(3):
        end_archives(shop.ports, "prod")
    (dropped,) = shop.world.dispatcher.sent
    assert ended(execute(shop.ports, dropped)).state is ExecutionState.VERIFIED
    assert [a.state for a in archives(shop.ports, "prod").archives] == [ArchiveState.DROPPED]
    with pytest.raises(OncallError, match="dropped for good"):
        shop.undone(purge)
    shop.world.clock.pass_time(days=7, hours=1)
    end_archives(shop.ports, "prod")
    assert archives(shop.ports, "prod").archives == ()


def noted(shop: Shop, archive_id: str) -> list[str]:
    """Return the notes that are kept of an archive."""
    names = [f"archive-end:prod:{archive_id}", *(f"archive-resumed:prod:{archive_id}:{s.value}" for s in ArchiveState)]
    with shop.world.store.read() as tx:
        return [name for name in names if tx.note(name) is not None]


def test_what_was_noted_of_an_archive_goes_when_it_is_forgotten(shop: Shop) -> None:
    """A note for each purge, for ever, would be a leak."""
    shop.broker.put(range(PAGES))
    broken = shop.approved(keep="2h")
    execute(shop.ports, broken)
    shop.broker.put(range(PAGES, 2 * PAGES))
    dying = Dying(shop.broker.archives, 1, after=False)
    with pytest.raises(Died):
        shop.broker.archives.put_back(broken, print)
    dying.alive()
    end_archives(shop.ports, "prod")
    assert noted(shop, broken) == [f"archive-resumed:prod:{broken}:restoring"]
    ending = shop.approved(keep="2h")
    execute(shop.ports, ending)
    shop.world.clock.pass_time(hours=3)
    end_archives(shop.ports, "prod")
    assert noted(shop, ending) == [f"archive-end:prod:{ending}"]
    execute(shop.ports, shop.world.dispatcher.sent[-1])
    shop.world.clock.pass_time(days=8)
    end_archives(shop.ports, "prod")
    assert archives(shop.ports, "prod").archives == ()
    assert noted(shop, ending) == noted(shop, broken) == []


def test_nothing_is_dropped_while_executions_are_frozen(shop: Shop) -> None:
    """A freeze stops what was set to happen, too."""
    shop.broker.put(range(7))
    execute(shop.ports, shop.approved(keep="1h"))
    switches.freeze(shop.ports, "U0ANA")
    shop.world.clock.pass_time(hours=2)
    shop.world.dispatcher.sent.clear()
    end_archives(shop.ports, "prod")
    assert shop.world.dispatcher.sent == []
    assert [a.state for a in archives(shop.ports, "prod").archives] == [ArchiveState.HELD]


@pytest.mark.parametrize("steps", range(4))
def test_messages_that_were_to_stay_are_brought_back_when_the_broker_failed_in_the_middle(
    shop: Shop, steps: int
) -> None:
    """The execution ended as interrupted, so nobody would resume it; the sweep goes on with its archive."""
    shop.broker.put(range(PAGES))
    shop.broker.put(range(PAGES, PAGES + 10), task="mail.clean")
    execution_id = shop.approved(task="mail.send")
    step, left = shop.broker.archives._step, [steps]

    def failing(*args: Any) -> Any:
        left[0] -= 1
        if left[0] < 0:
            raise EffectUncertain("prod", "sorting", "it did not answer")
        return step(*args)

    shop.broker.archives._step = failing  # type: ignore[method-assign,assignment]  # a broker that fails is what is tested
    execution = ended(execute(shop.ports, execution_id))
    shop.broker.archives._step = step  # type: ignore[method-assign]  # as above
    assert execution.state is ExecutionState.INTERRUPTED
    end_archives(shop.ports, "prod")
    archive = shop.broker.archives.get(execution_id)
    if archive is None:
        assert len(shop.broker.waiting()) == PAGES + 10
    else:
        assert (archive.state, shop.broker.waiting()) == (ArchiveState.HELD, ids(range(PAGES, PAGES + 10)))
        assert shop.world.events().count("archive resumed") == 1


def test_an_archive_that_is_being_worked_on_is_left_to_who_does(shop: Shop) -> None:
    """A sweep beside a live purge does not do the same work."""
    shop.broker.put(range(PAGES))
    execution_id = shop.approved(task="mail.send")
    dying = Dying(shop.broker.archives, 1, after=True)
    with pytest.raises(Died):
        execute(shop.ports, execution_id)
    dying.alive()
    end_archives(shop.ports, "prod")
    archive = shop.broker.archives.get(execution_id)
    assert archive is not None
    assert archive.state is ArchiveState.SORTING


def test_an_archive_of_another_installation_is_not_taken_for_ones_own(shop: Shop) -> None:
    """A database that was made anew counts its executions from one again; nothing was set aside by this one."""
    shop.broker.put(range(5))
    execution_id = shop.approved()
    now = shop.world.clock.now()
    foreign = ArchiveWanted(id=execution_id, queue="booking", made_at=now, ends_at=now + timedelta(hours=1), most=9)
    shop.broker.archives.set_aside(foreign, lambda line: None)
    execution = ended(execute(shop.ports, execution_id))
    assert (execution.state, len(shop.broker.waiting())) == (ExecutionState.FAILED, 5)
    assert "another installation" in (execution.error or "")
    shop.world.clock.pass_time(minutes=30)
    end_archives(shop.ports, "prod")
    assert notices(shop) == []


def test_a_preview_by_age_promises_no_exact_number(shop: Shop) -> None:
    """Which messages are old enough is found out one by one, when it is done; by task alone it is counted."""
    old = shop.world.clock.now().timestamp() - 7200
    shop.broker.put(range(30), task="mail.clean", at=old)
    shop.broker.put(range(30, 40), task="mail.send", at=old + 7000)

    def summary(**params: str) -> str:
        proposal = Proposal(action="purge_queue", cluster="prod", params={"queue": "analytics", **params})
        draft = requests.draft(shop.ports, proposal, "U0ANA", "", "C0ONCALL", None)
        assert isinstance(draft, ApprovalRequest)
        return draft.preview.summary

    assert summary(older_than="1h").startswith("up to 40 messages older than ")
    assert summary(older_than="1h", task="mail.send").startswith("up to 10 messages of mail.send older than ")
    assert ", of 40 in analytics, would be set aside" in summary(older_than="1h", task="mail.send")
    assert summary(task="mail.send").startswith("10 messages of mail.send, of 40 in analytics, would be set aside")


def test_a_purge_by_name_counts_the_chains_of_that_name_alone(shop: Shop) -> None:
    """What follows the others goes on."""
    embed = {"callbacks": [{"task": "mail.log"}], "errbacks": None, "chain": None, "chord": None}
    body = base64.b64encode(json.dumps([[], {}, embed]).encode()).decode()
    chained = {"body": body, "headers": {"id": "c", "task": "mail.clean"}, "properties": {"body_encoding": "base64"}}
    shop.broker.put(range(3))
    shop.broker.client.lpush("analytics", json.dumps(chained))
    said = "1 message is part of a chord or chain: what follows it waits until it is put back."

    def warned(**params: str) -> tuple[str, ...]:
        proposal = Proposal(action="purge_queue", cluster="prod", params={"queue": "analytics", **params})
        draft = requests.draft(shop.ports, proposal, "U0ANA", "", "C0ONCALL", None)
        assert isinstance(draft, ApprovalRequest)
        return draft.preview.warnings

    assert warned() == warned(task="mail.clean") == (said,)
    assert warned(task="mail.send") == ()


def test_of_a_long_queue_the_next_messages_are_counted_and_that_is_said(shop: Shop) -> None:
    """The number of one task name is an estimate then, and called one."""
    shop.broker.put(range(6000))
    proposal = Proposal(action="purge_queue", cluster="prod", params={"queue": "analytics", "task": "mail.send"})
    draft = requests.draft(shop.ports, proposal, "U0ANA", "", "C0ONCALL", None)
    assert isinstance(draft, ApprovalRequest)
    assert draft.preview.summary.startswith("about 6,000 messages of mail.send, of 6,000 in analytics, would be set")
    assert "Of the next 5,000 of 6,000: 5,000 × mail.send." in draft.preview.notes


def test_how_long_workers_find_the_queue_empty_is_said_where_it_is_looked_through(shop: Shop) -> None:
    """By name or age each message is looked at; all of them at once are set aside in no time."""
    shop.broker.put(range(15_001))

    def said(**params: str) -> bool:
        proposal = Proposal(action="purge_queue", cluster="prod", params={"queue": "analytics", **params})
        draft = requests.draft(shop.ports, proposal, "U0ANA", "", "C0ONCALL", None)
        assert isinstance(draft, ApprovalRequest)
        return "for about 2 s workers find the queue empty." in " ".join(draft.preview.notes)

    assert (said(task="mail.send"), said()) == (True, False)


def test_archives_are_listed_with_who_made_them_and_what_endangers_them(shop: Shop) -> None:
    """Also when Redis is short of memory, which only a drop gives back."""
    shop.broker.put(range(3))
    purge = ended(execute(shop.ports, shop.approved(reason="a bad prompt")))
    assert archives(shop.ports, "prod").made == {purge.id: Made(by="U0ANA", reason="a bad prompt")}
    clusters = ConfiguredClusters(
        {"prod": SPEC},
        {"prod": shop.world.cluster},
        {"C0ONCALL": "prod"},
        means={"prod": Means(archives=shop.broker.archives)},
        diagnostics={"prod": Told("allkeys-lru", 95)},
    )
    assert archives(replace(shop.ports, clusters=clusters), "prod").dangers == (
        "Redis may evict what is set aside: its policy is allkeys-lru. Then it is lost.",
        "Redis is short of memory (95 % used). `/celery drop` deletes an archive for good, and gives its memory back.",
    )


class Told(NoDiagnostics):
    """A Redis that says this of its memory."""

    def __init__(self, policy: str, used: int) -> None:
        self._info = BrokerInfo(
            at=datetime(2026, 11, 22, tzinfo=UTC), ping_seconds=0.001, policy=policy, used_memory=used, max_memory=100
        )

    def broker_info(self, deadline: float = 1.0) -> BrokerInfo:
        """Say it."""
        return self._info


@pytest.mark.parametrize(
    ("policy", "used", "said"),
    [
        ("noeviction", 50, []),
        ("volatile-lru", 50, []),
        ("allkeys-lru", 50, ["Redis may evict what is set aside: its policy is allkeys-lru. Then it is lost."]),
        ("noeviction", 95, ["Redis is short of memory (95 % used), and a purge frees none."]),
    ],
)
def test_a_purge_says_when_redis_may_lose_it_or_has_no_room(
    shop: Shop, policy: str, used: int, said: list[str]
) -> None:
    """People must know before they rely on the undo, or on the memory."""
    shop.broker.put(range(3))
    clusters = ConfiguredClusters(
        {"prod": SPEC},
        {"prod": shop.world.cluster},
        {"C0ONCALL": "prod"},
        means={"prod": Means(archives=shop.broker.archives)},
        diagnostics={"prod": Told(policy, used)},
    )
    proposal = Proposal(action="purge_queue", cluster="prod", params={"queue": "analytics"})
    draft = requests.draft(replace(shop.ports, clusters=clusters), proposal, "U0ANA", "", "C0ONCALL", None)
    assert isinstance(draft, ApprovalRequest)
    assert len(draft.preview.warnings) == len(said)
    assert all(told.startswith(start) for told, start in zip(draft.preview.warnings, said, strict=True))
