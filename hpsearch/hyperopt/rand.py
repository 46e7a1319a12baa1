"""Hyperopt's ``rand``: random search."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hpsearch.hyperopt.engine.documents import Doc, Idxs, miscs_update_idxs_vals
from hpsearch.hyperopt.engine.domain import Domain
from hpsearch.hyperopt.engine.suggest import suggest_docs, suggest_values
from hpsearch.suggest.random import RandomSearch

__all__ = ["miscs_update_idxs_vals", "suggest", "suggest_batch"]


def suggest(new_ids: Sequence[Any], domain: Domain, trials: Any, seed: Any) -> list[Doc]:
    """Return a document for each new number, with a point drawn from the space.

    Parameters
    ----------
    new_ids, domain, trials, seed
        Numbers of the new trials, their space, the known trials, and the seed of the draws.
    """
    return suggest_docs(new_ids, domain, trials, seed, RandomSearch(domain.space))


def suggest_batch(new_ids: Sequence[Any], domain: Domain, trials: Any, seed: Any) -> tuple[Idxs, Idxs]:
    """Return points drawn from the space: by label, trial numbers and values.

    Parameters
    ----------
    new_ids, domain, trials, seed
        Numbers of the new trials, their space, the known trials, and the seed of the draws.
    """
    return suggest_values(new_ids, domain, trials, seed, RandomSearch(domain.space))
