"""What events did not tell, filled in from what workers answer; and what they never will tell."""

from collections.abc import Iterable

from bot.adapters.events.hand import Hand
from bot.adapters.events.source import Source
from bot.adapters.events.state import State
from bot.domain.cluster import ClusterSnapshot, TaskInHand, Worker
from bot.domain.live import Phase, TaskEvents
from bot.domain.window import UNNAMED

ON_THE_WAY = 1.0
"""Seconds that an event may need to come: what began so shortly before a snapshot says nothing."""


def learn(state: State, snapshot: ClusterSnapshot) -> None:
    """Note which queues tasks come from, and what workers counted by name."""
    if state.homes.learn(snapshot):
        state.forget_routes()
    at = snapshot.taken_at.timestamp()
    for worker in snapshot.workers:
        source = state.sources.get(worker.name)
        if source is not None:
            source.solo = worker.pool == "solo"
            if worker.totals:
                source.life.ledger.learn(worker.totals)
                name_missed(state, source, at)


def name_missed(state: State, source: Source, at: float) -> None:
    """Count tasks that a worker began unheard, as soon as their names are known."""
    for name, n in source.life.ledger.name_missed().items():
        state.route(source, name, at).cell.started += n


def note_missed(state: State, source: Source, missed: int, at: float) -> None:
    """Mark the time in which tasks of a worker began unheard."""
    silent = source.task_events is TaskEvents.OFF
    why = f"{source.name} sends no task events" if silent else f"events of {source.name} were missed"
    gap = state.gaps.last_of(source.name, why) if silent else None
    gap = gap or state.gaps.of_worker(source.name, source.missed_since(), why)
    gap.missed = (gap.missed or 0) + missed
    if gap.worker is not None:
        gap.until = at
    name_missed(state, source, at)


def take_stock(state: State, snapshot: ClusterSnapshot) -> None:
    """Compare tasks in hand with what workers say they hold, after events were missed."""
    before = snapshot.taken_at.timestamp() - ON_THE_WAY
    holds: dict[str, set[str]] = {}
    over = state.tasks.ended_ids()
    for worker in snapshot.workers:
        if worker.active is None or worker.reserved is None or worker.scheduled is None:
            continue
        waiting = (*worker.reserved, *worker.scheduled)
        holds[worker.name] = {task.id for task in (*worker.active, *waiting)}
        for tasks, phase in ((worker.active, Phase.RUNNING), (waiting, Phase.RECEIVED)):
            for task in tasks:
                if task.id not in over:
                    _hold(state, worker, task, phase)
    for hand in state.tasks.held:
        held_by = holds.get(hand.worker or "")
        if held_by is not None and hand.id not in held_by and (hand.started or hand.received or 0.0) < before:
            unheard(state, hand)


def unheard(state: State, hand: Hand) -> None:
    """Note that a task is no longer in its worker's hands, and that nobody knows how it ended."""
    if hand.phase is Phase.RUNNING:
        state.tasks.held.pop(hand.id)
        state.tasks.end(hand)
    # One that was only received may be held back by a rate limit, which no list shows: its name is still needed.
    hand.phase = Phase.UNHEARD


def find_lost(state: State, now: float) -> None:
    """Count what was run by processes that are gone as lost; where events were missed, nobody can tell."""
    gone: dict[str, int] = {}
    for source in state.sources.values():
        lives = source.dead_lives(now, state.since)
        if lives > source.lost_until:
            gone[source.name] = source.lost_until = lives
    if not gone:
        return
    for hand in _run_by(state.tasks.held, gone):
        if state.gaps.covers(hand.started or now):
            unheard(state, hand)
        else:
            hand.phase, hand.ended = Phase.LOST, now
            hand.series.cell.lost += 1


def _run_by(hands: Iterable[Hand], gone: dict[str, int]) -> list[Hand]:
    return [h for h in hands if h.phase is Phase.RUNNING and h.worker and h.life <= gone.get(h.worker, 0)]


def _hold(state: State, worker: Worker, task: TaskInHand, phase: Phase) -> None:
    """Remember a task whose events were missed; its counts are not ours to guess."""
    hand = state.tasks.held.get(task.id)
    series = state.windows.series(task.name, task.queue)
    if hand is None:
        at = task.started_at.timestamp() if phase is Phase.RUNNING and task.started_at else None
        source = state.sources.get(worker.name)
        life = source.life.number if source else 0
        state.tasks.held.put(Hand(task.id, series, phase, worker.name, life, None, None, at))
    elif hand.series.name == UNNAMED:
        hand.series = series
