"""The operations of a space, as tables by name.

To add an operation, name its function in ``OPERATIONS``; its symbol and its inverses are optional.
"""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np


def _call(function: Callable[..., Any], /, *args: Any, **keywords: Any) -> Any:
    return function(*args, **keywords)


def _subject_to(space: Any, /, *conditions: Any) -> Any:
    """Return a space, whose points satisfy some conditions; a ``Space`` takes this operation off."""
    return space


def _switch(index: int, *options: Any) -> Any:
    """Return one of several values; unlike the options of a choice, all of them are computed."""
    return options[index]


#: Pure functions of the operands.
OPERATIONS: Mapping[str, Callable[..., Any]] = MappingProxyType(
    {
        "add": operator.add,
        "sub": operator.sub,
        "mul": operator.mul,
        "truediv": operator.truediv,
        "floordiv": operator.floordiv,
        "mod": operator.mod,
        "pow": operator.pow,
        "neg": operator.neg,
        "abs": operator.abs,
        "round": round,
        "int": int,
        "float": float,
        "lt": operator.lt,
        "le": operator.le,
        "gt": operator.gt,
        "ge": operator.ge,
        "getitem": operator.getitem,
        "getattr": getattr,
        "exp": np.exp,
        "log": np.log,
        "sqrt": np.sqrt,
        "sin": np.sin,
        "cos": np.cos,
        "tan": np.tan,
        "sum": sum,
        "min": min,
        "max": max,
        "minimum": np.minimum,
        "maximum": np.maximum,
        "len": len,
        "str": str,
        "bool": bool,
        "range": range,
        "list": list,
        "eq": operator.eq,
        "switch": _switch,
        "subject_to": _subject_to,
        "call": _call,
        "partial": functools.partial,
    }
)

#: Symbols of binary operations.
SYMBOLS: Mapping[str, str] = MappingProxyType(
    {
        "add": "+",
        "sub": "-",
        "mul": "*",
        "truediv": "/",
        "floordiv": "//",
        "mod": "%",
        "pow": "**",
        "lt": "<",
        "le": "<=",
        "gt": ">",
        "ge": ">=",
    }
)

#: For each operand, the function that computes it from the result and the other operands.
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
        # Rounding loses digits, but the result is one of the operands that give it.
        "round": (lambda result, *_: result,),
        "int": (lambda result: result,),
        "float": (lambda result: result,),
    }
)
