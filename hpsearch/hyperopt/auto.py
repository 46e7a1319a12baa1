"""``auto`` with Hyperopt's protocol: a Gaussian process and a Parzen estimator in alternation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hpsearch.hyperopt.engine.documents import Doc
from hpsearch.hyperopt.engine.domain import Domain
from hpsearch.hyperopt.engine.suggest import suggest_docs
from hpsearch.suggest.auto import Auto, AutoOptions

__all__ = ["suggest"]

_DEFAULTS = AutoOptions()


def suggest(
    new_ids: Sequence[Any],
    domain: Domain,
    trials: Any,
    seed: Any,
    n_startup_jobs: int = _DEFAULTS.n_startup,
) -> list[Doc]:
    """Return a document for each new number; see ``hpsearch.suggest.auto``.

    Parameters
    ----------
    new_ids, domain, trials, seed
        Numbers of the new trials, their space, the known trials, and the seed of the draws.
    n_startup_jobs : int
        Number of finished trials until which points are drawn from the space.
    """
    options = AutoOptions(n_startup=n_startup_jobs)
    return suggest_docs(new_ids, domain, trials, seed, domain.suggester(Auto, options))
