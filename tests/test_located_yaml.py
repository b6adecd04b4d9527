"""YAML with positions: only what JSON can say, every value with its place, every fault in a sentence."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field

from bot.located_yaml import Document, Mark, ProblemsFound, Unread, dotted, read_document, validated


def read(text: str) -> Document:
    """Read `text` as f.yml."""
    return read_document(text.encode(), "f.yml")


def test_values_are_those_of_json_and_yaml_1_2() -> None:
    """YAML 1.1's surprises stay text: a queue may be called `no`, a time is no number."""
    assert read("{a: no, b: 10:30, c: 012, d: 2024-01-01, e: 1_000, f: 1.5, g: -7, h: ~, i: TRUE, 1: x}").value == {
        "a": "no",
        "b": "10:30",
        "c": "012",
        "d": "2024-01-01",
        "e": "1_000",
        "f": 1.5,
        "g": -7,
        "h": None,
        "i": True,
        "1": "x",
    }


def test_every_value_and_key_has_its_place() -> None:
    """Lines and columns count from 1, as editors do."""
    document = read("a:\n  - x\n  - b: 7\n")
    assert document.values[("a", 1, "b")] == Mark(3, 8)
    assert document.keys[("a", 1, "b")] == Mark(3, 5)


def test_what_is_missing_is_told_at_the_nearest_thing_around_it() -> None:
    """A problem with no place of its own still points into the file."""
    document = read("a:\n  - x\n  - b: 7\n")
    assert str(document.problem(("a", 1, "c", "d"), "No.")) == "f.yml:3:5: No."
    assert str(document.problem(("z",), "No.")) == "f.yml:1:1: No."


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "f.yml:1:1: The file is empty."),
        ("# only a comment\n", "f.yml:1:1: The file is empty."),
        ("a: 1\nb: 2\na: 3", "f.yml:3:1: The key `a` stands here twice; the first is in line 1. Keep one."),
        ("a: *b", "f.yml:1:4: Aliases (`*name`) are not supported here: write the value out."),
        ("a: !!python/name:os.system x",
         "f.yml:1:4: Tags (`!name`) are not supported here: remove it, or quote the text."),
        ("a: {{ b }}", 'f.yml:1:5: A key must be plain text. A value that begins with `{{` must be quoted: "{{ … }}".'),
        ("a:\n\t- b", "f.yml:2:1: This is not valid YAML: a tab cannot indent YAML; use spaces."),
        ("a: @b", "f.yml:1:4: This is not valid YAML: text that begins with `@` must be quoted."),
        ("a: 'b", "f.yml:1:6: This is not valid YAML: a quote is never closed."),
        ("a: [b", "f.yml:1:6: This is not valid YAML: a list or map in brackets is not closed, or lacks a comma."),
        ("a: 1\n---\nb: 2", "f.yml:2:1: This is not valid YAML: only one document may stand in a file; remove `---`."),
        ("a: b: c",
         "f.yml:1:5: This is not valid YAML: no `:` may stand here: the line is indented wrongly, or its text must be "
         "quoted."),
        ("a: \x01", "f.yml:1:4: This character is not allowed in YAML; delete it."),
        (r'a: ["b\0"]', r"f.yml:1:5: `\0`, and half of a pair like `\ud83d`, are no text that can be kept: remove it."),
        (r'"\ud83d": c',
         r"f.yml:1:1: `\0`, and half of a pair like `\ud83d`, are no text that can be kept: remove it."),
        ("[" * 40, "f.yml:1:32: The file is nested too deeply."),
    ],
)  # fmt: skip
def test_a_fault_is_told_in_a_sentence(text: str, complaint: str) -> None:
    """No parser's jargon, and never a line of the file itself."""
    with pytest.raises(ProblemsFound) as caught:
        read(text)
    assert str(caught.value) == complaint


def test_bytes_that_are_no_text_are_told_where_they_begin() -> None:
    """A file saved in another encoding is a frequent accident."""
    with pytest.raises(ProblemsFound, match=r"f\.yml:2:4: The file is not UTF-8 text from here on"):
        read_document(b"a: 1\nb: \xff\n", "f.yml")


