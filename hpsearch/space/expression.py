"""The nodes of a search space: what ``hp.*`` builds and configurations are computed from.

An expression is a literal, a container (dict or tuple), a number drawn from a distribution, a choice between
expressions, or an operation on expressions. Nodes are frozen and have an identity: a node that is used in
several places has one value in all of them, as in Hyperopt. There are two deliberate differences. Comparing a
node with ``==``, or taking its truth, length or items, raises an error instead of silently answering for the
node itself. And a user's containers are copied when a node is built.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, ClassVar, NoReturn

import numpy as np

from hpsearch.errors import SpaceError
from hpsearch.runtime.escaping import shown
from hpsearch.space import restricted_operations
from hpsearch.space.distribution import Categorical, Integer, Numeric
from hpsearch.space.operations import OPERATIONS

#: Levels of nested containers. MongoDB's documents have at most 100 levels, and a dict takes three.
MAX_NESTING = 25

#: Levels of nested nodes, through containers, options and operands.
MAX_DEPTH = 100


def _operators(name: str) -> tuple[Callable[[Node, Any], Operation], Callable[[Node, Any], Operation]]:
    """Return the methods for an operator with the node on its left and on its right."""

    def left(self: Node, other: Any) -> Operation:
        return self._operation(name, self, other)

    def right(self: Node, other: Any) -> Operation:
        return self._operation(name, other, self)

    return left, right


class Node:
    """Base of all nodes: arithmetic builds an ``Operation``, and equality is identity."""

    __slots__ = ()
    #: Makes NumPy scalars and arrays leave ``array + node`` to the node.
    __array_ufunc__: ClassVar[None] = None

    __add__, __radd__ = _operators("add")
    __sub__, __rsub__ = _operators("sub")
    __mul__, __rmul__ = _operators("mul")
    __truediv__, __rtruediv__ = _operators("truediv")
    __floordiv__, __rfloordiv__ = _operators("floordiv")
    __mod__, __rmod__ = _operators("mod")
    __pow__, __rpow__ = _operators("pow")
    __lt__, __gt__ = _operators("lt")[0], _operators("gt")[0]
    __le__, __ge__ = _operators("le")[0], _operators("ge")[0]
    __getitem__ = _operators("getitem")[0]

    def __neg__(self) -> Operation:
        return self._operation("neg", self)

    def __abs__(self) -> Operation:
        return self._operation("abs", self)

    def __round__(self, n_digits: int | None = None) -> Operation:
        return self._operation("round", self, *(() if n_digits is None else (n_digits,)))

    def __call__(self, /, *args: Any, **keywords: Any) -> Operation:
        """Return a node for the result of calling the node's value."""
        return self._operation("call", self, *args, **keywords)

    __hash__ = object.__hash__

    def __eq__(self, other: object) -> NoReturn:
        raise SpaceError(f"{self!r} has no value yet, so == cannot compare it; compare in the objective.")

    def __bool__(self) -> NoReturn:
        raise SpaceError(
            f"{self!r} has no value yet, so it is neither true nor false (if, and, or, not, a < b < c); "
            f"decide in the objective, or use hp.choice."
        )

    def __len__(self) -> NoReturn:
        raise SpaceError(f"{self!r} has no value yet, so it has no length; take it in the objective.")

    def __iter__(self) -> Iterator[Any]:
        raise SpaceError(f"{self!r} has no value yet, so it has no items; take them in the objective.")

    def plain(self, convert: Conversion) -> Node:
        """Return this node over its converted children; subclasses return a node of this module."""
        return _rebuilt(self, convert)

    def _operation(self, name: str, /, *args: Any, **keywords: Any) -> Operation:
        """Return the node of an operator; subclasses return their own kind."""
        return operation(name, *args, **keywords)

    def _repr_html_(self) -> str | None:
        """Return the space of this node for a notebook; None, which shows the text, if it is invalid."""
        from hpsearch.space.tree import Space

        try:
            return Space(self)._repr_html_()
        except SpaceError:
            return None

    def __repr__(self) -> str:
        match self:
            case Number() | Choice():
                return f"hp.{self.distribution.name}({self.label!r})"
            case Operation():
                return f"<{self.name} in a space>"
        return f"<{type(self).__name__}>"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Literal(Node):
    """A constant."""

    value: Any


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class TupleOf(Node):
    """A tuple, or a list, which becomes a tuple."""

    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class DictOf(Node):
    """A dict; the order of its items does not depend on how it was written."""

    items: tuple[tuple[Any, Node], ...]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Number(Node):
    """A number drawn from a distribution."""

    label: str
    distribution: Numeric | Integer


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Choice(Node):
    """A choice between expressions; only the chosen one is computed."""

    label: str
    distribution: Categorical
    options: tuple[Node, ...]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Operation(Node):
    """A function of ``OPERATIONS`` applied to expressions."""

    name: str
    args: tuple[Node, ...]
    keywords: tuple[tuple[str, Node], ...] = ()

    def perform(self, args: list[Any], keywords: dict[str, Any]) -> Any:
        """Return the value.

        Parameters
        ----------
        args, keywords
            Values of the operands.
        """
        return OPERATIONS[self.name](*args, **keywords)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class RestrictedOperation(Operation):
    """An operation of a stored space that is not trusted; see ``restricted_operations``."""

    def perform(self, args: list[Any], keywords: dict[str, Any]) -> Any:
        """Return the value, or its text where an operand is known only as text."""
        is_named = bool(self.args) and isinstance(self.args[0], Literal)
        return restricted_operations.perform(self.name, args, keywords, is_named=is_named)


