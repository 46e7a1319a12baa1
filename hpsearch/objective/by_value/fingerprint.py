"""A short text that tells objectives apart, and stays the same from one run of a script to the next.

The text of a pickle will not do: it differs from one run of a script to the next, with the
order of sets, the numbers of lines, the addresses of objects. What is compared instead:

- of a function: its instructions, constants and names, its defaults, and, in turn, the globals and
  the closure that it uses. Line numbers, comments and the file's name do not count;
- of functions and classes that other modules than the objective's define by name: that name, as they
  are not sent either;
- of numbers, text, dates, paths, lists, dicts, sets, NumPy arrays and dataclasses: their values;
- of objects of classes that are defined beside the objective, and of the objective itself: their
  attributes;
- of any other object: the name of its type, and the function that it wraps, if it does. Two
  trained models look alike.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import inspect
from collections import deque
from collections.abc import Iterator
from datetime import date, time, timedelta
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from itertools import islice
from pathlib import PurePath
from types import BuiltinFunctionType, CodeType, FunctionType, MappingProxyType, MethodType, ModuleType
from typing import Any

import numpy as np

from hpsearch.objective.by_value.captured import attributes, captured

_MAIN = "__main__"

#: Hexadecimal digits that tell two parts of an objective apart; parts that are kept.
_SHORT, _MOST_PARTS = 16, 500

#: Types whose ``repr`` tells all about a value, and the same in each process.
_PLAIN = (
    type(None), bool, int, float, complex, str, bytes, range, slice, date, time, timedelta, Decimal,
    Fraction, PurePath, type(...), type(NotImplemented), np.generic, np.dtype,
)  # fmt: skip


def fingerprint(objective: Any) -> str:
    """Return the fingerprint of an objective: 64 hexadecimal digits.

    Equal when the same script is started again with the same Python, and different when the
    code, a default, or a simple value that the code uses differs; see the module.
    """
    return _Reader(objective).digest(objective)


def parts(objective: Any) -> dict[str, str]:
    """Return short digests of what an objective uses, by name, to tell in what two of them differ.

    Parameters
    ----------
    objective : callable
        As of ``fingerprint``.

    Returns
    -------
    dict
        16 hexadecimal digits by name, see ``captured``; of a function that travels with it by
        ``name()``, for its code alone, and by ``name.other`` for what that uses in turn. The code of
        the objective itself is not among them. At most 500, and none with a name that is not printable.
    """
    found = _Reader(objective).parts(objective)
    return dict(islice(((name, digest) for name, digest in found if name.isprintable()), _MOST_PARTS))


class _Reader:
    """Digests values; a value that contains itself is told by how far out it stands.

    Parameters
    ----------
    objective : callable
        Its modules are those whose functions and classes are read.
    """

    def __init__(self, objective: Any) -> None:
        self._home = {_MAIN, *_modules_of(objective)}
        self._outer: list[int] = []  # identities of the values that the present one is part of
        self._known: dict[int, tuple[Any, str]] = {}  # by identity, with the value, which must stay alive

    def digest(self, value: Any) -> str:
        """Return the digest of a value, each of which is read once however often it is met."""
        if id(value) in self._known:
            return self._known[id(value)][1]
        if id(value) in self._outer:
            return f"again {self._outer.index(id(value))}"
        self._outer.append(id(value))
        found = _hashed(self._told(value))
        self._outer.pop()
        self._known[id(value)] = (value, found)
        return found

    def parts(self, objective: Any) -> Iterator[tuple[str, str]]:
        """Yield names of what an objective uses, each with a digest; see the function."""
        self._outer.append(id(objective))
        seen = {id(objective)}
        waiting = deque(captured(objective).items())
        while waiting:
            name, value = waiting.popleft()
            if not (isinstance(value, FunctionType) and self._is_sent(value)):
                yield name, self.digest(value)[:_SHORT]
            elif id(value) not in seen:
                seen.add(id(value))
                yield f"{name}()", self.digest(value.__code__)[:_SHORT]
                waiting.extend((f"{name}.{inner}", item) for inner, item in captured(value).items())
        self._outer.pop()

    def _told(self, value: Any) -> list[str]:
        """Return texts that say all about a value."""
        kind = type(value)
        name = f"{kind.__module__}.{kind.__qualname__}"
        match value:
            case Enum():
                return [name, value.name]
            case _ if isinstance(value, _PLAIN):
                return [name, repr(value)]
            case np.ndarray():
                content = value.tolist() if value.dtype.hasobject else None
                data = self.digest(content) if content is not None else _sha(value.tobytes())
                return [name, str(value.dtype), str(value.shape), data]
            case bytearray() | memoryview():
                return [name, _sha(bytes(value))]
            case dict() | MappingProxyType():
                return [name, *sorted(self.digest(k) + self.digest(v) for k, v in value.items())]
            case list() | tuple():
                return [name, *map(self.digest, value)]
            case set() | frozenset():
                return [name, *sorted(map(self.digest, value))]
            case CodeType():
                return self._code(value)
            case ModuleType():
                return [name, value.__name__]
            case type():
                return self._class(value)
            case FunctionType():
                return self._function(value)
            case BuiltinFunctionType() | np.ufunc():
                owner = getattr(value, "__self__", None)
                return [name, value.__name__, self.digest(owner)]
        return self._object(value, name)

    def _function(self, function: FunctionType) -> list[str]:
        if not self._is_sent(function):
            return ["function", function.__module__, function.__qualname__]
        return ["function", self.digest(function.__code__), self.digest(captured(function))]

    def _is_sent(self, function: FunctionType) -> bool:
        """Whether a function travels by value, instead of being imported."""
        module = function.__module__
        # What was made inside of a function is sent by value, whichever module that is in.
        return module is None or module in self._home or "<" in function.__qualname__

    def _code(self, code: CodeType) -> list[str]:
        arguments = (code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_flags)
        names = (code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars)
        constants = [self.digest(constant) for constant in code.co_consts]
        return ["code", _sha(code.co_code), repr(arguments), repr(names), *constants]

    def _class(self, kind: type) -> list[str]:
        name = f"{kind.__module__}.{kind.__qualname__}"
        if kind.__module__ not in self._home:
            return ["class", name]
        own = {k: v for k, v in vars(kind).items() if k not in _OF_EVERY_CLASS}
        return ["class", name, *map(self.digest, kind.__bases__), self.digest(own)]

    def _object(self, value: Any, name: str) -> list[str]:
        match value:
            case functools.partial():
                return [name, *map(self.digest, (value.func, value.args, value.keywords))]
            case MethodType():
                return [name, self.digest(value.__func__), self.digest(value.__self__)]
            case staticmethod() | classmethod():
                return [name, self.digest(value.__func__)]
            case property():
                return [name, *map(self.digest, (value.fget, value.fset, value.fdel))]
        is_whole = len(self._outer) == 1 or dataclasses.is_dataclass(value)
        if is_whole or type(value).__module__ in self._home:
            return [name, self.digest(type(value)), self.digest(dict(attributes(value)))]
        # Such as a function with a cache around it. Nothing else of a foreign object is touched.
        return [name, self.digest(inspect.getattr_static(value, "__wrapped__", None))]


#: What differs between two runs, or says nothing about what a class does.
_OF_EVERY_CLASS = frozenset(
    {"__dict__", "__weakref__", "__module__", "__doc__", "__qualname__", "__firstlineno__",
     "__static_attributes__", "__annotations__", "__slotnames__", "__abstractmethods__", "_abc_impl"}
)  # fmt: skip


def _modules_of(objective: Any) -> list[str]:
    """Return the modules in which a callable, and whatever it is bound to, is defined."""
    match objective:
        case functools.partial():
            return _modules_of(objective.func)
        case MethodType():
            return [*_modules_of(objective.__func__), type(objective.__self__).__module__]
        case FunctionType():
            return [objective.__module__]
    return [type(objective).__module__]


def _hashed(parts: list[str]) -> str:
    return _sha("\n".join(f"{len(part)} {part}" for part in parts).encode("utf-8", "surrogatepass"))


def _sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
