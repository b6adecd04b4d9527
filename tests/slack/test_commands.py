"""The grammar of `/celery …`: what is said, what is meant, and one clear sentence for what is not understood."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.errors import BadInput, UnknownName
from bot.domain.window import Span
from bot.slack.acts import Act
from bot.slack.commands import (
    USAGES,
    AuditTail,
    Command,
    Fill,
    Freeze,
    Help,
    Pause,
    Resume,
    Status,
    Unfreeze,
    parse,
)
from bot.slack.looks import VERBS, Failures, Look, Queues, RunCheck, Targets, Task, Tasks, Workers, line_of

QUEUES = {"prod": {"analytics", "ai_generation", "booking", "a/b"}, "staging": {"analytics", "reports"}}

KNOWN = "Known: `a/b`, `ai_generation`, `analytics`, `booking`."


def said(text: str) -> Command:
    """Parse on the default cluster, prod."""
    return parse(text, queues=QUEUES, clusters=tuple(QUEUES), default_cluster="prod")


def _check(*words: tuple[str, str]) -> RunCheck:
    return RunCheck("prod", "queue_depths", words)


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("", Status("prod")),
        ("  ", Status("prod")),
        ("status", Status("prod")),
        ("STATUS staging", Status("staging")),
        ("Status?", Status("prod")),
        ("pause analytics", Pause("prod", "analytics", 1800, "")),
        ("pause analytics for 2h", Pause("prod", "analytics", 7200, "")),
        ("pause analytics for 1h30m", Pause("prod", "analytics", 5400, "")),
        ("pause analytics for 90 minutes", Pause("prod", "analytics", 5400, "")),
        ("pause analytics for 1.5 hours", Pause("prod", "analytics", 5400, "")),
        ("pause analytics 45m", Pause("prod", "analytics", 2700, "")),
        ("pause analytics for 20s", Pause("prod", "analytics", 20, "")),
        ("pause analytics for 24h", Pause("prod", "analytics", 86400, "")),
        ("pause staging/reports for 10m", Pause("staging", "reports", 600, "")),
        ("pause a/b", Pause("prod", "a/b", 1800, "")),
        ("pause prod/a/b", Pause("prod", "a/b", 1800, "")),
        ("Pause Analytics For 30M Because Bookings are slow", Pause("prod", "analytics", 1800, "Bookings are slow")),
        ("pause analytics because of the deploy", Pause("prod", "analytics", 1800, "because of the deploy")),
        ("pause “analytics” because “it is late”", Pause("prod", "analytics", 1800, "it is late")),
        ("pause `analytics` because: busy", Pause("prod", "analytics", 1800, "busy")),
        ("pause <#C012|analytics>", Pause("prod", "analytics", 1800, "")),
        ("pause #analytics", Pause("prod", "analytics", 1800, "")),
        ("pause <http://analytics|analytics>", Pause("prod", "analytics", 1800, "")),
        ("pause analytics because <@U0BEN|ben> asked", Pause("prod", "analytics", 1800, "<@U0BEN> asked")),
        ("pause analytics because a &lt; b &amp; c", Pause("prod", "analytics", 1800, "a < b & c")),
        ("pause analytics because <!here|here> <#C1|ops>", Pause("prod", "analytics", 1800, "@here #ops")),
        ("pause\u00a0analytics\nfor 30m", Pause("prod", "analytics", 1800, "")),
        ("resume analytics", Resume("prod", "analytics")),
        ("unpause staging/analytics", Resume("staging", "analytics")),
        ("freeze", Freeze()),
        ("Freeze!", Freeze()),
        ("unfreeze", Unfreeze()),
        ("audit", AuditTail()),
        ("queues", Queues("prod")),
        ("queue Analytics", Queues("prod", "analytics")),
        ("queues staging", Queues("staging")),
        ("queues staging/", Queues("staging")),
        ("queues staging/reports", Queues("staging", "reports")),
        ("queues a/b", Queues("prod", "a/b")),
        ("queues prod/a/b", Queues("prod", "a/b")),
        ("queues thumbnails", Queues("prod", "thumbnails")),
        ("workers", Workers("prod")),
        ("workers worker1@host", Workers("prod", "worker1@host")),
        ("workers <mailto:worker1@host.example|worker1@host.example>", Workers("prod", "worker1@host.example")),
        ("workers staging/worker1", Workers("staging", "worker1")),
        ("tasks", Tasks("prod")),
        ("tasks 1h", Tasks("prod", None, Span.HOUR)),
        ("tasks 1 h", Tasks("prod", None, Span.HOUR)),
        ("tasks last 24 hours", Tasks("prod", None, Span.DAY)),
        ("tasks booking.*", Tasks("prod", "booking.*")),
        ("tasks `booking.create` for 1m", Tasks("prod", "booking.create", Span.MINUTE)),
        ("tasks staging 1h", Tasks("staging", None, Span.HOUR)),
        ("tasks staging/mail.send 15m", Tasks("staging", "mail.send", Span.QUARTER)),
        ("task 7d1c4a52", Task("prod", "7d1c4a52")),
        ("task staging/7d1c4a52", Task("staging", "7d1c4a52")),
        ("failures", Failures("prod")),
        ("failures 24h", Failures("prod", None, Span.DAY)),
        ("failure staging/mail.send 1h", Failures("staging", "mail.send", Span.HOUR)),
        ("failures 1h mail.send", Failures("prod", "mail.send", Span.HOUR)),
        ("check", RunCheck("prod")),
        ("checks staging", RunCheck("staging")),
        ("check redis_ping", RunCheck("prod", "redis_ping")),
        ("check Redis-Ping", RunCheck("prod", "redis_ping")),
        ("check queue_depths above=5 queue=booking", _check(("above", "5"), ("queue", "booking"))),
        ("check queue_depths that=“up{job='a b'} &lt; 1”", _check(("that", "up{job='a b'} < 1"))),
        ("check queue_depths that='a=b'", _check(("that", "a=b"))),
        ("targets", Targets("prod")),
        ("targets Staging", Targets("staging")),
        ("act", Fill("prod")),
        ("do Staging", Fill("staging")),
        ("purge", Fill("prod", "purge_queue")),
        ("Pause?", Fill("prod", "pause_queue")),
        ("orphans restore", Fill("prod", "restore_orphans")),
        ("help", Help()),
        ("help pause", Help()),
        ("?", Help()),
    ],
)
def test_what_is_said_is_what_is_meant(text: str, command: Command) -> None:
    """Capitals of phones, smart quotes, Slack's references, spelled-out times."""
    assert said(text) == command


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("statsu", "There is no command `statsu`. Did you mean `status` or `targets`?"),
        (
            "deploy",
            "There is no command `deploy`. Known: `act`, `archives`, `audit`, `check`, `connections`, `disconnect`, "
            "`drop`, `failures`, `freeze`, `help`, `limit`, `orphans` and 19 more.",
        ),
        (
            "analytics",
            "`analytics` is a queue. Say what to do: `/celery queues analytics`, `/celery pause analytics` or "
            "`/celery resume analytics`.",
        ),
        (
            "pause for 30m",
            f"Say which queue to pause: `/celery pause <queue>`. {KNOWN}",
        ),
        (
            "resume for 30m",
            f"Say which queue to resume: `/celery resume <queue>`. {KNOWN}",
        ),
        ("pause analytcs", "There is no queue `analytcs`. Did you mean `analytics`?"),
        ("pause reports", "There is no queue `reports` on `prod`. Did you mean `staging/reports`?"),
        ("pause stagin/reports", "There is no cluster `stagin`. Did you mean `staging`?"),
        ("status production", "There is no cluster `production`. Did you mean `prod`?"),
        ("pause analytics for 30", "`30` has no unit. Say `for 30m` for minutes or `for 30h` for hours."),
        ("pause analytics for", "`for` needs a length of time. Say `for 30m`, `for 2h` or `for 1h30m`."),
        ("pause analytics for ever", "`ever` is no length of time. Say `for 30m`, `for 2h` or `for 1h30m`."),
        (
            "pause analytics now please",
            "`now please` is not understood after `pause analytics`. Say `/celery pause analytics for 30m because …`.",
        ),
        (
            "pause analytics for 5s",
            "A pause lasts from 10 seconds to 24 hours, not `5s`. It can be extended later.",
        ),
        (
            "pause analytics for 25h",
            "A pause lasts from 10 seconds to 24 hours, not `25h`. It can be extended later.",
        ),
        (
            "pause analytics because " + "x" * 301,
            "The reason has 301 characters, and 300 fit. Say it shorter after `because`.",
        ),
        ("resume analytics now", "`now` is too much after `resume analytics`. Say `/celery resume analytics` alone."),
        ("freeze prod", "`prod` is too much after `freeze`. Say `/celery freeze` alone."),
        ("status prod staging", "`staging` is too much after `status prod`. Say `/celery status prod` alone."),
        ("queues reports", "There is no queue `reports` on `prod`. Did you mean `staging/reports`?"),
        ("queues stagin/reports", "There is no cluster `stagin`. Did you mean `staging`?"),
        ("queues booking now", "`now` is too much after `queues booking`. Say `/celery queues booking` alone."),
        ("targets stagin", "There is no cluster `stagin`. Did you mean `staging`?"),
        ("tasks 1h 24h", "`24h 1h` is no window. Say `1m`, `15m`, `1h` or `24h`: `/celery tasks 1h`."),
        ("tasks 30m", "`30m` is no window. Say `1m`, `15m`, `1h` or `24h`: `/celery tasks 1h`."),
        (
            "failures mail.send today",
            "`today` is no window after `failures mail.send`. Say `1m`, `15m`, `1h` or `24h`: `/celery failures 1h`.",
        ),
        (
            "task",
            "Say which task, by its id: `/celery task <id>`. `/celery failures` shows ids of failed ones.",
        ),
        (
            "check promql up",
            "`up` is no parameter: after `check promql` say `key=value`, with quotes around a value that has blanks.",
        ),
        (
            "check promql query='up",
            "A quote is not closed after `check promql`. Say `key=value`, or `key='a value with blanks'`.",
        ),
        ("check promql a=1 a=2", "`a` is given twice after `check promql`. Give it once."),
        ("<!channel>", "There is no command `@channel`. Did you mean `help`?"),
    ],
)
def test_what_is_not_understood_gets_one_clear_sentence(text: str, sentence: str) -> None:
    """What was wrong, where, and what to say instead."""
    with pytest.raises(BadInput) as refused:
        said(text)
    assert str(refused.value) == sentence


