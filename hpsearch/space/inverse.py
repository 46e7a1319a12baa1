"""From a configuration back to the values that give it.

A configuration is matched against the expression, place by place. Options of a choice
are tried in order, and what they bound is taken back when a later place does not fit.
An operation is undone when one of its operands is unknown, and only if the result of
doing it again agrees.
"""

from __future__ import annotations

import functools
import math
import sys
from collections.abc import Iterator, Mapping
from numbers import Real
from typing import Any

import numpy as np

from hpsearch.errors import SpaceError
from hpsearch.runtime.escaping import named, shown
from hpsearch.space.distribution import Integer, Numeric, Uniform
from hpsearch.space.expression import (
    Choice,
    DictOf,
    Literal,
    Node,
    Number,
    Operation,
    TupleOf,
    as_python,
    children,
    evaluate,
)
from hpsearch.space.format import short_text
from hpsearch.space.operations import INVERSES

#: Relative difference that counts as rounding.
TOLERANCE = 1e-9

Bound = Mapping[str, float]


@np.errstate(all="ignore")
def invert(root: Node, config: Any) -> dict[str, float]:
    """Return raw values of the active parameters under which ``root`` evaluates to ``config``.

    Raises
    ------
    SpaceError
        If there are none, or an operation cannot be undone; it names the place that
        tells most.
    """
    matcher = _Matcher()
    for bound in matcher.match(root, config, {}, ("the configuration",)):
        return dict(bound)
    raise SpaceError(matcher.miss)


class _Matcher:
    """One attempt to match a configuration; it remembers the mismatch that tells most."""

    def __init__(self) -> None:
        self.miss = ""
        self._rank = (0, 0)

    def match(self, node: Node, value: Any, bound: Bound, place: tuple[str, ...]) -> Iterator[Bound]:
        """Yield each extension of ``bound`` under which a node has a value."""
        match node:
            case Literal(expected):
                if _is_same(expected, as_python(value)):
                    yield bound
                else:
                    self._missed(place, f"is {shown(value)}, but the space has {short_text(node)} there")
            case TupleOf(items):
                if isinstance(value, list | tuple) and len(value) == len(items):
                    parts = [
                        (n, v, (*place, f"[{i}]")) for i, (n, v) in enumerate(zip(items, value, strict=True))
                    ]
                    yield from self._match_all(parts, bound)
                else:
                    self._missed(place, f"is {shown(value)}, but the space has {len(items)} items there")
            case DictOf(pairs):
                keys = [key for key, _ in pairs]
                if isinstance(value, Mapping) and value.keys() == set(keys):
                    parts = [(child, value[key], (*place, f"[{shown(key)}]")) for key, child in pairs]
                    yield from self._match_all(parts, bound)
                else:
                    self._missed(place, f"is {shown(value)}, but the space has the keys {shown(keys)} there")
            case Number():
                yield from self._match_number(node, value, bound, place)
            case Choice(label, distribution, options):
                for index, option in enumerate(options):
                    if bound.get(label, index) == index and distribution.contains(index):
                        yield from self.match(option, value, {**bound, label: index}, place)
                self._missed(place, f"is {shown(value)}, which no option of {named(label)} gives", 1)
            case Operation():
                yield from self._match_operation(node, value, bound, place)

    def _match_all(self, parts: list[tuple[Node, Any, tuple[str, ...]]], bound: Bound) -> Iterator[Bound]:
        """Match several places at once."""
        # What arithmetic cannot recover, a place without arithmetic may show: those come first.
        ordered = sorted(parts, key=lambda part: isinstance(part[0], Operation))
        # The i-th iterator yields what binds the first i places; a stack, since lists may be long.
        stack = [iter([bound])]
        while stack:
            extended = next(stack[-1], None)
            if extended is None:
                stack.pop()
            elif len(stack) > len(ordered):
                yield extended
            else:
                node, value, place = ordered[len(stack) - 1]
                stack.append(self.match(node, value, extended, place))

    def _match_number(
        self, node: Number, value: Any, bound: Bound, place: tuple[str, ...]
    ) -> Iterator[Bound]:
        """Bind a parameter to a value that can occur."""
        label, distribution = node.label, node.distribution
        number = as_python(value)
        if isinstance(number, bool) or not isinstance(number, Real):
            self._missed(place, f"is {shown(value)}, but the parameter {named(label)} is a number")
            return
        raw = _nearest(distribution, number)
        if raw is None or not distribution.contains(raw):
            self._missed(place, f"is {shown(value)}, which the parameter {named(label)} cannot be", 2)
        elif not _is_same(bound.get(label, raw), raw):
            self._missed(place, f"is {shown(value)}, but {named(label)} is {bound[label]!r} elsewhere", 2)
        else:
            yield {label: raw, **bound}

    def _match_operation(
        self, node: Operation, value: Any, bound: Bound, place: tuple[str, ...]
    ) -> Iterator[Bound]:
        """Undo an operation by its unknown operand, if there is one, and do it again to compare."""
        if node.name == "partial":
            yield from self._match_partial(node, value, bound, place)
            return
        unknown = [i for i, operand in enumerate(node.args) if not _is_known(operand, bound)]
        inverses = INVERSES.get(node.name, ())
        if len(unknown) > 1 or not all(_is_known(operand, bound) for _, operand in node.keywords):
            self._missed(place, f"comes from {short_text(node)}, where more than one part is unknown", 2)
            return
        candidates: Iterator[Bound] = iter([bound])
        for i in unknown:
            if i >= len(inverses):
                self._missed(place, f"comes from {short_text(node)}, which cannot be undone", 2)
                return
            candidates = self.match(node.args[i], _undone(node, i, value, bound), bound, place)
        for candidate in candidates:
            if _gives(node, candidate, as_python(value)):
                yield candidate
        self._missed(place, f"is {shown(value)}, which {short_text(node)} does not give", 1)

    def _match_partial(
        self, node: Operation, value: Any, bound: Bound, place: tuple[str, ...]
    ) -> Iterator[Bound]:
        """Match a partial by its parts: the function, the arguments, the keywords."""
        names = [key for key, _ in node.keywords]
        fits = isinstance(value, functools.partial) and value.keywords.keys() == set(names)
        if not fits or len(value.args) + 1 != len(node.args):
            self._missed(place, f"is {shown(value)}, but the space has {short_text(node)} there")
            return
        given = [value.func, *value.args, *(value.keywords[name] for name in names)]
        parts = [
            (n, v, (*place, f"({i})")) for i, (n, v) in enumerate(zip(children(node), given, strict=True))
        ]
        yield from self._match_all(parts, bound)

    def _missed(self, place: tuple[str, ...], what: str, weight: int = 0) -> None:
        """Remember a mismatch if none so far tells more.

        A wrong literal or shape may only mean that another option was meant; weightier
        is that no option fits, and most of all that a number does not. Among equals, the
        deepest is where the attempt came furthest.
        """
        rank = (weight, len(place))
        if rank > self._rank:
            self._rank = rank
            self.miss = f"{''.join(place)} {what}."