def operation(name: str, /, *args: Any, **keywords: Any) -> Operation:
    """Return a node for an operation.

    Parameters
    ----------
    name : str
        A key of ``OPERATIONS``.
    *args, **keywords
        The operands: nodes or plain values.
    """
    named = tuple((key, as_node(keywords[key])) for key in sorted(keywords))
    return Operation(name, tuple(as_node(arg) for arg in args), named)


def call(function: Callable[..., Any], /, *args: Any, **keywords: Any) -> Operation:
    """Return a node whose value is ``function(*args, **keywords)``.

    Parameters
    ----------
    function : callable
        A pure function; to be evaluated by workers, it must be importable there.
    *args, **keywords
        Its arguments: nodes or plain values.

    Examples
    --------
    >>> from hpsearch import hp
    >>> smaller = call(min, hp.uniform("a", 0, 1), hp.uniform("b", 0, 1))
    """
    return operation("call", function, *args, **keywords)


def as_node(value: Any, place: str = "the space", nesting: int = 0) -> Node:
    """Return a user's nested structure as a node.

    Lists become tuples, NumPy scalars Python scalars, and partials operations. Containers are copied.

    Parameters
    ----------
    value : any
        Containers, nodes and plain values.
    place : str
        Where the value is in the space, for messages.
    nesting : int
        Number of containers around it.

    Raises
    ------
    SpaceError
        If a dict key is a node, containers are nested deeper than ``MAX_NESTING``, or a part comes from
        Hyperopt.
    """
    if isinstance(value, Node):
        return value
    refuse_hyperopt_nodes(value, place)
    if nesting > MAX_NESTING:
        raise SpaceError(f"{place[:80]}... is nested deeper than {MAX_NESTING} containers.")
    if isinstance(value, list | tuple):
        return TupleOf(tuple(as_node(v, f"{place}[{i}]", nesting + 1) for i, v in enumerate(value)))
    if isinstance(value, dict):
        for key in value:
            if isinstance(key, Node):
                raise SpaceError(
                    f"A dict key in {place} is the parameter {key!r}; only values can be searched."
                )
        items = sorted(
            ((as_python(key), v) for key, v in value.items()), key=lambda item: rank_of_key(item[0])
        )
        return DictOf(tuple((key, as_node(v, f"{place}[{shown(key)}]", nesting + 1)) for key, v in items))
    if type(value) is functools.partial:
        return operation("partial", value.func, *value.args, **value.keywords)
    return Literal(as_python(value))


def plain(root: Node) -> Node:
    """Return an expression with nodes of this module only; shared nodes stay shared.

    Raises
    ------
    SpaceError
        If nodes are nested deeper than ``MAX_DEPTH``, or a node has no equivalent here.
    """
    return Conversion(root)(root)


class Conversion:
    """Converts the nodes below a root to nodes of this module, each of them once.

    Attributes
    ----------
    root : Node
        The root.
    facts : dict
        Cache for ``Node.plain`` of subclasses: facts about the root as a whole, by name.
    """

    def __init__(self, root: Node) -> None:
        self.root = root
        self.facts: dict[str, Any] = {}
        #: By id, with the node itself, so that its id is not reused.
        self._made: dict[int, tuple[Node, Node]] = {}
        self._depth = 0

    def __call__(self, node: Node) -> Node:
        """Return the converted node."""
        if id(node) not in self._made:
            self._depth += 1
            if self._depth > MAX_DEPTH:
                raise SpaceError(f"The space is nested deeper than {MAX_DEPTH} levels.")
            self._made[id(node)] = node, node.plain(self)
            self._depth -= 1
        return self._made[id(node)][1]


def refuse_hyperopt_nodes(value: Any, place: str) -> None:
    """Refuse a node of Hyperopt, which as a plain value would silently drop its parameters from the search.

    Parameters
    ----------
    value : any
        Part of a space.
    place : str
        Where it is in the space, for messages.

    Raises
    ------
    SpaceError
        If Hyperopt made the value.
    """
    if type(value).__module__.partition(".")[0] == "hyperopt":
        raise SpaceError(
            f"{place} holds a parameter of Hyperopt's own hp; import hp from hpsearch or hpsearch.hyperopt."
        )


def as_python(value: Any) -> Any:
    """Return a NumPy scalar as the equal Python scalar, anything else unchanged."""
    if isinstance(value, np.bool_ | np.integer | np.floating | np.str_ | np.bytes_):
        return value.item()
    return value


def children(node: Node) -> tuple[Node, ...]:
    """Return the children of a node."""
    match node:
        case TupleOf(items):
            return items
        case DictOf(pairs):
            return tuple(child for _, child in pairs)
        case Choice(_, _, options):
            return options
        case Operation(_, args, keywords):
            return args + tuple(child for _, child in keywords)
        case _:
            return ()


def rank_of_key(key: Any) -> tuple[str, Any]:
    """Return a sort key for dict keys of any types, the same in every process."""
    if isinstance(key, str | int):
        return type(key).__name__, key
    name = getattr(key, "__qualname__", None)  # the repr of a function contains its address
    return type(key).__name__, f"{key.__module__}:{name}" if name else repr(key)


def _rebuilt(node: Node, new: Callable[[Node], Node]) -> Node:
    """Return a node over its converted children; the node itself if none has changed."""
    below = children(node)
    fresh = tuple(map(new, below))
    if all(a is b for a, b in zip(fresh, below, strict=True)):
        return node
    match node:
        case TupleOf():
            return TupleOf(fresh)
        case DictOf(pairs):
            return DictOf(tuple((key, child) for (key, _), child in zip(pairs, fresh, strict=True)))
        case Choice():
            return replace(node, options=fresh)
        case Operation(_, args, keywords):
            named = zip((key for key, _ in keywords), fresh[len(args) :], strict=True)
            return replace(node, args=fresh[: len(args)], keywords=tuple(named))
    return node
