"""The grammar of what only looks: `queues`, `workers`, `tasks`, `task`, `failures`, `check`, `targets`, `archives`,
`connections`.

Each takes `cluster/…` before its name, or a cluster alone. `line_of` writes a look as a line that `look` reads again:
that is what the buttons below a view carry.
"""

import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bot.domain.amounts import span_of
from bot.domain.duration import seconds_of
from bot.domain.errors import BadInput, UnknownName
from bot.domain.window import Span
from bot.slack.named import Names, echo, found
from bot.slack.typed import unquoted


@dataclass(frozen=True)
class Queues:
    """Show all queues of a cluster, or one closely."""

    cluster: str
    queue: str | None = None


@dataclass(frozen=True)
class Workers:
    """Show all workers of a cluster, or one closely."""

    cluster: str
    worker: str | None = None


@dataclass(frozen=True)
class Tasks:
    """Show what became of tasks by name over a span, or of one name (or pattern) closely."""

    cluster: str
    name: str | None = None
    span: Span = Span.QUARTER


@dataclass(frozen=True)
class Task:
    """Show one task."""

    cluster: str
    id: str


@dataclass(frozen=True)
class Failures:
    """Show failures by cause over a span, or those of one task with tracebacks."""

    cluster: str
    task: str | None = None
    span: Span = Span.QUARTER


@dataclass(frozen=True)
class RunCheck:
    """Run one check; `words` are its parameters as typed. No name: list the checks."""

    cluster: str
    name: str | None = None
    words: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Targets:
    """Show how the team's targets are met."""

    cluster: str


@dataclass(frozen=True)
class ArchiveList:
    """Show what purges set aside."""

    cluster: str


@dataclass(frozen=True)
class RevokeList:
    """Show which revokes are in force."""

    cluster: str


@dataclass(frozen=True)
class ConnectionList:
    """Show who is connected to Redis."""

    cluster: str


Look = Queues | Workers | Tasks | Task | Failures | RunCheck | Targets | ArchiveList | RevokeList | ConnectionList

SPANS = {"1m": Span.MINUTE, "15m": Span.QUARTER, "1h": Span.HOUR, "24h": Span.DAY}
"""The windows as people type them."""

VERBS = ("queues", "workers", "tasks", "task", "failures", "check", "targets", "archives", "revokes", "connections")


_WHOLE: Mapping[str, Callable[[str], Look]] = {
    "targets": Targets,
    "archives": ArchiveList,
    "revokes": RevokeList,
    "connections": ConnectionList,
}
"""What is of a whole cluster alone."""


def look(verb: str, rest: list[str], names: Names) -> Look:
    """Return the look that is meant by words after one of VERBS; raises BadInput in words."""
    match verb:
        case "tasks" | "failures":
            cluster, name, span = _over_a_span(verb, rest, names)
            return Tasks(cluster, name, span) if verb == "tasks" else Failures(cluster, name, span)
        case "check":
            return _check(rest, names)
    said = unquoted(rest[0]) if rest else ""
    _nothing_after(verb, said, rest[1:])
    if whole := _WHOLE.get(verb):
        return whole(names.cluster(said.removesuffix("/")) if said else names.default)
    if verb == "queues":
        return _queues(said, names)
    cluster, name = _place(said, names)
    if verb == "workers":
        return Workers(cluster, name)
    if name is None:
        raise BadInput("Say which task, by its id: `/celery task <id>`. `/celery failures` shows ids of failed ones.")
    return Task(cluster, name)


def _queues(said: str, names: Names) -> Queues:
    """Return the look; a queue that nobody declared is looked for in the cluster itself, if its cluster is known."""
    before, slash, _ = said.partition("/")
    if slash and not names.clusters_with(said) and found(before, names.clusters) is None:
        raise UnknownName("cluster", echo(before), names.clusters)
    cluster, name = _place(said, names)
    if name is None:
        return Queues(cluster)
    exact = found(name, names.queues.get(cluster, ()))
    if exact is None and names.clusters_with(name):
        names.queue(name, cluster)  # raises: it is another cluster's
    return Queues(cluster, exact or name)


def _place(said: str, names: Names) -> tuple[str, str | None]:
    cluster, name = names.split(said)
    return cluster, name or None


