"""Hyperopt's ``scope``: functions by name, applied to graphs.

``scope.int(hp.quniform("n", 1, 9, 1))`` builds a node. The functions of our own spaces are
there by name, and a script adds others with ``scope.define``; those are told apart from ours
in a node, so that a space that uses none of them can be sent anywhere.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from hpsearch import hp
from hpsearch.errors import SpaceError
from hpsearch.hyperopt.pyll.graph import Apply, as_apply
from hpsearch.space.distribution import Categorical, Integer
from hpsearch.space.expression import Choice, Node, Number, as_node, operation
from hpsearch.space.operations import OPERATIONS

Function = TypeVar("Function", bound=Callable[..., Any])

#: Functions of Hyperopt's scope that draw, which need a label here.
_DRAWS = frozenset(hp.__all__) - {"choice", "pchoice"}


class SymbolTable:
    """A table of functions; reading an attribute gives the builder of that function's nodes."""

    def __init__(self) -> None:
        self._defined: dict[str, Callable[..., Any]] = {}

    def __getattr__(self, name: str) -> Callable[..., Apply]:
        if name in self.__dict__.get("_defined", {}):
            return functools.partial(_called, self._defined[name])
        match name:
            case "switch":
                return _switch
            case "call":
                return _call
            case "dict" | "pos_args":
                return lambda *args, **keywords: as_apply(keywords or args)
            case "asarray":
                return functools.partial(_called, _asarray)
        if name in OPERATIONS:
            return functools.partial(_applied, name)
        if name in _DRAWS:
            raise AttributeError(f"scope.{name} draws a value; write hp.{name}(label, ...), which names it.")
        raise AttributeError(f"scope has no function {name!r}; add it with @scope.define.")

    def define(self, f: Function) -> Function:
        """Add a function under its own name; to be used as a decorator.

        Raises
        ------
        ValueError
            If there is a function of that name.
        """
        name = f.__name__
        if name in self._defined or name in OPERATIONS or name in dir(self):
            raise ValueError(f"scope has a function {name!r} already; choose another name.")
        self._defined[name] = f
        return f

    def define_if_new(self, f: Function) -> Function:
        """Add a function under its own name, unless there is one of that name."""
        return f if f.__name__ in self._defined else self.define(f)

    def define_pure(self, f: Function) -> Function:
        """Add a function as ``define`` does: all functions are taken for pure."""
        return self.define(f)

    def define_info(self, o_len: int | None = None, pure: bool = False) -> Callable[[Function], Function]:
        """Return a decorator as ``define``; the length of the result need not be known here."""
        return self.define

    def undefine(self, f: Callable[..., Any] | str) -> None:
        """Remove a function that ``define`` added.

        Raises
        ------
        KeyError
            If it did not.
        """
        del self._defined[f if isinstance(f, str) else f.__name__]

    def inject(self, *args: Callable[..., Any], **keywords: Callable[..., Any]) -> None:
        """Add functions, under their own names or under those of the keywords."""
        for function in args:
            self.define(function)
        self._defined.update(keywords)

    def import_(self, table: dict[str, Any], *names: str) -> None:
        """Put builders of functions into a namespace, such as ``globals()``."""
        table.update({name: getattr(self, name) for name in names})


#: The table that scripts share: ``scope.define`` of one module is seen in all others.
scope = SymbolTable()


def _applied(name: str, /, *args: Any, **keywords: Any) -> Apply:
    """Return the node of one of our functions."""
    return Apply(operation(name, *args, **keywords))


def _called(function: Callable[..., Any], /, *args: Any, **keywords: Any) -> Apply:
    """Return the node of a function that a script added."""
    return Apply(operation("call", function, *args, **keywords))


def _call(function: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None) -> Apply:
    """Return the node of a call whose function is an operand."""
    return Apply(operation("call", function, *args, **(kwargs or {})))


def _switch(index: Any, *options: Any) -> Apply:
    """Return the node that takes one of several options; over ``hp.randint`` it is a choice.

    Raises
    ------
    SpaceError
        If an ``hp.randint`` has more or fewer values than there are options.
    """
    node = index.plain() if isinstance(index, Node) else index
    match node:
        case Number(label, Integer(low=0, high=high)):
            if high != len(options):
                raise SpaceError(f"scope.switch: {label!r} has {high} values for {len(options)} options.")
            equal = Categorical(probabilities=(1 / high,) * high)
            return Apply(Choice(label, equal, tuple(as_node(option) for option in options)))
    return _applied("switch", index, *options)


def _asarray(value: Any, dtype: Any = None) -> Any:
    """Return a value as a NumPy array."""
    return np.asarray(value, dtype=dtype)
