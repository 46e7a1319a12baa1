"""Graphs of function calls, the form in which scripts and libraries write and read Hyperopt's spaces.

``hp.uniform("x", 0, 1)`` is ``float(hyperopt_param("x", uniform(0, 1)))``, and a choice is
``switch(hyperopt_param("c", randint(2)), *options)``. Nodes have an identity: a node may be an input of
several others, and has the same value in all of them. Libraries traverse graphs, and change ``pos_args`` and
``named_args`` in place; a ``Space`` is derived from a graph when it is created (``conversion.py``).
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TextIO

import numpy as np

from hpsearch.errors import SpaceError
from hpsearch.hyperopt.pyll.functions import FUNCTIONS, INFOS, Info
from hpsearch.runtime.escaping import shown
from hpsearch.space.expression import (
    MAX_NESTING,
    Conversion,
    Node,
    as_python,
    rank_of_key,
    refuse_hyperopt_nodes,
)


class GraphError(SpaceError, TypeError):
    """An invalid operation on a graph, or a value of the wrong type in it."""


class MissingArgument:
    """The value in ``Apply.arg`` of an argument that was not given."""


class Apply(Node):
    """A call of a function, named, with nodes as arguments.

    Parameters
    ----------
    name : str
        Name of a function in ``scope``.
    pos_args : sequence of Apply
        Positional arguments.
    named_args : sequence of (str, Apply), or mapping
        Keyword arguments.
    o_len : int, optional
        Number of items in the value, if fixed.
    pure : bool
        Whether equal calls may be merged.
    define_params : dict, optional
        ``{"f": function}``: unpickling the node adds the function to ``scope``.

    Attributes
    ----------
    origin : Node or None
        The expression of ``hpsearch.space`` that this was made from. Nodes with the same origin are the same
        parameter.
    is_integer : bool
        Whether this is the parameter of an ``hp.uniformint``.
    """

    def __init__(
        self,
        name: str,
        pos_args: Iterable[Apply],
        named_args: Any = (),
        o_len: int | None = None,
        pure: bool = False,
        define_params: dict[str, Any] | None = None,
    ) -> None:
        pairs = named_args.items() if isinstance(named_args, Mapping) else named_args
        self.name = name
        self.pos_args = list(pos_args)
        self.named_args = [[key, arg] for key, arg in pairs]
        self.o_len, self.pure, self.define_params = o_len, pure, define_params
        self.origin: Node | None = None
        self.is_integer = False
        for arg in self.inputs():
            if not isinstance(arg, Apply):
                raise GraphError(f"An argument of {name} is {shown(arg)}, not a node; write as_apply(...).")

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        if self.define_params:
            FUNCTIONS.setdefault(self.define_params["f"].__name__, self.define_params["f"])

    # Arguments

    def inputs(self) -> list[Apply]:
        """Return all arguments."""
        return self.pos_args + [arg for _, arg in self.named_args]

    @property
    def arg(self) -> dict[str, Any]:
        """The arguments by the names of the function's parameters.

        ``MissingArgument`` for one that was not given; a list for ``*args``, a dict for ``**kwargs``.

        Raises
        ------
        GraphError
            If the function does not take these arguments.
        """
        try:
            signature = inspect.signature(FUNCTIONS[self.name])
        except (KeyError, ValueError):  # dict and others have no signature
            return {**dict(enumerate(self.pos_args)), **dict(self.named_args)}
        try:
            bound = signature.bind_partial(*self.pos_args, **dict(self.named_args)).arguments
        except TypeError as error:
            raise GraphError(f"{self.name} does not take these arguments: {error}.") from error
        empty: dict[Any, Any] = {inspect.Parameter.VAR_POSITIONAL: (), inspect.Parameter.VAR_KEYWORD: {}}
        found = {
            name: bound.get(name, empty.get(parameter.kind, MissingArgument))
            for name, parameter in signature.parameters.items()
        }
        return {name: list(arg) if isinstance(arg, tuple) else arg for name, arg in found.items()}

    def set_kwarg(self, name: str, value: Any) -> None:
        """Set a keyword argument.

        Parameters
        ----------
        name : str
            Its name.
        value : any
            Its new value.

        Raises
        ------
        GraphError
            If the argument is positional.
        """
        for pair in self.named_args:
            if pair[0] == name:
                pair[1] = as_apply(value)
                return
        if self.arg.get(name, MissingArgument) is not MissingArgument:
            raise GraphError(f"{self.name} has {name!r} by position; change pos_args instead.")
        self.named_args.append([name, as_apply(value)])
        self.named_args.sort(key=lambda pair: str(pair[0]))

    def replace_input(self, old_node: Apply, new_node: Apply) -> list[int]:
        """Replace a node among the arguments, and return its indexes in ``inputs()``.

        Parameters
        ----------
        old_node : Apply
            The argument to replace.
        new_node : Apply
            Its replacement.
        """
        places = [i for i, arg in enumerate(self.inputs()) if arg is old_node]
        for i in places:
            if i < len(self.pos_args):
                self.pos_args[i] = new_node
            else:
                self.named_args[i - len(self.pos_args)][1] = new_node
        return places

    def clone_from_inputs(self, inputs: Sequence[Any], o_len: Any = "same") -> Apply:
        """Return a call of the same function with other arguments.

        Parameters
        ----------
        inputs : sequence
            The arguments, in the order of ``inputs()``.
        o_len : int or None or "same"
            Number of items in the value.

        Raises
        ------
        GraphError
            If the number of arguments differs.
        """
        if len(inputs) != len(self.inputs()):
            raise GraphError(f"{self!r} takes {len(self.inputs())} inputs, but {len(inputs)} were given.")
        nodes = list(map(as_apply, inputs))
        n = len(self.pos_args)
        names = (name for name, _ in self.named_args)
        length = self.o_len if o_len == "same" else o_len
        made = Apply(self.name, nodes[:n], list(zip(names, nodes[n:], strict=True)), length, self.pure)
        made.define_params, made.is_integer = self.define_params, self.is_integer
        return made

    # Values

    def eval(self, memo: dict[int, Any] | None = None) -> Any:
        """Return the value of this node; all options of a switch are evaluated.

        Parameters
        ----------
        memo : dict, optional
            Known values by the ``id`` of their nodes; grows.
        """
        memo = {} if memo is None else memo
        if id(self) not in memo:
            args = [arg.eval(memo) for arg in self.pos_args]
            kwargs = {name: arg.eval(memo) for name, arg in self.named_args}
            memo[id(self)] = function_of(self)(*args, **kwargs)
        return memo[id(self)]

    def plain(self, convert: Conversion) -> Node:
        """Convert this graph to an expression; see ``conversion.to_expression``."""
        from hpsearch.hyperopt.pyll.conversion import to_expression

        return to_expression(self, convert)

    def _operation(self, name: str, /, *args: Any, **keywords: Any) -> Any:
        return apply(name, *args, **keywords)

    def __call__(self, /, *args: Any, **keywords: Any) -> Any:
        """Return a node that calls the value of this one."""
        return apply("call", self, args, keywords)

    def __getitem__(self, key: Any) -> Any:
        if self.o_len is not None and isinstance(key, int) and key >= self.o_len:
            raise IndexError(f"{self!r} has {self.o_len} items.")
        return apply("getitem", self, key)

    def __len__(self) -> int:  # type: ignore[override]
        return self._length("has no value yet, so it has no length; use it in the objective")

    def __bool__(self) -> bool:  # type: ignore[override]
        return bool(
            self._length("has no value yet, so it is neither true nor false; decide in the objective")
        )

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(self._length("has an unknown number of items; take them by index")))

    def _length(self, otherwise: str) -> int:
        if self.o_len is None:
            raise GraphError(f"{self!r} {otherwise}.")
        return self.o_len

    # The base class compares nodes by identity, and raises for a comparison with a value.
    __hash__ = object.__hash__

    def __eq__(self, other: object) -> bool:  # type: ignore[override]
        if other is None or isinstance(other, Apply):
            return self is other
        raise SpaceError(f"{self!r} has no value yet, so == cannot compare it; compare in the objective.")

    # Text

    def __repr__(self) -> str:
        label = label_of(self)
        return f"<{self.name} in a space>" if label is None else f"<{self.name} {label!r}>"

    def __str__(self) -> str:
        return "\n".join(f"{i} {line}" for i, line in enumerate(_lines(self, 0, {}, [0])))

    def pprint(
        self,
        ofile: TextIO,
        lineno: list[int] | None = None,
        indent: int = 0,
        memo: dict[Apply, str] | None = None,
    ) -> None:
        """Write the graph to a file as a tree, one numbered line for each node.

        Parameters
        ----------
        ofile : file
            Where to write.
        lineno : list of one int, optional
            Number of the next line; grows.
        indent : int
            Spaces before the first line.
        memo : dict, optional
            Text of the nodes that were written before; grows.
        """
        lineno = [0] if lineno is None else lineno
        for line in _lines(self, indent, {} if memo is None else memo, lineno):
            first = lineno[0] if lineno else 0
            ofile.write(f"{first} {line}\n")

    def _text(self) -> str:
        return self.name


class Literal(Apply):
    """A constant in a graph."""

    def __init__(self, obj: Any = None) -> None:
        try:
            o_len: int | None = len(obj)
        except Exception:  # noqa: BLE001 - for example, an estimator that is not fitted raises its own error
            o_len = None
        super().__init__("literal", (), o_len=o_len, pure=True)
        self._obj = obj

    @property
    def obj(self) -> Any:
        """The value."""
        return self._obj

    @property
    def arg(self) -> dict[str, Any]:
        """Empty: a constant has no arguments."""
        return {}

    def eval(self, memo: dict[int, Any] | None = None) -> Any:
        """Return the value."""
        return self._obj if memo is None else memo.setdefault(id(self), self._obj)

    def clone_from_inputs(self, inputs: Sequence[Any], o_len: Any = "same") -> Literal:
        """Return a node with the same value."""
        return type(self)(self._obj)

    def __repr__(self) -> str:
        return repr(self._obj)

    def _text(self) -> str:
        value = self._obj
        if isinstance(value, np.ndarray):
            return f"Literal{{array of {value.dtype} with shape {value.shape}}}"
        return f"Literal{{{value}}}"


def apply(name: str, *args: Any, **kwargs: Any) -> Apply:
    """Return a call of a function of ``scope``.

    Parameters
    ----------
    name : str
        Name of the function.
    *args, **kwargs
        Its arguments, nodes or values.
    """
    info = INFOS.get(name, Info())
    named = [(key, as_apply(kwargs[key])) for key in sorted(kwargs)]
    return Apply(name, map(as_apply, args), named, info.o_len, info.is_pure)


def function_of(node: Apply) -> Callable[..., Any]:
    """Return the function that a node calls.

    Raises
    ------
    GraphError
        If ``scope`` has no function of that name.
    """
    if node.name not in FUNCTIONS:
        raise GraphError(f"scope has no function {node.name!r} in this process; add it with @scope.define.")
    return FUNCTIONS[node.name]


def label_of(node: Apply) -> str | None:
    """Return the label of a parameter, or of the one that a node converts or chooses by; None for others."""
    while node.name in {"int", "float", "switch"} and node.pos_args:
        node = node.pos_args[0]
    if node.name != "hyperopt_param":
        return None
    label = node.pos_args[0] if node.pos_args else node.arg["label"]
    value = label.obj if isinstance(label, Literal) else None
    return value.decode() if isinstance(value, bytes) else value


def parameters_of(expr: Apply) -> list[tuple[str, Apply]]:
    """Return the label and the ``hyperopt_param`` node of each parameter in a graph."""
    labelled = [(label_of(node), node) for node in dfs(expr) if node.name == "hyperopt_param"]
    return [(label, node) for label, node in labelled if label is not None]


def as_apply(obj: Any) -> Apply:
    """Return the graph of a space made of dicts, lists, tuples, ``hp`` objects and values.

    Raises
    ------
    SpaceError
        If a dict key is a parameter, containers are nested too deeply, or Hyperopt itself made a part.
    """
    return _graph(obj, "the space", 0)


def _graph(value: Any, place: str, nesting: int) -> Apply:
    if isinstance(value, Apply):
        return value
    if isinstance(value, Node):
        from hpsearch.hyperopt.pyll.conversion import to_graph

        return to_graph(value)
    if nesting > MAX_NESTING:
        raise SpaceError(f"{place[:80]}... is nested deeper than {MAX_NESTING} containers.")
    if isinstance(value, list | tuple):
        items = [_graph(item, f"{place}[{i}]", nesting + 1) for i, item in enumerate(value)]
        return Apply("pos_args", items, o_len=len(items) if isinstance(value, tuple) else None)
    if isinstance(value, dict):
        return _dict_graph(value, place, nesting)
    if type(value) is functools.partial:
        return _partial_graph(value, place, nesting)
    refuse_hyperopt_nodes(value, place)
    return Literal(value)


def _dict_graph(value: dict[Any, Any], place: str, nesting: int) -> Apply:
    """Return the graph of a dict: with keyword arguments if all keys are strings, else made from pairs."""
    for key in value:
        if isinstance(key, Node):
            raise SpaceError(f"A dict key in {place} is the parameter {key!r}; only values can be searched.")
    items = [
        (key, _graph(value[key], f"{place}[{shown(key)}]", nesting + 1))
        for key in sorted(value, key=lambda key: rank_of_key(as_python(key)))
    ]
    if all(isinstance(key, str) for key in value):
        return Apply("dict", (), items, o_len=len(items))
    pairs = [Apply("pos_args", (Literal(key), arg), o_len=2) for key, arg in items]
    return Apply("dict", (Apply("pos_args", pairs),))


def _partial_graph(value: functools.partial[Any], place: str, nesting: int) -> Apply:
    """Return a partial as a constant, or, if it contains parameters, as the call that creates it."""
    args = _graph([value.func, *value.args], place, nesting)
    keywords = _graph(value.keywords, place, nesting)
    made = Apply("call", (Literal(functools.partial), args, keywords))
    constant = {"literal", "pos_args", "dict", "call"}
    return Literal(value) if all(node.name in constant for node in dfs(made)) else made


def dfs(
    aa: Apply, seq: list[Apply] | None = None, seqset: dict[Apply, list[Apply]] | None = None
) -> list[Apply]:
    """Return every node of a graph once, each after its arguments.

    Parameters
    ----------
    aa : Apply
        The root of the graph.
    seq : list, optional
        List to which the nodes are appended.
    seqset : dict, optional
        Visited nodes with their arguments; grows.
    """
    seq = [] if seq is None else seq
    seqset = {} if seqset is None else seqset
    stack: list[tuple[Apply, bool]] = [(aa, False)]
    while stack:
        node, is_done = stack.pop()
        if is_done:
            seq.append(node)
        elif node not in seqset:
            seqset[node] = node.inputs()
            stack.append((node, True))
            stack.extend((below, False) for below in reversed(seqset[node]))
    return seq


def toposort(expr: Apply) -> list[Apply]:
    """Return every node of a graph once, in an order in which they can be evaluated.

    Raises
    ------
    SpaceError
        If the graph contains a cycle.
    """
    order = dfs(expr)
    place = {node: i for i, node in enumerate(order)}
    for node in order:
        if any(place[below] >= place[node] for below in node.inputs()):
            raise SpaceError(f"The graph contains a cycle through {node!r}, so it has no value.")
    return order


def _lines(root: Apply, indent: int, memo: dict[Apply, str], lineno: list[int]) -> Iterator[str]:
    """Yield the lines of a graph as a tree; ``lineno`` is the number of the next line."""
    stack: list[tuple[Apply | str, int]] = [(root, indent)]
    while stack:
        shown_next, blanks = stack.pop()
        if isinstance(shown_next, str):
            text = shown_next
        elif shown_next in memo:
            text = memo[shown_next]
        else:
            text = shown_next._text()  # noqa: SLF001 - of the same module
            memo[shown_next] = f"{text}  [line:{lineno[0]}]"
            below: list[tuple[Apply | str, int]] = [(arg, blanks + 2) for arg in shown_next.pos_args]
            for name, arg in shown_next.named_args:
                below += [(f" {name} =", blanks), (arg, blanks + 2)]
            stack.extend(reversed(below))
        yield " " * blanks + text
        lineno[0] += 1