def _over_a_span(verb: str, rest: list[str], names: Names) -> tuple[str, str | None, Span]:
    """Return cluster, name and span of "[name] [for|last] [span]", or of the two the other way round."""
    if len(rest) == 2 and span_of(rest[0]):
        rest = [rest[1], rest[0]]
    said = "" if not rest or _span(rest) is not None or _bare(rest[0]) else _pattern(rest[0])
    tail = rest[1:] if said else rest
    span = _span(tail) if tail else Span.QUARTER
    if span is None:
        windows = "`1m`, `15m`, `1h` or `24h`"
        after = f" after `{verb} {echo(said)}`" if said else ""
        raise BadInput(f"`{echo(' '.join(tail))}` is no window{after}. Say {windows}: `/celery {verb} 1h`.")
    return *_place(said, names), span


def _pattern(word: str) -> str:
    """Return a name out of its quotes; asterisks stay, they stand for anything."""
    return word.strip("\"'`").rstrip(",;:")


_LEADING = ("for", "last", "over", "in")


def _bare(word: str) -> bool:
    """Return whether a word can only be a length of time: "30m" is no task's name."""
    return word.lower() in _LEADING or seconds_of(word) is not None


def _span(words: list[str]) -> Span | None:
    said = " ".join(words[1:] if words and words[0].lower() in _LEADING else words)
    return span_of(said)


def _check(rest: list[str], names: Names) -> RunCheck:
    if not rest:
        return RunCheck(names.default)
    said = unquoted(rest[0])
    cluster, name = _place(said, names)
    if name is None:
        _nothing_after("check", said, rest[1:])
        return RunCheck(cluster)
    name = name.lower().replace("-", "_")
    return RunCheck(cluster, name, _parameters(name, rest[1:]))


def _parameters(name: str, rest: list[str]) -> tuple[tuple[str, str], ...]:
    """Return `key=value` pairs; quotes hold a value with blanks together."""
    try:
        words = shlex.split(" ".join(rest))
    except ValueError:
        raise BadInput(
            f"A quote is not closed after `check {echo(name)}`. Say `key=value`, or `key='a value with blanks'`."
        ) from None
    pairs = [word.partition("=") for word in words]
    for key, equals, _ in pairs:
        if not key or not equals:
            raise BadInput(
                f"`{echo(key)}` is no parameter: after `check {echo(name)}` say `key=value`, "
                "with quotes around a value that has blanks."
            )
    keys = [key for key, _, _ in pairs]
    if twice := next((k for k in keys if keys.count(k) > 1), None):
        raise BadInput(f"`{echo(twice)}` is given twice after `check {echo(name)}`. Give it once.")
    return tuple((key, value) for key, _, value in pairs)


def _nothing_after(verb: str, said: str, rest: list[str]) -> None:
    if rest:
        so_far = f"{verb} {echo(said)}"
        raise BadInput(f"`{echo(' '.join(rest))}` is too much after `{so_far}`. Say `/celery {so_far}` alone.")


def line_of(asked: Look) -> str:
    """Return the line that means this look wherever it is said: with its cluster, and its span."""
    match asked:
        case Queues():
            return _line("queues", asked.cluster, asked.queue)
        case Workers():
            return _line("workers", asked.cluster, asked.worker)
        case Tasks():
            return f"{_line('tasks', asked.cluster, asked.name)} {_typed(asked.span)}"
        case Task():
            return _line("task", asked.cluster, asked.id)
        case Failures():
            return f"{_line('failures', asked.cluster, asked.task)} {_typed(asked.span)}"
        case RunCheck():
            words = [f"{shlex.quote(key)}={shlex.quote(value)}" for key, value in asked.words]
            return " ".join([_line("check", asked.cluster, asked.name), *words])
        case Targets():
            return _line("targets", asked.cluster, None)
        case ArchiveList():
            return _line("archives", asked.cluster, None)
        case RevokeList():
            return _line("revokes", asked.cluster, None)
        case ConnectionList():
            return _line("connections", asked.cluster, None)


def _line(verb: str, cluster: str, name: str | None) -> str:
    return f"{verb} {cluster}/{name}" if name else f"{verb} {cluster}"


def _typed(span: Span) -> str:
    return next(word for word, known in SPANS.items() if known is span)
