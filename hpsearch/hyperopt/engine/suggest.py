"""Adapt our suggesters to Hyperopt's protocol: documents in, documents out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from hpsearch.hyperopt.engine.documents import Doc, Idxs, miscs_to_idxs_vals, new_misc
from hpsearch.hyperopt.engine.domain import Domain
from hpsearch.hyperopt.pyll.draws import rng_from_seed
from hpsearch.runtime.numerics import isolated_numerics
from hpsearch.space.tree import Values
from hpsearch.suggest.protocol import Suggester, trial_rng

#: Hyperopt passes seeds below this to an algorithm.
MAX_SEED = 2**31 - 1


def suggest_docs(
    new_ids: Sequence[Any], domain: Domain, trials: Any, seed: Any, suggester: Suggester
) -> list[Doc]:
    """Return one document for each new trial, with the point that a suggester proposes.

    Parameters
    ----------
    new_ids : sequence
        Numbers of the new trials; libraries may use strings.
    domain : Domain
        The space.
    trials : Trials
        The trials so far. Open trials count as pending.
    seed : int, Generator, RandomState or None
        With the trials so far, determines the points.
    suggester : Suggester
        One for ``domain.space``.

    Returns
    -------
    list of dict
        Not inserted into ``trials``. The values are NumPy scalars, as in Hyperopt; inserting converts them.
    """
    history, pending = domain.observed(trials)
    root = root_seed(seed)
    rngs = [trial_rng(root, i) for i in range(len(new_ids))]
    with isolated_numerics():
        points = [suggestion.values for suggestion in suggester.suggest(history, pending, rngs)]
    miscs = [
        new_misc(tid, _as_drawn(values), domain.params, domain.cmd, domain.workdir)
        for tid, values in zip(new_ids, points, strict=True)
    ]
    results = [domain.new_result() for _ in new_ids]
    docs: list[Doc] = trials.new_trial_docs(list(new_ids), [None] * len(new_ids), results, miscs)
    return docs


def suggest_values(
    new_ids: Sequence[Any], domain: Domain, trials: Any, seed: Any, suggester: Suggester
) -> tuple[Idxs, Idxs]:
    """Return the suggestions by label, as the numbers of the trials and their values.

    Parameters
    ----------
    new_ids, domain, trials, seed, suggester
        See ``suggest_docs``.
    """
    docs = suggest_docs(new_ids, domain, trials, seed, suggester)
    return miscs_to_idxs_vals([doc["misc"] for doc in docs], list(domain.params))


def _as_drawn(values: Values) -> dict[str, Any]:
    """Return raw values as NumPy scalars, the type that Hyperopt's algorithms draw."""
    return {
        label: np.int64(value) if isinstance(value, int) else np.float64(value)
        for label, value in values.items()
    }


def root_seed(seed: Any) -> int:
    """Return the seed of a call as a nonnegative integer.

    Raises
    ------
    ValueError
        If the seed is negative.
    """
    if isinstance(seed, int | np.integer):
        if seed < 0:
            raise ValueError(f"The seed must not be negative, but it is {seed}.")
        return int(seed)
    return int(rng_from_seed(seed).integers(MAX_SEED))
