"""Hyperopt's ``pyll.stochastic``: sampling of a space without a search."""

from __future__ import annotations

from typing import Any

import numpy as np

from hpsearch.hyperopt.pyll.cloning import clone
from hpsearch.hyperopt.pyll.draws import (
    categorical,
    implicit_stochastic,
    implicit_stochastic_symbols,
    lognormal,
    loguniform,
    normal,
    qlognormal,
    qloguniform,
    qnormal,
    quniform,
    randint,
    randint_via_categorical,
    rng_from_seed,
    uniform,
)
from hpsearch.hyperopt.pyll.evaluation import config_at, rec_eval
from hpsearch.hyperopt.pyll.graph import Apply, as_apply, dfs
from hpsearch.hyperopt.pyll.symbols import scope
from hpsearch.space.point_conditions import SUBJECT_TO
from hpsearch.space.tree import Space

__all__ = [
    "as_apply",
    "categorical",
    "choice",
    "clone",
    "dfs",
    "implicit_stochastic",
    "implicit_stochastic_symbols",
    "lognormal",
    "loguniform",
    "normal",
    "one_of",
    "qlognormal",
    "qloguniform",
    "qnormal",
    "quniform",
    "randint",
    "randint_via_categorical",
    "rec_eval",
    "recursive_set_rng_kwarg",
    "rng_from_seed",
    "sample",
    "scope",
    "uniform",
]

one_of = scope.one_of
choice = scope.choice


def recursive_set_rng_kwarg(expr: Apply, rng: Any = None) -> Apply:
    """Set the same ``rng`` on every node of a graph that draws.

    Parameters
    ----------
    expr : Apply
        The graph; modified and returned.
    rng : Generator or Apply, optional
        A generator, or a node whose value is one; seeded from the system by default.
    """
    source = as_apply(np.random.default_rng() if rng is None else rng)
    for node in dfs(expr):
        if node.name in implicit_stochastic_symbols:
            others = [pair for pair in node.named_args if pair[0] != "rng"]
            node.named_args[:] = [*others, ["rng", source]]
    return expr


def sample(expr: Any, rng: Any = None, **rec_eval_kwargs: Any) -> Any:
    """Draw one configuration of a space.

    Parameters
    ----------
    expr : any
        A space; its distributions need no labels, unless it is the result of ``hpsearch.where``.
    rng : Generator, RandomState, int or None
        Source of randomness; seeded from the system by default.
    **rec_eval_kwargs
        Passed to ``rec_eval``.

    Returns
    -------
    any
        The configuration, as an objective would receive it.

    Raises
    ------
    SpaceError
        If a value cannot be drawn, for example an index among zero options, or no point satisfies the
        conditions.
    """
    graph = as_apply(expr)
    if graph.name == SUBJECT_TO and not isinstance(rng, Apply):
        return config_at(graph, Space(graph).sample(rng_from_seed(rng)))
    source = rng if isinstance(rng, Apply) else rng_from_seed(rng)
    return rec_eval(recursive_set_rng_kwarg(clone(graph), source), **rec_eval_kwargs)
