"""What workers say of their software and settings, with what looks like a secret taken out."""

import re
from collections.abc import Mapping

from bot.adapters.celery.pidbox import Command
from bot.domain.broker import WorkerReport
from bot.domain.redaction import redacted

QUESTIONS = (Command("report"), Command("ping"))

MOST_CHARACTERS = 20_000

_NAMES = {"py": "python"}
_SOFTWARE = re.compile(r"^software -> (.*?)^platform ->", re.MULTILINE | re.DOTALL)
_VERSION = re.compile(r"([\w.-]+):([\w.+-]+)")


def report(worker: str, said: object) -> WorkerReport | None:
    """Return a worker's report of itself (celery's `app/utils.py:bugreport`); None when it gave none."""
    text = said.get("ok") if isinstance(said, Mapping) else None
    if not isinstance(text, str):
        return None
    versions = versions_of(text)
    celery = versions.get("celery")
    return WorkerReport(
        worker=worker,
        software=None if celery is None else f"celery {celery}",
        versions=versions,
        text=redacted(text.strip())[:MOST_CHARACTERS],
    )


def versions_of(text: str) -> dict[str, str]:
    """Return the versions of celery, kombu, python, billiard and the broker's client (redis), by name."""
    found = _SOFTWARE.search(text)
    return {_NAMES.get(name, name): version for name, version in _VERSION.findall(found[1])} if found else {}


def system_of(text: object) -> str | None:
    """Return what a worker's report calls its system ("Linux", "Darwin"); None without one."""
    said = text.get("ok") if isinstance(text, Mapping) else None
    found = re.search(r"^platform -> system:(\S+)", said, re.MULTILINE) if isinstance(said, str) else None
    return found[1] if found else None