def test_unknown_queue_is_told_apart_from_other_mistakes() -> None:
    """The shell looks into the clusters themselves before it believes that a queue does not exist."""
    for text in ("pause nowhere", "resume reports"):
        with pytest.raises(UnknownName) as refused:
            said(text)
        assert refused.value.kind == "queue"


def test_two_queues_that_differ_by_a_capital_are_two() -> None:
    """Where guessing could hit the wrong one, nothing is guessed."""
    queues = {"prod": {"Mail", "mail", "MAIL"}}
    assert parse("resume Mail", queues=queues, clusters=["prod"], default_cluster="prod") == Resume("prod", "Mail")
    with pytest.raises(UnknownName):
        parse("resume mAIL", queues=queues, clusters=["prod"], default_cluster="prod")


def test_every_example_of_the_help_is_understood() -> None:
    """Help that does not work is worse than none."""
    for usage in USAGES:
        assert said(usage.example or usage.usage.partition(" [")[0].replace("<queue>", "analytics"))


@pytest.mark.parametrize(
    "asked",
    [
        Queues("staging"),
        Queues("prod", "a/b"),
        Queues("prod", "staging"),
        Workers("staging", "worker1@host"),
        Tasks("prod", None, Span.MINUTE),
        Tasks("staging", "shop.mail.*", Span.DAY),
        Task("prod", "7d1c4a52"),
        Failures("prod"),
        Failures("staging", "mail.send", Span.HOUR),
        RunCheck("staging"),
        RunCheck("prod", "promql", (("query", 'sum(up{job="a b"}) < 1'), ("above", "it's 3"))),
        Targets("staging"),
    ],
)
def test_line_on_a_button_means_what_was_asked(asked: Look) -> None:
    """Wherever it is pressed: it names its cluster."""
    assert parse(line_of(asked), queues=QUEUES, clusters=tuple(QUEUES), default_cluster="staging") == asked


