"""Hyperopt's ``tpe``: our Parzen estimator under Hyperopt's names and options."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hpsearch.hyperopt.engine.documents import Doc, miscs_to_idxs_vals, miscs_update_idxs_vals
from hpsearch.hyperopt.engine.domain import Domain
from hpsearch.hyperopt.engine.suggest import suggest_docs
from hpsearch.hyperopt.pyll.draws import implicit_stochastic
from hpsearch.hyperopt.pyll.symbols import scope
from hpsearch.suggest.tpe.branches import BranchTPE
from hpsearch.suggest.tpe.suggest import TPEOptions

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
#: Hyperopt's default; passing any ``gamma`` selects Hyperopt's rule.
_default_gamma = 0.25
#: Hyperopt's number of newest trials with equal weight, and its smallest divisor; not used here.
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
    """Return a document for each new number, with the most promising of several candidates.

    The method is that of ``hpsearch.suggest.tpe`` (Bergstra et al. 2011, section 4).

    Parameters
    ----------
    new_ids, domain, trials, seed
        Numbers of the new trials, their space, the known trials, and the seed of the draws.
    prior_weight : float
        Weight of the prior, in observations; positive.
    n_startup_jobs : int
        Number of finished trials until which points are drawn from the space.
    n_EI_candidates : int
        Candidates drawn for each suggestion.
    gamma : float, optional
        Use Hyperopt's rule: ``ceil(gamma sqrt(n))`` of ``n`` finished trials, at most 25, are good.
        By default a tenth of them is good.
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
    return suggest_docs(new_ids, domain, trials, seed, domain.suggester(BranchTPE, options))