def test_a_huge_file_is_not_even_parsed() -> None:
    """Somebody named a log file."""
    with pytest.raises(ProblemsFound, match="more than 262,144 bytes"):
        read_document(b"a" * 300_000, "f.yml")


def outcome(data: bytes) -> Document | ProblemsFound:
    """Return what reading gives; any other exception fails the test."""
    try:
        return read_document(data, "f.yml")
    except ProblemsFound as found:
        return found


@given(st.text(max_size=200) | st.text(alphabet="ab:-[]{},'\"&*!|>%@`#?~ \n\t0", max_size=60))
def test_any_text_gives_a_document_or_problems(text: str) -> None:
    """No input whatever, nor YAML's own signs met at random, ends in another exception."""
    found = outcome(text.encode("utf-8", "surrogatepass"))
    assert isinstance(found, Document) or found.problems


class Inner(BaseModel):
    """A map within a list."""

    model_config = ConfigDict(extra="forbid")

    depth: int = Field(default=1, ge=1)


class Outer(BaseModel):
    """A file with every kind of nesting."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(description="what it is called")
    steps: tuple[Inner, ...] = ()
    queues: dict[str, Inner] = {}
    origin: str | None = Field(default=None, alias="from")
    digest: str = ""


def complaints(text: str) -> list[str]:
    """Return what is wrong with `text` as an Outer, whose digest no file may set."""
    found = validated(Outer, read(text), hidden=("digest",))
    assert isinstance(found, Unread)
    return [str(p) for p in found.problems]


def test_a_document_that_fits_becomes_the_model() -> None:
    """Aliases count as keys, integers pass for floats."""
    found = validated(Outer, read("{name: x, from: y, steps: [{depth: 3}]}"), hidden=("digest",))
    assert found == Outer.model_validate({"name": "x", "steps": [{"depth": 3}], "from": "y"})


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("steps: []", "f.yml:1:1: The key `name` (what it is called) is missing in the file."),
        ("{nam: x}", "f.yml:1:2: There is no key `nam` at the top of the file. Did you mean `name`?"),
        ("{name: x, steps: [{depht: 1}]}", "f.yml:1:20: There is no key `depht` in `steps[1]`. Did you mean `depth`?"),
        ("{name: x, depth: 1}",
         "f.yml:1:11: `depth` is not a key at the top of the file; it belongs in `steps[n]` or `queues.<name>`."),
        ("{name: x, dept: 1}",
         "f.yml:1:11: There is no key `dept` at the top of the file. Did you mean `depth`, which belongs in "
         "`steps[n]`?"),
        ("{name: x, origin: y}",
         "f.yml:1:11: There is no key `origin` at the top of the file. Known: `from`, `name`, `queues`, `steps`."),
        ("{name: x, digest: y}",
         "f.yml:1:11: There is no key `digest` at the top of the file. Known: `from`, `name`, `queues`, `steps`."),
        ("{name: 5}", "f.yml:1:8: `name` must be text, not a number."),
        ("{name: x, steps: {}}", "f.yml:1:18: `steps` must be a list (`[a, b]`), not a map."),
        ("{name: x, queues: {a: }}",
         "f.yml:1:22: `queues.a` must be a map (`key: value`), and is empty. Its keys: `depth`; or write `{}`."),
        ("{name: x, queues: {a: {depth: 2.5}}}",
         "f.yml:1:31: `queues.a.depth` must be a whole number, not a number with decimals."),
        ("{name: x, queues: {a: {depth: true}}}",
         "f.yml:1:31: `queues.a.depth` must be a whole number, not true or false."),
        ("{name: x, queues: {a: {depth: '7'}}}", "f.yml:1:31: `queues.a.depth` must be a whole number, not text."),
        ("{name: x, queues: {a: {depth: -7000}}}", "f.yml:1:31: `queues.a.depth` must be at least 1, and is -7,000."),
    ],
)  # fmt: skip
def test_a_document_that_does_not_fit_is_told_why(text: str, complaint: str) -> None:
    """Each complaint has place, reason and, for a misspelt or misplaced key, what may be meant."""
    assert complaints(text) == [complaint]


def test_paths_are_written_as_people_count() -> None:
    """The first step of a runbook is number 1."""
    assert dotted(("steps", 0, "with", "queue")) == "steps[1].with.queue"
