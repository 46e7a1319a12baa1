"""Operations of stored spaces that are not trusted.

Each allowed operation is listed with its number of operands and its keywords, none of which is a function, so
only functions that the space names are called. Operands must be plain values, since the operators of other
objects may run any code. Everything else is refused, and so are operations that would take too much memory or
time.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np

from hpsearch.runtime.escaping import escaped, shown
from hpsearch.space.operation_limits import has_too_large_result, is_too_large
from hpsearch.space.operations import OPERATIONS
from hpsearch.space.trust import Reference

#: Operations that call their first operand, which the space must name directly.
CALLS = frozenset({"call", "partial"})

#: Characters of the text of an operation that is not performed.
_MAX_TEXT = 300


@dataclass(frozen=True, slots=True)
class Arity:
    """The operands that an operation may take."""

    least: int  #: fewest positional operands
    most: int | None  #: most positional operands; None for any number
    keywords: frozenset[str] = frozenset()


_ONE, _TWO = Arity(1, 1), Arity(2, 2)

#: The allowed operations, which only compute; ``getattr`` is not among them, since it reaches everything.
ARITIES: Mapping[str, Arity] = MappingProxyType(
    {
        **dict.fromkeys(("add", "sub", "mul", "truediv", "floordiv", "mod", "pow"), _TWO),
        **dict.fromkeys(("lt", "le", "gt", "ge", "eq", "minimum", "maximum"), _TWO),
        **dict.fromkeys(("neg", "abs", "float", "str", "exp", "log", "sqrt", "sin", "cos", "tan"), _ONE),
        **dict.fromkeys(("len", "bool", "list"), _ONE),
        "getitem": _TWO,
        "switch": Arity(2, None),
        "subject_to": Arity(1, None),
        "round": Arity(1, 2, frozenset({"ndigits"})),
        "int": Arity(1, 2, frozenset({"base"})),
        "range": Arity(1, 3),
        "sum": Arity(1, 2, frozenset({"start"})),
        "min": Arity(1, None, frozenset({"default"})),
        "max": Arity(1, None, frozenset({"default"})),
    }
)

_SCALARS = frozenset(
    {
        type(None), bool, int, float, complex, str, bytes, range, slice,
        datetime.date, datetime.datetime, datetime.timedelta,
    }
)  # fmt: skip
_CONTAINERS = frozenset({tuple, list, dict})


def is_allowed(name: str, n_operands: int, keywords: Collection[str]) -> bool:
    """Whether an operation is listed with these operands.

    Parameters
    ----------
    name : str
        Of the operation.
    n_operands : int
        Positional operands.
    keywords : collection of str
        Names of the other operands.
    """
    arity = ARITIES.get(name)
    return (
        arity is not None
        and arity.least <= n_operands
        and (arity.most is None or n_operands <= arity.most)
        and arity.keywords.issuperset(keywords)
    )


def perform(name: str, args: Sequence[Any], keywords: Mapping[str, Any], *, is_named: bool) -> Any:
    """Return the value of an operation, or its text if an operand is known only as text.

    Parameters
    ----------
    name : str
        A key of ``OPERATIONS``.
    args, keywords
        Values of the operands.
    is_named : bool
        Whether the space names the first operand, instead of computing it.

    Raises
    ------
    TypeError
        If the operation is not allowed with these operands.
    """
    examined, passed_through = _split(name, args, keywords)
    if name not in CALLS and any(map(is_too_large, examined)):
        raise TypeError("an operand is larger than a space may need")
    if any(map(_has_text, examined)) or any(isinstance(operand, Reference) for operand in passed_through):
        return _text(name, args, keywords)
    if name in CALLS:
        if not is_named:
            raise TypeError("only a function that the space names directly is called")
    elif not is_allowed(name, len(args), keywords):
        raise TypeError("with these operands it could run any code, so it is not performed")
    elif not (all(map(_is_plain, examined)) and all(map(_is_plain_outside, passed_through))):
        raise TypeError("an operand is not a plain value, so its operators could run any code")
    elif has_too_large_result(name, args, keywords):
        raise TypeError("the result is larger than a space may need")
    function: Callable[..., Any] = OPERATIONS[name]
    return function(*args, **keywords)


def _split(
    name: str, args: Sequence[Any], keywords: Mapping[str, Any]
) -> tuple[Sequence[Any], Sequence[Any]]:
    """Return the operands that the operation reads, and those whose items it only passes through."""
    match name:
        case "switch":
            return args[:1], ()
        case "getitem":
            return args[1:], args[:1]
        case "list" | "len" | "bool":
            return (), args
    return [*args, *keywords.values()], ()


def _is_plain(value: Any) -> bool:
    """Whether a value and its items have only built-in operators, of Python or NumPy."""
    if type(value) is dict:
        return all(map(_is_plain, value)) and all(map(_is_plain, value.values()))
    if type(value) in _CONTAINERS:
        return all(map(_is_plain, value))
    return _is_plain_outside(value)


def _is_plain_outside(value: Any) -> bool:
    """Whether a value has only built-in operators, regardless of its items."""
    kind = type(value)
    if kind is np.ndarray or (kind.__module__ == "numpy" and isinstance(value, np.generic)):
        return not value.dtype.hasobject
    return kind in _SCALARS or kind in _CONTAINERS


def _has_text(value: Any) -> bool:
    """Whether a value, or an item of it, is known only as text."""
    if isinstance(value, dict):
        return any(map(_has_text, value)) or any(map(_has_text, value.values()))
    if isinstance(value, list | tuple):
        return any(map(_has_text, value))
    return isinstance(value, Reference)


def _text(name: str, args: Sequence[Any], keywords: Mapping[str, Any]) -> Reference:
    """Return the source text of an operation."""
    operands = [shown(arg) for arg in args] + [f"{key}={shown(value)}" for key, value in keywords.items()]
    function = operands.pop(0) if name == "call" and args else name
    text = escaped(f"{function}({', '.join(operands)})")
    return Reference(text if len(text) <= _MAX_TEXT else f"{text[: _MAX_TEXT - 3]}...")
