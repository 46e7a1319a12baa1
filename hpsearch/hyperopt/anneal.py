"""Hyperopt's ``anneal``: draws near good points, in shrinking neighbourhoods."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hpsearch.hyperopt.algobase import ExprEvaluator, SuggestAlgo
from hpsearch.hyperopt.engine.documents import Doc, Idxs, miscs_to_idxs_vals
from hpsearch.hyperopt.engine.domain import Domain
from hpsearch.hyperopt.engine.suggest import suggest_docs, suggest_values
from hpsearch.hyperopt.pyll.functions import bincount
from hpsearch.hyperopt.pyll.stochastic import (
    categorical,
    lognormal,
    loguniform,
    normal,
    qlognormal,
    qloguniform,
    qnormal,
    quniform,
    uniform,
)
from hpsearch.suggest.anneal import Anneal, AnnealOptions

__all__ = [
    "ExprEvaluator",
    "SuggestAlgo",
    "bincount",
    "categorical",
    "lognormal",
    "loguniform",
    "miscs_to_idxs_vals",
    "normal",
    "qlognormal",
    "qloguniform",
    "qnormal",
    "quniform",
    "suggest",
    "suggest_batch",
    "uniform",
]


def suggest(
    new_ids: Sequence[Any],
    domain: Domain,
    trials: Any,
    seed: Any,
    avg_best_idx: float = 2.0,
    shrink_coef: float = 0.1,
) -> list[Doc]:
    """Return a document for each new number, with a point drawn near a good one.

    Parameters
    ----------
    new_ids, domain, trials, seed
        Numbers of the new trials, their space, the known trials, and the seed of the draws.
    avg_best_idx : float
        Mean rank of the good point, counted from 1; above 1.
    shrink_coef : float
        How fast the neighbourhood shrinks with the number of trials; see ``AnnealOptions``.
    """
    options = AnnealOptions(avg_best_idx=avg_best_idx, shrink_coef=shrink_coef)
    return suggest_docs(new_ids, domain, trials, seed, Anneal(domain.space, options))


def suggest_batch(
    new_ids: Sequence[Any],
    domain: Domain,
    trials: Any,
    seed: Any,
    avg_best_idx: float = 2.0,
    shrink_coef: float = 0.1,
) -> tuple[Idxs, Idxs]:
    """Return points drawn near good ones: by label, trial numbers and values.

    Parameters
    ----------
    new_ids, domain, trials, seed
        Numbers of the new trials, their space, the known trials, and the seed of the draws.
    avg_best_idx, shrink_coef : float
        See ``suggest``.
    """
    options = AnnealOptions(avg_best_idx=avg_best_idx, shrink_coef=shrink_coef)
    return suggest_values(new_ids, domain, trials, seed, Anneal(domain.space, options))
