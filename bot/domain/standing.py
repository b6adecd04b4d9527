"""Where a target stands: met, missed or alert, with hysteresis, so that a value at a limit does not flap."""

from datetime import datetime, timedelta

from bot.domain.targets import Reading, Standing, TargetSpec, TargetState

WORSE_AFTER = timedelta(seconds=30)
"""How long readings must point to something worse: one slow probe is nothing to wake people for."""

BETTER_AFTER = timedelta(seconds=60)
"""How long readings must point to something better, past the margin."""

UNKNOWN_AFTER = timedelta(minutes=5)
"""How long a standing outlives its readings: a broker that restarts ends no alert, and begins none."""

UNWATCHED = timedelta(minutes=2)
"""After so long without any reading, what earlier ones pointed to was not held: nobody looked."""

MARGIN = 0.1
"""How far past a limit a value must be to leave its bad side, as a share of the way from alert to target."""

_RANKS = {Standing.UNKNOWN: -1, Standing.MET: 0, Standing.MISSED: 1, Standing.ALERT: 2}


def next_state(state: TargetState, spec: TargetSpec, reading: Reading, now: datetime) -> TargetState:
    """Return the state after one more reading.

    Readings that point to another standing change it once they have done so for long enough; of several that they
    pointed to meanwhile, the mildest counts. One that points nowhere else begins the wait anew.
    """
    kept = state.reading if reading.value is None else reading
    read = state.model_copy(update={"reading": kept, "read_at": now, "leaning": None, "leaning_since": None})
    towards = pointed_to(spec, reading, state.standing)
    if towards is state.standing:
        return read
    leaning, since = _leaning(state, towards, now)
    if now - since < _hold(state.standing, leaning):
        return read.model_copy(update={"leaning": leaning, "leaning_since": since})
    then = pointed_to(spec, reading, leaning)  # it may point further still
    more = {"leaning": then, "leaning_since": now} if then is not leaning else {}
    return read.model_copy(update={"standing": leaning, "since": now, **more})


def pointed_to(spec: TargetSpec, reading: Reading, standing: Standing) -> Standing:
    """Return where one reading points, for a target that stands at `standing`: better only past the margin.

    A value past the alert that rests on too few tasks points to MISSED, not to ALERT.
    """
    if reading.value is None:
        return Standing.UNKNOWN
    strict = _zone(spec, reading, 0.0)
    if strict is Standing.ALERT and reading.few:
        strict = Standing.MISSED
    if standing is Standing.UNKNOWN or _RANKS[strict] > _RANKS[standing]:
        return strict
    eased = _zone(spec, reading, MARGIN)
    return eased if _RANKS[eased] < _RANKS[standing] else standing


def limits(spec: TargetSpec, reading: Reading) -> tuple[float, float]:
    """Return the target and the alert that hold for a reading."""
    return (
        spec.target if reading.target is None else reading.target,
        spec.alert if reading.alert is None else reading.alert,
    )


def urgency(standing: Standing) -> int:
    """Return how far up a standing belongs: what nobody knows stands after what is missed, before what is met."""
    return {Standing.ALERT: 3, Standing.MISSED: 2, Standing.UNKNOWN: 1, Standing.MET: 0}[standing]


def _zone(spec: TargetSpec, reading: Reading, margin: float) -> Standing:
    """Return the zone of a value, both limits moved to the good side by a share of the way between them.

    Beyond the target there may be less room than that (100 % is the most): there it is a share of the room.
    """
    target, alert = limits(spec, reading)
    good, best = (1, 1.0) if spec.measure.higher_is_better else (-1, 0.0)
    way = abs(alert - target)
    value = good * (reading.value or 0.0)
    if value < good * alert + margin * way:
        return Standing.ALERT
    return Standing.MISSED if value < good * target + margin * min(way, abs(best - target)) else Standing.MET


def _leaning(state: TargetState, towards: Standing, now: datetime) -> tuple[Standing, datetime]:
    """Return what readings have pointed to, and since when."""
    was, since = state.leaning, state.leaning_since
    if towards is Standing.UNKNOWN:
        return towards, (since if was is towards and since else state.read_at or now)
    watched = state.read_at is not None and now - state.read_at <= UNWATCHED
    if not watched or was is None or since is None or _worse(state.standing, was) != _worse(state.standing, towards):
        return towards, now
    return min(was, towards, key=lambda s: abs(_RANKS[s] - _RANKS[state.standing])), since


def _worse(standing: Standing, towards: Standing) -> bool | None:
    """Return whether it points to something worse; None: to nothing that is known."""
    return None if towards is Standing.UNKNOWN else _RANKS[towards] > _RANKS[standing]


def _hold(standing: Standing, towards: Standing) -> timedelta:
    """Return how long readings must have pointed there. That all is well is believed at once of what was not known."""
    if towards is Standing.UNKNOWN:
        return UNKNOWN_AFTER
    if standing is Standing.UNKNOWN:
        return timedelta(0) if towards is Standing.MET else WORSE_AFTER
    return WORSE_AFTER if _worse(standing, towards) else BETTER_AFTER
