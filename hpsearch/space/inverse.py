"""From a configuration back to the values that give it.

A configuration is matched against the expression, place by place. Options of a choice
are tried in order, and what they bound is taken back when a later place does not fit.
An operation is undone when one of its operands is unknown, and only if the result of
doing it again agrees.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator, Mapping
from numbers import Real
from types import MappingProxyType
from typing import Any

import numpy as np

from hpsearch.errors import SpaceError
from hpsearch.space.distribution import Integer, Numeric
from hpsearch.space.expression import (
    Choice,
    DictOf,
    Literal,
    Node,
    Number,
    Operation,
    TupleOf,
    as_python,
    brief,
    children,
    evaluate,
)

#: Relative difference that counts as rounding.
TOLERANCE = 1e-9

Bound = Mapping[str, float]

#: For each operand in turn, the function that recovers it from the result and the other operands.
INVERSES: Mapping[str, tuple[Callable[..., Any], ...]] = MappingProxyType(
    {
        "add": (lambda result, right: result - right, lambda result, left: result - left),
        "sub": (lambda result, right: result + right, lambda result, left: left - result),
        "mul": (lambda result, right: result / right, lambda result, left: result / left),
        "truediv": (lambda result, right: result * right, lambda result, left: left / result),
        "pow": (
            lambda result, exponent: result ** (1 / exponent),
            lambda result, base: math.log(result) / math.log(base),
        ),
        "neg": (lambda result: -result,),
        # Rounding loses digits, but its result is one of the operands that give it.
        "round": (lambda result, *_: result,),
        "int": (lambda result: result,),
        "float": (lambda result: result,),
    }
)


def invert(root: Node, config: Any) -> dict[str, float]:
    """Return raw values of the active parameters under which ``root`` evaluates to ``config``.

    Raises
    ------
    SpaceError
        Naming the place that came closest to fitting, if there are none, or if an
        operation there cannot be undone.
    """
    matcher = _Matcher()
    for bound in matcher.match(root, config, {}, ("the configuration",)):
        return dict(bound)
    raise SpaceError(matcher.miss)


class _Matcher:
    """One attempt to match a configuration; it remembers the mismatch deepest inside."""

    def __init__(self) -> None:
        self.miss = ""
        self._miss_depth = -1

    def match(self, node: Node, value: Any, bound: Bound, place: tuple[str, ...]) -> Iterator[Bound]:
        """Yield each extension of ``bound`` under which a node has a value."""
        match node:
            case Literal(expected):
                if _is_same(expected, as_python(value)):
                    yield bound
                else:
                    self._missed(place, f"is {_shown(value)}, but the space has {brief(node)} there")
            case TupleOf(items):
                if isinstance(value, list | tuple) and len(value) == len(items):
                    parts = [
                        (n, v, (*place, f"[{i}]")) for i, (n, v) in enumerate(zip(items, value, strict=True))
                    ]
                    yield from self._match_all(parts, bound)
                else:
                    self._missed(place, f"is {_shown(value)}, but the space has {len(items)} items there")
            case DictOf(pairs):
                keys = [key for key, _ in pairs]
                if isinstance(value, Mapping) and value.keys() == set(keys):
                    parts = [(child, value[key], (*place, f"[{key!r}]")) for key, child in pairs]
                    yield from self._match_all(parts, bound)
                else:
                    self._missed(place, f"is {_shown(value)}, but the space has the keys {keys} there")
            case Number():
                yield from self._match_number(node, value, bound, place)
            case Choice(label, distribution, options):
                for index, option in enumerate(options):
                    if bound.get(label, index) == index and distribution.contains(index):
                        yield from self.match(option, value, {**bound, label: index}, place)
                self._missed(place, f"is {_shown(value)}, which no option of {label!r} gives")
            case Operation():
                yield from self._match_operation(node, value, bound, place)

    def _match_all(self, parts: list[tuple[Node, Any, tuple[str, ...]]], bound: Bound) -> Iterator[Bound]:
        """Match several places at once."""
        if not parts:
            yield bound
            return
        # What arithmetic cannot recover, a place without arithmetic may show: those come first.
        (node, value, place), *rest = sorted(parts, key=lambda part: isinstance(part[0], Operation))
        for extended in self.match(node, value, bound, place):
            yield from self._match_all(rest, extended)

    def _match_number(
        self, node: Number, value: Any, bound: Bound, place: tuple[str, ...]
    ) -> Iterator[Bound]:
        """Bind a parameter to a value that can occur."""
        label, distribution = node.label, node.distribution
        number = as_python(value)
        if isinstance(number, bool) or not isinstance(number, Real):
            self._missed(place, f"is {_shown(value)}, but the parameter {label!r} is a number")
            return
        raw = _nearest(distribution, number)
        if raw is None or not distribution.contains(raw):
            self._missed(place, f"is {_shown(value)}, which the parameter {label!r} cannot be")
        elif not _is_same(bound.get(label, raw), raw):
            self._missed(place, f"is {_shown(value)}, but {label!r} is {bound[label]!r} elsewhere")
        else:
            yield {label: raw, **bound}

    def _match_operation(
        self, node: Operation, value: Any, bound: Bound, place: tuple[str, ...]
    ) -> Iterator[Bound]:
        """Undo an operation."""
        operands = children(node)
        unknown = [i for i, operand in enumerate(operands) if not _is_known(operand, bound)]
        if node.name == "partial":
            yield from self._match_partial(node, value, bound, place)
            return
        if not unknown:
            candidates: Iterator[Bound] = iter([bound])
        elif len(unknown) > 1 or node.keywords or unknown[0] >= len(INVERSES.get(node.name, ())):
            self._missed(place, f"comes from {brief(node)}, which cannot be undone", extra_depth=1)
            return
        else:
            known = [evaluate(operand, bound) for i, operand in enumerate(operands) if i != unknown[0]]
            try:
                wanted = INVERSES[node.name][unknown[0]](as_python(value), *known)
            except (ArithmeticError, TypeError, ValueError):
                self._missed(place, f"is {_shown(value)}, which {brief(node)} cannot be")
                return
            candidates = self.match(operands[unknown[0]], wanted, bound, place)
        for candidate in candidates:
            if _is_same(_value_or_none(node, candidate), as_python(value)):
                yield candidate
            else:
                self._missed(place, f"is {_shown(value)}, which {brief(node)} cannot be")

    def _match_partial(
        self, node: Operation, value: Any, bound: Bound, place: tuple[str, ...]
    ) -> Iterator[Bound]:
        """Match a partial by its parts: the function, the arguments, the keywords."""
        names = [key for key, _ in node.keywords]
        fits = isinstance(value, functools.partial) and value.keywords.keys() == set(names)
        if not fits or len(value.args) + 1 != len(node.args):
            self._missed(place, f"is {_shown(value)}, but the space has {brief(node)} there")
            return
        given = [value.func, *value.args, *(value.keywords[name] for name in names)]
        parts = [
            (n, v, (*place, f"({i})")) for i, (n, v) in enumerate(zip(children(node), given, strict=True))
        ]
        yield from self._match_all(parts, bound)

    def _missed(self, place: tuple[str, ...], what: str, extra_depth: int = 0) -> None:
        """Remember a mismatch, if it is the deepest so far."""
        depth = len(place) + extra_depth
        if depth > self._miss_depth:
            self._miss_depth = depth
            self.miss = f"{''.join(place)} {what}."


def _nearest(distribution: Numeric | Integer, number: Any) -> float | None:
    """Return a raw value that equals a number up to rounding, or None."""
    if not math.isfinite(number):
        return None
    raw = float(round(number)) if isinstance(distribution, Integer) else distribution.nearest(number)
    if not math.isclose(raw, number, rel_tol=TOLERANCE, abs_tol=TOLERANCE * _resolution(distribution)):
        return None
    return int(raw) if isinstance(distribution, Integer) else raw


def _resolution(distribution: Numeric | Integer) -> float:
    """Return the difference between values that means something, for comparing near zero."""
    if isinstance(distribution, Integer):
        return 1.0
    return distribution.q or 0.0


def _is_known(node: Node, bound: Bound) -> bool:
    """Whether a node can be evaluated with what is bound so far."""
    match node:
        case Number(label):
            return label in bound
        case Choice(label, _, options):
            return label in bound and _is_known(options[int(bound[label])], bound)
        case _:
            return all(_is_known(child, bound) for child in children(node))


def _value_or_none(node: Node, bound: Bound) -> Any:
    """Evaluate a node; None when an operation fails."""
    try:
        return evaluate(node, bound)
    except SpaceError:
        return None


def _is_same(expected: Any, given: Any) -> bool:
    """Whether two values agree: numbers up to rounding, True not with 1, NaN with NaN."""
    if expected is given:
        return True
    if isinstance(expected, bool) or isinstance(given, bool):
        return isinstance(expected, bool) and isinstance(given, bool) and expected == given
    if isinstance(expected, float) and isinstance(given, int | float):
        both_nan = math.isnan(expected) and math.isnan(given)
        return both_nan or math.isclose(expected, given, rel_tol=TOLERANCE)
    if isinstance(expected, TupleOf | tuple) and isinstance(given, list | tuple):
        return len(expected) == len(given) and all(map(_is_same, expected, given))
    return bool(np.all(expected == given)) if type(expected) is type(given) else expected == given


def _shown(value: Any) -> str:
    """Return a value as text of bounded length."""
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
