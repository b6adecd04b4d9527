"""The grammar of `/celery …` and `@mention …`: from a line of words to one command, or a sentence on what is wrong."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from bot.domain.duration import seconds_of
from bot.domain.errors import BadInput, UnknownName
from bot.slack.acts import FORMS, READERS, Act
from bot.slack.acts.phrases import split_reason
from bot.slack.acts.purge import purge
from bot.slack.acts.scale import scale
from bot.slack.looks import VERBS, Look, look
from bot.slack.named import Names, echo
from bot.slack.typed import unquoted, words_of

DEFAULT_SECONDS = 30 * 60
SHORTEST_SECONDS, LONGEST_SECONDS = 10, 24 * 60 * 60


@dataclass(frozen=True)
class Usage:
    """One command as people are told of it. `usage` and `example` follow `/celery`."""

    verb: str
    usage: str
    what: str
    example: str = ""


USAGES = (
    Usage("status", "status [cluster]", "Queues, workers and pauses, worst first."),
    Usage(
        "queues",
        "queues [queue]",
        "How deep, how old, and when each will drain; of one queue also what a pause or more slots would change.",
        "queues booking",
    ),
    Usage("workers", "workers [worker]", "Slots, memory and versions; those that do not answer first."),
    Usage(
        "tasks",
        "tasks [name] [1m|15m|1h|24h]",
        "How many ended well, how long they took; of one name also what runs now. `*` stands for anything.",
        "tasks shop.booking.* 1h",
    ),
    Usage(
        "task", "task <id>", "Where one task is, and what became of it.", "task 7d1c4a52-93f0-4d5e-8f5e-1c1f0c2b7a10"
    ),
    Usage(
        "failures",
        "failures [task] [1m|15m|1h|24h]",
        "What failed, by cause; of one task also the last traceback.",
        "failures 24h",
    ),
    Usage(
        "check",
        "check [name] [key=value ...]",
        "Runs one check, or lists them all. Nothing is changed.",
        "check queue_depths",
    ),
    Usage("targets", "targets [cluster]", "How the team's targets are met, and how far forecasts may be trusted."),
    Usage(
        "act",
        "act [cluster]",
        "Opens a list of all that can be done, and a form for it. A command below with nothing after it (`/celery "
        "purge`) opens its form at once.",
    ),
    Usage(
        "pause",
        "pause <queue> [for 30m] [because ...]",
        "Workers stop taking tasks from a queue for a while: 30 min if you do not say, 24 h at most. "
        "You see what it touches before it happens.",
        "pause analytics for 1h because bookings are slow",
    ),
    Usage("resume", "resume <queue>", "Ends a pause early."),
    Usage(
        "purge",
        "purge <queue> [task <name>] [older than 1h] [because ...]",
        "Sets waiting messages aside; they can be put back for a day, or as long as `keep 3d` says. "
        "You see how many of what before it happens.",
        "purge ai_generation task stories.generate because of a bad prompt",
    ),
    Usage(
        "revoke",
        "revoke <id> [terminate] [because ...]",
        "Keeps tasks from running, wherever they are; also `revoke task <name>` and `revoke queue <queue>`. With "
        "`terminate` those that run are ended. Workers that start are told again for 3 h, or as long as `for 8h` says.",
        "revoke task stories.generate because of a bad prompt",
    ),
    Usage("revokes", "revokes [cluster]", "Which revokes are in force, and until when workers that start are told."),
    Usage("unrevoke", "unrevoke <revoke>", "Ends one early: workers that start are told no more.", "unrevoke exe-12"),
    Usage(
        "requeue",
        "requeue task <name> [since 1h] [because ...]",
        "Sends failed tasks again, each once; also `requeue <id>` and `requeue exception <class>`. The first ten show "
        "whether it makes sense.",
        "requeue task booking.process_payment since 2h because the bank is back",
    ),
    Usage(
        "orphans",
        "orphans restore <queue>|all [because ...]",
        "Puts back what a killed worker took, each message once; refused while a worker may still hold it. "
        "`/celery check orphans` shows what there is.",
        "orphans restore booking older than 5m because worker2 was killed",
    ),
    Usage(
        "results",
        "results clean older than 7d [because ...]",
        "Deletes results of tasks that ended long ago, for good; also only those of `task <name>`, or `without end`. "
        "You see how many before it happens.",
        "results clean older than 30d without end",
    ),
    Usage("archives", "archives [cluster]", "What purges set aside, and until when."),
    Usage("restore", "restore <archive>", "Puts what a purge set aside back into its queue.", "restore exe-12"),
    Usage("drop", "drop <archive> [because ...]", "Deletes what a purge set aside, for good."),
    Usage(
        "scale",
        "scale <queue> by 2 [because ...]",
        "More slots in all for the workers that consume a queue, or fewer: `by -1`; also of one worker by its name. "
        "It holds until a worker restarts.",
        "scale booking by 2 because of the sale",
    ),
    Usage(
        "limit",
        "limit <task> to 10/m [for 1h] [because ...]",
        "Each worker starts tasks of that name no faster, for 30 min if you do not say; workers that start, too. "
        "`10/m`, `5/s`, `100/h`.",
        "limit ai.generate_story to 10/m for 1h because the provider throttles us",
    ),
    Usage("unlimit", "unlimit <task>", "Gives workers back the rate limits that they had before."),
    Usage(
        "timelimit",
        "timelimit <task> hard 60s [because ...]",
        "Ends tasks of that name that run for longer; also `soft 30s`, or both. Workers restart their pools for it, "
        "and it holds until they restart themselves.",
        "timelimit ai.generate_story hard 2m because some hang",
    ),
    Usage(
        "connections", "connections [cluster]", "Who is connected to Redis, and what looks leaked. Nothing is changed."
    ),
    Usage(
        "disconnect",
        "disconnect <id> [because ...]",
        "Closes connections to Redis; also `disconnect idle 1h`, `from <host>`, `named <name>`. The bot's own stay, "
        "and a worker's unless you say `including workers`.",
        "disconnect idle 2h from 10.0.0.7 because it ran out of connections",
    ),
    Usage("freeze", "freeze", "Stops the bot from changing anything, at once."),
    Usage("unfreeze", "unfreeze", "Lets it act again."),
    Usage("audit", "audit", "The newest entries of the audit log."),
    Usage("help", "help", "This list."),
)
"""Every command there is. Help, suggestions and the test of the manifest's usage hint all read this table."""

