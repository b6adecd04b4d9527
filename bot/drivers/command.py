"""The command line of a Celery worker: which queues it excludes, and how it is named. Pure.

Options are read as Celery's own program reads them (click): of a repeated option the last one counts, a short option
may carry its value (`-Xanalytics`) or follow flags (`-EX analytics`), and nothing after `--` is an option.
"""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePath

from bot.domain.errors import BadInput

ENVIRONMENT_EXCLUDES = "CELERY_WORKER_EXCLUDE_QUEUES"
"""What a worker without `-X` obeys instead; an option on the command line puts it out of force."""

_SWITCHES = frozenset({"-C", "--no-color", "-q", "--quiet", "--version", "--skip-checks", "--help"})
"""Options of `celery` itself that take no value; all others before its command do."""

_FLAGS = "DEB"
"""One-letter options of `celery worker` that take no value, after which another letter may follow."""


@dataclass(frozen=True)
class _Found:
    """An option in a command line: at `index`, with the text before its value, which may be in the next word."""

    index: int
    lead: str | None
    value: str


def with_excluded(argv: Sequence[str], queues: Collection[str], otherwise: str = "") -> list[str]:
    """Return the command with `-X` for these queues too; unchanged when there are none.

    `otherwise` is what the environment excludes (ENVIRONMENT_EXCLUDES), which counts while the command says nothing
    itself. Raises BadInput when the command does not start a worker, or when its `-X` lacks a value.
    """
    worker = _worker_at(argv)
    if not queues:
        return list(argv)
    found = _last(argv, worker, "X", "--exclude-queues")
    already = found.value if found else otherwise
    names = ",".join(dict.fromkeys([*_names(already), *sorted(queues)]))
    return _with_value(argv, worker, found, "-X", names)


def with_name(argv: Sequence[str], worker: str) -> list[str]:
    """Return the command for a worker of this full name, like `worker1@host`; raises BadInput."""
    at = _worker_at(argv)
    return _with_value(argv, at, _last(argv, at, "n", "--hostname"), "-n", worker.replace("%", "%%"))


def name_of(argv: Sequence[str], host: str) -> str:
    """Return the worker's name as Celery makes it on this host, like `worker1@host`; raises BadInput.

    See `celery.utils.nodenames`: `%h` is the host, `%n` its first part, `%d` the rest.
    """
    found = _last(argv, _worker_at(argv), "n", "--hostname")
    value = found.value if found else ""
    name, place = value.split("@", 1) if "@" in value else ("", value)
    short, _, domain = host.partition(".")
    parts = {"h": host, "n": short, "d": domain, "%": "%"}
    template = f"{name or 'celery'}@{place or host}"
    return re.sub(r"%([hnd%])", lambda m: parts[m[1]], template)


def queues_of(argv: Sequence[str]) -> frozenset[str] | None:
    """Return the queues that `-Q` names; None without it, when the application decides. Raises BadInput."""
    found = _last(argv, _worker_at(argv), "Q", "--queues")
    return frozenset(_names(found.value)) if found else None


def detaches(argv: Sequence[str]) -> bool:
    """Return whether the worker would leave for the background by itself (`-D`); raises BadInput."""
    words = _options(argv, _worker_at(argv))
    return any(w == "--detach" or re.match(rf"-[{_FLAGS}]*D", w) for _, w in words)


def _worker_at(argv: Sequence[str]) -> int:
    """Return where the word `worker` stands, the command of `celery`; raises BadInput."""
    commands = [
        at
        for i, word in enumerate(argv)
        if PurePath(word).name == "celery" and (at := _command_at(argv, i)) is not None
    ]
    for at in commands:
        if argv[at] == "worker":
            return at
    raise BadInput(_refusal(argv, [argv[at] for at in commands]))


def _command_at(argv: Sequence[str], celery: int) -> int | None:
    """Return where the command of `celery` stands, after its own options (`-A worker beat` is a beat)."""
    i = celery + 1
    while i < len(argv) and argv[i].startswith("-"):
        carries = "=" in argv[i] if argv[i].startswith("--") else len(argv[i]) > 2
        i += 1 if carries or argv[i] in _SWITCHES else 2
    return i if i < len(argv) else None


def _refusal(argv: Sequence[str], commands: Sequence[str]) -> str:
    said = " ".join(argv) or "nothing"
    if "multi" in commands:
        return f"`{said}` starts workers by `celery multi`; give each worker its own `celery … worker` command."
    if commands:
        return (
            f"`{said}` is `celery {commands[0]}`, which starts no worker; only `celery … worker` can leave out a queue."
        )
    return (
        f"`{said}` is no `celery … worker` command. If it is a script that starts one, put `celery-oncall run-worker` "
        "into the script, before `celery`."
    )


def _options(argv: Sequence[str], worker: int) -> Iterator[tuple[int, str]]:
    """Yield the words after `worker` that look like options, up to `--`."""
    for i in range(worker + 1, len(argv)):
        if argv[i] == "--":
            return
        if argv[i].startswith("-"):
            yield i, argv[i]


def _last(argv: Sequence[str], worker: int, letter: str, long: str) -> _Found | None:
    """Return the occurrence of an option that counts: the last one. Raises BadInput when its value is missing."""
    found = None
    for i, word in _options(argv, worker):
        short = re.match(rf"-[{_FLAGS}]*{letter}", word)
        if word == long or (short and short[0] == word):
            if i + 1 == len(argv):
                raise BadInput(f"`{' '.join(argv)}` ends in `{word}`, which needs a value after it.")
            found = _Found(i + 1, None, argv[i + 1])
        elif word.startswith(f"{long}=") or short:
            lead = f"{long}=" if word.startswith(f"{long}=") else str(short and short[0])
            found = _Found(i, lead, word.removeprefix(lead))
    return found


def _with_value(argv: Sequence[str], worker: int, found: _Found | None, option: str, value: str) -> list[str]:
    """Return the command with an option's value replaced where it counts, or added right after `worker`."""
    if found is None:
        return [*argv[: worker + 1], option, value, *argv[worker + 1 :]]
    return [*argv[: found.index], f"{found.lead or ''}{value}", *argv[found.index + 1 :]]


def _names(value: str) -> list[str]:
    return [name for name in value.split(",") if name]
