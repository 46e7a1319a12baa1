"""Hyperopt's ``vectorize``: turns the graph of one trial into a graph of many trials.

Algorithms written as graphs evaluate ``Domain.s_idxs_vals``: by label, the trials in which a
parameter is active, and its values there. A parameter is active in a trial if any path through the
switches above it is taken: each path splits the trials by one switch after another, and the results
are united. A path that contains a shorter one is dropped, which also avoids a cycle when a parameter
decides a switch that it is itself below.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from hpsearch.hyperopt.pyll.conversion import has_draws
from hpsearch.hyperopt.pyll.draws import implicit_stochastic_symbols
from hpsearch.hyperopt.pyll.functions import idxs_map, idxs_take, uniq, vchoice_merge, vchoice_split
from hpsearch.hyperopt.pyll.graph import Apply, Literal, apply, as_apply, dfs, parameters_of, toposort
from hpsearch.hyperopt.pyll.symbols import scope
from hpsearch.space.parameters import without_supersets

__all__ = [
    "Apply",
    "VectorizeHelper",
    "as_apply",
    "dfs",
    "idxs_map",
    "idxs_take",
    "replace_repeat_stochastic",
    "scope",
    "stoch",
    "toposort",
    "uniq",
    "vchoice_merge",
    "vchoice_split",
    "vectorize_stochastic",
]

#: Names of the functions that draw.
stoch = implicit_stochastic_symbols

#: A path to a node: switches and the index of the option taken, outermost first.
SwitchPath = tuple[tuple[Apply, int], ...]


class VectorizeHelper:
    """Builds the graph of many trials from the graph of one.

    Parameters
    ----------
    expr : Apply
        The graph of one trial.
    expr_idxs : Apply
        Node of the trial numbers; its value is set when the graph is evaluated.
    build : bool
        Accepted for compatibility.

    Attributes
    ----------
    params : dict of Apply
        Distribution of each parameter, by label.
    v_expr : Apply
        Values of ``expr`` in all trials.
    """

    def __init__(self, expr: Any, expr_idxs: Apply, build: bool = True) -> None:
        self.expr, self.expr_idxs = as_apply(expr), expr_idxs
        self.dfs_nodes = dfs(self.expr)
        self._first = dict(reversed(parameters_of(self.expr)))
        self.params: dict[str, Apply] = {
            label: node.arg["obj"] for label, node in reversed(self._first.items())
        }
        self._first_of: dict[Apply, Apply] = {}
        self._paths = self._paths_to_nodes()
        self._path_idxs: dict[SwitchPath, Apply] = {(): expr_idxs}
        self._idxs: dict[Apply, Apply] = {}
        self._draws: dict[Apply, Apply] = {}
        self._values: dict[tuple[Apply, Apply], Apply] = {}
        self.v_expr = self._vals(self.expr, expr_idxs)
        for node in self._first.values():
            self._draw(node)

    def idxs_by_label(self) -> dict[str, Apply]:
        """Return, by label, the node of the trials in which the parameter is active."""
        return {label: self._active(self._first[label]) for label in self.params}

    def vals_by_label(self) -> dict[str, Apply]:
        """Return, by label, the node that draws the values for those trials."""
        return {label: self._draw(self._first[label]) for label in self.params}

    def _paths_to_nodes(self) -> dict[Apply, tuple[SwitchPath, ...]]:
        """Return the minimal paths to each node."""
        paths: dict[Apply, dict[SwitchPath, None]] = {node: {} for node in self.dfs_nodes}
        paths[self.expr][()] = None
        kept: dict[Apply, tuple[SwitchPath, ...]] = {}
        for node in reversed(self.dfs_nodes):  # each node before its inputs
            kept[node] = _shortest(paths[node])
            for i, below in enumerate(node.inputs()):
                is_option = node.name == "switch" and i > 0
                paths[below].update(
                    (((*path, (node, i - 1)) if is_option else path), None) for path in kept[node]
                )
        for label, node in parameters_of(self.expr):
            if (first := self._first[label]) is not node:  # two graphs of the same expression
                self._first_of[node] = first
                kept[first] = kept[node] = _shortest([*kept[first], *kept[node]])
        return kept

    def _active(self, node: Apply) -> Apply:
        """Return the trials in which a node is active."""
        if node not in self._idxs:
            self._idxs[node] = apply("array_union", *map(self._reached, self._paths[node]))
        return self._idxs[node]

    def _reached(self, path: SwitchPath) -> Apply:
        """Return the trials that take a path."""
        if path not in self._path_idxs:
            *before, (switch, option) = path
            self._path_idxs[path] = self._split(switch, self._reached(tuple(before)))[option]
        return self._path_idxs[path]

    def _split(self, switch: Apply, idxs: Apply) -> Any:
        """Return the trials of each option of a switch."""
        index, *options = switch.pos_args
        return apply("vchoice_split", idxs, self._vals(index, idxs), len(options))

    def _vals(self, node: Apply, idxs: Apply) -> Apply:
        """Return the values of a node in some of its active trials."""
        key = (node, idxs)
        if key not in self._values:
            self._values[key] = self._new_vals(node, idxs)
        return self._values[key]

    def _new_vals(self, node: Apply, idxs: Apply) -> Apply:
        if isinstance(node, Literal):
            return apply("repeat", apply("len", idxs), node)
        if node.name == "hyperopt_param" or node.name in implicit_stochastic_symbols:
            node = self._first_of.get(node, node)
            return apply("idxs_take", self._active(node), self._draw(node), idxs)
        if node.name == "switch":
            split = self._split(node, idxs)
            pairs = [(split[i], self._vals(option, split[i])) for i, option in enumerate(node.pos_args[1:])]
            return apply("vchoice_merge", idxs, self._vals(node.pos_args[0], idxs), *pairs)
        args = [(idxs, self._vals(arg, idxs)) for arg in node.pos_args]
        made = apply("idxs_map", idxs, node.name, *args)
        made.named_args = [[name, as_apply((idxs, self._vals(arg, idxs)))] for name, arg in node.named_args]
        return made

    def _draw(self, node: Apply) -> Apply:
        """Return the node that draws one value for each active trial."""
        if node not in self._draws:
            draw = node.arg["obj"] if node.name == "hyperopt_param" else node
            idxs = self._active(node)
            args = [self._argument(arg, idxs) for arg in draw.pos_args]
            named = [[name, self._argument(arg, idxs)] for name, arg in draw.named_args]
            self._draws[node] = Apply(draw.name, args, [*named, ["size", apply("len", idxs)]])
        return self._draws[node]

    def _argument(self, arg: Apply, idxs: Apply) -> Apply:
        """Return an argument of a distribution, for each trial only if it depends on a draw."""
        return self._vals(arg, idxs) if has_draws(arg) else arg


def vectorize_stochastic(orig: Apply) -> Apply:
    """Return the node unchanged; ours draws for many trials already."""
    return orig


def replace_repeat_stochastic(expr: Apply, return_memo: bool = False) -> Any:
    """Return the graph unchanged; ours draws for many trials already.

    Parameters
    ----------
    expr : Apply
        The graph.
    return_memo : bool
        Whether to return also the dict of replaced nodes, which is empty.
    """
    return (expr, {}) if return_memo else expr


def _shortest(paths: Iterable[SwitchPath]) -> tuple[SwitchPath, ...]:
    """Return the paths that do not contain another path."""
    found: Any = without_supersets(tuple(paths))  # type: ignore[arg-type]
    return tuple(found)
