"""Hyperopt's ``mix``: a random choice among algorithms for each call."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from hpsearch.hyperopt.engine.documents import Doc
from hpsearch.hyperopt.engine.domain import Domain
from hpsearch.hyperopt.engine.suggest import MAX_SEED, root_seed

__all__ = ["suggest"]


def suggest(
    new_ids: Sequence[Any],
    domain: Domain,
    trials: Any,
    seed: Any,
    p_suggest: Sequence[tuple[float, Callable[..., list[Doc]]]],
) -> list[Doc]:
    """Return the suggestions of an algorithm chosen at random.

    Parameters
    ----------
    new_ids, domain, trials, seed
        Numbers of the new trials, their space, the known trials, and the seed of the draws.
    p_suggest : sequence of (float, callable)
        Pairs (probability, algorithm); the probabilities sum to 1.

    Raises
    ------
    ValueError
        If the probabilities do not sum to 1.
    """
    probabilities = [p for p, _ in p_suggest]
    if not np.isclose(sum(probabilities), 1.0) or min(probabilities) < 0:
        raise ValueError(f"The probabilities of p_suggest must add up to 1, but they are {probabilities}.")
    rng = np.random.default_rng(root_seed(seed))
    # The cumulative sum may end below 1 by rounding.
    i = min(int(np.searchsorted(np.cumsum(probabilities), rng.random(), side="right")), len(p_suggest) - 1)
    return p_suggest[i][1](new_ids, domain, trials, seed=int(rng.integers(MAX_SEED)))
