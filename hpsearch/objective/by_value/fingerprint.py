"""A fingerprint of an objective by value, which is the same in each run of its script.

The bytes of a pickle differ from run to run: in the order of sets, line numbers, the addresses of objects.
The fingerprint is built from these parts instead:

- a function: its instructions, constants, names and defaults, and recursively the globals and the closure
  that it uses. Line numbers, comments and the name of the file do not count;
- functions and classes that another module than the objective's defines: their name, as they are not sent;
- numbers, text, dates, paths, lists, dicts, sets, NumPy arrays and dataclasses: their values;
- objects of classes in the objective's module, and the objective itself: their attributes;
- any other object: the name of its type, and the function that it wraps, if any. So two trained models have
  the same fingerprint.
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

#: Hexadecimal digits of the digest of a part; the largest number of parts.
_SHORT, _MAX_PARTS = 16, 500

#: Types whose ``repr`` describes a value completely, and is the same in each process.
_PLAIN = (
    type(None), bool, int, float, complex, str, bytes, range, slice, date, time, timedelta, Decimal,
    Fraction, PurePath, type(...), type(NotImplemented), np.generic, np.dtype,
)  # fmt: skip


def fingerprint(objective: Any) -> str:
    """Return the fingerprint of an objective: 64 hexadecimal digits.

    Equal if the same script runs again with the same Python; different if the code, a default, or a simple
    value that the code uses differs; see the module.
    """
    return _Digester(objective).digest(objective)


def part_digests(objective: Any) -> dict[str, str]:
    """Return digests of the values that an objective uses, to show where two objectives differ.

    Parameters
    ----------
    objective : callable
        As for ``fingerprint``.

    Returns
    -------
    dict
        16 hexadecimal digits by name, see ``captured``. A function that is sent with the objective appears as
        ``name()``, for its code, and ``name.other``, for each value that it uses. The code of the objective
        itself is left out. At most 500, only printable names.
    """
    found = _Digester(objective).parts(objective)
    return dict(islice(((name, digest) for name, digest in found if name.isprintable()), _MAX_PARTS))


class _Digester:
    """Digests values; cycles are encoded by ancestor depth.

    Parameters
    ----------
    objective : callable
        Functions and classes of its modules are digested by content, others by name.
    """

    def __init__(self, objective: Any) -> None:
        self._home = {_MAIN, *_modules_of(objective)}
        self._outer: list[int] = []  # identities of the values that contain the present one
        self._known: dict[int, tuple[Any, str]] = {}  # by identity, with the value, which must stay alive

    def digest(self, value: Any) -> str:
        """Return the digest of a value; the digest of each object is computed once."""
        if id(value) in self._known:
            return self._known[id(value)][1]
        if id(value) in self._outer:
            return f"again {self._outer.index(id(value))}"
        self._outer.append(id(value))
        found = _hashed(self._description(value))
        self._outer.pop()
        self._known[id(value)] = (value, found)
        return found

    def parts(self, objective: Any) -> Iterator[tuple[str, str]]:
        """Yield names and digests of the values that an objective uses; see ``part_digests``."""
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

    def _description(self, value: Any) -> list[str]:
        """Return texts that describe a value completely."""
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
        """Whether a function is sent by value, instead of being imported."""
        module = function.__module__
        # A function that was defined inside another one is sent by value, whatever its module.
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
        # Such as a function with a cache around it. Other attributes of foreign objects are not read.
        return [name, self.digest(inspect.getattr_static(value, "__wrapped__", None))]


#: Attributes of a class that differ between runs, or do not affect its behaviour.
_OF_EVERY_CLASS = frozenset(
    {"__dict__", "__weakref__", "__module__", "__doc__", "__qualname__", "__firstlineno__",
     "__static_attributes__", "__annotations__", "__slotnames__", "__abstractmethods__", "_abc_impl"}
)  # fmt: skip


def _modules_of(objective: Any) -> list[str]:
    """Return the modules that define a callable and the object that it is bound to."""
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
