"""Adapt our suggesters to Hyperopt's protocol: documents in, documents out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from hpsearch.hyperopt.engine.documents import Doc, Idxs, miscs_to_idxs_vals, new_misc, spec_from_misc
from hpsearch.hyperopt.engine.domain import Domain
from hpsearch.hyperopt.pyll.draws import rng_from_seed
from hpsearch.runtime.numerics import isolated_numerics
from hpsearch.space.tree import Space, Values
from hpsearch.suggest.algorithms import guided
from hpsearch.suggest.protocol import Suggester, trial_rng

#: Hyperopt passes seeds below this to an algorithm.
MAX_SEED = 2**31 - 1

#: Seeds with which an algorithm is asked for points that satisfy the conditions of the space.
_N_SEEDS = 100


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
    history = domain.digest.read(history)  # which keeps what it knows between calls
    root = root_seed(seed)
    rngs = [trial_rng(root, i) for i in range(len(new_ids))]
    with isolated_numerics():
        suggestions = guided(suggester, domain.space, domain.beliefs).suggest(history, pending, rngs)
    points = [suggestion.values for suggestion in suggestions]
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


def ask_within_conditions(space: Space, ask: Callable[[int], list[Doc]], seed: int) -> list[Doc]:
    """Return the documents of an algorithm, which may be any function, once they satisfy the conditions.

    Parameters
    ----------
    space : Space
        The search space.
    ask : callable
        Calls the algorithm with a seed.
    seed : int
        The first seed; others follow if documents violate a condition.

    Raises
    ------
    SpaceError
        If they violate a condition with every seed.
    """
    docs = ask(seed)
    for further in range(1, _N_SEEDS if space.conditions else 1):
        if all(space.conditions.broken_by(spec_from_misc(doc["misc"])) is None for doc in docs):
            return docs
        docs = ask((seed + further) % MAX_SEED)
    for doc in docs:
        space.conditions.require(spec_from_misc(doc["misc"]))
    return docs


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
