"""Hyperopt's ``scope``: functions by name, applied to graphs.

``scope.int(hp.quniform("n", 1, 9, 1))`` builds a node. Hyperopt's functions and those of our own
spaces are there, and a script adds others with ``scope.define``. A function that is not ours is
stored with a space by its module and name, so that workers must be able to import it.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import numpy as np

from hpsearch.hyperopt.pyll.functions import FUNCTIONS, INFOS, Info
from hpsearch.hyperopt.pyll.graph import Apply, Literal, apply, as_apply, clone

Function = TypeVar("Function", bound=Callable[..., Any])

_partial_numbers = itertools.count()


class PyllImportError(ImportError):
    """``scope`` has no function of a name that is to be imported from it."""


class UndefinedValue:
    """The value of a ``Lambda``'s parameter before it is called."""


class Lambda:
    """A function that is a graph; ``scope.define`` takes it as it takes Python's.

    Parameters
    ----------
    name : str
        Its name in ``scope``.
    params : sequence of (str, Apply)
        Its parameters, and the nodes that stand for them in the graph.
    expr : Apply
        The graph.
    """

    def __init__(self, name: str, params: Any, expr: Apply) -> None:
        self.__name__ = name
        self.params, self.expr = params, expr

    def __call__(self, *args: Any, **kwargs: Any) -> Apply:
        """Return the graph over other nodes.

        Raises
        ------
        TypeError
            If there are more arguments than parameters.
        NotImplementedError
            If there are fewer, or arguments by name.
        """
        if len(args) > len(self.params):
            raise TypeError(f"{self.__name__} takes {len(self.params)} arguments, but got {len(args)}.")
        if kwargs or len(args) < len(self.params):
            raise NotImplementedError(f"{self.__name__} takes all of its arguments by position.")
        return clone(
            self.expr, {param[1]: as_apply(arg) for param, arg in zip(self.params, args, strict=True)}
        )


#: Nodes that stand for the parameters of a ``Lambda``.
p0, p1, p2, p3, p4 = (Literal(UndefinedValue) for _ in range(5))


class SymbolTableEntry:
    """What an attribute of ``scope`` is: calling it builds a node of the function."""

    def __init__(self, symbol_table: SymbolTable, apply_name: str, o_len: int | None, pure: bool) -> None:
        self.symbol_table, self.apply_name = symbol_table, apply_name
        self.o_len, self.pure = o_len, pure

    def __call__(self, *args: Any, **kwargs: Any) -> Apply:
        """Return the node."""
        return apply(self.apply_name, *args, **kwargs)


class SymbolTable:
    """A table of functions; reading an attribute gives the builder of that function's nodes.

    There is one table in a process, ``scope``; each object is a view of it.
    """

    @property
    def _impls(self) -> dict[str, Callable[..., Any]]:
        """The functions by name, which integrators read."""
        return FUNCTIONS

    def __getattr__(self, name: str) -> Callable[..., Apply]:
        if name in _BUILDERS:
            return _BUILDERS[name]
        if name in FUNCTIONS:
            info = INFOS.get(name, Info())
            return SymbolTableEntry(self, name, info.o_len, info.is_pure)
        raise AttributeError(f"scope has no function {name!r}; add it with @scope.define.")

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *FUNCTIONS, *_BUILDERS})

    def define(self, f: Function, o_len: int | None = None, pure: bool = False) -> Function:
        """Add a function under its own name; to be used as a decorator.

        Parameters
        ----------
        f : callable
            A function or a ``Lambda``.
        o_len : int, optional
            The number of its results, where that is fixed, so that they can be unpacked.
        pure : bool
            Whether equal calls may be merged.

        Raises
        ------
        ValueError
            If there is a function of that name.
        """
        name = f.__name__
        if hasattr(self, name):
            raise ValueError(f"scope has a function {name!r} already; choose another name.")
        FUNCTIONS[name], INFOS[name] = f, Info(o_len, pure)
        return f

    def define_if_new(self, f: Function, o_len: int | None = None, pure: bool = False) -> Function:
        """Add a function under its own name, unless it was added already.

        Raises
        ------
        ValueError
            If there is another function of that name.
        """
        return f if FUNCTIONS.get(f.__name__) is f else self.define(f, o_len, pure)

    def define_pure(self, f: Function) -> Function:
        """Add a function as ``define`` does, of which equal calls may be merged."""
        return self.define(f, pure=True)

    def define_info(self, o_len: int | None = None, pure: bool = False) -> Callable[[Function], Function]:
        """Return a decorator that adds a function as ``define`` does."""
        return lambda f: self.define(f, o_len, pure)

    def undefine(self, f: Callable[..., Any] | str) -> None:
        """Remove a function.

        Raises
        ------
        KeyError
            If there is none.
        """
        name = f if isinstance(f, str) else f.__name__
        del FUNCTIONS[name]
        INFOS.pop(name, None)

    def inject(self, *args: str, **kwargs: str) -> dict[str, Callable[..., Apply]]:
        """Return builders by name; keywords give them other names.

        Raises
        ------
        PyllImportError
            If ``scope`` has no function of a name.
        """
        wanted = {**{name: name for name in args}, **kwargs}
        for name in wanted.values():
            if not hasattr(self, name):
                raise PyllImportError(f"scope has no function {name!r}.")
        return {alias: getattr(self, name) for alias, name in wanted.items()}

    def import_(self, _globals: dict[str, Any], *args: str, **kwargs: str) -> None:
        """Put builders into a namespace, such as ``globals()``; see ``inject``."""
        _globals.update(self.inject(*args, **kwargs))


#: The table that scripts share: ``scope.define`` of one module is seen in all others.
scope = SymbolTable()


def _asarray(a: Any, dtype: Any = None) -> Any:
    """Return a value as a NumPy array; stored spaces name the function by this module and this name."""
    return np.asarray(a, dtype=dtype)


def _one_of(*args: Any) -> Apply:
    """Return the node that draws one of its arguments, without a label."""
    return apply("switch", apply("randint", len(args)), *args)


def _choice(args: Any) -> Apply:
    """Return the node that draws one of several values, without a label."""
    return _one_of(*args)


def _kwswitch(kw: Any, **kwargs: Any) -> Apply:
    """Return the node that takes one of several values by its name."""
    names = tuple(sorted(kwargs))
    index = apply("call_method_pure", names, "index", kw)
    return apply("switch", index, *(kwargs[name] for name in names))


#: Builders of nodes that apply more than one function.
_BUILDERS: Mapping[str, Callable[..., Apply]] = {"one_of": _one_of, "choice": _choice, "kwswitch": _kwswitch}


def partial(name: Any, *args: Any, **kwargs: Any) -> Any:
    """Return the builder of a function of one more argument, which is the last one."""
    name = getattr(name, "apply_name", name)
    made = f"partial_{name}_id{next(_partial_numbers)}"
    scope.define(Lambda(made, [("x", p0)], expr=apply(name, *args, p0, **kwargs)))
    return getattr(scope, made)


FUNCTIONS["partial"] = partial
FUNCTIONS["asarray"] = _asarray
