"""The search space as an expression: what ``hp.*`` builds and what a configuration is computed from.

An expression is a literal, a container (dict or tuple), a number drawn from a
distribution, a choice between expressions, or an operation on expressions. Nodes are
frozen and have an identity: the same node may stand in many places and has one value
in all of them, as in Hyperopt. Two differences are on purpose: comparing a node with
``==``, or asking for its truth, length or items, raises instead of silently giving an
answer about the node itself; and a user's containers are copied when a node is built.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, NoReturn

import numpy as np

from hpsearch.errors import SpaceError
from hpsearch.runtime.escaping import reason, shown
from hpsearch.space import restricted_operations
from hpsearch.space.distribution import Categorical, Integer, Numeric
from hpsearch.space.operations import OPERATIONS

#: Containers inside containers; MongoDB holds documents of at most 100 levels, a dict takes three.
MAX_NESTING = 25

#: Nodes below nodes, through containers, options and operands.
MAX_DEPTH = 100

#: Operands that a message shows.
_MAX_OPERANDS = 3


class Node:
    """What all nodes share: arithmetic builds an ``Operation``, and identity is equality."""

    __slots__ = ()
    #: Tells NumPy scalars and arrays to leave ``array + node`` to the node.
    __array_ufunc__: ClassVar[None] = None

    def __add__(self, other: Any) -> Operation:
        return self._operation("add", self, other)

    def __radd__(self, other: Any) -> Operation:
        return self._operation("add", other, self)

    def __sub__(self, other: Any) -> Operation:
        return self._operation("sub", self, other)

    def __rsub__(self, other: Any) -> Operation:
        return self._operation("sub", other, self)

    def __mul__(self, other: Any) -> Operation:
        return self._operation("mul", self, other)

    def __rmul__(self, other: Any) -> Operation:
        return self._operation("mul", other, self)

    def __truediv__(self, other: Any) -> Operation:
        return self._operation("truediv", self, other)

    def __rtruediv__(self, other: Any) -> Operation:
        return self._operation("truediv", other, self)

    def __floordiv__(self, other: Any) -> Operation:
        return self._operation("floordiv", self, other)

    def __rfloordiv__(self, other: Any) -> Operation:
        return self._operation("floordiv", other, self)

    def __mod__(self, other: Any) -> Operation:
        return self._operation("mod", self, other)

    def __rmod__(self, other: Any) -> Operation:
        return self._operation("mod", other, self)

    def __pow__(self, other: Any) -> Operation:
        return self._operation("pow", self, other)

    def __rpow__(self, other: Any) -> Operation:
        return self._operation("pow", other, self)

    def __neg__(self) -> Operation:
        return self._operation("neg", self)

    def __abs__(self) -> Operation:
        return self._operation("abs", self)

    def __round__(self, n_digits: int | None = None) -> Operation:
        return self._operation("round", self, *(() if n_digits is None else (n_digits,)))

    def __lt__(self, other: Any) -> Operation:
        return self._operation("lt", self, other)

    def __le__(self, other: Any) -> Operation:
        return self._operation("le", self, other)

    def __gt__(self, other: Any) -> Operation:
        return self._operation("gt", self, other)

    def __ge__(self, other: Any) -> Operation:
        return self._operation("ge", self, other)

    def __getitem__(self, key: Any) -> Operation:
        return self._operation("getitem", self, key)

    def __call__(self, /, *args: Any, **keywords: Any) -> Operation:
        """Return the result of calling the node's value."""
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
        """Return this node over its converted children; one of another vocabulary gives one of ours."""
        return _rebuilt(self, convert)

    def _operation(self, name: str, /, *args: Any, **keywords: Any) -> Operation:
        """Build what arithmetic with this node gives; a face of a node gives its own kind."""
        return operation(name, *args, **keywords)

    def __repr__(self) -> str:
        match self:
            case Number() | Choice():
                return f"hp.{self.distribution.name}({self.label!r})"
            case Operation():
                return f"<{self.name} in a space>"
        return f"<{type(self).__name__}>"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Literal(Node):
    """A value that is passed through as it is."""

    value: Any


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class TupleOf(Node):
    """A tuple; lists become tuples, too."""

    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class DictOf(Node):
    """A dict, its items in an order that does not depend on how it was written."""

    items: tuple[tuple[Any, Node], ...]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Number(Node):
    """A number drawn from a distribution."""

    label: str
    distribution: Numeric | Integer


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Choice(Node):
    """One of several expressions; only the chosen one is computed."""

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
        """Return the value for computed operands."""
        return OPERATIONS[self.name](*args, **keywords)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class RestrictedOperation(Operation):
    """An operation of a stored space that is not trusted: it does only what ``closed`` lists."""

    def perform(self, args: list[Any], keywords: dict[str, Any]) -> Any:
        """Return the value for computed operands, or its text; see ``closed.perform``."""
        is_named = bool(self.args) and isinstance(self.args[0], Literal)
        return restricted_operations.perform(self.name, args, keywords, is_named=is_named)


def operation(name: str, /, *args: Any, **keywords: Any) -> Operation:
    """Return a node that applies ``OPERATIONS[name]`` to the operands."""
    named = tuple((key, as_node(keywords[key])) for key in sorted(keywords))
    return Operation(name, tuple(as_node(arg) for arg in args), named)


