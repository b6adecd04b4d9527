"""What an expression of a runbook may be made of: a whitelist of the syntax tree, checked before anything is evaluated.

Nothing in it can loop, call a method, reach a Python attribute, or make a large value from a small one.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from jinja2 import Environment, TemplateSyntaxError, nodes
from jinja2.parser import Parser

from bot.domain.errors import BadInput, UnknownName

MAX_LENGTH = 500
"""Characters of one expression."""

MAX_DEPTH = 40
"""Nesting of the syntax tree; Python's own compiler gives up somewhere above."""

FUNCTIONS = frozenset({"abs", "depth", "max", "min", "round"})
FILTERS = frozenset({"abs", "default", "first", "int", "join", "last", "length", "lower", "round", "sum", "upper"})
TESTS = frozenset({"defined", "in", "none", "undefined"})

_ALLOWED = (
    nodes.Add, nodes.And, nodes.Compare, nodes.Concat, nodes.CondExpr, nodes.Const, nodes.Div, nodes.FloorDiv,
    nodes.Getattr, nodes.Getitem, nodes.List, nodes.Mod, nodes.Mul, nodes.Name, nodes.Neg, nodes.Not, nodes.Operand,
    nodes.Or, nodes.Pos, nodes.Slice, nodes.Sub, nodes.Tuple,
)  # fmt: skip
_IN_WORDS = {
    nodes.Pow: "powers (`**`)",
    nodes.Dict: "maps (`{…}`)",
    nodes.Keyword: "named arguments",
}


@dataclass(frozen=True)
class Syntax:
    """A parsed expression: every chain of names that it reads (`checks.relief.frees`), in order of appearance."""

    chains: tuple[tuple[str, ...], ...]

    @property
    def roots(self) -> frozenset[str]:
        """Return the names that must be given."""
        return frozenset(chain[0] for chain in self.chains)


def parse(environment: Environment, expression: str) -> Syntax:
    """Return the syntax of an expression that keeps to the whitelist; raises BadInput in one sentence."""
    if len(expression) > MAX_LENGTH:
        raise BadInput(f"An expression has at most {MAX_LENGTH} characters; this one has {len(expression):,}.")
    try:
        tree = _tree(environment, expression)
    except TemplateSyntaxError as e:
        raise BadInput(
            f"`{expression}` is not an expression: {(e.message or 'it cannot be read').rstrip('.')}."
        ) from None
    except RecursionError:
        raise BadInput("The expression is nested too deeply.") from None
    _check(tree, 1)
    return Syntax(chains=tuple(_chains(tree)))


def _tree(environment: Environment, expression: str) -> nodes.Expr:
    """Parse as Jinja's own `compile_expression` does, which keeps the tree to itself."""
    parser = Parser(environment, expression, state="variable")
    try:
        tree = parser.parse_expression()
    except TemplateSyntaxError as e:
        raise TemplateSyntaxError("it ends too early", e.lineno) if parser.stream.eos else e from None
    if not parser.stream.eos:
        raise TemplateSyntaxError("it goes on after its end", parser.stream.current.lineno)
    return tree


def _check(node: nodes.Node, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise BadInput("The expression is nested too deeply.")
    match node:
        case nodes.Call():
            _check_call(node)
        case nodes.Filter():
            _known("filter", node.name, FILTERS)
            _plain(node.kwargs, node.dyn_args, node.dyn_kwargs)
        case nodes.Test():
            _known("test", node.name, TESTS)
            _plain(node.kwargs, node.dyn_args, node.dyn_kwargs)
        case nodes.Name() if node.name in FUNCTIONS:
            raise BadInput(f"`{node.name}` is a function: write `{node.name}(…)`.")
        case nodes.Name():
            _public(node.name)
        case nodes.Getattr():
            _public(node.attr)
        case nodes.Const() if isinstance(node.value, float) and not math.isfinite(node.value):
            raise BadInput("A number in the expression is too large.")
        case nodes.CondExpr() if node.expr2 is None:
            raise BadInput("An `if` in an expression needs its `else`.")
        case _ if not isinstance(node, _ALLOWED):
            words = _IN_WORDS.get(type(node), f"`{type(node).__name__.lower()}`")
            raise BadInput(f"Expressions have no {words} here.")
    for child in _children(node):
        _check(child, depth + 1)


def _check_call(node: nodes.Call) -> None:
    if not isinstance(node.node, nodes.Name):
        raise BadInput("Only functions can be called in an expression, not methods.")
    _known("function", node.node.name, FUNCTIONS)
    _plain(node.kwargs, node.dyn_args, node.dyn_kwargs)


def _known(kind: str, name: str, known: frozenset[str]) -> None:
    if name not in known:
        raise UnknownName(kind, name, known)


def _plain(*special: object) -> None:
    if any(special):
        raise BadInput("Functions and filters take plain arguments alone here: no names, no `*`.")


def _public(name: str) -> None:
    if name.startswith("_"):
        raise BadInput(f"`{name}` begins with `_`; such names are not for expressions.")


def _children(node: nodes.Node) -> Iterator[nodes.Node]:
    """Yield the nodes below; the name of a called function is no name to look up."""
    for child in node.iter_child_nodes():
        if not (isinstance(node, nodes.Call) and child is node.node):
            yield child


def _chains(node: nodes.Node) -> Iterator[tuple[str, ...]]:
    if chain := _chain(node):
        yield chain
        return
    for child in _children(node):
        yield from _chains(child)


def _chain(node: nodes.Node) -> tuple[str, ...] | None:
    """Return `a.b["c"]` as ("a", "b", "c")."""
    if isinstance(node, nodes.Name):
        return (node.name,)
    if isinstance(node, nodes.Getattr) and (before := _chain(node.node)):
        return (*before, node.attr)
    if isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Const) and isinstance(node.arg.value, str):
        before = _chain(node.node)
        return (*before, node.arg.value) if before else None
    return None
