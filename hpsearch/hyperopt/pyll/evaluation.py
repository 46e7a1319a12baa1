"""Evaluate graphs."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from numbers import Integral
from typing import Any

import numpy as np

from hpsearch.errors import SpaceError
from hpsearch.hyperopt.pyll.graph import Apply, GraphError, Literal, as_apply, function_of, label_of

#: Default limit of nodes that wait for their inputs; more mean that the graph has a cycle.
DEFAULT_MAX_PROGRAM_LEN = 100_000


class GarbageCollected:
    """The value in a memo of a node without one, such as an inactive parameter."""


class ExprEvaluator:
    """Computes the values of the nodes of a graph; of a switch, only the chosen option.

    Algorithms derive from it and override ``on_node``.

    Parameters
    ----------
    expr : any
        The graph.
    deepcopy_inputs : bool
        Whether each function receives copies of its arguments.
    max_program_len : int, optional
        Limit of nodes that wait for their inputs at the same time.
    memo_gc : bool
        Ignored, for compatibility.

    Raises
    ------
    ValueError
        If ``deepcopy_inputs`` is not a bool, such as a memo passed by position.
    """

    def __init__(
        self,
        expr: Any,
        deepcopy_inputs: bool = False,
        max_program_len: int | None = None,
        memo_gc: bool = True,
    ) -> None:
        if deepcopy_inputs not in (0, 1):
            raise ValueError(
                f"deepcopy_inputs must be True or False, but it is {deepcopy_inputs!r}; write memo=..."
            )
        self.expr = as_apply(expr)
        self.deepcopy_inputs, self.memo_gc = deepcopy_inputs, memo_gc
        self.max_program_len = DEFAULT_MAX_PROGRAM_LEN if max_program_len is None else max_program_len

    def eval_nodes(self, memo: Mapping[Apply, Any] | None = None) -> dict[Apply, Any]:
        """Return the values of the graph's nodes, given the values in ``memo``.

        Raises
        ------
        RuntimeError
            If more than ``max_program_len`` nodes wait.
        """
        known: dict[Apply, Any] = dict(memo or {})
        todo = [self.expr]
        while todo:
            if len(todo) > self.max_program_len:
                raise RuntimeError(
                    "The graph seems to contain a cycle: too many nodes wait for their inputs."
                )
            node = todo.pop()
            if node in known:
                continue
            if isinstance(node, Literal):
                self.set_in_memo(known, node, node.obj)
                continue
            if node.name == "switch":
                waiting_on = self.on_switch(known, node)
                if waiting_on is None:
                    continue
            else:
                waiting_on = [below for below in node.inputs() if below not in known]
            if waiting_on:
                todo.append(node)
                todo.extend(waiting_on)
                continue
            value = self.on_node(known, node)
            if isinstance(value, Apply):  # a function may return a graph to evaluate
                inner = type(self).__new__(type(self))
                inner.__dict__.update(self.__dict__, expr=value)
                value = inner.eval_nodes(known)[value]
            self.set_in_memo(known, node, value)
        return known

    def set_in_memo(self, memo: dict[Apply, Any], k: Apply, v: Any) -> None:
        """Store the value of a node.

        Parameters
        ----------
        memo : dict
            Values by node.
        k : Apply
            The node.
        v : any
            Its value.
        """
        memo[k] = v

    def on_switch(self, memo: dict[Apply, Any], node: Apply) -> list[Apply] | None:
        """Store the value of a switch and return None, or return the nodes that must be evaluated first.

        Parameters
        ----------
        memo : dict
            Values by node.
        node : Apply
            The switch.

        Raises
        ------
        SpaceError
            If the index of the option is missing, not an integer, or out of range.
        """
        index, *options = node.pos_args
        if index not in memo:
            return [index]
        chosen = options[_index(memo[index], index, len(options))]
        if chosen not in memo:
            return [chosen]
        self.set_in_memo(memo, node, memo[chosen])
        return None

    def on_node(self, memo: dict[Apply, Any], node: Apply) -> Any:
        """Return the value of a node.

        Parameters
        ----------
        memo : dict
            Values by node, including the node's inputs.
        node : Apply
            The node.
        """
        args = [_present(memo[arg], arg) for arg in node.pos_args]
        kwargs = {name: _present(memo[arg], arg) for name, arg in node.named_args}
        if self.deepcopy_inputs:
            args, kwargs = copy.deepcopy((args, kwargs))
        return function_of(node)(*args, **kwargs)


def config_at(expr: Apply, values: Mapping[str, Any]) -> Any:
    """Return the value of a graph at a point, faster than ``rec_eval`` with a memo.

    Parameters
    ----------
    expr : Apply
        A graph of a depth that ``Space`` allows, since the evaluation is recursive.
    values : mapping
        Raw values of the active parameters by label. Options that are not chosen are not evaluated.

    Raises
    ------
    SpaceError
        If a required parameter has no value.
    Exception
        Whatever a function of the graph raises.
    """
    known: dict[Apply, Any] = {}

    def value_of(node: Apply) -> Any:
        if node in known:
            return known[node]
        if node.name == "hyperopt_param":
            label = label_of(node)
            value = GarbageCollected if label is None else values.get(label, GarbageCollected)
        elif isinstance(node, Literal):
            value = node.obj
        elif node.name == "switch":
            index, *options = node.pos_args
            value = value_of(options[_index(value_of(index), index, len(options))])
        else:
            args = [_present(value_of(arg), arg) for arg in node.pos_args]
            kwargs = {name: _present(value_of(arg), arg) for name, arg in node.named_args}
            value = function_of(node)(*args, **kwargs)
            if isinstance(value, Apply):  # a function may return a graph to evaluate
                value = value_of(value)
        known[node] = value
        return value

    return _present(value_of(expr), expr)


def rec_eval(
    expr: Any,
    deepcopy_inputs: bool = False,
    memo: Mapping[Apply, Any] | None = None,
    max_program_len: int | None = None,
    memo_gc: bool = True,
    print_trace: bool = False,
    print_node_on_error: bool = True,
) -> Any:
    """Return the value of a graph, given the values of some of its nodes.

    Parameters
    ----------
    expr : any
        A graph, or nested containers with graphs.
    deepcopy_inputs : bool
        See ``ExprEvaluator``.
    memo : mapping from Apply to value, optional
        Known values; for the ``hyperopt_param`` node of a choice, the index of an option.
        ``Domain.memo_from_config`` returns such a mapping.
    max_program_len, memo_gc
        See ``ExprEvaluator``.
    print_trace, print_node_on_error
        Ignored, for compatibility.

    Raises
    ------
    SpaceError
        If a required parameter has no value.
    Exception
        Whatever a function of the graph raises.
    """
    evaluator = ExprEvaluator(expr, deepcopy_inputs, max_program_len, memo_gc)
    return _present(evaluator.eval_nodes(memo)[evaluator.expr], evaluator.expr)


def _present(value: Any, node: Apply) -> Any:
    """Return a value; raise if it is ``GarbageCollected``."""
    if value is GarbageCollected:
        label = label_of(node)
        what = f"The parameter {label!r}" if label is not None else f"{node!r}"
        raise SpaceError(f"{what} has no value, but the chosen options need it.")
    return value


def _index(value: Any, node: Apply, n: int) -> int:
    """Return a valid index of one of ``n`` options; it may be given as an array of one item."""
    value = _present(value, node)
    if isinstance(value, np.ndarray) and value.size == 1:
        value = value.item()
    is_whole = isinstance(value, Integral) or (isinstance(value, float) and value.is_integer())
    if not is_whole:
        raise GraphError(f"{node!r} chooses by {value!r:.80}, which is not the index of an option.")
    if not 0 <= int(value) < n:
        raise SpaceError(
            f"{node!r} chooses option {int(value)}, but its options have the indexes 0 to {n - 1}."
        )
    return int(value)
