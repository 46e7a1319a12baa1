"""Faces of our nodes with the shape of Hyperopt's graphs.

Hyperopt writes ``hp.uniform("x", 0, 1)`` as ``float(hyperopt_param("x", uniform(0, 1)))``
and a choice as ``switch(hyperopt_param("c", randint(2)), *options)``; integrators walk such
graphs. Here one node of our own stands for all of that, and an ``Apply`` shows a part of it:
the whole, its ``param``, or its ``dist``. A face holds nothing but the node it shows, so two
faces of the same part are equal, and a graph is a space wherever a space is expected.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from typing import Literal as OneOf

from hpsearch.errors import SpaceError
from hpsearch.space.distribution import Categorical, Integer, Normal, Numeric
from hpsearch.space.expression import Choice, DictOf, Node, Number, Operation, TupleOf, as_node, operation
from hpsearch.space.expression import Literal as PlainLiteral

Part = OneOf["whole", "param", "dist"]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Apply(Node):
    """A node of a graph: a function by name, and the nodes that it is applied to."""

    node: Node  #: what is shown
    part: Part = "whole"  #: which part of it

    def plain(self) -> Node:
        """Return the node shown."""
        return self.node

    def _operation(self, name: str, /, *args: Any, **keywords: Any) -> Any:
        return Apply(operation(name, *args, **keywords))

    def __eq__(self, other: object) -> bool:  # type: ignore[override]
        if isinstance(other, Apply):
            return self.node is other.node and self.part == other.part
        raise SpaceError(f"{self!r} has no value yet, so == cannot compare it; compare in the objective.")

    def __hash__(self) -> int:
        return hash((id(self.node), self.part))

    def __repr__(self) -> str:
        return f"<{self.name}: {self.node!r}>"

    def __str__(self) -> str:
        return "\n".join(f"{i} {line}" for i, line in enumerate(_lines(self, 0, "")))

    @property
    def label(self) -> str | None:
        """The label of the parameter that this is a part of, if it is of one."""
        return self.node.label if isinstance(self.node, Number | Choice) else None

    @property
    def name(self) -> str:
        """The name of the function, as Hyperopt writes it: "switch", "hyperopt_param", "dict", ..."""
        match self.part, self.node:
            case "param", _:
                return "hyperopt_param"
            case "dist", Choice(_, Categorical(name="choice")):
                return "randint"
            case "dist", Choice():
                return "categorical"
            case "dist", Number(_, Numeric(name="uniformint")):
                return "quniform"
            case "dist", Number(_, distribution):
                return distribution.name
            case _, Number(_, distribution):
                is_int = isinstance(distribution, Integer) or distribution.is_integer
                return "int" if is_int else "float"
            case _, Choice():
                return "switch"
            case _, DictOf():
                return "dict"
            case _, TupleOf():
                return "pos_args"
            case _, Operation("call", (PlainLiteral(function), *_)):
                return str(getattr(function, "__name__", "call"))
            case _, Operation(name):
                return name
        return "literal"

    @property
    def pos_args(self) -> list[Apply]:
        """The nodes that the function is applied to, by position."""
        match self.part, self.node:
            case "param", Number(label) | Choice(label):
                return [Literal(PlainLiteral(label)), Apply(self.node, "dist")]
            case "dist", Number() | Choice():
                return [as_apply(value) for value in _arguments(self.node).values()]
            case _, Number():
                return [Apply(self.node, "param")]
            case _, Choice(_, _, options):
                return [Apply(self.node, "param"), *map(as_apply, options)]
            case _, TupleOf(items):
                return [as_apply(item) for item in items]
            case _, Operation("call", (PlainLiteral(), *args)):
                return [as_apply(arg) for arg in args]
            case _, Operation(_, args):
                return [as_apply(arg) for arg in args]
        return []

    @property
    def named_args(self) -> list[tuple[Any, Apply]]:
        """The nodes that the function is applied to, by name; the items of a dict."""
        match self.node:
            case DictOf(pairs):
                return [(key, as_apply(child)) for key, child in pairs]
            case Operation(_, _, keywords):
                return [(key, as_apply(child)) for key, child in keywords]
        return []

    @property
    def arg(self) -> dict[str, Any]:
        """The nodes that the function is applied to, by the names of its parameters."""
        match self.name, self.pos_args:
            case "hyperopt_param", [label, obj]:
                return {"label": label, "obj": obj}
            case "switch", [index, *options]:
                return {"index": index, "args": options}
        if self.part == "dist" and isinstance(self.node, Number | Choice):
            return dict(zip(_arguments(self.node), self.pos_args, strict=True))
        return {str(key): child for key, child in self.named_args}

    def inputs(self) -> list[Apply]:
        """Return all nodes that the function is applied to."""
        return self.pos_args + [child for _, child in self.named_args]

    def clone_from_inputs(self, inputs: list[Any]) -> Apply:
        """Return the same function of other nodes; the inside of a parameter stays as it is.

        Raises
        ------
        SpaceError
            If there are more or fewer than ``inputs()`` gives.
        """
        if len(inputs) != len(self.inputs()):
            raise SpaceError(f"{self!r} takes {len(self.inputs())} inputs, but {len(inputs)} were given.")
        known = {id(old.node): as_apply(new).node for old, new in zip(self.inputs(), inputs, strict=True)}
        known.pop(id(self.node), None)
        return as_apply(substituted(self.node, known))


class Literal(Apply):
    """A plain value in a graph."""

    __slots__ = ()

    def __init__(self, obj: Any = None) -> None:
        shown = obj if isinstance(obj, PlainLiteral) else PlainLiteral(obj)
        super().__init__(shown)

    @property
    def obj(self) -> Any:
        """The value."""
        assert isinstance(self.node, PlainLiteral)
        return self.node.value


def as_apply(value: Any) -> Apply:
    """Return the graph of a space: of dicts, lists, tuples, ``hp`` objects and plain values.

    Raises
    ------
    SpaceError
        If a dict key is a parameter, or containers are nested too deep.
    """
    if isinstance(value, Apply):
        return value
    node = as_node(value)
    return Literal(node) if isinstance(node, PlainLiteral) else Apply(node)


def dfs(expr: Apply) -> list[Apply]:
    """Return every node of a graph once, each after the nodes that it is applied to."""
    order: dict[Apply, None] = {}
    seen: set[Apply] = set()
    stack = [(as_apply(expr), False)]
    while stack:
        face, is_done = stack.pop()
        if is_done:
            order[face] = None
        elif face not in seen:
            seen.add(face)
            stack.append((face, True))
            stack.extend((below, False) for below in reversed(face.inputs()))
    return list(order)


def toposort(expr: Apply) -> list[Apply]:
    """Return every node of a graph once, in an order in which it can be computed."""
    return dfs(expr)


def substituted(root: Node, known: Mapping[int, Node]) -> Node:
    """Return an expression with some of its nodes replaced, by the ``id`` of the old ones."""
    made: dict[int, Node] = {}

    def new(node: Node) -> Node:
        if id(node) not in made:
            made[id(node)] = known[id(node)] if id(node) in known else _rebuilt(node, new)
        return made[id(node)]

    return new(root)


def _rebuilt(node: Node, new: Callable[[Node], Node]) -> Node:
    """Return a node over the new versions of what is below it; itself when nothing is new."""
    match node:
        case TupleOf(items):
            fresh = tuple(map(new, items))
            return node if _same(fresh, items) else TupleOf(fresh)
        case DictOf(pairs):
            below = tuple(child for _, child in pairs)
            fresh = tuple(map(new, below))
            keys = (key for key, _ in pairs)
            return node if _same(fresh, below) else DictOf(tuple(zip(keys, fresh, strict=True)))
        case Choice(_, _, options):
            fresh = tuple(map(new, options))
            return node if _same(fresh, options) else replace(node, options=fresh)
        case Operation(name, args, keywords):
            fresh = tuple(map(new, args))
            named = tuple((key, new(child)) for key, child in keywords)
            is_same = _same(fresh, args) and _same(tuple(c for _, c in named), tuple(c for _, c in keywords))
            return node if is_same else Operation(name, fresh, named)
    return node


def _same(fresh: tuple[Node, ...], old: tuple[Node, ...]) -> bool:
    return all(a is b for a, b in zip(fresh, old, strict=True))


def _arguments(node: Number | Choice) -> dict[str, Any]:
    """Return the arguments of a parameter's distribution, as ``hp`` takes them."""
    match node.distribution:
        case Categorical(probabilities=probabilities, name="choice"):
            return {"low": len(probabilities)}
        case Categorical(probabilities=probabilities):
            return {"p": list(probabilities)}
        case Integer(low=0, high=high):
            return {"low": high}
        case Integer(low=low, high=high):
            return {"low": low, "high": high}
        case Numeric(latent=latent, q=q):
            first, second = ("mu", "sigma") if isinstance(latent, Normal) else ("low", "high")
            bounds = {first: getattr(latent, first), second: getattr(latent, second)}
            return bounds if q is None else {**bounds, "q": q}


def _lines(face: Apply, depth: int, prefix: str) -> list[str]:
    """Write a graph as one line for each place, indented by depth."""
    text = f"Literal{{{face.obj}}}" if isinstance(face, Literal) else face.name
    lines = [f"{'  ' * depth}{prefix}{text}"]
    for below in face.pos_args:
        lines += _lines(below, depth + 1, "")
    for key, below in face.named_args:
        lines += _lines(below, depth + 1, f"{key} = ")
    return lines