def call(function: Callable[..., Any], /, *args: Any, **keywords: Any) -> Operation:
    """Return a node whose value is ``function(*args, **keywords)``, for operands that are nodes.

    The function must be pure; to reach a worker, it must be importable there.

    Examples
    --------
    >>> from hpsearch import hp
    >>> smaller = call(min, hp.uniform("a", 0, 1), hp.uniform("b", 0, 1))
    """
    return operation("call", function, *args, **keywords)


def as_node(value: Any, place: str = "the space", nesting: int = 0) -> Node:
    """Turn a nested structure of a user into a node, copying its containers.

    Lists become tuples, NumPy scalars Python scalars, and partials operations.

    Raises
    ------
    SpaceError
        If a dict key is a node, containers are nested deeper than ``MAX_NESTING``, or a part
        was made by Hyperopt itself.
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
    """Return an expression in which every node is of this module; what is shared stays shared.

    Raises
    ------
    SpaceError
        If nodes are nested deeper than ``MAX_DEPTH``, or a part means nothing here.
    """
    return Conversion(root)(root)


class Conversion:
    """Turns the nodes below a root into nodes of this module, each of them once.

    Attributes
    ----------
    root : Node
        What is converted.
    facts : dict
        What another vocabulary found out about the root as a whole, under keys of its own.
    """

    def __init__(self, root: Node) -> None:
        self.root = root
        self.facts: dict[str, Any] = {}
        #: By id, with the node itself, so that no id is used twice.
        self._made: dict[int, tuple[Node, Node]] = {}
        self._depth = 0

    def __call__(self, node: Node) -> Node:
        """Return what a node becomes."""
        if id(node) not in self._made:
            self._depth += 1
            if self._depth > MAX_DEPTH:
                raise SpaceError(f"The space is nested deeper than {MAX_DEPTH} levels.")
            self._made[id(node)] = node, node.plain(self)
            self._depth -= 1
        return self._made[id(node)][1]


def refuse_hyperopt_nodes(value: Any, place: str) -> None:
    """Raise if a value was made by Hyperopt itself.

    Raises
    ------
    SpaceError
        Since, as a plain value, it would leave its parameters out of the search, in silence.
    """
    if type(value).__module__.partition(".")[0] == "hyperopt":
        raise SpaceError(
            f"{place} holds a parameter of Hyperopt's own hp; import hp from hpsearch or hpsearch.hyperopt."
        )


def as_python(value: Any) -> Any:
    """Return a NumPy scalar as the Python scalar that it stands for, anything else unchanged."""
    if isinstance(value, np.bool_ | np.integer | np.floating | np.str_ | np.bytes_):
        return value.item()
    return value


def children(node: Node) -> tuple[Node, ...]:
    """Return the nodes right below a node."""
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


def evaluate(node: Node, values: Mapping[str, float]) -> Any:
    """Compute the value of a node, given the raw values of the parameters that it needs.

    A node that stands in several places is computed once, except for containers: each
    place has its own, so that an objective may change what it gets.

    Raises
    ------
    SpaceError
        If an operation fails.
    KeyError
        If a parameter has no value.
    """
    computed: dict[int, Any] = {}

    def value_of(node: Node) -> Any:
        match node:
            case Literal(value):
                return value
            case TupleOf(items):
                return tuple(value_of(item) for item in items)
            case DictOf(pairs):
                return {key: value_of(child) for key, child in pairs}
            case Number(label, distribution):
                is_int = isinstance(distribution, Integer) or distribution.is_integer
                return int(values[label]) if is_int else float(values[label])
            case Choice(label, _, options):
                return value_of(options[int(values[label])])
            case Operation():
                if id(node) not in computed:
                    args = [value_of(arg) for arg in node.args]
                    computed[id(node)] = apply(node, args, {k: value_of(child) for k, child in node.keywords})
                return computed[id(node)]
        raise TypeError(f"{type(node).__name__} is not a node of a space")

    return value_of(node)


def apply(node: Operation, args: list[Any], keywords: dict[str, Any]) -> Any:
    """Apply an operation to computed operands; a failure becomes a ``SpaceError``.

    Overflow gives an infinity and what is undefined a NaN, whatever NumPy is set to do about it.
    """
    try:
        with np.errstate(all="ignore"):
            return node.perform(args, keywords)
    except Exception as error:
        operands = ", ".join(shown(arg) for arg in args[:_MAX_OPERANDS])
        rest = ", ..." if len(args) > _MAX_OPERANDS else ""
        raise SpaceError(f"{node.name}({operands}{rest}) in the space failed: {reason(error)}.") from error


def rank_of_key(key: Any) -> tuple[str, Any]:
    """Order dict keys of any types in the same way in every process."""
    if isinstance(key, str | int):
        return type(key).__name__, key
    name = getattr(key, "__qualname__", None)  # the repr of a function would hold its address
    return type(key).__name__, f"{key.__module__}:{name}" if name else repr(key)


def _rebuilt(node: Node, new: Callable[[Node], Node]) -> Node:
    """Return a node over the new versions of what is below it; itself when nothing is new."""
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
