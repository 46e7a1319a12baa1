"""Hyperopt's ``rand``: random search."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hpsearch.hyperopt.engine.ask import suggest_docs, suggest_values
from hpsearch.hyperopt.engine.documents import Doc, Idxs, miscs_update_idxs_vals
from hpsearch.hyperopt.engine.domain import Domain
from hpsearch.suggest.random import RandomSearch

__all__ = ["miscs_update_idxs_vals", "suggest", "suggest_batch"]


def suggest(new_ids: Sequence[Any], domain: Domain, trials: Any, seed: Any) -> list[Doc]:
    """Return documents with draws from the prior; see ``ask.suggest_docs``."""
    return suggest_docs(new_ids, domain, trials, seed, RandomSearch(domain.space))


def suggest_batch(new_ids: Sequence[Any], domain: Domain, trials: Any, seed: Any) -> tuple[Idxs, Idxs]:
    """Return draws from the prior by label, as the numbers of the trials and their values."""
    return suggest_values(new_ids, domain, trials, seed, RandomSearch(domain.space))
