"""The expression language of runbooks: Jinja2's expressions, sandboxed and bounded, over typed values."""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from jinja2 import Undefined, UndefinedError
from jinja2.environment import TemplateExpression
from jinja2.runtime import Context, StrictUndefined
from jinja2.sandbox import SandboxedEnvironment

from bot.adapters import expression_syntax
from bot.adapters.expression_syntax import Syntax
from bot.domain.errors import BadInput, UnknownName

MAX_RESULT = 10_000
"""Characters that a result may have, as text."""

Known = Mapping[str, "Known | None"]
"""The names an expression may use, as a tree: `{"workers": {"online": None}}`; below None anything may stand."""

_TEMPLATE = re.compile(r"\{\{((?:(?!\}\}).)*)\}\}", re.DOTALL)


class _Unfit(Exception):
    """A value that an operation cannot use; the text ends the sentence "… cannot be worked out: "."""


def _number(value: Any) -> int | float:
    if isinstance(value, int | float):
        return value
    raise _Unfit("a number is needed here")


def _round(value: Any, digits: Any = 0) -> int | float:
    """Round to a whole number, or to 1 to 6 digits: Python would take `round(1, -10**9)` at its word for hours."""
    if not isinstance(digits, int) or not 0 <= digits <= 6:
        raise _Unfit("rounding takes 0 to 6 digits")
    return round(_number(value), digits) if digits else round(_number(value))


def _items(value: Any) -> Sequence[Any]:
    if isinstance(value, list | tuple):
        return value
    raise _Unfit("a list is needed here")


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    raise _Unfit("text is needed here")


def _int(value: Any) -> int:
    """Return a whole number, also of text; Python itself refuses texts of more than 4,300 digits."""
    return int(value) if isinstance(value, str) else int(_number(value))


def _default(value: Any, instead: Any) -> Any:
    return instead if isinstance(value, Undefined) or value is None else value


FILTERS: Mapping[str, Callable[..., Any]] = {
    "abs": lambda value: abs(_number(value)),
    "default": _default,
    "first": lambda value: _items(value)[0],
    "int": _int,
    "join": lambda value, between="": _text(between).join(_as_text(item) for item in _items(value)),
    "last": lambda value: _items(value)[-1],
    "length": len,
    "lower": lambda value: _text(value).lower(),
    "round": _round,
    "sum": lambda value: sum(_number(item) for item in _items(value)),
    "upper": lambda value: _text(value).upper(),
}
FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "abs": FILTERS["abs"],
    "max": lambda *values: max(_number(v) for v in (_items(values[0]) if len(values) == 1 else values)),
    "min": lambda *values: min(_number(v) for v in (_items(values[0]) if len(values) == 1 else values)),
    "round": _round,
}


