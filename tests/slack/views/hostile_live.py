"""Input as bad as it comes for the views of the live cluster: names, messages and numbers that workers made up."""

from typing import Any

from hypothesis import strategies as st

from bot.domain.broker import OldestMessage, TaskPlace, WorkerMemory
from bot.domain.cluster import Unknown
from bot.domain.forecast import Trend
from bot.domain.live import FailureGroup, Feed, LiveWorker, Phase, Presence, TaskEvents, TaskTrace
from bot.domain.mitigation import Protection
from bot.domain.run import Finding, Level, Table
from bot.domain.targets import ForecastScore, Measure, Quality, Reading, Standing, TargetSpec, TargetState
from bot.domain.views import (
    Age,
    CheckView,
    FailuresView,
    QueueDetail,
    QueuesView,
    TargetLine,
    TargetsView,
    TasksView,
    TaskView,
    WhatIf,
    WorkerDetail,
    WorkersView,
)
from bot.domain.window import BOUNDS, Figures, Gap, Histogram, Span, TaskFigures
from tests.slack.views.hostile import counts, forecasts, many, maybe, moments, names, queue_lines, tasks, text, workers

numbers = st.floats(-1e9, 1e9, allow_nan=False)
seconds = st.floats(0, 1e9, allow_nan=False)
unknown = many(st.builds(Unknown, what=text, why=text))
histograms = st.builds(Histogram, st.dictionaries(st.integers(0, len(BOUNDS)), st.integers(0, 10**9), max_size=4))
ages = st.builds(Age, now=moments, taken_at=maybe(moments), trouble=maybe(text), doubt=maybe(text))
gaps = many(st.builds(Gap, since=moments, until=maybe(moments), why=text, missed=maybe(counts)))
feeds = st.builds(Feed, connected=st.booleans(), since=maybe(moments), trouble=maybe(text), last_at=maybe(moments))
common: dict[str, st.SearchStrategy[Any]] = {"cluster": names, "age": ages}
windowed = common | {"span": st.sampled_from(Span), "since": moments, "gaps": gaps, "feed": feeds}

details = st.builds(
    QueueDetail,
    line=queue_lines,
    trend=maybe(st.builds(Trend, net_per_minute=numbers, service_per_minute=maybe(seconds), seconds=seconds)),
    forecast=maybe(forecasts),
    what_if=many(st.builds(WhatIf, what=text, forecast=forecasts)),
    oldest=maybe(st.builds(OldestMessage, queue=names, task=maybe(text), task_id=maybe(text))),
    oldest_age=maybe(numbers),
    oldest_estimated=maybe(text),
    wait=histograms,
    held=maybe(counts),
    running=maybe(counts),
    consumers=many(text),
)
queues_views = st.builds(
    QueuesView, **common, queues=many(details), orphaned=many(names), unknown=unknown, alone=st.booleans()
)
lives = st.builds(
    LiveWorker,
    name=text,
    presence=st.sampled_from(Presence),
    seen_at=moments,
    since=moments,
    pid=maybe(counts),
    processed=maybe(counts),
    active=maybe(counts),
    load=many(seconds),
    software=maybe(text),
    task_events=st.sampled_from(TaskEvents),
    clock_ahead=maybe(numbers),
    twins=st.booleans(),
    plugin=maybe(text),
)
memories = st.builds(
    WorkerMemory,
    worker=text,
    parent=maybe(counts),
    children=maybe(many(counts)),
    parent_is_peak=st.booleans(),
    by_plugin=st.booleans(),
    why=maybe(text),
)
workers_views = st.builds(
    WorkersView,
    **common,
    workers=many(
        st.builds(
            WorkerDetail,
            worker=workers,
            live=maybe(lives),
            memory=maybe(memories),
            protection=maybe(st.sampled_from(Protection)),
        )
    ),
    missing_groups=many(text),
    unknown=unknown,
    alone=st.booleans(),
)
figures = st.builds(
    Figures,
    sent=counts,
    received=counts,
    started=counts,
    succeeded=counts,
    failed=counts,
    retried=counts,
    revoked=counts,
    lost=counts,
    runtime=histograms,
    wait=histograms,
)
groups = st.builds(
    FailureGroup,
    task=text,
    queue=maybe(text),
    exception=text,
    n=counts,
    first_at=moments,
    last_at=moments,
    message=text,
    traceback=maybe(text),
    last_id=text,
    last_worker=maybe(text),
)
tasks_views = st.builds(
    TasksView,
    **windowed,
    tasks=many(st.builds(TaskFigures, text, maybe(text), figures)),
    name=maybe(text),
    running=many(tasks),
    on=st.dictionaries(st.just("t"), text, max_size=1),
    failures=many(groups),
)
failures_views = st.builds(FailuresView, **windowed, groups=many(groups), failed=counts, alone=st.booleans())
traces = st.builds(
    TaskTrace,
    id=text,
    name=maybe(text),
    queue=maybe(text),
    phase=st.sampled_from(Phase),
    worker=maybe(text),
    received_at=maybe(moments),
    started_at=maybe(moments),
    ended_at=maybe(moments),
    runtime=maybe(seconds),
    retries=st.integers(0, 10**6),
    exception=maybe(text),
)
places = st.builds(
    TaskPlace,
    id=text,
    place=maybe(text),
    task=maybe(tasks),
    result_state=maybe(text),
    result_error=maybe(text),
    searched_all=st.booleans(),
    unsearched=many(text),
)
task_views = st.builds(TaskView, **common, id=text, trace=maybe(traces), place=maybe(places))
tables = st.integers(0, 5).flatmap(
    lambda n: st.builds(
        Table,
        columns=st.tuples(*[text] * n),
        rows=many(st.lists(text, max_size=6).map(tuple) | st.tuples(*[text] * n)),
        more=counts,
    )
)
check_views = st.builds(
    CheckView,
    cluster=names,
    now=moments,
    name=text,
    title=text,
    finding=st.builds(
        Finding,
        level=st.sampled_from(Level),
        sentence=text,
        at=moments,
        table=maybe(tables),
        unknown=many(text),
        estimated=maybe(text),
    ),
)
qualities = st.builds(Quality, n=counts, defects=counts, dpmo=seconds, dpmo_upper=seconds, sigma=maybe(numbers))
readings = st.builds(
    Reading,
    at=moments,
    value=maybe(seconds),
    n=maybe(counts),
    of=maybe(text),
    quality=maybe(qualities),
    why=maybe(text),
    few=maybe(text),
    incomplete=maybe(text),
    estimated=maybe(text),
)
standings = st.sampled_from(Standing)
targets_views = st.builds(
    TargetsView,
    **common,
    targets=many(
        st.builds(
            TargetLine,
            spec=st.builds(TargetSpec, name=text, measure=st.sampled_from(Measure), target=seconds, alert=seconds),
            state=st.builds(
                TargetState,
                standing=standings,
                since=moments,
                leaning=maybe(standings),
                leaning_since=maybe(moments),
                read_at=maybe(moments),
            ),
            reading=readings,
        )
    ),
    scores=many(
        st.builds(
            ForecastScore,
            queue=text,
            n=counts,
            median_minutes=maybe(seconds),
            p90_minutes=maybe(seconds),
            wrong_way=counts,
        )
    ),
)
