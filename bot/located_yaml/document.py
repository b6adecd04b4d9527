"""One YAML document as plain values, and where in its file each of them stands."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from bot.domain.errors import BadInput
from bot.located_yaml.loader import JsonLoader, explained

Path = tuple[str | int, ...]
"""Keys and list positions (from 0) that lead from the top of a document to a value."""

MAX_BYTES = 256 * 1024
"""No settings or runbook file is larger; what is, was named by mistake."""


@dataclass(frozen=True, order=True)
class Mark:
    """A place in a file; both count from 1, as editors do."""

    line: int
    column: int


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong, in a sentence, and where: in a file at `mark`, or in all of `source`."""

    source: str
    sentence: str
    mark: Mark | None = None

    def __str__(self) -> str:
        """Return `oncall.yml:3:5: sentence`, which editors and terminals make a link of."""
        place = f":{self.mark.line}:{self.mark.column}" if self.mark else ""
        return f"{self.source}{place}: {self.sentence}"


class ProblemsFound(BadInput):
    """All that is wrong with the files a person wrote, one sentence a line, in order of place."""

    def __init__(self, problems: list[Problem] | tuple[Problem, ...]) -> None:
        self.problems = tuple(sorted(problems, key=lambda p: (p.mark is None, p.source, p.mark or Mark(0, 0))))
        super().__init__("\n".join(str(p) for p in self.problems))


@dataclass(frozen=True)
class Document:
    """A document: its value (JSON types alone, keys always text), and the marks of values and keys by path."""

    source: str
    value: Any
    values: Mapping[Path, Mark]
    keys: Mapping[Path, Mark]

    def problem(self, path: Path, sentence: str, *, at_key: bool = False) -> Problem:
        """Return a problem at a value (or at its key); for what is not there, at the nearest thing around it."""
        if at_key and path in self.keys:
            return Problem(self.source, sentence, self.keys[path])
        while path not in self.values:
            path = path[:-1]
        return Problem(self.source, sentence, self.values[path])


def read_document(data: bytes, source: str) -> Document:
    """Read one YAML document; `source` is how problems name the file. Raises ProblemsFound."""
    if len(data) > MAX_BYTES:
        raise ProblemsFound([Problem(source, f"The file has more than {MAX_BYTES:,} bytes; is it the right one?")])
    text = _decoded(data, source)
    try:
        loader = JsonLoader(text)
        node = loader.get_single_node()
        if node is None:
            raise ProblemsFound([Problem(source, "The file is empty.", Mark(1, 1))])
        return _Reader(loader, source).document(node)
    except yaml.reader.ReaderError as e:
        raise _at(source, text, e.position, "This character is not allowed in YAML; delete it.") from None
    except yaml.MarkedYAMLError as e:
        mark = e.problem_mark or e.context_mark
        raise ProblemsFound([Problem(source, explained(e), _mark(mark) if mark else None)]) from None


def _decoded(data: bytes, source: str) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as e:
        before = data[: e.start].decode()
        raise _at(source, before, len(before), "The file is not UTF-8 text from here on; save it as UTF-8.") from None


def _at(source: str, text: str, index: int, sentence: str) -> ProblemsFound:
    before = text[:index]
    mark = Mark(before.count("\n") + 1, index - (before.rfind("\n") + 1) + 1)
    return ProblemsFound([Problem(source, sentence, mark)])


def _mark(mark: Any) -> Mark:
    """Return a mark of the yaml package, which counts from 0 and ships its own untyped class."""
    return Mark(mark.line + 1, mark.column + 1)


class _Reader:
    """Turns the nodes of one document into values and marks."""

    def __init__(self, loader: JsonLoader, source: str) -> None:
        self._loader, self._source = loader, source
        self._values: dict[Path, Mark] = {}
        self._keys: dict[Path, Mark] = {}
        self._problems: list[Problem] = []

    def document(self, node: yaml.Node) -> Document:
        value = self._value(node, ())
        if self._problems:
            raise ProblemsFound(self._problems)
        return Document(self._source, value, self._values, self._keys)

    def _value(self, node: yaml.Node, path: Path) -> Any:
        self._values[path] = _mark(node.start_mark)
        if isinstance(node, yaml.MappingNode):
            return self._map(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self._value(item, (*path, i)) for i, item in enumerate(node.value)]
        return self._loader.construct_object(node)

    def _map(self, node: yaml.MappingNode, path: Path) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in node.value:
            mark = _mark(key.start_mark)
            if not isinstance(key, yaml.ScalarNode):
                words = 'A key must be plain text. A value that begins with `{{` must be quoted: "{{ … }}".'
                self._problems.append(Problem(self._source, words, mark))
            elif key.value in found:
                first = self._keys[(*path, key.value)]
                words = f"The key `{key.value}` stands here twice; the first is in line {first.line}. Keep one."
                self._problems.append(Problem(self._source, words, mark))
            else:
                self._keys[(*path, key.value)] = mark
                found[key.value] = self._value(value, (*path, key.value))
        return found
