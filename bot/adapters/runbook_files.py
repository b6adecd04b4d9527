"""The runbooks in folders of YAML files."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from bot.adapters.expressions import JinjaExpressions
from bot.adapters.runbook_parsing import parse_runbook
from bot.domain.runbook import Runbook
from bot.located_yaml import Problem, ProblemsFound
from bot.ports import Registry

ENDINGS = (".yml", ".yaml")


class RunbookFiles:
    """Every sound runbook of some folders; implements the port Runbooks. `problems` is what the last load found.

    A runbook in a later folder replaces one of the same name in an earlier one: a team's own, a shipped one.
    """

    def __init__(self, folders: Sequence[Path], registry: Registry, language: JinjaExpressions) -> None:
        self._folders, self._registry, self._language = tuple(folders), registry, language
        self._loaded: dict[Path, Runbook] = {}
        self.problems: tuple[Problem, ...] = self.reload()

    def all(self) -> tuple[Runbook, ...]:
        """Return every sound runbook, one of each name."""
        return tuple({runbook.runbook: runbook for runbook in self._loaded.values()}.values())

    def reload(self) -> tuple[Problem, ...]:
        """Read the folders anew; returns what is wrong. A file that is broken now keeps its last sound copy."""
        loaded: dict[Path, Runbook] = {}
        problems: list[Problem] = []
        for folder in self._folders:
            try:
                paths = runbook_paths(folder)
            except ProblemsFound as e:
                problems += e.problems
                loaded |= {path: kept for path, kept in self._loaded.items() if path.parent == folder}
                continue
            problems += self._read(paths, loaded)
        self._loaded, self.problems = loaded, tuple(problems)
        return self.problems

    def _read(self, paths: Sequence[Path], loaded: dict[Path, Runbook]) -> list[Problem]:
        """Add the runbooks of one folder to `loaded`."""
        problems: list[Problem] = []
        owners: dict[str, Path] = {}
        for path in paths:
            runbook = self._loaded.get(path)
            try:
                runbook = read_runbook(path, self._registry, self._language)
            except ProblemsFound as e:
                problems += e.problems
            if runbook is None:
                continue
            if first := owners.get(runbook.runbook):
                problems.append(_twice(path, runbook, first))
                continue
            owners[runbook.runbook] = path
            loaded[path] = runbook
        return problems


def read_all(
    path: Path, registry: Registry, language: JinjaExpressions
) -> Iterator[tuple[Path, Runbook | ProblemsFound]]:
    """Yield each runbook file of a folder, or the one file, with its runbook or with what is wrong with it."""
    if path.exists() and not path.is_dir():
        yield path, _tried(path, registry, language)
        return
    try:
        files = runbook_paths(path)
    except ProblemsFound as e:
        yield path, e
        return
    if not files:
        yield path, ProblemsFound([Problem(str(path), "There is no runbook (`*.yml`, `*.yaml`) in this folder.")])
    owners: dict[str, Path] = {}
    for file in files:
        found = _tried(file, registry, language)
        if isinstance(found, Runbook) and (first := owners.setdefault(found.runbook, file)) != file:
            found = ProblemsFound([_twice(file, found, first)])
        yield file, found


def _tried(path: Path, registry: Registry, language: JinjaExpressions) -> Runbook | ProblemsFound:
    try:
        return read_runbook(path, registry, language)
    except ProblemsFound as e:
        return e


def _twice(path: Path, runbook: Runbook, first: Path) -> Problem:
    words = f"A runbook `{runbook.runbook}` is in `{first.name}` already; rename one of the two."
    return Problem(str(path), words)


def runbook_paths(folder: Path) -> list[Path]:
    """Return the runbook files of a folder, in order of name; raises ProblemsFound when it cannot be read."""
    try:
        return sorted(p for p in folder.iterdir() if p.suffix in ENDINGS and not p.name.startswith("."))
    except OSError as e:
        words = f"The folder of runbooks cannot be read: {e.strerror}; see `runbooks` in the settings."
        raise ProblemsFound([Problem(str(folder), words)]) from None


def read_runbook(path: Path, registry: Registry, language: JinjaExpressions) -> Runbook:
    """Return the runbook in one file; raises ProblemsFound."""
    try:
        data = path.read_bytes()
    except OSError as e:
        raise ProblemsFound([Problem(str(path), f"The file cannot be read: {e.strerror}.")]) from None
    return parse_runbook(data, str(path), registry, language)
