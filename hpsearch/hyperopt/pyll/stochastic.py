"""Hyperopt's ``pyll.stochastic``: draws from a space without a search."""

from __future__ import annotations

from typing import Any

import numpy as np

from hpsearch.hyperopt.pyll.base import as_apply, computed
from hpsearch.space.tree import Space


def sample(expr: Any, rng: Any = None, **rec_eval_kwargs: Any) -> Any:
    """Draw one configuration of a space.

    Parameters
    ----------
    expr : any
        A space.
    rng : Generator, RandomState, int or None
        The source of randomness; fresh by default.
    **rec_eval_kwargs
        Accepted for compatibility.

    Returns
    -------
    any
        What an objective would receive.
    """
    space = Space(as_apply(expr))
    return computed(space.expression, space.sample(np.random.default_rng(rng)))
