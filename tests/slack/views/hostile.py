"""Input as bad as it comes: huge, empty, full of markup, for every field that somebody outside can fill."""

from datetime import timedelta
from typing import Any, TypeVar

from hypothesis import strategies as st

from bot.domain.action import Execution, ExecutionState, Preview, Proposal, Verdict
from bot.domain.approval import Alternative, Answer, ApprovalRequest, Review
from bot.domain.approval import RequestState as Asked
from bot.domain.card import (
    AuditCheck,
    EndingCard,
    ExecutionCard,
    HomeView,
    IncidentCard,
    Offer,
    QueueLine,
    RequestCard,
    StatusView,
)
from bot.domain.cluster import Mode, Plugin, Queue, TaskInHand, Unknown, Worker
from bot.domain.forecast import Forecast, Prospect
from bot.domain.incident import Incident, IncidentState
from bot.domain.mitigation import Mitigation, MitigationState, Protection
from bot.domain.run import Level, Run, StepResult, StepState
from bot.domain.runbook import Runbook
from tests.slack.views import samples
from tests.slack.views.samples import ANA, BEN, CEM, LOW_OFFER, NOW, PREVIEW, RESUME, SUGGESTION

T = TypeVar("T")

NASTY = (
    "",
    " ",
    "<!channel> <!here> <!everyone>",
    "<@U0EVIL>",
    "&<>" * 3000,
    "`" * 400,
    "```" * 300 + "x",
    "*_~" * 200,
    "line\nbreak\r\n\ttab",
    "\u202egnp.exe\u200b\x00\x07",
    "ö" * 5000,
    "👩‍👩‍👧‍👦" * 900,
    "<https://evil.example|click>",
    "a" * 4000,
    "<!date^1^{time}|now>",
    "&lt;!channel&gt;",
    "<!subteam^S0ALL>",
)
text = st.one_of(st.sampled_from(NASTY), st.text(max_size=12))
names = st.one_of(text, st.sampled_from(["analytics", "ai_generation"]))
moments = st.integers(-100_000, 100_000).map(lambda s: NOW + timedelta(seconds=s))
people = st.one_of(st.sampled_from([ANA, BEN, CEM, "system"]), text)
counts = st.integers(0, 10**12)


def many(of: st.SearchStrategy[T]) -> st.SearchStrategy[tuple[T, ...]]:
    """Return tuples of them, few or far too many."""
    return st.tuples(st.lists(of, max_size=3), st.sampled_from((1, 1, 70))).map(lambda p: tuple(p[0]) * p[1])


def maybe(of: st.SearchStrategy[T]) -> st.SearchStrategy[T | None]:
    """Return it, or None."""
    return st.none() | of


def numbered(of: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Any, ...]]:
    """Return many of them, each with an id of its own, as the database gives them."""
    return many(of).map(lambda drawn: tuple(d.model_copy(update={"id": f"id-{i}"}) for i, d in enumerate(drawn)))


