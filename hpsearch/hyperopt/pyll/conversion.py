"""Converts graphs to the expressions of our spaces and back.

``hyperopt_param(label, distribution)`` becomes a number, and a ``switch`` over one becomes a choice.
Any other node becomes an operation: by name if our spaces have it, else a call of the function. The
arguments of distributions are checked here (``space.arguments``), that is, when a ``Space`` is made.
"""

from __future__ import annotations

import collections
import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from hpsearch.errors import SpaceError
from hpsearch.hyperopt.pyll.draws import implicit_stochastic_symbols
from hpsearch.hyperopt.pyll.functions import FUNCTIONS
from hpsearch.hyperopt.pyll.graph import Apply, Literal, MissingArgument, apply, as_apply, dfs, function_of
from hpsearch.space import arguments
from hpsearch.space.distribution import Categorical, Integer, Normal, Numeric
from hpsearch.space.expression import (
    Choice,
    Conversion,
    DictOf,
    Node,
    Number,
    Operation,
    RestrictedOperation,
    TupleOf,
    as_node,
)
from hpsearch.space.expression import Literal as PlainLiteral
from hpsearch.space.operations import OPERATIONS

#: Functions that equal our operation of the same name.
_SHARED = frozenset(OPERATIONS) - {"call", "partial", "switch"}


def to_expression(node: Apply, convert: Conversion) -> Node:
    """Return a graph node as an expression of a ``Space``.

    Parameters
    ----------
    node : Apply
        The node.
    convert : Conversion
        Converts the nodes below.

    Raises
    ------
    SpaceError
        If a parameter has an invalid label or invalid arguments.
    """
    if isinstance(node.origin, Number):
        # Graphs made from the same expression share the parameter.
        return convert(node.origin)
    match node.name, node.pos_args:
        case "literal", _ if isinstance(node, Literal):
            return as_node(node.obj)
        case "hyperopt_param", _:
            return _parameter(node)
        case "float" | "int", [Apply(name="hyperopt_param" | "float") as below] if not node.named_args:
            return _converted(node, below, convert)
        case "switch", [index, *options]:
            return _switch(node, index, options, convert)
        case "pos_args", items:
            return TupleOf(tuple(map(convert, items)))
        case "dict", _ if (pairs := _pairs(node)) is not None:
            return as_node({key: convert(child) for key, child in pairs})
        case "call", [function, Apply(name="pos_args") as args, Apply(name="dict", pos_args=[]) as keywords]:
            return _call(function, args, keywords, convert)
    if node.name in _SHARED and FUNCTIONS.get(node.name) is not None:
        operands = tuple(map(convert, node.pos_args))
        return Operation(node.name, operands, _converted_pairs(node.named_args, convert))
    return _operation(PlainLiteral(function_of(node)), node.pos_args, node.named_args, convert)


def to_graph(root: Node) -> Apply:
    """Return an expression as a graph; shared parts stay shared."""
    made: dict[int, Apply] = {}

    def graph(node: Node) -> Apply:
        if id(node) not in made:
            made[id(node)] = node if isinstance(node, Apply) else _graph(node, graph)
        return made[id(node)]

    return graph(root)


def _parameter(node: Apply) -> Node:
    """Return a ``hyperopt_param`` as a number, or as a choice among indexes."""
    label, distribution = labelled_distribution(node)
    if isinstance(distribution, Categorical):
        indexes = range(len(distribution.probabilities))
        return Choice(label, distribution, tuple(map(PlainLiteral, indexes)))
    return Number(label, distribution)


def labelled_distribution(node: Apply) -> tuple[str, Numeric | Integer | Categorical]:
    """Return the label and the distribution of a ``hyperopt_param``.

    Raises
    ------
    SpaceError
        See ``to_expression``.
    """
    label, draw = _label(node), node.arg["obj"]
    if not isinstance(draw, Apply) or draw.name not in implicit_stochastic_symbols:
        raise SpaceError(
            f"The parameter {label!r} has no distribution of hp; use one, and compute with its value."
        )
    if draw.name in {"categorical", "randint_via_categorical"}:
        return label, arguments.categorical("pchoice", label, _probabilities(draw, label))
    given = {
        name: _constant(arg, f"{name} of the parameter {label!r}")
        for name, arg in draw.arg.items()
        if arg is not MissingArgument and name not in {"rng", "size"}
    }
    get: Callable[[str], Any] = given.get
    kind = "uniformint" if node.is_integer and draw.name == "quniform" else draw.name
    if kind in arguments.UNIFORMS:
        return label, arguments.uniform(kind, label, get("low"), get("high"), get("q"))
    if kind in arguments.NORMALS:
        return label, arguments.normal(kind, label, get("mu"), get("sigma"), get("q"))
    if kind == "randint":
        return label, arguments.integer(
            label, *((0, get("low")) if get("high") is None else (get("low"), get("high")))
        )
    raise SpaceError(
        f"The parameter {label!r} has the distribution {kind!r}, which hpsearch does not support."
    )


