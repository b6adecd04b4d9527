"""Whether Flower answers, and whether it sees the workers that we see."""

from typing import Any

from bot.checks.workers import NoParams
from bot.domain.cluster import ClusterSnapshot
from bot.domain.errors import BadInput, OutsideUnreachable
from bot.domain.run import Finding, Level
from bot.domain.wording import counted, listed
from bot.ports import Check, HttpAnswer, Target

SECONDS = 1.6
"""How long both questions may take together: a snapshot comes before them, and a block of checks has 3 s."""

LEAST_SECONDS = 0.2
"""What the second question gets, however long the first took."""


class Flower(Check[NoParams]):
    """Whether Flower answers, and which workers it believes online against those that answered us."""

    name = "flower"
    params = NoParams

    def run(self, params: NoParams, snapshot: ClusterSnapshot, target: Target) -> Finding:  # noqa: ARG002
        """Never worse than a warning: tasks run without Flower.

        Values for expressions: `answers`, `workers` that Flower believes online (None: it does not say), `unseen` by it
        and `only_there`, by name.
        """
        cluster, at = target.spec.name, target.clock.now()
        if not target.spec.flower:
            raise BadInput(
                f"No Flower is configured: add `flower: {{url: …}}` to `clusters.{cluster}` in the settings."
            )
        try:
            health = target.http.page(cluster, "flower", "/healthcheck", SECONDS)
        except OutsideUnreachable as e:
            return _warned(f"Flower gives no usable answer: {e.why}; tasks run without it.", target)
        if health.status != 200:
            return _warned(
                f"Flower's /healthcheck answered {health.status}{_hint(health)}; tasks run without it.", target
            )
        online = _believed(target, max(SECONDS - health.took_seconds, LEAST_SECONDS))
        if isinstance(online, str):
            values: dict[str, Any] = {"answers": True, "workers": None, "unseen": [], "only_there": []}
            sentence = f"Flower answers; which workers it sees is unknown: {online}."
            unknown = (f"which workers Flower sees: {online}",)
            return Finding(level=Level.OK, sentence=sentence, at=at, values=values, unknown=unknown)
        return _compared(online, snapshot)


def _believed(target: Target, seconds: float) -> frozenset[str] | str:
    """Return the workers that Flower takes for online, or why that is not known.

    `status=1` gives names to true or false, from Flower's own memory of events; without it, Flower tells more, as it
    was when it last looked: see `flower/api/workers.py` of Flower 2.
    """
    try:
        answer = target.http.page(target.spec.name, "flower", "/api/workers?status=1", seconds)
    except OutsideUnreachable as e:
        return f"its API gives no usable answer: {e.why}"
    if answer.status in (401, 403):
        return (
            f"its API refuses us ({answer.status}); put user and password into the address of `flower`, or start "
            "Flower with FLOWER_UNAUTHENTICATED_API=true"
        )
    if answer.status != 200 or not isinstance(answer.json, dict):
        return f"its API answered {answer.status}{'' if answer.status != 200 else ' with something else than JSON'}"
    return frozenset(name for name, alive in answer.json.items() if alive)


def _compared(online: frozenset[str], snapshot: ClusterSnapshot) -> Finding:
    ours = {w.name for w in snapshot.workers if w.answered}
    unseen, only_there = sorted(ours - online), sorted(online - ours)
    sentence = f"Flower sees {counted(len(online), 'worker')} online"
    parts = [f"{sentence}, the same as we do" if not unseen and not only_there else sentence]
    if unseen:
        parts.append(f"it does not see {listed(unseen)}, which answered us (are its events off?)")
    if only_there:
        parts.append(f"{listed(only_there)} gave us no answer (busy or unreachable)")
    values: dict[str, Any] = {"answers": True, "workers": len(online), "unseen": unseen, "only_there": only_there}
    level = Level.WARN if unseen or only_there else Level.OK
    return Finding(level=level, sentence="; ".join(parts) + ".", at=snapshot.taken_at, values=values)


def _warned(sentence: str, target: Target) -> Finding:
    values: dict[str, Any] = {"answers": False, "workers": None, "unseen": [], "only_there": []}
    return Finding(level=Level.WARN, sentence=sentence, at=target.clock.now(), values=values)


def _hint(health: HttpAnswer) -> str:
    if health.status in (401, 403):
        return " (put user and password into its address)"
    return " (is its path right?)" if health.status == 404 or health.elsewhere else ""
