"""What a health page is expected to answer, and whether it did."""

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from bot.domain.value import Value

Plain = str | int | float | bool | None
"""A value of JSON that holds no others."""

_COMPARISON = re.compile(r"\s*(<=|>=|==|!=|<|>)\s*(.*?)\s*", re.DOTALL)
_ORDERED: Mapping[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_ABSENT = object()


class Expected(Value):
    """What must stand at a dotted path of a JSON answer: `sign` one of == != < <= > >=, and what it compares with."""

    path: str
    sign: str = "=="
    wanted: Plain = None

    def trouble(self, answer: Any) -> str | None:
        """Return in a clause how an answer differs from it, or None."""
        found = _at(answer, self.path.split("."))
        if found is _ABSENT:
            return f"{self.path} is missing"
        if self.sign in _ORDERED:
            return self._out_of_order(found)
        same = (type(found) is type(self.wanted) and found == self.wanted) or _both_numbers(found, self.wanted)
        if self.sign == "==":
            return None if same else f"{self.path} is {_shown(found)}, not {_shown(self.wanted)}"
        return f"{self.path} is {_shown(found)}" if same else None

    def _out_of_order(self, found: Any) -> str | None:
        """A list or map is compared by how many items it has."""
        size = len(found) if isinstance(found, list | dict) else found
        if isinstance(size, bool) or not isinstance(size, int | float):
            return f"{self.path} is {_shown(found)}, no number"
        if _ORDERED[self.sign](size, _number(self.wanted)):
            return None
        items = " items" if isinstance(found, list | dict) else ""
        return f"{self.path} is {size:,}{items}, not {self.sign} {_number(self.wanted):,g}"


class HealthSpec(Value):
    """One page of the watched application. Its address may hold a secret: only the adapter knows it."""

    name: str
    status: int = 200
    expected: tuple[Expected, ...] = ()


def expectation(path: str, wanted: Any) -> Expected:
    """Return what the settings say of a path: a plain value, or text such as `"< 100"`, `"!= failed"`.

    Text that begins like a comparison and is none is written as one: `"== <b>"`. Raises ValueError in words.
    """
    if not path or not all(path.split(".")):
        raise ValueError("a path is keys joined by dots, like `queues.booking.waiting`")
    if isinstance(wanted, list | dict):
        raise ValueError('write the path to one plain value, or compare how many there are, like `workers: "> 0"`')
    comparison = _COMPARISON.fullmatch(wanted) if isinstance(wanted, str) else None
    if comparison is None:
        return Expected(path=path, wanted=wanted)
    sign, text = comparison.groups()
    if sign not in _ORDERED:
        return Expected(path=path, sign=sign, wanted=_plain(text))
    if not isinstance(number := _plain(text), int | float) or isinstance(number, bool):
        raise ValueError(f'`{sign}` compares with a number, like "{sign} 100"')
    return Expected(path=path, sign=sign, wanted=number)


def _plain(text: str) -> Plain:
    """Return the text after a sign as what it looks like; quotes keep it text."""
    words: Mapping[str, Plain] = {"true": True, "false": False, "null": None}
    if text in words:
        return words[text]
    if re.fullmatch(r"-?[0-9]{1,15}", text):
        return int(text)
    if re.fullmatch(r"-?[0-9]{1,15}\.[0-9]{1,15}", text):
        return float(text)
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"" else text


def _at(value: Any, parts: Sequence[str]) -> Any:
    """Return what stands at a path; keys may hold dots themselves, and items of a list count from 0."""
    if not parts:
        return value
    if isinstance(value, list):
        index = int(parts[0]) if re.fullmatch(r"[0-9]{1,6}", parts[0]) else len(value)
        return _at(value[index], parts[1:]) if index < len(value) else _ABSENT
    if isinstance(value, dict):
        for n in range(len(parts), 0, -1):
            if (key := ".".join(parts[:n])) in value:
                return _at(value[key], parts[n:])
    return _ABSENT


def _both_numbers(found: Any, wanted: Any) -> bool:
    """Return whether both are the same number: 1 is 1.0, but True is not 1."""
    numbers = [v for v in (found, wanted) if isinstance(v, int | float) and not isinstance(v, bool)]
    return len(numbers) == 2 and numbers[0] == numbers[1]


def _number(wanted: Plain) -> float:
    return wanted if isinstance(wanted, int | float) else 0.0


def _shown(value: Any) -> str:
    """Return a value as JSON writes it, cut: an answer is not to be repeated at length."""
    match value:
        case None | bool():
            return {None: "null", True: "true", False: "false"}[value]
        case list() | dict():
            return f"{'a list' if isinstance(value, list) else 'a map'} of {len(value):,}"
        case int() | float():
            return f"{value:,}"
        case _:
            text = str(value)
            return f"`{text[:40]}…`" if len(text) > 40 else f"`{text}`"
