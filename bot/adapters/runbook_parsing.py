"""From the bytes of one YAML file to a runbook, or to all that is wrong with it, each at its line and column."""

import dataclasses
import hashlib
import re
from collections.abc import Iterator, Mapping
from typing import Any

from bot.adapters.expressions import JinjaExpressions, Known, expressions_in
from bot.domain.duration import seconds_of
from bot.domain.errors import BadInput, UnknownName
from bot.domain.runbook import Runbook
from bot.located_yaml import (
    Document,
    Path,
    Problem,
    ProblemsFound,
    Unread,
    dotted,
    keys_of,
    misfits,
    read_document,
    validated,
)
from bot.ports import Registry

GIVEN: Known = {
    "alert": {"name": None, "labels": None, "queue": None},
    "incident": {"hours": None},
    "workers": {"online": None, "silent": None},
    "fleet": {"max_workers": None},
    "app": None,
    "cluster": None,
}
"""What a run gives to every expression, beside the runbook's inputs and its checks' values: see `usecases.runs`."""

SOURCE = re.compile(r"alert\.(?:name|labels\.\w+)")


def parse_runbook(data: bytes, source: str, registry: Registry, language: JinjaExpressions) -> Runbook:
    """Return the runbook in a file's bytes; `source` is how problems name the file. Raises ProblemsFound."""
    document = read_document(data, source)
    twice = list(_duplicates(document))
    shape = validated(Runbook, _without_duplicates(document), hidden=("digest",))
    problems = [*twice, *_Names(document, registry, language).problems()]
    if isinstance(shape, Unread):
        problems += shape.problems
    if problems or isinstance(shape, Unread):
        raise ProblemsFound(problems)
    return shape.model_copy(update={"digest": hashlib.sha256(data).hexdigest()})


def _steps(document: Document) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Yield the steps that are maps at all, with their position."""
    steps = document.value.get("steps") if isinstance(document.value, dict) else None
    for i, step in enumerate(steps if isinstance(steps, list) else ()):
        if isinstance(step, dict):
            yield i, step


def _duplicates(document: Document) -> Iterator[Problem]:
    first: dict[Any, int] = {}
    for i, step in _steps(document):
        if not isinstance(step.get("id"), str):
            continue
        if step["id"] in first:
            line = document.keys[("steps", first[step["id"]], "id")].line
            yield document.problem(("steps", i, "id"), f"The id `{step['id']}` is taken by the step in line {line}.")
        first.setdefault(step["id"], i)


def _without_duplicates(document: Document) -> Document:
    """Return the document with every repeated id made different: the model would tell it again, without a place."""
    if not list(_duplicates(document)):
        return document
    steps = list(document.value["steps"])
    for i, step in _steps(document):
        if isinstance(step.get("id"), str):
            steps[i] = {**step, "id": f"{step['id']}_{i}"}
    return dataclasses.replace(document, value=document.value | {"steps": steps})


class _Names:
    """Checks everything in a document that points at something: checks, actions, parameters, names in expressions.

    It works on the raw document, so that a wrong type elsewhere hides none of it.
    """

    def __init__(self, document: Document, registry: Registry, language: JinjaExpressions) -> None:
        self._document, self._registry, self._language = document, registry, language
        inputs = document.value.get("inputs") if isinstance(document.value, dict) else None
        self._inputs: Mapping[str, Any] = inputs if isinstance(inputs, dict) else {}

    def problems(self) -> list[Problem]:
        found = list(self._input_problems())
        checks: dict[str, None] = {}
        for i, step in _steps(self._document):
            # A check's values can be used from the next step on.
            found += self._step_problems(("steps", i), step, dict(checks))
            if isinstance(step.get("id"), str) and "check" in step:
                checks[step["id"]] = None
        return found

    def _input_problems(self) -> Iterator[Problem]:
        for name, spec in self._inputs.items():
            path: Path = ("inputs", name)
            origin = spec.get("from") if isinstance(spec, dict) else None
            if name in GIVEN or name == "checks" or not name.isidentifier():
                yield self._document.problem(path, f"An input cannot be called `{name}`; rename it.", at_key=True)
            elif isinstance(origin, str) and not SOURCE.fullmatch(origin):
                words = f"`{dotted(path)}.from` must be `alert.labels.<label>` or `alert.name`."
                yield self._document.problem((*path, "from"), words)
            elif isinstance(spec, dict) and spec.keys() <= {"type"} and spec.get("type", "text") in ("text", "number"):
                words = f"The input `{name}` never gets a value: add `from: alert.labels.<label>`."
                yield self._document.problem(path, words, at_key=True)

    def _step_problems(self, path: Path, step: Mapping[str, Any], checks: Mapping[str, None]) -> Iterator[Problem]:
        known: Known = {**GIVEN, "checks": checks, **dict.fromkeys(self._inputs)}
        yield from self._kind_problems(path, step)
        for key, expression in (("when", step.get("when")), ("that", _map(step.get("verify")).get("that"))):
            if isinstance(expression, str):
                at = (*path, key) if key == "when" else (*path, "verify", key)
                yield from self._expression_problems(at, [expression], known)
        for key in ("note", "with"):
            for at, text in _texts(step.get(key), (*path, key)):
                yield from self._template_problems(at, text, known)
        if isinstance(step.get("title"), str) and "{{" in step["title"]:
            words = f"`{dotted(path)}.title` is shown as it stands: write `{{{{ … }}}}` in `note` or `with` alone."
            yield self._document.problem((*path, "title"), words)
        within = _map(step.get("verify")).get("within")
        if isinstance(within, str) and seconds_of(within) is None:
            words = f"`{dotted(path)}.verify.within` must be a length of time like `30s`, `10m` or `1h`."
            yield self._document.problem((*path, "verify", "within"), words)

    def _kind_problems(self, path: Path, step: Mapping[str, Any]) -> Iterator[Problem]:
        """Check that the check or action exists, and what of its parameters is written out."""
        for kind, known in (("check", self._registry.checks), ("action", self._registry.actions)):
            name = step.get(kind)
            if not isinstance(name, str):
                continue
            if name not in known:
                yield self._document.problem((*path, kind), str(UnknownName(kind, name, known)))
            elif isinstance(given := step.get("with", {}), dict):
                later = [k for k, v in given.items() if any("{{" in text for _, text in _texts(v, ()))]
                written = {k: v for k, v in given.items() if k not in later}
                model = known[name].params
                extra = {k: None for k in later if k not in keys_of(model)}
                yield from misfits(model, self._document, (*path, "with"), written | extra, later)

    def _template_problems(self, at: Path, text: str, known: Known) -> Iterator[Problem]:
        try:
            expressions = expressions_in(text)
        except BadInput as e:
            yield self._document.problem(at, str(e))
        else:
            yield from self._expression_problems(at, expressions, known)

    def _expression_problems(self, at: Path, expressions: list[str], known: Known) -> Iterator[Problem]:
        for expression in expressions:
            try:
                self._language.check(expression, known)
            except UnknownName as e:
                undeclared = not e.suggestions and set(e.known) == set(known)
                hint = " An input must be declared under `inputs`." if undeclared else ""
                yield self._document.problem(at, f"{e}{hint}")
            except BadInput as e:
                yield self._document.problem(at, str(e))


def _map(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _texts(value: Any, path: Path) -> Iterator[tuple[Path, str]]:
    """Yield every text in a value, with its path."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _texts(inner, (*path, key))