def _nearest(distribution: Numeric | Integer, number: Any) -> float | None:
    """Return the raw value that equals a number up to rounding, or None."""
    if not -sys.float_info.max <= number <= sys.float_info.max:
        return None
    raw = round(number) if isinstance(distribution, Integer) else distribution.nearest(number)
    # Near zero, rounding is relative to what the parameter can resolve, not to the number.
    near_zero = TOLERANCE * _resolution(distribution)
    return raw if math.isclose(raw, number, rel_tol=TOLERANCE, abs_tol=near_zero) else None


def _resolution(distribution: Numeric | Integer) -> float:
    """Return the scale of a parameter near zero: its step, or the width of its range."""
    match distribution:
        case Integer():
            return 1.0
        case Numeric(q=None, is_log=False, latent=Uniform(low, high)):
            return high - low
        case Numeric(q=q):
            return q or 0.0


def _is_known(node: Node, bound: Bound) -> bool:
    """Whether a node can be evaluated with what is bound so far."""
    match node:
        case Number(label):
            return label in bound
        case Choice(label, _, options):
            return label in bound and _is_known(options[int(bound[label])], bound)
        case _:
            return all(_is_known(child, bound) for child in children(node))


def _undone(node: Operation, i: int, value: Any, bound: Bound) -> Any:
    """Return what operand ``i`` must be for an operation to have a value; None if nothing does."""
    try:
        known = [evaluate(operand, bound) for j, operand in enumerate(node.args) if j != i]
        return INVERSES[node.name][i](as_python(value), *known)
    except (ArithmeticError, TypeError, ValueError):
        return None


def _gives(node: Operation, bound: Bound, value: Any) -> bool:
    """Whether an operation gives a value, up to the rounding that its operands bring in."""
    try:
        args = [evaluate(operand, bound) for operand in node.args]
        result = evaluate(node, bound)
    except SpaceError:
        return False
    # A sum near zero is only as exact as its largest operand.
    is_sum = node.name in {"add", "sub"} and all(isinstance(arg, int | float) for arg in args)
    return _is_same(result, value, TOLERANCE * max(map(abs, args)) if is_sum else 0.0)


def _is_same(expected: Any, given: Any, slack: float = 0.0) -> bool:
    """Whether two values agree: numbers up to rounding, True not with 1, NaN with NaN."""
    if expected is given:
        return True
    if isinstance(expected, bool) or isinstance(given, bool):
        return isinstance(expected, bool) and isinstance(given, bool) and expected == given
    if isinstance(expected, float) and isinstance(given, int | float):
        both_nan = math.isnan(expected) and math.isnan(given)
        return both_nan or math.isclose(expected, given, rel_tol=TOLERANCE, abs_tol=slack)
    if isinstance(expected, tuple) and isinstance(given, list | tuple):
        return len(expected) == len(given) and all(map(_is_same, expected, given))
    try:
        return bool(expected == given)
    except (TypeError, ValueError):  # arrays, for one, have no single answer
        return False
