"""The inverse of evaluation: from a configuration to the values that give it.

A configuration is matched against the expression, place by place, with backtracking: the options of a choice
are tried in order. An operation with one unknown operand is inverted, and the result is checked by evaluating
it again.
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
from hpsearch.space.evaluation import evaluate
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
)
from hpsearch.space.format import short_text
from hpsearch.space.operations import INVERSES

#: Relative difference that counts as a rounding error.
TOLERANCE = 1e-9

Bound = Mapping[str, float]


@np.errstate(all="ignore")
def invert(root: Node, config: Any) -> dict[str, float]:
    """Return raw values of the active parameters for which ``root`` evaluates to ``config``.

    Parameters
    ----------
    root : Node
        The expression of a space.
    config : any
        A configuration.

    Raises
    ------
    SpaceError
        If there are none, or an operation cannot be inverted; names the most informative mismatch.
    """
    matcher = _Matcher()
    for bound in matcher.match(root, config, {}, ("the configuration",)):
        return dict(bound)
    raise SpaceError(matcher.miss)


class _Matcher:
    """One attempt to match a configuration; remembers the most informative mismatch."""

    def __init__(self) -> None:
        self.miss = ""
        self._rank = (0, 0)

    def match(self, node: Node, value: Any, bound: Bound, place: tuple[str, ...]) -> Iterator[Bound]:
        """Yield each extension of ``bound`` for which a node has a value."""
        match node:
            case Literal(expected):
                if _is_same(expected, as_python(value)):
                    yield bound
                else:
                    self._missed(place, f"is {shown(value)}, but in the space it is {short_text(node)}")
            case TupleOf(items):
                if isinstance(value, list | tuple) and len(value) == len(items):
                    parts = [
                        (n, v, (*place, f"[{i}]")) for i, (n, v) in enumerate(zip(items, value, strict=True))
                    ]
                    yield from self._match_all(parts, bound)
                else:
                    self._missed(place, f"is {shown(value)}, but in the space it has {len(items)} items")
            case DictOf(pairs):
                keys = [key for key, _ in pairs]
                if isinstance(value, Mapping) and value.keys() == set(keys):
                    parts = [(child, value[key], (*place, f"[{shown(key)}]")) for key, child in pairs]
                    yield from self._match_all(parts, bound)
                else:
                    self._missed(place, f"is {shown(value)}, but in the space it has the keys {shown(keys)}")
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
        """Yield each extension of ``bound`` for which all parts have their values."""
        # Places without arithmetic come first: they bind parameters that arithmetic cannot recover.
        ordered = sorted(parts, key=lambda part: isinstance(part[0], Operation))
        # The i-th iterator yields bindings of the first i parts; a stack, since lists may be long.
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
        label, distribution = node.label, node.distribution
        number = as_python(value)
        if isinstance(number, bool) or not isinstance(number, Real):
            self._missed(place, f"is {shown(value)}, but the parameter {named(label)} is a number")
            return
        raw = _nearest(distribution, number)
        if raw is None or not distribution.contains(raw):
            self._missed(place, f"is {shown(value)}, which is no value of the parameter {named(label)}", 2)
        elif not _is_same(bound.get(label, raw), raw):
            self._missed(place, f"is {shown(value)}, but {named(label)} is {bound[label]!r} elsewhere", 2)
        else:
            yield {label: raw, **bound}

    def _match_operation(
        self, node: Operation, value: Any, bound: Bound, place: tuple[str, ...]
    ) -> Iterator[Bound]:
        """Invert an operation for its unknown operand, if there is one, and evaluate it to compare."""
        if node.name == "partial":
            yield from self._match_partial(node, value, bound, place)
            return
        unknown = [i for i, operand in enumerate(node.args) if not _is_known(operand, bound)]
        inverses = INVERSES.get(node.name, ())
        if len(unknown) > 1 or not all(_is_known(operand, bound) for _, operand in node.keywords):
            self._missed(place, f"comes from {short_text(node)}, where more than one operand is unknown", 2)
            return
        candidates: Iterator[Bound] = iter([bound])
        for i in unknown:
            if i >= len(inverses):
                self._missed(place, f"comes from {short_text(node)}, which cannot be inverted", 2)
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
            self._missed(place, f"is {shown(value)}, but in the space it is {short_text(node)}")
            return
        given = [value.func, *value.args, *(value.keywords[name] for name in names)]
        parts = [
            (n, v, (*place, f"({i})")) for i, (n, v) in enumerate(zip(children(node), given, strict=True))
        ]
        yield from self._match_all(parts, bound)

    def _missed(self, place: tuple[str, ...], what: str, weight: int = 0) -> None:
        """Remember a mismatch if it is the most informative so far.

        A wrong literal or shape may only mean that the configuration has another option (weight 0). More
        informative is that no option fits (1), and most that a number does not (2). Among equal weights the
        deepest place wins.
        """
        rank = (weight, len(place))
        if rank > self._rank:
            self._rank = rank
            self.miss = f"{''.join(place)} {what}."


def _nearest(distribution: Numeric | Integer, number: Any) -> float | None:
    """Return the raw value that equals a number up to rounding; None if there is none."""
    if not -sys.float_info.max <= number <= sys.float_info.max:
        return None
    raw = round(number) if isinstance(distribution, Integer) else distribution.nearest(number)
    # Near zero, the tolerance is relative to the resolution of the parameter, not to the number.
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
    """Whether a node can be evaluated with the values bound so far."""
    match node:
        case Number(label):
            return label in bound
        case Choice(label, _, options):
            return label in bound and _is_known(options[int(bound[label])], bound)
        case _:
            return all(_is_known(child, bound) for child in children(node))


def _undone(node: Operation, i: int, value: Any, bound: Bound) -> Any:
    """Return the operand ``i`` for which an operation has a value; None if there is none."""
    try:
        known = [evaluate(operand, bound) for j, operand in enumerate(node.args) if j != i]
        return INVERSES[node.name][i](as_python(value), *known)
    except (ArithmeticError, TypeError, ValueError):
        return None


def _gives(node: Operation, bound: Bound, value: Any) -> bool:
    """Whether an operation gives a value, up to the rounding errors of its operands."""
    try:
        args = [evaluate(operand, bound) for operand in node.args]
        result = evaluate(node, bound)
    except SpaceError:
        return False
    # A sum near zero is only as exact as its largest operand.
    is_sum = node.name in {"add", "sub"} and all(isinstance(arg, int | float) for arg in args)
    return _is_same(result, value, TOLERANCE * max(map(abs, args)) if is_sum else 0.0)


def _is_same(expected: Any, given: Any, slack: float = 0.0) -> bool:
    """Whether two values agree: numbers up to rounding, NaN with NaN, but not True with 1."""
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
    except (TypeError, ValueError):  # such as the comparison of arrays
        return False
