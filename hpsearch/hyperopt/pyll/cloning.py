"""Copy graphs."""

from __future__ import annotations

from typing import Any

from hpsearch.hyperopt.pyll.graph import Apply, Literal, as_apply, dfs
from hpsearch.space.expression import Number


def clone(expr: Any, memo: dict[Apply, Apply] | None = None) -> Apply:
    """Return a copy of a graph.

    Parameters
    ----------
    expr : any
        The graph.
    memo : dict, optional
        Replacements of some nodes; the copies are added.
    """
    memo = {} if memo is None else memo
    root = as_apply(expr)
    for node in dfs(root):
        if node not in memo:
            made = node.clone_from_inputs([as_apply(memo[arg]) for arg in node.inputs()])
            # Only a number keeps its origin: the options of a choice may have been changed.
            made.origin = node.origin if isinstance(node.origin, Number) else None
            memo[node] = made
    return as_apply(memo[root])


def clone_merge(expr: Any, memo: dict[Apply, Apply] | None = None, merge_literals: bool = False) -> Apply:
    """Return a copy of a graph with equal calls of pure functions merged.

    Parameters
    ----------
    expr : Apply
        The graph.
    memo : dict, optional
        Replacements of some nodes; the copies are added.
    merge_literals : bool
        Whether to merge equal values, too.
    """
    memo = {} if memo is None else memo
    kept: list[tuple[Any, Apply]] = []
    root = as_apply(expr)
    for node in dfs(root):
        if node in memo:
            continue
        inputs = [memo[arg] for arg in node.inputs()]
        key = (node.name, [name for name, _ in node.named_args], list(map(id, inputs)))
        same = next(
            (
                other
                for known, other in kept
                if known == key
                and (
                    not isinstance(node, Literal)
                    or (merge_literals and isinstance(other, Literal) and _is_equal(node.obj, other.obj))
                )
            ),
            None,
        )
        memo[node] = node.clone_from_inputs(inputs) if same is None or not node.pure else same
        kept.append((key, memo[node]))
    return memo[root]


def _is_equal(one: Any, other: Any) -> bool:
    """Whether two values have the same type and are equal; False for arrays."""
    try:
        return type(one) is type(other) and bool(one == other)
    except (TypeError, ValueError):
        return one is other