_ALIASES = {
    "unpause": "resume",
    "?": "help",
    "do": "act",
    "actions": "act",
    "queue": "queues",
    "worker": "workers",
    "failure": "failures",
    "checks": "check",
    "target": "targets",
    "archive": "archives",
    "connection": "connections",
    "clients": "connections",
}


@dataclass(frozen=True)
class Status:
    """Show one cluster."""

    cluster: str


@dataclass(frozen=True)
class Pause:
    """Pause one queue for so many seconds."""

    cluster: str
    queue: str
    seconds: int
    reason: str


@dataclass(frozen=True)
class Resume:
    """End the pause of one queue."""

    cluster: str
    queue: str


@dataclass(frozen=True)
class Freeze:
    """Stop all executions."""


@dataclass(frozen=True)
class Unfreeze:
    """Allow them again."""


@dataclass(frozen=True)
class AuditTail:
    """Show the newest audit entries."""


@dataclass(frozen=True)
class Help:
    """Show what can be said."""


@dataclass(frozen=True)
class Fill:
    """Open the form of an action, or the list of all actions where none is named."""

    cluster: str
    action: str = ""


Command = Status | Look | Act | Fill | Pause | Resume | Freeze | Unfreeze | AuditTail | Help

_BARE: Mapping[str, Command] = {"freeze": Freeze(), "unfreeze": Unfreeze(), "audit": AuditTail(), "help": Help()}


def parse(
    text: str, *, queues: Mapping[str, Collection[str]], clusters: Collection[str], default_cluster: str
) -> Command:
    """Return the command; nothing said means status. `queues` are the known names of each cluster.

    Raises UnknownName or BadInput: one sentence on what was wrong, where, and what to say instead.
    """
    words, names = words_of(text), Names(queues, clusters, default_cluster)
    if not words:
        return Status(default_cluster)
    said, rest = words[0], words[1:]
    verb = said.lower() if said in _ALIASES else unquoted(said).lower().rstrip(".!?")
    verb = _ALIASES.get(verb, verb)
    if (form := _form(verb, rest, names)) is not None:
        return form
    match verb:
        case "status":
            return _nothing_after(_status(rest, names), " ".join([verb, *rest[:1]]), rest[1:])
        case "pause":
            return _pause(rest, names)
        case "resume":
            cluster, queue = _queue(verb, rest, names)
            return _nothing_after(Resume(cluster, queue), f"resume {queue}", rest[1:])
        case "purge":
            cluster, queue = _queue(verb, rest, names)
            return purge(rest[1:], cluster, queue)
        case "scale":
            cluster, aim = _pools(rest, names)
            return scale(" ".join(rest[:1]), rest[1:], cluster, aim)
        case "help":
            return Help()
    if verb in READERS:
        return READERS[verb](verb, rest, names)
    if verb in VERBS:
        return look(verb, rest, names)
    if verb in _BARE:
        return _nothing_after(_BARE[verb], verb, rest)
    raise _no_command(said, names)


