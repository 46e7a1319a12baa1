"""Hyperopt's ``mix``: for each call, one of several algorithms by chance."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from hpsearch.hyperopt.engine.ask import MAX_SEED, root_seed
from hpsearch.hyperopt.engine.documents import Doc
from hpsearch.hyperopt.engine.domain import Domain

__all__ = ["suggest"]


def suggest(
    new_ids: Sequence[Any],
    domain: Domain,
    trials: Any,
    seed: Any,
    p_suggest: Sequence[tuple[float, Callable[..., list[Doc]]]],
) -> list[Doc]:
    """Return what one of several algorithms suggests.

    Parameters
    ----------
    new_ids, domain, trials, seed
        See ``ask.suggest_docs``.
    p_suggest : sequence of (probability, algorithm)
        The probabilities add up to 1.

    Raises
    ------
    ValueError
        If they do not.
    """
    probabilities = [p for p, _ in p_suggest]
    if not np.isclose(sum(probabilities), 1.0) or min(probabilities) < 0:
        raise ValueError(f"The probabilities of p_suggest must add up to 1, but they are {probabilities}.")
    rng = np.random.default_rng(root_seed(seed))
    # A sum that is 1 only up to rounding must not leave the last algorithm out of reach.
    i = min(int(np.searchsorted(np.cumsum(probabilities), rng.random(), side="right")), len(p_suggest) - 1)
    return p_suggest[i][1](new_ids, domain, trials, seed=int(rng.integers(MAX_SEED)))
