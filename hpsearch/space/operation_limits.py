"""How much an operation of a stored space may take: of memory, and of a reader's time; pure.

What is shared counts each time that it is met, since whoever copies or prints a value meets it
as often. A few lines of a document could else stand for more than any machine holds.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import Any

import numpy as np

#: Characters that a value may have in all, or items of one sequence, and bits of an integer.
MAX_ITEMS, MAX_BITS = 1_000_000, 100_000

#: Characters that an item counts as much as: it is looked at by itself.
_ITEM = 10

#: Characters of a text that becomes an integer: in a base that is a power of two any number is read.
_MAX_DIGITS = MAX_BITS // 5

#: Digits that are rounded away from an integer, which takes a power of ten with as many.
_MAX_ROUNDED = 1_000

#: Conversions of a text for ``%``, and sequences that are put together one after the other.
_MAX_PARTS = 1_000

#: A format that writes more characters than it has: a width that is wide, or an operand.
_WIDE = re.compile(r"[%)][^a-zA-Z%)]*(\d{4}|\*)")

#: Operations that make arrays of what is none.
_OF_NUMPY = frozenset({"exp", "log", "sqrt", "sin", "cos", "tan", "minimum", "maximum"})


def is_too_large(value: Any) -> bool:
    """Whether a value has more characters and items than ``MAX_ITEMS``, those of its items included."""
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
    """Whether plain operands that are not heavy make a result, or a way to it, out of all proportion."""
    shapes = {shape for arg in args for shape in _shapes(arg)}
    if name in _OF_NUMPY or any(isinstance(arg, np.ndarray | np.generic) for arg in args):
        if any(map(_holds_text, args)):
            return True
        shapes |= {np.shape(arg) for arg in args}  # what is no array becomes one
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
    """Whether a text for ``%`` writes far more than it and its operand have."""
    n_parts = form.count("%")
    if n_parts > _MAX_PARTS or _WIDE.search(form):
        return True
    return n_parts > 1 and isinstance(operand, dict) and any(map(_is_long, operand.values()))


def _is_long(value: Any) -> bool:
    """Whether a text, or what holds others, is too long to be written again and again."""
    return isinstance(value, str | bytes | tuple | list | dict) and (
        len(value) > _MAX_PARTS or (not isinstance(value, str | bytes) and len(str(value)) > _MAX_PARTS)
    )


def _spread(shapes: Iterable[tuple[int, ...]]) -> int:
    """Return the most numbers that arrays of these shapes can be broadcast to."""
    sizes = [1]
    for shape in shapes:
        sizes = [max(pair) for pair in zip_longest(sizes, reversed(shape), fillvalue=1)]
    return math.prod(sizes)


def _shapes(arg: Any) -> Iterator[tuple[int, ...]]:
    """Yield the shapes of the arrays in an operand: they are compared, and added up, in their turn."""
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
    """Whether a sequence holds texts: an array of them gives the longest's room to each."""
    waiting = [value] if isinstance(value, tuple | list) else []
    while waiting:
        item = waiting.pop()
        if isinstance(item, str | bytes):
            return True
        if isinstance(item, tuple | list):
            waiting += item
    return False


def _python(value: Any) -> Any:
    """Return an integer of NumPy's, which repeats sequences as any other, as one of Python's."""
    is_integer = isinstance(value, np.integer) or (
        isinstance(value, np.ndarray) and value.ndim == 0 and value.dtype.kind in "iu"
    )
    return int(value) if is_integer else value


def _length(numbers: range) -> int:
    """Return how many numbers a range has, which ``len`` does not say of the longest."""
    return (numbers[-1] - numbers[0]) // numbers.step + 1 if numbers else 0