def _no_command(said: str, names: Names) -> BadInput:
    queue = unquoted(said)
    if names.clusters_with(queue):
        ways = [f"`/celery {verb} {queue}`" for verb in ("queues", "pause", "resume")]
        return BadInput(f"`{queue}` is a queue. Say what to do: {ways[0]}, {ways[1]} or {ways[2]}.")
    return UnknownName("command", echo(said.lower()), [u.verb for u in USAGES])


def _status(rest: list[str], names: Names) -> Status:
    return Status(names.cluster(unquoted(rest[0])) if rest else names.default)


def _form(verb: str, rest: list[str], names: Names) -> Command | None:
    """Return what opens a form: `act`, or a command that changes something and says nothing more; else None."""
    if verb == "act":
        chosen = Fill(names.cluster(unquoted(rest[0])) if rest else names.default)
        return _nothing_after(chosen, " ".join([verb, *rest[:1]]), rest[1:])
    action = FORMS.get(" ".join([verb, *rest]).lower())
    return Fill(names.default, action) if action else None


def _pause(rest: list[str], names: Names) -> Pause:
    cluster, queue = _queue("pause", rest, names)
    tail, reason = split_reason(rest[1:])
    seconds = _seconds(queue, tail) if tail else DEFAULT_SECONDS
    return Pause(cluster, queue, seconds, reason)


def _seconds(queue: str, tail: list[str]) -> int:
    """Return the seconds of "for 30m", or of "30m" alone."""
    named = tail[0].lower() == "for"
    said = " ".join(tail[1:] if named else tail)
    seconds = seconds_of(said)
    if seconds is None:
        raise BadInput(_no_time(queue, said, named=named))
    if not SHORTEST_SECONDS <= seconds <= LONGEST_SECONDS:
        raise BadInput(f"A pause lasts from 10 seconds to 24 hours, not `{echo(said)}`. It can be extended later.")
    return seconds


def _no_time(queue: str, said: str, *, named: bool) -> str:
    if said.isdecimal() and len(said) < 6:
        return f"`{said}` has no unit. Say `for {said}m` for minutes or `for {said}h` for hours."
    if named:
        what = f"`{echo(said)}` is no length of time" if said else "`for` needs a length of time"
        return f"{what}. Say `for 30m`, `for 2h` or `for 1h30m`."
    return f"`{echo(said)}` is not understood after `pause {queue}`. Say `/celery pause {queue} for 30m because …`."


def _queue(verb: str, rest: list[str], names: Names) -> tuple[str, str]:
    """Return (cluster, queue) of "queue" or "cluster/queue"; a queue's own name may hold a slash."""
    said = unquoted(rest[0]) if rest else ""
    if not said or (said.lower() in ("for", "because", "by") and not names.clusters_with(said)):
        raise BadInput(f"Say which queue to {verb}: `/celery {verb} <queue>`.{_choices(names)}")
    before, slash, after = said.partition("/")
    if slash and not names.clusters_with(said):
        cluster = names.cluster(before)
        return cluster, names.queue(after, cluster)
    return names.default, names.queue(said, names.default)


def _pools(rest: list[str], names: Names) -> tuple[str, dict[str, str]]:
    """Return (cluster, whose pools): a queue's consumers', or one worker's, which is told by its `@`."""
    said = unquoted(rest[0]) if rest else ""
    if "@" in said and not names.clusters_with(said):
        cluster, worker = names.split(said)
        return cluster, {"worker": worker}
    cluster, queue = _queue("scale", rest, names)
    return cluster, {"queue": queue}


def _choices(names: Names) -> str:
    known = sorted(names.queues.get(names.default, ()))
    more = " and others" if len(known) > 12 else ""
    return f" Known: {', '.join(f'`{q}`' for q in known[:12])}{more}." if known else ""


def _nothing_after(command: Command, said: str, rest: list[str]) -> Command:
    if rest:
        raise BadInput(f"`{echo(' '.join(rest))}` is too much after `{said}`. Say `/celery {said}` alone.")
    return command
