"""Hyperopt's ``scope``: named functions that build graph nodes.

``scope.int(hp.quniform("n", 1, 9, 1))`` builds a node. ``scope`` has Hyperopt's functions and the
operations of our spaces; a script adds its own with ``scope.define``. A stored space refers to those by
module and name, so workers must be able to import them.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import numpy as np

from hpsearch.hyperopt.pyll.cloning import clone
from hpsearch.hyperopt.pyll.functions import FUNCTIONS, INFOS, Info
from hpsearch.hyperopt.pyll.graph import Apply, Literal, apply, as_apply

Function = TypeVar("Function", bound=Callable[..., Any])

_partial_numbers = itertools.count()


class PyllImportError(ImportError):
    """``scope.import_`` or ``scope.inject`` got the name of no function."""


class UndefinedValue:
    """Placeholder value of a ``Lambda``'s parameter."""


class Lambda:
    """A function defined by a graph; ``scope.define`` accepts it like a Python function.

    Parameters
    ----------
    name : str
        Name in ``scope``.
    params : sequence of (str, Apply)
        Name of each parameter and its placeholder node in the graph.
    expr : Apply
        The graph of the result.
    """

    def __init__(self, name: str, params: Any, expr: Apply) -> None:
        self.__name__ = name
        self.params, self.expr = params, expr

    def __call__(self, *args: Any, **kwargs: Any) -> Apply:
        """Return the graph with the arguments in place of the parameters.

        Raises
        ------
        TypeError
            If there are more arguments than parameters.
        NotImplementedError
            If there are fewer arguments, or keyword arguments.
        """
        if len(args) > len(self.params):
            raise TypeError(f"{self.__name__} takes {len(self.params)} arguments, but it got {len(args)}.")
        if kwargs or len(args) < len(self.params):
            raise NotImplementedError(f"{self.__name__} needs {len(self.params)} positional arguments.")
        return clone(
            self.expr, {param[1]: as_apply(arg) for param, arg in zip(self.params, args, strict=True)}
        )


#: Placeholder nodes for the parameters of a ``Lambda``.
p0, p1, p2, p3, p4 = (Literal(UndefinedValue) for _ in range(5))


class SymbolTableEntry:
    """Builder of nodes that apply one function; the attributes of ``scope`` are such builders.

    Parameters
    ----------
    symbol_table : SymbolTable
        Table of the function.
    apply_name : str
        Name of the function.
    o_len : int, optional
        Number of its results, if fixed.
    pure : bool
        Whether equal calls may be merged.
    """

    def __init__(self, symbol_table: SymbolTable, apply_name: str, o_len: int | None, pure: bool) -> None:
        self.symbol_table, self.apply_name = symbol_table, apply_name
        self.o_len, self.pure = o_len, pure

    def __call__(self, *args: Any, **kwargs: Any) -> Apply:
        """Return a node that applies the function to these arguments."""
        return apply(self.apply_name, *args, **kwargs)


class SymbolTable:
    """A table of functions, whose attributes build nodes.

    All instances share the one table of the process.
    """

    @property
    def _impls(self) -> dict[str, Callable[..., Any]]:
        """The functions by name; integrators read this attribute."""
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
        """Add a function under its own name; usable as a decorator.

        Parameters
        ----------
        f : callable
            A function or a ``Lambda``.
        o_len : int, optional
            Number of its results, if fixed, so that they can be unpacked.
        pure : bool
            Whether equal calls may be merged.

        Raises
        ------
        ValueError
            If the name is taken.
        """
        name = f.__name__
        if hasattr(self, name):
            raise ValueError(f"scope has a function {name!r} already; choose another name.")
        FUNCTIONS[name], INFOS[name] = f, Info(o_len, pure)
        return f

    def define_if_new(self, f: Function, o_len: int | None = None, pure: bool = False) -> Function:
        """Add a function unless it was added already.

        Parameters
        ----------
        f : callable
            A function or a ``Lambda``.
        o_len : int, optional
            Number of its results, if fixed.
        pure : bool
            Whether equal calls may be merged.

        Raises
        ------
        ValueError
            If another function has the name.
        """
        return f if FUNCTIONS.get(f.__name__) is f else self.define(f, o_len, pure)

    def define_pure(self, f: Function) -> Function:
        """Add a function whose equal calls may be merged; see ``define``."""
        return self.define(f, pure=True)

    def define_info(self, o_len: int | None = None, pure: bool = False) -> Callable[[Function], Function]:
        """Return a decorator that adds a function.

        Parameters
        ----------
        o_len : int, optional
            Number of its results, if fixed.
        pure : bool
            Whether equal calls may be merged.
        """
        return lambda f: self.define(f, o_len, pure)

    def undefine(self, f: Callable[..., Any] | str) -> None:
        """Remove a function, given itself or by its name.

        Raises
        ------
        KeyError
            If the table does not have it.
        """
        name = f if isinstance(f, str) else f.__name__
        del FUNCTIONS[name]
        INFOS.pop(name, None)

    def inject(self, *args: str, **kwargs: str) -> dict[str, Callable[..., Apply]]:
        """Return builders by name.

        Parameters
        ----------
        *args : str
            Names of functions.
        **kwargs : str
            Names of functions by the name to return them under.

        Raises
        ------
        PyllImportError
            If a function does not exist.
        """
        wanted = {**{name: name for name in args}, **kwargs}
        for name in wanted.values():
            if not hasattr(self, name):
                raise PyllImportError(f"scope has no function {name!r}.")
        return {alias: getattr(self, name) for alias, name in wanted.items()}

    def import_(self, _globals: dict[str, Any], *args: str, **kwargs: str) -> None:
        """Add builders to a namespace.

        Parameters
        ----------
        _globals : dict
            The namespace, such as ``globals()``.
        *args, **kwargs : str
            Names of functions; see ``inject``.
        """
        _globals.update(self.inject(*args, **kwargs))


#: The function table of the process, shared by all modules.
scope = SymbolTable()


def _asarray(a: Any, dtype: Any = None) -> Any:
    """Return a value as a NumPy array; stored spaces refer to this function by module and name."""
    return np.asarray(a, dtype=dtype)


def _one_of(*args: Any) -> Apply:
    """Return a node that draws one of its arguments, without a label."""
    return apply("switch", apply("randint", len(args)), *args)


def _choice(args: Any) -> Apply:
    """Return a node that draws one of several values, without a label."""
    return _one_of(*args)


def _kwswitch(kw: Any, **kwargs: Any) -> Apply:
    """Return a node that selects one of several values by name."""
    names = tuple(sorted(kwargs))
    index = apply("call_method_pure", names, "index", kw)
    return apply("switch", index, *(kwargs[name] for name in names))


#: Builders of more than one node.
_BUILDERS: Mapping[str, Callable[..., Apply]] = {"one_of": _one_of, "choice": _choice, "kwswitch": _kwswitch}


def partial(name: Any, *args: Any, **kwargs: Any) -> Any:
    """Return a builder with all arguments fixed but the last.

    Parameters
    ----------
    name : str or SymbolTableEntry
        The function, or its builder.
    *args, **kwargs
        Its other arguments.
    """
    name = getattr(name, "apply_name", name)
    made = f"partial_{name}_id{next(_partial_numbers)}"
    scope.define(Lambda(made, [("x", p0)], expr=apply(name, *args, p0, **kwargs)))
    return getattr(scope, made)


FUNCTIONS["partial"] = partial
FUNCTIONS["asarray"] = _asarray
