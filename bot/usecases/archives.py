"""Archives come to their end: a warning an hour before, then they are dropped for good; and the list of them."""

import time
from contextlib import suppress
from datetime import datetime, timedelta

from bot.domain.action import Execution, ExecutionState, Proposal, Risk
from bot.domain.archive import Archive, ArchiveState, Made
from bot.domain.card import CardKind
from bot.domain.cluster import Mode
from bot.domain.errors import NotFound, OncallError
from bot.domain.purge_words import endangered
from bot.domain.views import Age, ArchivesView
from bot.domain.wording import counted
from bot.ports import Ports, Tx
from bot.usecases.claims import touched_by
from bot.usecases.looking import look
from bot.usecases.retrying import retried
from bot.usecases.room import room_of
from bot.usecases.showing import show_execution
from bot.usecases.switches import frozen
from bot.usecases.targets import action_of, target_of

WARN_BEFORE = timedelta(hours=1)

TRIED_AGAIN = timedelta(hours=1)
"""How long after an end that failed the next one is tried."""

AT_ONCE = 2.0
"""Seconds that one call gives to an archive that was left half way: the rest of the sweep waits for it."""

TOLD_FOR = timedelta(days=7)
"""How long it is told of an archive that was restored or dropped."""


def archives(ports: Ports, cluster: str) -> ArchivesView:
    """Return what is set aside on a cluster, what ends first first. Raises UnknownName; blocks for about a second."""
    target = target_of(ports, cluster)
    now = ports.clock.now()
    try:
        found = target.means.archives.all()
    except OncallError as e:
        return ArchivesView(cluster=cluster, age=Age(now=now, trouble=str(e)))
    order = sorted(found, key=lambda a: (not a.undoable, a.ends_at, a.id))
    with ports.store.read() as tx:
        made = {a.id: who for a in order if (who := _made(tx, cluster, a)) is not None}
    dangers = endangered(room_of(target)) if any(a.undoable for a in order) else ()
    age = Age(now=now, taken_at=now)
    return ArchivesView(cluster=cluster, age=age, archives=tuple(order), made=made, dangers=dangers)


def _made(tx: Tx, cluster: str, archive: Archive) -> Made | None:
    execution = _maker(tx, cluster, archive)
    if execution is None:
        return None
    return Made(by=execution.requested_by, reason=str(execution.proposal.params.get("reason") or ""))


def end_archives(ports: Ports, cluster: str) -> None:
    """Warn of ends, end what is due, and go on with what was left half way.

    Nothing is dropped or moved while executions are frozen or the cluster is only observed. Raises ClusterUnreachable
    or EffectUncertain, and it is tried again at the next sweep.
    """
    found, now = ports.clusters.means(cluster).archives.all(), ports.clock.now()
    if ports.clusters.spec(cluster).mode is not Mode.ACT:
        return
    with ports.store.read() as tx:
        stopped = frozen(tx)
    for archive in found:
        if archive.state is ArchiveState.HELD:
            if now >= archive.ends_at and not stopped:
                _end(ports, cluster, archive)
            elif now >= archive.ends_at - WARN_BEFORE:
                _warn(ports, cluster, archive)
        elif archive.undoable and not stopped:
            _go_on(ports, cluster, archive)
        elif not archive.undoable and now >= archive.ends_at + TOLD_FOR:
            _forget(ports, cluster, archive)


def _forget(ports: Ports, cluster: str, archive: Archive) -> None:
    """Remove what was noted of an archive here, then what is told of it in the broker: that is what brings us here."""
    with ports.store.write() as tx:
        for name in (_ended(cluster, archive), *(_resumed(cluster, archive, state) for state in ArchiveState)):
            tx.set_note(name, None)
    ports.clusters.means(cluster).archives.forget(archive.id)


def _ended(cluster: str, archive: Archive) -> str:
    return f"archive-end:{cluster}:{archive.id}"


def _resumed(cluster: str, archive: Archive, state: ArchiveState) -> str:
    return f"archive-resumed:{cluster}:{archive.id}:{state.value}"


class _Later(OncallError):
    """There was no more time."""


