"""What a revoke reaches: looked at before, written down before anybody is told, and looked at afterwards."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from bot.domain.archive import Census
from bot.domain.cluster import ClusterSnapshot
from bot.domain.errors import BadInput
from bot.domain.revoke import ENDED, Chosen, Found, Held, Hold, Left, Revoke, Sought, Way
from bot.domain.wording import counted, listed
from bot.ports import Progress, Target

MOST_IN_HAND = 20_000
"""Tasks in workers' hands that one revoke is for: a worker remembers 50,000 in all, and forgets older ones for them."""

MOST_QUEUES = 20
"""Queues in which a task name is looked for."""

LOOKS = 3
"""How often it is looked what is to be ended: a task that a worker had just given to a process ran in no list yet."""

ENDED_WITHIN = 5.0
"""How long it is waited for running tasks to end."""

_LOOK_EVERY = 0.25


def found(chosen: Chosen, target: Target, snapshot: ClusterSnapshot, ends_at: datetime) -> Found:
    """Look for all that is meant; raises ClusterUnreachable."""
    held = chosen.of(snapshot)
    sought = target.means.revokes.seek(chosen.ids, task=chosen.task, queue=chosen.queue)
    in_hand = {h.id for h in held}
    late = [h.eta for h in held if h.hold is Hold.SCHEDULED and h.eta is not None and h.eta > ends_at]
    silent = [w.name for w in snapshot.workers if w.active is None]
    nowhere = chosen.ids - in_hand - sought.unlisted - sought.waiting.keys()
    results = {i: sought.results[i] for i in sorted(nowhere) if i in sought.results}
    finished = {i: state for i, state in results.items() if state in ENDED}
    if not nowhere - finished.keys():
        sought = sought.model_copy(update={"behind": ()})  # none is left that could wait there
    reached = _waiting(chosen, target, snapshot, sought)
    unsearched = [*sought.unsearched, *reached.unsearched]
    unsearched += [f"what {name} holds, which did not answer: busy or unreachable" for name in silent]
    return Found(
        waiting=reached.waiting,
        about=reached.about,
        seen=reached.seen,
        ways=_ways(held, chosen),
        unlisted=len(sought.unlisted - in_hand),
        late=len(late),
        latest=max(late, default=None),
        finished=finished,
        astray={i: state for i, state in results.items() if i not in finished},
        unknown=tuple(i for i in sorted(nowhere) if i not in results),
        unsearched=tuple(unsearched),
        silent=tuple(silent),
        behind=reached.behind,
        sorted_through=_sorted_through(chosen, reached.waiting, snapshot),
        linked=reached.linked,
        sampled=reached.sampled,
    )


def _sorted_through(chosen: Chosen, waiting: Iterable[str], snapshot: ClusterSnapshot) -> int:
    if not (chosen.ids or chosen.task):
        return 0
    queues = (snapshot.queue(name) for name in waiting)
    return sum(q.depth or 0 for q in queues if q is not None)


def _ways(held: Iterable[Held], chosen: Chosen) -> dict[Way, dict[str, int]]:
    found: dict[Way, Counter[str]] = {}
    for each in held:
        found.setdefault(each.way(terminate=chosen.terminate), Counter())[each.worker] += 1
    return {way: dict(sorted(by.items())) for way, by in found.items()}


def _waiting(chosen: Chosen, target: Target, snapshot: ClusterSnapshot, sought: Sought) -> Found:
    """Return how many wait in which queue, whether that is an estimate, and what was not looked at."""
    return _ids_waiting(chosen, sought) if chosen.ids else _all_waiting(chosen, target, snapshot)


def _ids_waiting(chosen: Chosen, sought: Sought) -> Found:
    counts = Counter(queue for queue in sought.waiting.values() if chosen.queue in (None, queue))
    seen, partly = counts.total(), [q for q in sought.behind if chosen.queue in (None, q)]
    if chosen.queue in partly and chosen.queue is not None and not seen:
        counts[chosen.queue] = 1  # named, and not all was looked at: it is looked through when it is done
    behind = [q for q in partly if q not in counts]
    return Found(
        waiting=dict(sorted(counts.items())),
        about=any(q in counts for q in partly),
        seen=seen,
        linked=sum(1 for i in sought.linked if sought.waiting[i] in counts),
        unsearched=(f"the rest of {listed(behind)} behind what is next there",) if behind else (),
        behind=tuple(behind),
    )


def _all_waiting(chosen: Chosen, target: Target, snapshot: ClusterSnapshot) -> Found:
    deep = sorted((q for q in snapshot.queues if q.depth), key=lambda q: -(q.depth or 0))
    names = [chosen.queue] if chosen.queue else [q.name for q in deep]
    censuses = [target.means.archives.census(name) for name in names[:MOST_QUEUES]]
    found = {queue: n for queue, n in ((c.queue, _estimate(chosen, c)) for c in censuses) if n}
    partly = [c for c in censuses if chosen.task and c.looked_at < c.messages]
    rest = [f"all of {c.queue} behind the next {c.looked_at:,}" for c in partly if c.queue not in found]
    if len(names) > MOST_QUEUES:
        rest.append(f"{len(names) - MOST_QUEUES} of the queues")
    return Found(
        waiting=found,
        about=any(c.queue in found for c in partly),
        unsearched=tuple(rest),
        behind=tuple(c.queue for c in partly if c.queue not in found),
        linked=sum(_linked(chosen, c) for c in censuses),
        sampled=any(c.looked_at < c.messages for c in censuses if c.queue in found),
    )


