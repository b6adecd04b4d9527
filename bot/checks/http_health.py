"""Whether the pages by which the watched application tells of its health answer as they should."""

from concurrent.futures import ThreadPoolExecutor

from pydantic import Field, model_validator

from bot.domain.cluster import ClusterSnapshot
from bot.domain.errors import BadInput, OutsideUnreachable, UnknownName
from bot.domain.health import HealthSpec
from bot.domain.run import Finding, Level
from bot.domain.troubles import table
from bot.domain.value import Value
from bot.domain.wording import listed
from bot.ports import Check, HttpAnswer, Params, Target

SECONDS = 2.5
"""How long all pages may take, side by side; checks of one block have 3 s together."""

MOST_PAGES = 16
"""How many are asked at once; the settings allow no more of a cluster."""


class HttpHealthParams(Params):
    """One page; without, every page of the cluster."""

    name: str | None = Field(default=None, description="a page under `health` of the cluster's settings")
    url: str | None = Field(default=None, description="another page of a server that the settings name")
    status: int = Field(default=200, ge=100, le=599, description="what a `url` must answer")

    @model_validator(mode="after")
    def _one(self) -> "HttpHealthParams":
        if self.name and self.url:
            raise ValueError("give `name` or `url`, not both")
        return self


class Probe(Value):
    """What one page answered: how it differs from what it should, or why there is no answer."""

    name: str
    status: int | None = None
    took_seconds: float | None = None
    troubles: tuple[str, ...] = ()

    @property
    def said(self) -> str:
        """Return it in a few words, for a table."""
        if self.status is None:
            return "no answer"
        differs = ", not as expected" if self.troubles else ""
        return f"{self.status}{differs} in {(self.took_seconds or 0) * 1000:,.0f} ms"


class HttpHealth(Check[HttpHealthParams]):
    """Health pages of the application: status and values against what is expected."""

    name = "http_health"
    needs_snapshot = False
    params = HttpHealthParams

    def run(self, params: HttpHealthParams, snapshot: ClusterSnapshot, target: Target) -> Finding:  # noqa: ARG002
        """Values for expressions: `healthy`, `n` pages, `failing` names; of one page `status` and `json`, too.

        Raises BadInput for a page that the settings do not name, and for a `url` on another server than they do.
        """
        at = target.clock.now()
        asked = _asked(params, target)
        with ThreadPoolExecutor(max_workers=MOST_PAGES) as threads:  # each ends by itself
            answers = list(threads.map(lambda spec: _answer(spec, params.url, target), asked))
        probes = [_probe(spec, answer) for spec, answer in zip(asked, answers, strict=True)]
        failing = [p for p in probes if p.troubles]
        values = {"healthy": not failing, "n": len(probes), "failing": [p.name for p in failing]}
        if len(probes) == 1:
            answer = answers[0] if isinstance(answers[0], HttpAnswer) else None
            values |= {"status": answer and answer.status, "json": answer and answer.json}
        return Finding(
            level=Level.BAD if failing else Level.OK,
            sentence=_sentence(probes, failing),
            at=at,
            values=values,
            table=table(("page", "answer"), [(p.name, p.said) for p in sorted(probes, key=lambda p: not p.troubles)])
            if len(probes) > 1
            else None,
        )


def _asked(params: HttpHealthParams, target: Target) -> list[HealthSpec]:
    configured = target.spec.health
    if params.url:
        return [HealthSpec(name="the page", status=params.status)]
    if not configured:
        where = f"`clusters.{target.spec.name}`"
        raise BadInput(f"No health page is configured: add `health: {{api: {{url: …}}}}` to {where} in the settings.")
    if not params.name:
        return list(configured)
    found = [spec for spec in configured if spec.name == params.name]
    if not found:
        raise UnknownName("health page", params.name, [spec.name for spec in configured])
    return found


def _answer(spec: HealthSpec, url: str | None, target: Target) -> HttpAnswer | OutsideUnreachable:
    try:
        if url:
            return target.http.url(target.spec.name, url, SECONDS)
        return target.http.page(target.spec.name, f"health.{spec.name}", deadline=SECONDS)
    except OutsideUnreachable as e:
        return e


def _probe(spec: HealthSpec, answer: HttpAnswer | OutsideUnreachable) -> Probe:
    if isinstance(answer, OutsideUnreachable):
        return Probe(name=spec.name, troubles=(f"gives no usable answer: {answer.why}",))
    troubles = []
    if answer.status != spec.status:
        sent = " (it sends to another server, which was not asked)" if answer.elsewhere else ""
        troubles.append(f"answered {answer.status}{sent}, not {spec.status}")
    if answer.json is None and answer.text.strip() != "null":
        troubles += ["answered something else than JSON"] if spec.expected and not troubles else []
    else:
        troubles += [trouble for e in spec.expected if (trouble := e.trouble(answer.json))]
    return Probe(name=spec.name, status=answer.status, took_seconds=answer.took_seconds, troubles=tuple(troubles))


def _sentence(probes: list[Probe], failing: list[Probe]) -> str:
    if not failing:
        (first, *others) = probes
        all_of_them = f"All {len(probes)} pages answer" if others else f"{_named(first)} answers"
        return f"{all_of_them} as expected{'' if others else f' ({first.said})'}."
    return " ".join(f"{_named(p)} {listed(p.troubles, 3)}." for p in failing[:3])


def _named(probe: Probe) -> str:
    return "The page" if probe.name == "the page" else f"`{probe.name}`"
