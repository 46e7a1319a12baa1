"""Hyperopt's ``pyll.stochastic``: draws from a space without a search."""

from __future__ import annotations

from typing import Any

import numpy as np

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
from hpsearch.hyperopt.pyll.evaluation import rec_eval
from hpsearch.hyperopt.pyll.graph import Apply, as_apply, clone, dfs
from hpsearch.hyperopt.pyll.symbols import scope

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
    """Give every function of a graph that draws the same ``rng``; the graph is changed, and returned.

    Parameters
    ----------
    expr : Apply
        The graph.
    rng : Generator, or a node that gives one, optional
        Fresh by default.
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
        A space; what draws in it need not have a label.
    rng : Generator, RandomState, int or None
        The source of randomness; fresh by default.
    **rec_eval_kwargs
        See ``rec_eval``.

    Returns
    -------
    any
        What an objective would receive.

    Raises
    ------
    SpaceError
        If something cannot be drawn, such as an index of no options.
    """
    source = rng if isinstance(rng, Apply) else np.random.default_rng(rng)
    return rec_eval(recursive_set_rng_kwarg(clone(expr), source), **rec_eval_kwargs)