class _Bounded(SandboxedEnvironment):
    """Looks up the items of maps and lists alone, never an attribute of Python's, and computes with numbers alone."""

    intercepted_binops = frozenset({"+", "-", "*", "/", "//", "%"})

    def __init__(self) -> None:
        super().__init__(undefined=StrictUndefined, optimized=False)
        self.globals.clear()
        self.filters = {name: FILTERS[name] for name in expression_syntax.FILTERS}
        self.tests = {name: self.tests[name] for name in expression_syntax.TESTS}

    def getattr(self, obj: Any, attribute: str) -> Any:
        """Return `obj.attribute`: an item of a map."""
        return self.getitem(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        """Return `obj[argument]`: an item of a map, or by position of a list or text."""
        if isinstance(obj, Undefined):
            return obj  # the name that is missing, not what stands below it, is told
        if isinstance(obj, Mapping):
            if isinstance(argument, str) and argument in obj:
                return obj[argument]
            return self.undefined(hint=str(UnknownName("name", str(argument), map(str, obj))))
        if isinstance(obj, list | tuple | str) and isinstance(argument, int | slice):
            return obj[argument]
        return self.undefined(hint=f"There is nothing named `{argument}` here.")

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:  # noqa: ARG002 - Jinja's
        """Return `left operator right`: numbers, or two texts or two lists joined by `+`."""
        for value in (left, right):
            if isinstance(value, Undefined):
                str(value)  # raises, naming what is missing
        if operator == "+" and type(left) is type(right) and isinstance(left, str | list | tuple):
            return left + right
        return self.binop_table[operator](_number(left), _number(right))


_environment = _Bounded()


@lru_cache(maxsize=512)
def _compiled(expression: str) -> tuple[Syntax, TemplateExpression]:
    syntax = expression_syntax.parse(_environment, expression)
    compiled = _environment.compile_expression(expression, undefined_to_none=False)
    if not isinstance(compiled, TemplateExpression):  # its signature promises any callable
        raise TypeError(type(compiled))
    return syntax, compiled


class JinjaExpressions:
    """Implements the port Expressions. Safe to use from many threads."""

    def evaluate(self, expression: str, names: Mapping[str, Any]) -> Any:
        """Return the value of one expression; raises BadInput with a sentence. A missing name is never None."""
        syntax, compiled = _compiled(expression.strip())
        if missing := sorted(syntax.roots - names.keys()):
            raise UnknownName("name", missing[0], (n for n, v in names.items() if not callable(v)))
        try:
            value = _checked(compiled({**names, **FUNCTIONS}))
        except UndefinedError as e:
            raise BadInput(f"`{expression}`: {e}") from None
        except (_Unfit, TypeError, ValueError, ArithmeticError, LookupError) as e:
            raise BadInput(f"`{expression}` cannot be worked out: {_why(e)}.") from None
        return value

    def render(self, value: Any, names: Mapping[str, Any]) -> Any:
        """Return `value` with every `{{ … }}` in its strings evaluated; one expression alone keeps its type."""
        if isinstance(value, Mapping):
            return {key: self.render(item, names) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.render(item, names) for item in value]
        if not isinstance(value, str):
            return value
        if alone := _TEMPLATE.fullmatch(value.strip()):
            return self.evaluate(alone[1], names)
        return _TEMPLATE.sub(lambda match: _as_text(self.evaluate(match[1], names)), value)

    def check(self, expression: str, known: Known) -> None:
        """Raise BadInput unless the expression keeps to the language and uses known names alone."""
        syntax, _ = _compiled(expression.strip())
        for chain in syntax.chains:
            _check_chain(chain, known)


def expressions_in(value: Any) -> list[str]:
    """Return the expressions within `{{ … }}` of a text; raises BadInput for one that is never closed."""
    if not isinstance(value, str):
        return []
    rest = _TEMPLATE.sub("", value)
    if "{{" in rest or "}}" in rest:
        raise BadInput("A `{{` and its `}}` belong together; one of them is missing.")
    if "{%" in rest:
        raise BadInput("There are no statements (`{% … %}`) in a runbook, only expressions: `{{ … }}`.")
    return _TEMPLATE.findall(value)


def _check_chain(chain: tuple[str, ...], known: Known) -> None:
    for name in chain:
        if name not in known:
            raise UnknownName("name", name, known)
        below = known[name]
        if below is None:
            return
        known = below


def _checked(value: Any) -> Any:
    """Return a result that is plain data; an undefined name in it, or a number beyond bounds, raises."""
    if isinstance(value, Undefined):
        str(value)  # raises, naming what is missing
    if isinstance(value, list | tuple):
        for item in value:
            _checked(item)
    if isinstance(value, float) and not math.isfinite(value):
        raise _Unfit("the result is no finite number")
    if isinstance(value, str) and len(value) > MAX_RESULT:
        raise _Unfit(f"the result has more than {MAX_RESULT:,} characters")
    return value


def _as_text(value: Any) -> str:
    """Return a value as it stands in a sentence."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return ", ".join(_as_text(item) for item in value)
    return str(value)


def _why(error: Exception) -> str:
    """Return in words for people why an expression failed; what Python says of types is not for them."""
    if isinstance(error, ZeroDivisionError):
        return "it divides by zero"
    if isinstance(error, LookupError):
        return "the list has no such item"
    if isinstance(error, _Unfit):
        return str(error)
    return "its values do not fit together (text with a number, say)"
