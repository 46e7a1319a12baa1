"""The part of a filter of trials that MongoDB can decide.

``candidates`` returns a filter that matches every document whose trial is selected, and few others; the
selection itself is always made by ``TrialFilter``. So the answer cannot depend on what MongoDB compares
differently, such as booleans with numbers, missing values, or names that contain dots.

Each condition has two such filters, for the documents for which it is true and for those for which it is
false, because the condition ``not c`` is true where ``c`` is false.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from types import MappingProxyType

from hpsearch.core.trial_fields import OUTCOME_METRICS
from hpsearch.core.trial_filter import Place, TrialFilter
from hpsearch.space.predicate import name_of, tree_of
from hpsearch.store.mongo.queries import Filter

#: Integers below this size are equal as integers and as floats.
_MAX_EXACT = 2**53

#: Fields of trials with their paths, for those that a corrupt document lacks.
_FIELD_PATHS: Mapping[str, str] = MappingProxyType(
    {"loss": "loss", "duration_s": "duration_s", "worker": "worker.name", "host": "worker.host"}
)

_OPERATORS: Mapping[type[ast.cmpop], str] = MappingProxyType(
    {ast.Eq: "$eq", ast.Lt: "$lt", ast.LtE: "$lte", ast.Gt: "$gt", ast.GtE: "$gte"}
)

#: The operators with exchanged operands.
_EXCHANGED: Mapping[type[ast.cmpop], type[ast.cmpop]] = MappingProxyType(
    {ast.Lt: ast.Gt, ast.LtE: ast.GtE, ast.Gt: ast.Lt, ast.GtE: ast.LtE, ast.Eq: ast.Eq, ast.NotEq: ast.NotEq}
)

#: Characters with a meaning in a path, or in the names of stored fields (see ``documents.encoding``).
_PATH_UNSAFE = frozenset(".$\0\N{FULLWIDTH DOLLAR SIGN}")

#: Matches every document.
_ALL: Filter = {}

#: Returns the paths under which the value of a name may be stored; None if they are not known.
PathsOf = Callable[[str], list[str] | None]


def candidates(where: TrialFilter) -> Filter:
    """Return a filter of MongoDB that matches at least the documents of the selected trials.

    Parameters
    ----------
    where : TrialFilter
        The filter of trials.
    """
    return _bound(tree_of(where.predicate.text), True, lambda name: _paths(where, name))


def _bound(node: ast.expr, truth: bool, paths_of: PathsOf) -> Filter:
    """Return a filter that matches all documents for which a condition has a truth."""
    match node:
        case ast.BoolOp(op=op, values=operands):
            parts = [_bound(operand, truth, paths_of) for operand in operands]
            return _both(parts) if isinstance(op, ast.And) is truth else _either(parts)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return _bound(operand, not truth, paths_of)
        case ast.Compare():
            operands = [node.left, *node.comparators]
            triples = zip(node.ops, operands, operands[1:], strict=False)
            parts = [_comparison(op, left, right, truth, paths_of) for op, left, right in triples]
            return _both(parts) if truth else _either(parts)
    return _ALL


def _comparison(op: ast.cmpop, left: ast.expr, right: ast.expr, truth: bool, paths_of: PathsOf) -> Filter:
    match op, right:
        case ast.In() | ast.NotIn(), ast.Tuple(elts=items) | ast.List(elts=items) | ast.Set(elts=items):
            is_in = isinstance(op, ast.In) is truth
            parts = [_comparison(ast.Eq(), left, item, is_in, paths_of) for item in items]
            return _either(parts) if is_in else _both(parts)
    kind: type[ast.cmpop] | None = type(op)
    if name_of(left) is None:
        kind, left, right = _EXCHANGED.get(type(op)), right, left
    if kind is ast.NotEq:
        kind, truth = ast.Eq, not truth
    name, constant, operator = name_of(left), _constant(right), _OPERATORS.get(kind) if kind else None
    paths = None if name is None else paths_of(name)
    if paths is None or constant is None or operator is None:
        return _ALL
    return _either([_at(path, operator, constant, truth) for path in paths])


def _at(path: str, operator: str, constant: float | str, truth: bool) -> Filter:
    """Return a filter for the value at a path.

    A comparison that is true for a trial is true in MongoDB, unless the value is a boolean, which is compared
    as a number, or a date, which is compared as a text. One that is false is false in MongoDB, unless the
    value is an array, of which MongoDB compares the items.
    """
    compared = {operator: constant}
    if not truth:
        return {"$or": [{path: {"$not": compared}}, {path: {"$type": "array"}}]}
    other_type = "date" if isinstance(constant, str) else "bool"
    return {"$or": [{path: compared}, {path: {"$type": other_type}}]}


def _both(parts: list[Filter]) -> Filter:
    known = [part for part in parts if part]
    return {"$and": known} if known else _ALL


def _either(parts: list[Filter]) -> Filter:
    return {"$or": parts} if all(parts) else _ALL


def _paths(where: TrialFilter, name: str) -> list[str] | None:
    place, plain = where.place(name)
    if place is Place.FIELD:
        return [_FIELD_PATHS[plain]] if plain in _FIELD_PATHS else None
    if not plain or not _PATH_UNSAFE.isdisjoint(plain):
        return None
    params, metrics = [f"params.{plain}"], [f"result.{plain}", f"losses.{plain}"]
    if plain in OUTCOME_METRICS:
        metrics.append(plain)
    return {Place.PARAM: params, Place.METRIC: metrics}.get(place, [*params, *metrics])


def _constant(node: ast.expr) -> float | str | None:
    """Return the number or the text that an expression is, if MongoDB stores it without a change."""
    match node:
        case ast.Constant(value=str() as text):
            return text if text.isprintable() else None  # so that it can be encoded
        case ast.Constant(value=bool() as flag):
            return int(flag)
        case ast.Constant(value=int() | float() as value) if abs(value) < _MAX_EXACT:
            return value
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as value)):
            return -value if abs(value) < _MAX_EXACT else None
    return None