@given(
    st.tuples(st.sampled_from(VERBS), st.text(max_size=60) | st.text(alphabet="prod/1mh ='\"`*<@", max_size=40)).map(
        " ".join
    )
    | st.text(max_size=80)
    | st.text(alphabet='pause analytics for 30m<>@!|`because"', max_size=60)
)
def test_whatever_is_typed_is_a_command_or_a_sentence(text: str) -> None:
    """Never an exception that nobody can read, and never an echo that acts or fills the screen."""
    try:
        said(text)
    except BadInput as e:
        sentence = str(e)
        assert sentence.endswith((".", "?"))
        assert len(sentence) < 300
        assert "<!" not in sentence
        assert sentence.count("`") % 2 == 0


@pytest.mark.parametrize(
    ("line", "action", "params", "reason"),
    [
        ("purge analytics", "purge_queue", {"queue": "analytics"}, ""),
        ("purge Analytics because of a bad deploy", "purge_queue", {"queue": "analytics"}, "because of a bad deploy"),
        ("purge analytics task shop.mail", "purge_queue", {"queue": "analytics", "task": "shop.mail"}, ""),
        (
            "purge analytics older than 2 hours keep 3d task `shop.mail` because: it is old",
            "purge_queue",
            {"queue": "analytics", "older_than": 7200, "keep": 259200, "task": "shop.mail"},
            "it is old",
        ),
        ("revoke b0ef8b9b", "revoke_tasks", {"ids": ["b0ef8b9b"]}, ""),
        (
            "revoke prod/b0ef8b9b, 3f43 terminate for 8h because it hangs",
            "revoke_tasks",
            {"ids": ["b0ef8b9b", "3f43"], "terminate": True, "hold": 28800},
            "it hangs",
        ),
        ("revoke task `shop.mail` keep 2d", "revoke_tasks", {"task": "shop.mail", "keep": 172800}, ""),
        ("revoke Queue Analytics TERMINATE", "revoke_tasks", {"queue": "analytics", "terminate": True}, ""),
        (
            "revoke queue analytics task shop.mail",
            "revoke_tasks",
            {"queue": "analytics", "task": "shop.mail"},
            "",
        ),
        ("disconnect 12, 15 because of a leak", "close_connections", {"ids": [12, 15]}, "because of a leak"),
        (
            "disconnect prod idle longer than 1h from 10.0.0.7 named web Including Workers",
            "close_connections",
            {"idle": 3600, "host": "10.0.0.7", "named": "web", "workers": True},
            "",
        ),
        ("restore exe-12", "restore_archive", {"archive": "exe-12"}, ""),
        ("drop EXE-12 because Redis is full", "drop_archive", {"archive": "exe-12"}, "Redis is full"),
        ("scale Booking by 2", "resize_pools", {"queue": "booking", "by": 2}, ""),
        ("scale booking +3", "resize_pools", {"queue": "booking", "by": 3}, ""),
        ("scale booking by −1 because of memory", "resize_pools", {"queue": "booking", "by": -1}, "because of memory"),
        ("scale <mailto:w1@a.b|w1@a.b> by -1", "resize_pools", {"worker": "w1@a.b", "by": -1}, ""),
        ("scale prod/w1@a by 1", "resize_pools", {"worker": "w1@a", "by": 1}, ""),
    ],
)
def test_what_changes_a_cluster_becomes_a_proposal(
    line: str, action: str, params: dict[str, object], reason: str
) -> None:
    """In any order, with the reason at the end."""
    command = said(line)
    assert isinstance(command, Act)
    given = {"reason": reason} if action in ("purge_queue", "resize_pools", "revoke_tasks", "close_connections") else {}
    assert (command.action, command.cluster, dict(command.params), command.reason) == (
        action,
        "prod",
        params | given,
        reason,
    )


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("purge because of it", "Say which queue to purge"),
        ("purge analitics", "Did you mean `analytics`"),
        ("purge analytics now", "`now` is not understood after `purge analytics`"),
        ("purge analytics older than", "`older than` needs a length of time"),
        ("purge analytics older than dirt", "needs a length of time, not `dirt`"),
        ("revoke because", "Say which tasks to revoke"),
        ("revoke task", "`task` is not understood after `revoke`"),
        ("revoke queue analitics", "Did you mean `analytics`"),
        ("revoke task shop.mail now", "`now` is not understood after `revoke`"),
        ("revoke abc for ever", "`for` needs a length of time, not `ever`"),
        ("disconnect including workers", "Say which connections to close"),
        ("disconnect everything", "`everything` is not understood after `disconnect`"),
        ("disconnect 12 idle 1h", "Name connections by id, or say which by `idle`, `from` and `named`"),
        ("disconnect idle", "`idle` is not understood after `disconnect`"),
        ("restore prod", "Say which archive to restore"),
        ("drop exe-1 now", "`now` is too much after `drop exe-1`"),
        ("scale by 2", "Say which queue to scale"),
        ("scale booking", "Say by how many slots: `/celery scale booking by 2`"),
        ("scale booking by two", "`by two` is not understood after `scale booking`"),
        ("scale booking by 2 3", "`by 2 3` is not understood"),
        ("scale booking by 0", "by 1 to 20 slots at once, not by `0`"),
        ("scale booking by -21", "by 1 to 20 slots at once, not by `-21`"),
    ],
)
def test_what_is_no_act_is_said_in_words(line: str, words: str) -> None:
    """What was wrong, and what to say instead."""
    with pytest.raises(BadInput, match=re.escape(words)):
        said(line)
