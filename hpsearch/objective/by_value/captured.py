"""The values that a function refers to: globals, closure, defaults, bound arguments."""

from __future__ import annotations

import dis
import functools
from collections.abc import Iterator, Mapping
from types import CodeType, FunctionType, MethodType
from typing import Any

_GLOBAL_OPERATIONS = frozenset({"LOAD_GLOBAL", "STORE_GLOBAL", "DELETE_GLOBAL", "LOAD_NAME"})


def captured(objective: Any) -> dict[str, Any]:
    """Return the values that a callable refers to, by name.

    Parameters
    ----------
    objective : callable
        A function, a method, a ``functools.partial``, or an object with ``__call__``.

    Returns
    -------
    dict
        Globals, variables of the closure, defaults, bound arguments (``argument 0`` for those without a
        name), and attributes of the object (``self.model``).
    """
    match objective:
        case FunctionType():
            return {**_globals_of(objective), **_closure_of(objective), **_defaults_of(objective)}
        case functools.partial():
            bound = {f"argument {i}": value for i, value in enumerate(objective.args)}
            return {**captured(objective.func), **bound, **objective.keywords}
        case MethodType():
            return {**captured(objective.__func__), **_attributes_of(objective.__self__)}
    call = getattr(type(objective), "__call__", None)  # noqa: B004 - the function itself is needed
    return {**(captured(call) if isinstance(call, FunctionType) else {}), **_attributes_of(objective)}


def code_objects(code: CodeType) -> Iterator[CodeType]:
    """Yield a code object and those of the functions and classes defined in it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from code_objects(constant)


def attributes(value: Any) -> Mapping[str, Any]:
    """Return the attributes of an object, not of its class; slots included."""
    slots = [name for kind in type(value).__mro__ for name in _names(kind.__dict__.get("__slots__", ()))]
    held = {name: getattr(value, name) for name in slots if name != "__dict__" and hasattr(value, name)}
    return {**held, **getattr(value, "__dict__", {})}


def _globals_of(function: FunctionType) -> dict[str, Any]:
    names = {
        instruction.argval
        for code in code_objects(function.__code__)
        for instruction in dis.get_instructions(code)
        if instruction.opname in _GLOBAL_OPERATIONS
    }
    there = function.__globals__
    return {name: there[name] for name in sorted(names) if name in there}


def _closure_of(function: FunctionType) -> dict[str, Any]:
    cells = zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
    return {name: cell.cell_contents for name, cell in cells if _is_filled(cell)}


def _defaults_of(function: FunctionType) -> dict[str, Any]:
    code, defaults = function.__code__, function.__defaults__ or ()
    positional = code.co_varnames[: code.co_argcount]
    named = dict(zip(positional[len(positional) - len(defaults) :], defaults, strict=True))
    return {**named, **(function.__kwdefaults__ or {})}


def _attributes_of(value: Any) -> dict[str, Any]:
    return {f"self.{name}": item for name, item in attributes(value).items()}


def _is_filled(cell: Any) -> bool:
    try:
        cell.cell_contents  # noqa: B018 - raises if it is empty
    except ValueError:
        return False
    return True


def _names(slots: Any) -> list[str]:
    return [slots] if isinstance(slots, str) else list(slots)
