"""Limits on the memory and time of operations in stored spaces.

A shared value counts each time it occurs, since copying or printing it takes as much. Otherwise a few lines
of a document could describe more data than any machine can hold.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import Any

import numpy as np

#: Characters of a value in all, or items of one sequence; bits of an integer.
MAX_ITEMS, MAX_BITS = 1_000_000, 100_000

#: Characters that an item counts as.
_ITEM = 10

#: Characters of a text that ``int`` parses; Python has no limit for bases that are powers of two.
_MAX_DIGITS = MAX_BITS // 5

#: Digits that ``round`` removes from an integer, by a power of ten of that size.
_MAX_ROUNDED = 1_000

#: Conversions of a ``%`` format, and sequences that ``sum`` concatenates.
_MAX_PARTS = 1_000

#: A format whose result may be much longer than itself: a large width, or one from an operand.
_WIDE = re.compile(r"[%)][^a-zA-Z%)]*(\d{4}|\*)")

#: Operations that turn their operands into arrays.
_OF_NUMPY = frozenset({"exp", "log", "sqrt", "sin", "cos", "tan", "minimum", "maximum"})


def is_too_large(value: Any) -> bool:
    """Whether a value, with its nested items, has more characters and items than ``MAX_ITEMS``."""
    n, waiting = 0, [value]
    while waiting:
        n += _ITEM
        below: Sequence[Any] = ()
        match waiting.pop():
            case str() | bytes() as text:
                n += len(text)
            case range() as numbers:
                n += _length(numbers)
            case value if type(value) is dict:
                below = [*value, *value.values()]
            case value if type(value) in {tuple, list}:
                below = value
        if n + _ITEM * (len(waiting) + len(below)) > MAX_ITEMS:
            return True
        waiting += below
    return False


def has_too_large_result(name: str, args: Sequence[Any], keywords: Mapping[str, Any]) -> bool:
    """Whether an operation on plain operands needs too much memory or time.

    Parameters
    ----------
    name : str
        A key of ``ARITIES``.
    args, keywords
        The operands, none of which ``is_too_large``.
    """
    shapes = {shape for arg in args for shape in _shapes(arg)}
    if name in _OF_NUMPY or any(isinstance(arg, np.ndarray | np.generic) for arg in args):
        if any(map(_holds_text, args)):
            return True
        shapes |= {np.shape(arg) for arg in args}
    if _spread(shapes) > max(MAX_ITEMS, *map(math.prod, shapes), 0):
        return True
    match name, [_python(arg) for arg in [*args, *keywords.values()]]:
        case "pow", [int(base), int(exponent)]:
            return base.bit_length() * exponent > MAX_BITS
        case "mul", [int(left), int(right)]:
            return left.bit_length() + right.bit_length() > MAX_BITS
        case "mul", [str() | bytes() | tuple() | list() as items, int(n)] | [
            int(n),
            str() | bytes() | tuple() | list() as items,
        ]:
            return len(items) * n > MAX_ITEMS
        case "add", [str() | bytes() | tuple() | list() as left, str() | bytes() | tuple() | list() as right]:
            return len(left) + len(right) > MAX_ITEMS
        case "mod", [str() | bytes() as form, operand]:
            return _is_wide(form if isinstance(form, str) else form.decode("latin-1"), operand)
        case "int", [str() | bytes() as text, *_]:
            return len(text) > _MAX_DIGITS
        case "round", [int(), int(n_digits)]:
            return n_digits < -_MAX_ROUNDED
        case "sum", [items, tuple() | list()]:
            return not isinstance(items, str | bytes | range) and len(items) > _MAX_PARTS
        case "list", [range() as numbers]:
            return _length(numbers) > MAX_ITEMS
    return False


def _is_wide(form: str, operand: Any) -> bool:
    """Whether a ``%`` format makes a text much longer than itself and its operand."""
    n_parts = form.count("%")
    if n_parts > _MAX_PARTS or _WIDE.search(form):
        return True
    return n_parts > 1 and isinstance(operand, dict) and any(map(_is_long, operand.values()))


def _is_long(value: Any) -> bool:
    """Whether a value is too long to be formatted several times."""
    return isinstance(value, str | bytes | tuple | list | dict) and (
        len(value) > _MAX_PARTS or (not isinstance(value, str | bytes) and len(str(value)) > _MAX_PARTS)
    )


def _spread(shapes: Iterable[tuple[int, ...]]) -> int:
    """Return the size of the largest array that these shapes can be broadcast to."""
    sizes = [1]
    for shape in shapes:
        sizes = [max(pair) for pair in zip_longest(sizes, reversed(shape), fillvalue=1)]
    return math.prod(sizes)


def _shapes(arg: Any) -> Iterator[tuple[int, ...]]:
    """Yield the shapes of the arrays in an operand, which are compared and added element by element."""
    waiting = [arg]
    while waiting:
        value = waiting.pop()
        if isinstance(value, np.ndarray):
            yield value.shape
        elif type(value) in {tuple, list}:
            waiting += value
        elif type(value) is dict:
            waiting += value.values()


def _holds_text(value: Any) -> bool:
    """Whether a sequence contains texts; as an array, each would take the space of the longest."""
    waiting = [value] if isinstance(value, tuple | list) else []
    while waiting:
        item = waiting.pop()
        if isinstance(item, str | bytes):
            return True
        if isinstance(item, tuple | list):
            waiting += item
    return False


def _python(value: Any) -> Any:
    """Return a NumPy integer, which repeats sequences like any other, as a Python integer."""
    is_integer = isinstance(value, np.integer) or (
        isinstance(value, np.ndarray) and value.ndim == 0 and value.dtype.kind in "iu"
    )
    return int(value) if is_integer else value


def _length(numbers: range) -> int:
    """Return the length of a range; ``len`` overflows for the longest ones."""
    return (numbers[-1] - numbers[0]) // numbers.step + 1 if numbers else 0
