"""A document held against a pydantic model, with every complaint at its place."""

import json
import types
import typing
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import AliasChoices, BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from bot.located_yaml import wording
from bot.located_yaml.document import Document, Path, Problem

M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True)
class Unread:
    """What `validated` gives for a document that does not fit: why."""

    problems: tuple[Problem, ...]


def validated(model: type[M], document: Document, hidden: Collection[str] = ()) -> M | Unread:
    """Return the document as `model`, in strict JSON mode (the text "5" is no number), or all that is wrong.

    `hidden` are top-level fields of the model that a file may not set.
    """
    value = document.value
    forbidden = [k for k in hidden if isinstance(value, dict) and k in value]
    checked = {k: v for k, v in value.items() if k not in forbidden} if forbidden else value
    place = _Place(document, model, (), frozenset(hidden))
    problems = [place.unknown((k,)) for k in forbidden]
    try:
        parsed = model.model_validate_json(json.dumps(checked), strict=True)
    except ValidationError as e:
        return Unread((*problems, *place.problems(e.errors(include_url=False))))
    return Unread(tuple(problems)) if problems else parsed


def misfits(
    model: type[BaseModel], document: Document, at: Path, value: object, given: Collection[str]
) -> list[Problem]:
    """Return what is wrong with a map that stands `at` a path, if `given` keys of it get their values only later."""
    place = _Place(document, model, at, frozenset())
    try:
        model.model_validate_json(json.dumps(value), strict=True)
    except ValidationError as e:
        # What the model says of the map as a whole cannot be known before every value is.
        errors = [x for x in e.errors(include_url=False) if x["loc"] or not given]
        return place.problems([x for x in errors if x["type"] != "missing" or x["loc"][-1] not in given])
    return []


@dataclass(frozen=True)
class _Place:
    """Where a model stands in a document: `at` a path."""

    document: Document
    model: type[BaseModel]
    at: Path
    hidden: frozenset[str]

    def problems(self, errors: Sequence[ErrorDetails]) -> list[Problem]:
        """Return errors in words; a key that is missing because it is misspelt is told once."""
        unknown = [tuple(e["loc"]) for e in errors if e["type"] == "extra_forbidden"]
        found = {(*loc[:-1], wording.meant(str(loc[-1]), self._siblings(loc))) for loc in unknown}
        return [self.problem(e) for e in errors if e["type"] != "missing" or tuple(e["loc"]) not in found]

    def problem(self, error: ErrorDetails) -> Problem:
        """Return one of pydantic's errors in words, at its place."""
        loc: Path = tuple(error["loc"])
        if error["type"] == "extra_forbidden":
            return self.unknown(loc)
        if error["type"] == "missing":
            return self.document.problem((*self.at, *loc[:-1]), self._missing(loc), at_key=True)
        path = (*self.at, *loc)
        if loc and loc[-1] == "[key]":
            return self.document.problem(path[:-1], wording.sentence(error, path[:-1]), at_key=True)
        return self.document.problem(path, wording.sentence(error, path) + self._keys_wanted(error, loc))

    def _keys_wanted(self, error: ErrorDetails, loc: Path) -> str:
        """Return, for something else where a map must be, the keys that the map may have."""
        wanted = _model_at(self.model, loc) if loc and error["type"] == "model_type" else None
        if wanted is None:
            return ""
        all_defaults = not any(field.is_required() for field in wanted.model_fields.values())
        keys = ", ".join(f"`{key}`" for key in sorted(keys_of(wanted)))
        return f" Its keys: {keys}{'; or write `{}`' if all_defaults else ''}."

    def unknown(self, loc: Path) -> Problem:
        """Return the complaint about a key that is not known at its place."""
        places = {k: v for k, v in _places(self.model, wording.dotted(self.at)).items() if k not in self.hidden}
        path = (*self.at, *loc)
        return self.document.problem(path, wording.unknown_key(path, self._siblings(loc), places), at_key=True)

    def _siblings(self, loc: Path) -> set[str]:
        return keys_of(_model_at(self.model, loc[:-1])) - (self.hidden if len(loc) == 1 else set())

    def _missing(self, loc: Path) -> str:
        holder, path = _model_at(self.model, loc[:-1]), (*self.at, *loc)
        fields = holder.model_fields.items() if holder else ()
        meaning = next((f.description for n, f in fields if loc[-1] in _spellings(n, f) and f.description), None)
        where = f"`{wording.dotted(path[:-1])}`" if path[:-1] else "the file"
        return f"The key `{loc[-1]}`{f' ({meaning})' if meaning else ''} is missing in {where}."


def keys_of(model: type[BaseModel] | None) -> set[str]:
    """Return every key that a map of the model may have, all spellings of a field among them."""
    return {key for name, field in (model.model_fields.items() if model else ()) for key in _spellings(name, field)}


def _spellings(name: str, field: FieldInfo) -> tuple[str, ...]:
    if isinstance(field.validation_alias, AliasChoices):
        return tuple(choice for choice in field.validation_alias.choices if isinstance(choice, str))
    return (field.alias or name,)


def _model_at(model: type[BaseModel], path: Path) -> type[BaseModel] | None:
    """Return the model that describes the map at `path`."""
    annotation: Any = model
    for part in path:
        if inner := _model_in(annotation):
            annotation = next((f.annotation for n, f in inner.model_fields.items() if part in _spellings(n, f)), None)
        else:
            annotation = _item(annotation)
    return _model_in(annotation)


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """Return the model that an annotation is (`Model`, `Model | None`), but not one inside a list or map."""
    for candidate in _without_none(annotation):
        if isinstance(candidate, type) and issubclass(candidate, BaseModel):
            return candidate
    return None


def _item(annotation: Any) -> Any:
    """Return what a list's or map's items are."""
    for candidate in _without_none(annotation):
        if args := [a for a in typing.get_args(candidate) if a is not Ellipsis]:
            return args[-1]
    return None


def _without_none(annotation: Any) -> tuple[Any, ...]:
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        return tuple(a for a in typing.get_args(annotation) if a is not types.NoneType)
    return (annotation,)


def _places(model: type[BaseModel], at: str = "") -> dict[str, list[str]]:
    """Return for each key of the whole file the maps it is known in, map keys as `<name>`, items as `[n]`."""
    found: dict[str, list[str]] = {}
    fields = ((key, field) for name, field in model.model_fields.items() for key in _spellings(name, field))
    for key, field in fields:
        found.setdefault(key, []).append(at)
        place, annotation = f"{at}.{key}" if at else key, field.annotation
        while annotation is not None and _model_in(annotation) is None:
            origins = {typing.get_origin(c) for c in _without_none(annotation)}
            place += ".<name>" if dict in origins else "[n]"
            annotation = _item(annotation)
        if inner := _model_in(annotation):
            for deeper, where in _places(inner, place).items():
                found.setdefault(deeper, []).extend(where)
    return found