def has_draws(node: Apply) -> bool:
    """Whether the value of a node depends on a parameter or another draw."""
    varying = {"hyperopt_param", *implicit_stochastic_symbols}
    return any(below.name in varying for below in dfs(node))


def _constant(node: Any, what: str) -> Any:
    """Return the value of a graph without parameters."""
    if isinstance(node, Literal):
        return node.obj
    if not isinstance(node, Apply):
        raise SpaceError(f"{what} is missing.")
    if has_draws(node):
        raise SpaceError(
            f"{what} depends on other parameters; give it a constant, and compute with the parameter's value."
        )
    return node.eval()


def _converted(node: Apply, below: Apply, convert: Conversion) -> Node:
    """Return a number without a conversion to the type that it has already, else the operation."""
    inner = below
    if below.name == "float":
        if not (node.name == "int" and len(below.pos_args) == 1 and below.pos_args[0].is_integer):
            return Operation(node.name, (convert(below),))
        inner = below.pos_args[0]
    number = convert(inner)
    match number:
        case Number(_, Integer()):
            is_int = True
        case Number(_, Numeric(is_integer=is_int)):
            # hp.uniformint is float inside int; the number is the outer int.
            if is_int:
                return number
        case _:
            return Operation(node.name, (number,))
    return number if is_int == (node.name == "int") else Operation(node.name, (number,))


def _switch(node: Apply, index: Apply, options: list[Apply], convert: Conversion) -> Node:
    """Return a switch as a choice if its parameter has no other use.

    A parameter that several switches share, or that is also used as a number, stays a number;
    parameters below the options then count as always active.
    """
    parameter = index.pos_args[0] if index.name == "int" and len(index.pos_args) == 1 else index
    if parameter.name == "hyperopt_param":
        if isinstance(parameter.origin, Choice):
            return convert(parameter.origin)
        draw = parameter.arg["obj"]
        uses = _uses(convert)
        is_only_use = uses.get(parameter, 1) == uses.get(index, 1) == 1
        if is_only_use and isinstance(draw, Apply) and draw.name in {"randint", "categorical"}:
            return _choice(parameter, draw, options, convert)
    return Operation("switch", tuple(map(convert, [index, *options])))


def _uses(convert: Conversion) -> Mapping[Apply, int]:
    """Return how often each node of the graph is an input of another."""
    if "uses" not in convert.facts:
        counts: collections.Counter[Apply] = collections.Counter()
        if isinstance(convert.root, Apply):
            for node in dfs(convert.root):
                counts.update(node.inputs())
        convert.facts["uses"] = counts
    uses: Mapping[Apply, int] = convert.facts["uses"]
    return uses


def _choice(parameter: Apply, draw: Apply, options: list[Apply], convert: Conversion) -> Node:
    """Return a choice.

    Raises
    ------
    SpaceError
        If the numbers of values and options differ.
    """
    label = _label(parameter)
    if draw.name == "randint":
        given = [_constant(arg, f"a bound of the parameter {label!r}") for arg in draw.inputs()]
        n = given[0] if len(given) == 1 else labelled_distribution(parameter)[1].n_values
        is_from_zero = len(given) == 1 or draw.arg["low"].eval() == 0
    else:
        n, is_from_zero = len(_probabilities(draw, label)), True
    if n != len(options) or not is_from_zero:
        raise SpaceError(f"scope.switch: {label!r} has {n} values for {len(options)} options.")
    if draw.name == "randint":
        distribution = arguments.categorical("choice", label, arguments.equal(len(options)))
    else:
        distribution = arguments.categorical("pchoice", label, _probabilities(draw, label))
    return Choice(label, distribution, tuple(map(convert, options)))


def _label(parameter: Apply) -> str:
    """Return the checked label of a ``hyperopt_param``."""
    label = _constant(parameter.arg["label"], "the label of a parameter")
    return arguments.checked_label(label.decode() if isinstance(label, bytes) else label)


