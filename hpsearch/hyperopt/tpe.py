"""Hyperopt's ``tpe``: our Parzen estimator under the names and options that scripts know."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hpsearch.hyperopt.engine.ask import suggest_docs
from hpsearch.hyperopt.engine.documents import Doc, miscs_to_idxs_vals, miscs_update_idxs_vals
from hpsearch.hyperopt.engine.domain import Domain
from hpsearch.hyperopt.pyll.draws import implicit_stochastic
from hpsearch.hyperopt.pyll.symbols import scope
from hpsearch.suggest.tpe.suggest import TPE, TPEOptions

__all__ = [
    "DEFAULT_LF",
    "EPS",
    "implicit_stochastic",
    "miscs_to_idxs_vals",
    "miscs_update_idxs_vals",
    "scope",
    "suggest",
]

_DEFAULTS = TPEOptions()
_default_prior_weight = _DEFAULTS.prior_weight
_default_n_startup_jobs = _DEFAULTS.n_startup
_default_n_EI_candidates = _DEFAULTS.n_candidates  # noqa: N816 - the name that scripts read
#: Hyperopt's: given as ``gamma``, its rule holds instead of our own.
_default_gamma = 0.25
#: The newest trials that Hyperopt weighs alike, and the least positive number that it divides by.
_default_linear_forgetting = DEFAULT_LF = 25
EPS = 1e-12


def suggest(
    new_ids: Sequence[Any],
    domain: Domain,
    trials: Any,
    seed: Any,
    prior_weight: float = _default_prior_weight,
    n_startup_jobs: int = _default_n_startup_jobs,
    n_EI_candidates: int = _default_n_EI_candidates,  # noqa: N803 - the name that scripts pass
    gamma: float | None = None,
    verbose: bool = True,
) -> list[Doc]:
    """Return a document for each new number, with a point where good trials are dense.

    Parameters
    ----------
    new_ids, domain, trials, seed
        See ``ask.suggest_docs``.
    prior_weight : float
        Weight of the prior, in observations.
    n_startup_jobs : int
        Finished trials before which points are drawn from the prior.
    n_EI_candidates : int
        Points that are drawn and compared for each suggestion.
    gamma : float, optional
        Of ``n`` finished trials, ``ceil(gamma sqrt(n))``, at most 25, count as good, which
        is Hyperopt's rule. By default our own holds: a tenth of them.
    verbose : bool
        Accepted for compatibility.
    """
    options = TPEOptions(
        prior_weight=prior_weight,
        n_startup=n_startup_jobs,
        n_candidates=int(n_EI_candidates),
        gamma=_DEFAULTS.gamma if gamma is None else gamma,
        growth=_DEFAULTS.growth if gamma is None else "sqrt",
    )
    return suggest_docs(new_ids, domain, trials, seed, domain.suggester(TPE, options))