def _go_on(ports: Ports, cluster: str, archive: Archive) -> None:
    """Bring an archive on that nobody works on: messages that were to stay, or to come back, lie beside their queue.

    Its execution ended as interrupted, as the broker failed; every step may be repeated by anybody.
    """
    until = time.monotonic() + AT_ONCE

    def told(line: str) -> None:  # noqa: ARG001 - nobody waits for it
        if time.monotonic() >= until:
            raise _Later

    if _noted(ports, cluster, archive):
        with suppress(_Later):
            ports.clusters.means(cluster).archives.go_on(archive.id, told)


@retried
def _noted(ports: Ports, cluster: str, archive: Archive) -> bool:
    """Write down once that it is gone on with; False when somebody works on it, or it is not known here."""
    with ports.store.write() as tx:
        at_work = any(
            e.proposal.cluster == cluster and (touched_by(ports, e) == archive.queue or _means(e, archive))
            for e in tx.executions.find(state=ExecutionState.RUNNING.value)
        )
        if at_work or _maker(tx, cluster, archive) is None:
            return False
        name = _resumed(cluster, archive, archive.state)
        if tx.note(name) is None:
            now = ports.clock.now()
            tx.set_note(name, now.isoformat())
            tx.audit.append(now, "system", "archive resumed", archive.id, {"cluster": cluster, "queue": archive.queue})
        return True


def _means(execution: Execution, archive: Archive) -> bool:
    return archive.id in (execution.id, execution.proposal.params.get("archive"))


@retried
def _warn(ports: Ports, cluster: str, archive: Archive) -> None:
    """Say once, where the purge was shown, what will be dropped when, and how to keep it."""
    now = ports.clock.now()
    with ports.store.write() as tx:
        made = _maker(tx, cluster, archive)
        subject = f"archive/{cluster}/{archive.id}"
        if made is None or tx.cards.get(CardKind.NOTICE, subject) is not None:
            return
        left = max(1, round((archive.ends_at - now).total_seconds() / 60))
        text = (
            f"<@{made.requested_by}> {counted(archive.messages, 'message')} of {archive.queue} that {archive.id} set "
            f"aside will be deleted for good in {counted(left, 'minute')}. To put them back: "
            f"`/celery restore {archive.id}`."
        )
        tx.cards.want(CardKind.NOTICE, subject, made.channel, now, thread_ts=made.thread_ts, text=text)


def _maker(tx: Tx, cluster: str, archive: Archive) -> Execution | None:
    """Return the execution that made an archive; None for one that another bot's database knows."""
    try:
        made = tx.executions.get(archive.id)
    except NotFound:
        return None
    asked = made.proposal
    mine = asked.cluster == cluster and made.queued_at <= archive.made_at  # ids begin anew with each database
    return made if mine and asked.params.get("queue") in (None, archive.queue) else None  # a revoke may name none


def _end(ports: Ports, cluster: str, archive: Archive) -> None:
    """Queue the drop of an archive whose time is over, previewed like any other action."""
    target = target_of(ports, cluster)
    params = {"archive": archive.id, "queue": archive.queue}
    proposal = Proposal(action="drop_archive", cluster=cluster, params=params)
    action, checked = action_of(ports, proposal)
    preview = action.preview(checked, action.observe(checked, target, look(target)), target.spec)
    draft = Execution(
        id="",
        proposal=proposal,
        risk=Risk.DESTRUCTIVE,
        consent=f"the end of {archive.id}, set when it was made",
        requested_by="system",
        channel="",
        preview=preview,
        queued_at=ports.clock.now(),
    )
    if queued := _queue(ports, archive, draft):
        ports.dispatcher.dispatch(queued)


@retried
def _queue(ports: Ports, archive: Archive, draft: Execution) -> str | None:
    """Store the execution where the purge was asked for; None when that was done lately, or it is not known here."""
    now = ports.clock.now()
    with ports.store.write() as tx:
        made, name = _maker(tx, draft.proposal.cluster, archive), _ended(draft.proposal.cluster, archive)
        tried = tx.note(name)
        if made is None or (tried and now - datetime.fromisoformat(tried) < TRIED_AGAIN):
            return None
        tx.set_note(name, now.isoformat())
        place = {"channel": made.channel, "thread_ts": made.thread_ts, "incident_id": made.incident_id}
        stored = tx.executions.add(draft.model_copy(update={"id": tx.executions.next_id(), **place}))
        facts = {"cluster": stored.proposal.cluster, "queue": archive.queue, "execution": stored.id}
        tx.audit.append(now, "system", "archive reached its end", archive.id, facts)
        show_execution(tx, stored, now)
        return stored.id