def like(sample: Any, **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Return the sample with these fields drawn anew."""
    return st.fixed_dictionaries(fields).map(lambda drawn: sample.model_copy(update=drawn))


proposals: st.SearchStrategy[Proposal] = st.builds(
    Proposal,
    action=st.sampled_from(["pause_queue", "resume_queue", "scale_workers"]) | text,
    cluster=names,
    params=st.fixed_dictionaries({}, optional={"queue": names, "seconds": st.integers(0, 10**9), "for": text}),
)
previews: st.SearchStrategy[Preview] = like(PREVIEW, summary=text, notes=many(text), warnings=many(text))
mitigations: st.SearchStrategy[Mitigation] = like(
    samples.mitigation(),
    target=names,
    cluster=names,
    state=st.sampled_from(MitigationState),
    owner=people,
    reason=text,
    ends_at=moments,
    ended_at=maybe(moments),
    warned_for=maybe(moments),
    workers=many(text),
)
reviews = st.builds(Review, by=people, answer=st.sampled_from(Answer), at=moments)
alternatives = st.builds(Alternative, approve=st.integers(1, 10), by=text)
requests: st.SearchStrategy[ApprovalRequest] = like(
    samples.request(),
    proposal=proposals,
    preview=previews,
    reason=text,
    alternatives=many(alternatives),
    asked=many(people),
    requested_by=people,
    expires_at=moments,
    state=st.sampled_from(Asked),
    reviews=many(reviews),
    decided_at=maybe(moments),
)
executions: st.SearchStrategy[Execution] = like(
    samples.execution(),
    proposal=proposals,
    preview=previews,
    consent=text | st.sampled_from(["policy low", "approved by U0BEN, <!here>"]),
    requested_by=people,
    state=st.sampled_from(ExecutionState),
    started_at=maybe(moments),
    ended_at=maybe(moments),
    progress=many(text),
    verdict=maybe(st.builds(Verdict, verified=st.booleans(), sentence=text)),
    error=maybe(text),
    undo=st.sampled_from([None, RESUME]) | proposals,
    irreversible=maybe(text),
    audit_seq=maybe(st.integers(1, 10**9)),
)
incidents: st.SearchStrategy[Incident] = like(
    samples.incident(),
    cluster=names,
    state=st.sampled_from(IncidentState),
    alert=text.map(lambda t: samples.alert(name=t, title=t)),
    queue=maybe(names),
    queue_guessed=st.booleans(),
    limit=maybe(counts),
    owner=maybe(people),
    resolved_at=maybe(moments),
    repeats=many(st.just("1795317000.000100")),
)
findings = st.builds(
    lambda level, sentence, unknown: samples.finding(level, sentence).model_copy(update={"unknown": unknown}),
    st.sampled_from(Level),
    text,
    many(text),
)
results: st.SearchStrategy[StepResult] = st.builds(
    StepResult,
    id=st.just(""),
    state=st.sampled_from(StepState),
    finding=maybe(findings),
    preview=maybe(previews),
    command=maybe(text),
    text=maybe(text),
    why=maybe(text),
)
kinds = st.sampled_from([{"check": "c"}, {"action": "a"}, {"note": "n"}])
titles = text.map(lambda t: (t or "x")[:150])
forecasts = st.builds(
    Forecast, prospect=st.sampled_from(Prospect), goal=counts, minutes=maybe(st.floats(0, 1e6, allow_nan=False))
)


@st.composite
def runs(draw: st.DrawFn) -> Run:
    """Return a run whose runbook has any steps with any results."""
    drawn = draw(many(st.tuples(kinds, titles, results)))
    steps = [{"id": f"s{i}", "title": title, **kind} for i, (kind, title, _) in enumerate(drawn)]
    book = Runbook.model_validate({"runbook": "b", "title": draw(text), "steps": steps})
    return samples.run(
        runbook=draw(st.sampled_from([book, None])),
        results=tuple(r.model_copy(update={"id": f"s{i}"}) for i, (_, _, r) in enumerate(drawn)),
        suggestion=draw(st.sampled_from([None, SUGGESTION])),
        without=draw(maybe(forecasts)),
        depth=draw(maybe(counts)),
        net_per_minute=draw(maybe(st.floats(-1e12, 1e12, allow_nan=False))),
        trouble=draw(maybe(text)),
    )


offers: st.SearchStrategy[Offer] = like(
    LOW_OFFER, title=text, proposal=proposals, alone=st.booleans(), asks=many(text), preview=maybe(previews)
)
incident_cards: st.SearchStrategy[IncidentCard] = st.builds(
    IncidentCard,
    incident=incidents,
    run=maybe(runs()),
    offers=many(offers),
    in_force=many(mitigations),
    requests=many(requests),
    executions=many(executions),
    mode=st.sampled_from(Mode),
    frozen=st.booleans(),
    now=moments,
)
request_cards: st.SearchStrategy[RequestCard] = st.builds(
    RequestCard,
    request=requests,
    execution=maybe(executions),
    incident=maybe(incidents),
    reader=maybe(people),
    now=moments,
)
execution_cards: st.SearchStrategy[ExecutionCard] = st.builds(
    ExecutionCard, execution=executions, mitigation=maybe(mitigations), undoable=st.booleans(), now=moments
)
ending_cards: st.SearchStrategy[EndingCard] = st.builds(
    EndingCard, mitigation=mitigations, waiting=maybe(counts), now=moments
)
home_views: st.SearchStrategy[HomeView] = st.builds(
    HomeView,
    user=people,
    modes=st.dictionaries(names, st.sampled_from(Mode), max_size=4),
    frozen=st.booleans(),
    waiting=numbered(requests),
    in_force=numbered(mitigations),
    incidents=numbered(incidents),
    audit_check=maybe(st.builds(AuditCheck, at=moments, sound=st.booleans(), sentence=text)),
    now=moments,
)
tasks = st.builds(TaskInHand, id=st.just("t"), name=text, queue=maybe(names))
workers: st.SearchStrategy[Worker] = st.builds(
    Worker,
    name=text,
    slots=maybe(counts),
    active=maybe(many(tasks)),
    answered=st.booleans(),
    plugin=maybe(st.builds(Plugin, version=text, left_out=many(text))),
)
queues: st.SearchStrategy[Queue] = st.builds(
    Queue,
    name=names,
    depth=maybe(counts),
    unacked=maybe(counts),
    unacked_at_least=st.booleans(),
    declared=st.booleans(),
)
queue_lines: st.SearchStrategy[QueueLine] = st.builds(
    QueueLine,
    queue=queues,
    importance=maybe(st.integers(1, 10)),
    net_per_minute=maybe(st.floats(-1e9, 1e9, allow_nan=False)),
    scheduled=maybe(counts),
    consumers=maybe(counts),
    pause=maybe(mitigations),
    backed_up=st.booleans(),
)
status_views: st.SearchStrategy[StatusView] = st.builds(
    StatusView,
    cluster=st.just("prod"),
    mode=st.sampled_from(Mode),
    frozen=st.booleans(),
    queues=many(queue_lines),
    orphaned=many(names),
    workers=many(workers),
    unknown=many(st.builds(Unknown, what=text, why=text)),
    protection=st.dictionaries(text, st.sampled_from(Protection), max_size=3),
    missing_groups=many(names),
    taken_at=maybe(moments),
    trouble=maybe(text),
    now=moments,
)
