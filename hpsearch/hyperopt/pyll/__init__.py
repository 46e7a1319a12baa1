"""Hyperopt's ``pyll``: spaces as graphs, and their evaluation and sampling."""

from hpsearch.hyperopt.pyll import base, stochastic
from hpsearch.hyperopt.pyll.base import (
    Apply,
    Literal,
    as_apply,
    clone,
    clone_merge,
    dfs,
    rec_eval,
    scope,
    toposort,
)

__all__ = [
    "Apply",
    "Literal",
    "as_apply",
    "base",
    "clone",
    "clone_merge",
    "dfs",
    "rec_eval",
    "scope",
    "stochastic",
    "toposort",
]