def _probabilities(draw: Apply, label: str) -> list[Any]:
    p = _constant(draw.arg["p"], f"the probabilities of {label!r}")
    return list(np.ravel(p))


def _pairs(node: Apply) -> list[tuple[Any, Apply]] | None:
    """Return the items of a dict with constant keys; None for other calls of ``dict``."""
    if not node.pos_args:
        return [(name, arg) for name, arg in node.named_args]
    if len(node.pos_args) > 1 or node.named_args or node.pos_args[0].name != "pos_args":
        return None
    pairs = [pair.pos_args for pair in node.pos_args[0].pos_args]
    if not all(len(pair) == 2 and isinstance(pair[0], Literal) for pair in pairs):
        return None
    return [(key.obj, value) for key, value in pairs if isinstance(key, Literal)]


def _call(function: Apply, args: Apply, keywords: Apply, convert: Conversion) -> Node:
    """Return a call, or a partial, as an operation."""
    if isinstance(function, Literal) and function.obj is functools.partial and args.pos_args:
        operands = tuple(map(convert, args.pos_args))
        return Operation("partial", operands, _converted_pairs(keywords.named_args, convert))
    return _operation(convert(function), args.pos_args, keywords.named_args, convert)


def _operation(
    function: Node, args: Iterable[Apply], named: Iterable[Sequence[Any]], convert: Conversion
) -> Node:
    """Return an operation that calls a function."""
    return Operation("call", (function, *map(convert, args)), _converted_pairs(named, convert))


def _converted_pairs(named: Iterable[Sequence[Any]], convert: Conversion) -> tuple[tuple[str, Node], ...]:
    return tuple((name, convert(arg)) for name, arg in sorted(named, key=lambda pair: str(pair[0])))


def _graph(node: Node, graph: Callable[[Node], Apply]) -> Apply:
    """Return an expression as a graph node; ``graph`` converts the nodes below."""
    match node:
        case PlainLiteral(value):
            return Literal(value)
        case TupleOf(items):
            return Apply("pos_args", map(graph, items), o_len=len(items))
        case DictOf(pairs):
            return as_apply({key: graph(child) for key, child in pairs})
        case Number(_, distribution):
            is_int = isinstance(distribution, Integer) or distribution.is_integer
            inner = _parameter_graph(node)
            if inner.is_integer:
                inner = apply("float", inner)
            return apply("int" if is_int else "float", inner)
        case Choice(_, _, options):
            return apply("switch", _parameter_graph(node), *map(graph, options))
        case RestrictedOperation(_, operands, keywords):
            # The operation's name would give the unrestricted function.
            given = Apply("pos_args", map(graph, operands), o_len=len(operands))
            named = Apply("dict", (), [(key, graph(child)) for key, child in keywords], len(keywords))
            both = Apply("pos_args", (given, named), o_len=2)
            return Apply("call", (Literal(node.perform), both, Apply("dict", ())))
        case Operation("call" | "partial" as kind, operands, keywords):
            function, *args = map(graph, operands)
            named = Apply("dict", (), [(key, graph(child)) for key, child in keywords], len(keywords))
            if kind == "partial":
                function, args = Literal(functools.partial), [function, *args]
            return Apply("call", (function, Apply("pos_args", args, o_len=len(args)), named))
        case Operation(name, operands, keywords):
            made = apply(name, *map(graph, operands))
            made.named_args = [[key, graph(child)] for key, child in keywords]
            return made
    raise TypeError(f"{type(node).__name__} is not a node of a space")


def _parameter_graph(node: Number | Choice) -> Apply:
    """Return the ``hyperopt_param`` of a parameter."""
    match node.distribution:
        case Categorical(probabilities=probabilities, name="choice"):
            draw = apply("randint", len(probabilities))
        case Categorical(probabilities=probabilities):
            draw = apply("categorical", probabilities)
        case Integer(low=low, high=high):
            draw = apply("randint", *((high,) if low == 0 else (low, high)))
        case Numeric(name=name, latent=latent, q=q, is_integer=is_integer):
            bounds = (latent.mu, latent.sigma) if isinstance(latent, Normal) else (latent.low, latent.high)
            if is_integer:
                draw = apply("quniform", *bounds, q=q)
            else:
                draw = apply(name, *bounds, *(() if q is None else (q,)))
    made = apply("hyperopt_param", node.label, draw)
    made.origin = node
    made.is_integer = isinstance(node.distribution, Numeric) and node.distribution.is_integer
    return made