def _estimate(chosen: Chosen, census: Census) -> int:
    if chosen.task is None:
        return census.messages
    seen = census.by_task.get(chosen.task, 0)
    if not seen and chosen.queue and census.looked_at < census.messages:
        return 1  # named, and not all was looked at: it is looked through when it is done
    return round(seen * census.messages / census.looked_at) if census.looked_at else 0


def _linked(chosen: Chosen, census: Census) -> int:
    return census.linked if chosen.task is None else census.linked_by.get(chosen.task, 0)


def written(chosen: Chosen, target: Target, id: str, hold: int) -> Revoke:
    """Look what workers hold now, and write it down before anybody is told.

    What they do not list counts only if it was there before and after they were asked: else it may have ended.
    """
    first = target.means.revokes.seek(chosen.ids, task=chosen.task, queue=chosen.queue).unlisted
    held = chosen.of(target.control.snapshot())
    after = target.means.revokes.seek(chosen.ids, task=chosen.task, queue=chosen.queue).unlisted
    reached = {h.id for h in held if h.way(terminate=chosen.terminate) in (Way.STOPS, Way.ENDS)}
    spared = {h.id for h in held} - reached
    ids = reached | ((first & after) - spared)
    if len(ids) > MOST_IN_HAND:
        raise BadInput(too_many(len(ids)))
    now = target.clock.now()
    revoke = Revoke(
        id=id,
        began_at=now,
        ends_at=now + timedelta(seconds=hold),
        ids=frozenset(ids),
        spared=frozenset(spared),
        running=frozenset(h.id for h in held if h.id in spared and h.hold is Hold.RUNNING),
    )
    target.means.revokes.keep(revoke)
    return revoke


def too_many(n: int) -> str:
    """Return why so many are refused."""
    return (
        f"Workers hold {n:,} of them, and a revoke is for {MOST_IN_HAND:,} at most: a worker remembers 50,000 in all. "
        "Revoke by task name and queue, in parts, or pause the queue and restart its workers."
    )


def told(revoke: Revoke, target: Target, progress: Progress, signal: str | None) -> dict[str, str]:
    """Tell every worker, then end by `signal`, if there is one, what runs by then; returns what each worker said.

    They are told of those that run on, too: a retry of such a task is a new message under the same id.
    """
    if not revoke.everything:
        return {}
    now, workers = target.clock.now(), [w.name for w in target.control.snapshot().workers]
    said = dict(target.means.revokes.tell(revoke.everything, workers, progress)) if workers else {}
    target.means.revokes.note_told(revoke.id, [w for w, reply in said.items() if reply == "ok"], now)
    if signal is None:
        return said
    ended = frozenset[str]()
    for look in range(LOOKS):
        ending = _to_end(revoke.ids - ended, target)
        if look and not ending:
            break
        if ending:
            ended |= {i for ids in ending.values() for i in ids}
            revoke = revoke.model_copy(update={"ending": revoke.ending | ended})
            target.means.revokes.keep(revoke)
        for worker, ids in ending.items():
            progress(f"Ending {counted(len(ids), 'task')} on {worker}.")
            said |= target.means.revokes.tell(ids, [worker], progress, signal)
        _wait(ended, target, progress)
    return said


def _to_end(ids: frozenset[str], target: Target) -> dict[str, list[str]]:
    """Return what runs now and can be ended, by worker: a prefetched task may have begun since it was looked at."""
    found: dict[str, list[str]] = {}
    for held in Chosen(ids=ids, terminate=True).of(target.control.snapshot()) if ids else ():
        if held.way(terminate=True) is Way.ENDS:
            found.setdefault(held.worker, []).append(held.id)
    return found


def _wait(ending: frozenset[str], target: Target, progress: Progress) -> None:
    for _ in range(int(ENDED_WITHIN / _LOOK_EVERY)):
        target.wait(_LOOK_EVERY)
        if not ending or not _running(ending, Chosen(ids=ending).of(target.control.snapshot())):
            return
        progress("Waiting until the running tasks have ended.")


def _running(ids: frozenset[str], held: Sequence[Held]) -> int:
    return sum(1 for h in held if h.id in ids and h.hold is Hold.RUNNING)


def left(revoke: Revoke, target: Target, snapshot: ClusterSnapshot) -> Left:
    """Ask the cluster what became of a revoke's tasks; raises ClusterUnreachable."""
    everything = revoke.ids | revoke.spared
    held = Chosen(ids=everything).of(snapshot) if everything else []
    mine = [h for h in held if h.id in revoke.ids and h.hold is not Hold.RUNNING]
    answered = [w.name for w in snapshot.workers if w.active is not None]
    known = target.means.revokes.remembered(sorted({h.worker for h in mine}))
    unknowing = Counter(h.worker for h in mine if h.id not in (known.get(h.worker) or ()))
    gone = revoke.ids - {h.id for h in held}
    states = target.means.revokes.seek(gone).results if gone else {}
    silent = tuple(w.name for w in snapshot.workers if w.name not in answered)
    stopped = {i for i, state in states.items() if state == "REVOKED"}
    outran = {i for i, state in states.items() if state in ("SUCCESS", "FAILURE")}
    unsure = gone - stopped - outran if silent else frozenset()
    spared = [h for h in held if h.id in revoke.spared]
    return Left(
        ids=len(revoke.ids),
        ended=len(revoke.ending & (gone - outran - unsure)),
        running=_running(revoke.ids, held),
        outran=len(outran),
        unsure=len(unsure),
        unknowing=dict(unknowing),
        spared=len(revoke.spared),
        spared_in_hand=sum(1 for h in spared if h.hold is not Hold.RUNNING),
        spared_running=sum(1 for h in spared if h.hold is Hold.RUNNING),
        silent=silent,
    )
