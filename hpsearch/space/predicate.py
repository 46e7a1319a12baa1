"""Predicates: a safe language for conditions on named values, such as ``optimizer != 'sgd' or momentum > 0``.

A predicate is an expression in Python's syntax with names, numbers, texts, True, False, None, comparisons
(also chained), ``in``, ``and``, ``or``, ``not``, arithmetic, ``abs``, ``min`` and ``max``. It is parsed by
``ast`` and translated to functions of arrays; nothing of it is ever executed as Python. A name that is no
identifier is written ``p['any name']``, and ``a.b`` is the name "a.b".

A value may be missing: an inactive parameter, or a metric that a trial does not have. As in SQL, a comparison
with a missing value is neither true nor false but unknown, ``and``, ``or`` and ``not`` follow Kleene's logic
(``unknown or True`` is true, ``unknown and True`` is unknown), and ``x is None`` asks whether ``x`` is
missing. A condition on a space forbids a point only where it is false, so a condition on the momentum leaves
optimizers without momentum alone; a filter selects a trial only where it is true. Without this rule,
``momentum > 0.5`` would forbid every optimizer without momentum, or need a guard in each condition. Whatever
has no finite result is unknown, too: a division by zero, or a text that is compared with a number by ``<``.

Arithmetic is that of floats.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NoReturn

import numpy as np

from hpsearch.errors import PredicateError
from hpsearch.runtime.escaping import named, reason, shown
from hpsearch.runtime.syntax_trees import syntax_tree
from hpsearch.space.columns import (
    Columns,
    Options,
    Term,
    Truth,
    TruthOf,
    all_of,
    any_of,
    compared,
    computed,
    constant,
    contained,
    is_none_of,
    named_column,
    negated,
    truth_of,
    value_of,
)

#: Most characters of a predicate.
MAX_CHARACTERS = 10_000

#: Levels of nested expressions.
MAX_LEVELS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Predicate:
    """A condition on named values."""

    text: str  #: as it was written
    names: tuple[str, ...]  #: the names in it, in order of appearance
    equalities: tuple[tuple[str, Any], ...]  #: names, and constants that they are compared with by == or in
    _truth: TruthOf

    def truth(self, columns: Columns, n: int) -> Truth:
        """Return where the condition is true and where it is false.

        Parameters
        ----------
        columns : mapping
            ``n`` values by name; a name without a column is missing everywhere.
        n : int
            Number of rows.
        """
        return self._truth(columns, n)

    def holds(self, values: Mapping[str, Any]) -> bool | None:
        """Return whether the condition is true for some values; None if that is unknown.

        Parameters
        ----------
        values : mapping
            By name; a name without a value is missing. Other names are ignored.
        """
        code = np.zeros(1, dtype=np.intp)
        found = self._truth(
            {name: Options((values[name],), code) for name in self.names if name in values}, 1
        )
        return True if found.is_true[0] else False if found.is_false[0] else None

    def selects(self, values: Mapping[str, Any]) -> bool:
        """Whether the condition is true, not false or unknown: the rule of a filter."""
        return self.holds(values) is True


def parse(text: str) -> Predicate:
    """Return the predicate that a text describes.

    Parameters
    ----------
    text : str
        An expression; see the module.

    Raises
    ------
    PredicateError
        If the text is no expression of this language; says which part.

    Examples
    --------
    >>> small = parse("lr < 1e-3 and optimizer in ('adam', 'sgd')")
    >>> small.names
    ('lr', 'optimizer')
    >>> small.holds({"lr": 1e-4, "optimizer": "adam"})
    True
    >>> small.holds({"lr": 1e-4}) is None
    True
    """
    return _predicate(text, tree_of(text))


def conjuncts(text: str) -> list[Predicate]:
    """Return the predicates whose conjunction a text describes: the operands of its outermost ``and``.

    Raises
    ------
    PredicateError
        As ``parse``.
    """
    waiting, parts = [tree_of(text)], list[ast.expr]()
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.BoolOp) and isinstance(node.op, ast.And):
            waiting += reversed(node.values)
        else:
            parts.append(node)
    return [_predicate(text, part) for part in parts]


def tree_of(text: str) -> ast.expr:
    """Return the syntax tree of a predicate, which may still contain what a predicate must not.

    Raises
    ------
    PredicateError
        If the text is no expression.
    """
    if len(text) > MAX_CHARACTERS:
        raise PredicateError(f"The condition {named(text)} is longer than {MAX_CHARACTERS} characters.")
    try:
        return syntax_tree(text.strip(), "eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        what = error.msg if isinstance(error, SyntaxError) else reason(error)
        raise PredicateError(
            f"The condition {named(text)} cannot be read ({what}); write it as in Python, "
            "such as \"optimizer != 'sgd' or momentum > 0\"."
        ) from error


def _predicate(text: str, node: ast.expr) -> Predicate:
    translation = _Translation(text)
    truth = translation.truth(node, 0)
    return Predicate(
        text=text.strip(),
        names=tuple(dict.fromkeys(translation.names)),
        equalities=tuple(translation.equalities),
        _truth=truth,
    )


class _Translation:
    """Translates one tree to functions, and collects the names in it."""

    def __init__(self, text: str) -> None:
        self._text = text
        self.names: list[str] = []
        self.equalities: list[tuple[str, Any]] = []

    def truth(self, node: ast.expr, level: int) -> TruthOf:
        """Translate an expression of which only the truth counts."""
        if level > MAX_LEVELS:
            raise PredicateError(f"The condition {named(self._text)} is nested too deeply.")
        match node:
            case ast.BoolOp(op=op, values=operands):
                parts = [self.truth(operand, level + 1) for operand in operands]
                return all_of(parts) if isinstance(op, ast.And) else any_of(parts)
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return negated(self.truth(operand, level + 1))
            case ast.Compare():
                operands = [node.left, *node.comparators]
                pairs = zip(node.ops, operands, operands[1:], strict=False)
                return all_of([self._comparison(op, left, right, level + 1) for op, left, right in pairs])
        return truth_of(self.term(node, level + 1))

    def term(self, node: ast.expr, level: int) -> Term:
        """Translate an expression whose value counts."""
        name = name_of(node)
        if name is not None:
            self.names.append(name)
            return named_column(name)
        match node:
            case ast.Constant(value=None | bool() | int() | float() | str() as value):
                return constant(value)
            case ast.BoolOp() | ast.Compare() | ast.UnaryOp(op=ast.Not()):
                return value_of(self.truth(node, level + 1))
        function, operands = _function_of(node)
        if function is None or level > MAX_LEVELS:
            self._refuse(node)
        return computed(function, [self.term(operand, level + 1) for operand in operands])

    def _comparison(self, op: ast.cmpop, left: ast.expr, right: ast.expr, level: int) -> TruthOf:
        if isinstance(op, ast.Is | ast.IsNot):
            if name_of(left) is None or not (isinstance(right, ast.Constant) and right.value is None):
                self._refuse(left, "; `is` only asks whether a parameter `is None`")
            asked = is_none_of(self.term(left, level))
            return asked if isinstance(op, ast.Is) else negated(asked)
        if isinstance(op, ast.In | ast.NotIn):
            found = self._membership(left, right, level)
            return found if isinstance(op, ast.In) else negated(found)
        self._note_equality(op, left, right)
        return compared(_COMPARISONS[type(op)], self.term(left, level), self.term(right, level))

    def _membership(self, left: ast.expr, right: ast.expr, level: int) -> TruthOf:
        """Translate ``x in (1, 2)``, or ``'text' in x``."""
        item = self.term(left, level)
        if not isinstance(right, ast.Tuple | ast.List | ast.Set):
            return contained(item, self.term(right, level))
        if not right.elts:
            self._refuse(right)
        for one in right.elts:
            self._note_equality(ast.Eq(), left, one)
        return any_of([compared(operator.eq, item, self.term(one, level)) for one in right.elts])

    def _note_equality(self, op: ast.cmpop, left: ast.expr, right: ast.expr) -> None:
        for one, other in ((left, right), (right, left)):
            name = name_of(one)
            if name is not None and isinstance(op, ast.Eq | ast.NotEq) and isinstance(other, ast.Constant):
                self.equalities.append((name, other.value))

    def _refuse(self, node: ast.expr, hint: str = "") -> NoReturn:
        part = ast.get_source_segment(self._text.strip(), node) or ast.unparse(node)
        allowed = "; it has names, values, comparisons, in, and, or, not, arithmetic, abs, min and max"
        raise PredicateError(
            f"The condition {named(self._text)} contains {shown(part)}, which a condition must not contain"
            f"{hint or allowed}."
        )


def name_of(node: ast.expr) -> str | None:
    """Return the name that an expression is: ``a``, ``a.b`` or ``p['a']``; None for any other."""
    match node:
        case ast.Name(id=name):
            return name
        case ast.Subscript(value=ast.Name(id="p"), slice=ast.Constant(value=str() as name)):
            return name
        case ast.Attribute(value=owner, attr=name):
            above = name_of(owner)
            return None if above is None else f"{above}.{name}"
    return None


def _function_of(node: ast.expr) -> tuple[Callable[..., Any] | None, list[ast.expr]]:
    """Return the function of arrays that an expression applies, if it is allowed, and the operands."""
    match node:
        case ast.UnaryOp(op=op, operand=operand):
            return _SIGNS.get(type(op)), [operand]
        case ast.BinOp(op=op, left=left, right=right):
            return _ARITHMETIC.get(type(op)), [left, right]
        case ast.Call(func=ast.Name(id="abs"), args=[operand], keywords=[]):
            return np.abs, [operand]
        case ast.Call(func=ast.Name(id=called), args=[_, _, *_] as operands, keywords=[]):
            return _EXTREMES.get(called), operands
    return None, []


_SIGNS: Mapping[type[ast.unaryop], Callable[..., Any]] = MappingProxyType(
    {ast.USub: np.negative, ast.UAdd: np.positive}
)
_ARITHMETIC: Mapping[type[ast.operator], Callable[..., Any]] = MappingProxyType(
    {
        ast.Add: np.add,
        ast.Sub: np.subtract,
        ast.Mult: np.multiply,
        ast.Div: np.divide,
        ast.FloorDiv: np.floor_divide,
        ast.Mod: np.mod,
        ast.Pow: np.power,
    }
)
_EXTREMES: Mapping[str, Callable[..., Any]] = MappingProxyType(
    {
        "min": lambda *values: np.minimum.reduce(values),
        "max": lambda *values: np.maximum.reduce(values),
    }
)
_COMPARISONS: Mapping[type[ast.cmpop], Callable[[Any, Any], Any]] = MappingProxyType(
    {
        ast.Eq: operator.eq,
        ast.NotEq: operator.ne,
        ast.Lt: operator.lt,
        ast.LtE: operator.le,
        ast.Gt: operator.gt,
        ast.GtE: operator.ge,
    }
)
