"""``SearchCV``: a search over the parameters of an estimator, in place of ``RandomizedSearchCV``.

scikit-learn's ``BaseSearchCV`` fits and scores batches of candidates, and builds ``cv_results_``. This class
asks a search in memory for the candidates, and tells it their scores.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from numbers import Integral
from typing import Any, ClassVar

import joblib
import numpy as np
from sklearn.base import clone
from sklearn.model_selection._search import BaseSearchCV
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval

import hpsearch
from hpsearch.asktell.asked_trial import AskedTrial
from hpsearch.asktell.search import Search

#: Seconds that a batch may take; nothing else asks this search.
_LEASE_S = 30 * 86_400.0

#: In scikit-learn's message when every fit of a batch raised and ``error_score`` is a number.
_ALL_FAILED = "fits failed"


class SearchCV(BaseSearchCV):  # type: ignore[misc]
    """Search the parameters of an estimator by cross-validation.

    Each candidate is suggested from the scores of all earlier ones. Otherwise it behaves as scikit-learn's
    ``RandomizedSearchCV``.

    Parameters
    ----------
    estimator : estimator
        A scikit-learn estimator, such as a pipeline.
    space : any
        A search space whose configurations are dicts of the estimator's parameters. A dict in such a dict, as
        an option of a choice is, contributes its items: ``{"model": hp.choice("model", [{"clf": "svc",
        "clf__C": hp.loguniform("C", -5, 5)}, {"clf": "knn"}])}`` sets ``clf__C`` only for ``"svc"``.
    n_iter : int
        Number of candidates.
    estimators : mapping of str to estimator, optional
        Estimators by the names that stand for them in ``space``.
    algorithm : str
        Algorithm that suggests candidates: "auto", "tpe", "random" or another of ``hpsearch run --algo``.
    batch_size : int, optional
        Candidates that are suggested and evaluated together. By default as few as give work to all jobs.
    scoring : str, callable, list, tuple or dict, optional
        Score to maximise; by default that of the estimator. Of several, ``refit`` names it.
    n_jobs : int, optional
        Parallel jobs over candidates and splits.
    refit : bool, str or callable
        Whether to fit the best estimator to all data. With several scores, the name of the score to maximise.
    cv, verbose, pre_dispatch : any
        As in ``RandomizedSearchCV``.
    random_state : int, RandomState or None
        Source of randomness of the search.
    error_score, return_train_score : any
        As in ``RandomizedSearchCV``. A candidate without a score never counts as good.

    Attributes
    ----------
    trials_ : list of Trial
        The trials of the search, with ``params`` by label; ``loss`` is the negative score.
    cv_results_, best_estimator_, best_params_, best_score_, best_index_ : any
        As in ``RandomizedSearchCV``. A candidate of which every fit failed is in ``trials_``, but not in
        ``cv_results_``.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.svm import SVC
    >>> from hpsearch import hp
    >>> from hpsearch.sklearn import SearchCV
    >>> X, y = load_iris(return_X_y=True)
    >>> search = SearchCV(SVC(), {"C": hp.loguniform("C", -5, 5)}, n_iter=10, random_state=1).fit(X, y)
    >>> search.best_score_ > 0.9
    True
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **BaseSearchCV._parameter_constraints,  # noqa: SLF001 - how scikit-learn's subclasses extend it
        "n_iter": [Interval(Integral, 1, None, closed="left")],
        "estimators": [Mapping, None],
        "algorithm": [str],
        "batch_size": [Interval(Integral, 1, None, closed="left"), None],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        estimator: Any,
        space: Any,
        *,
        n_iter: int = 50,
        estimators: Mapping[str, Any] | None = None,
        algorithm: str = "auto",
        batch_size: int | None = None,
        scoring: Any = None,
        n_jobs: int | None = None,
        refit: Any = True,
        cv: Any = None,
        verbose: int = 0,
        pre_dispatch: int | str = "2*n_jobs",
        random_state: Any = None,
        error_score: Any = np.nan,
        return_train_score: bool = False,
    ) -> None:
        super().__init__(
            estimator=estimator,
            scoring=scoring,
            n_jobs=n_jobs,
            refit=refit,
            cv=cv,
            verbose=verbose,
            pre_dispatch=pre_dispatch,
            error_score=error_score,
            return_train_score=return_train_score,
        )
        self.space, self.n_iter, self.estimators = space, n_iter, estimators
        self.algorithm, self.batch_size, self.random_state = algorithm, batch_size, random_state

    def _run_search(self, evaluate_candidates: Callable[[list[dict[str, Any]]], Mapping[str, Any]]) -> None:
        """Ask for candidates and tell their scores until ``n_iter`` of them are evaluated."""
        n_jobs = joblib.effective_n_jobs(self.n_jobs)
        size = self.batch_size or math.ceil(n_jobs / self.n_splits_)
        seed = int(check_random_state(self.random_state).randint(np.iinfo(np.int32).max))
        failure: ValueError | None = None
        n_scored = 0
        with hpsearch.open(
            space=self.space, max_evals=self.n_iter, algo=self.algorithm, seed=seed, lease=_LEASE_S
        ) as search:
            for asked in _batches(search, self.n_iter, size):
                try:
                    results = evaluate_candidates([self._candidate(trial.config) for trial in asked])
                except ValueError as error:
                    if _ALL_FAILED not in str(error):
                        raise
                    failure = error
                    scores = [math.nan] * len(asked)
                else:
                    scores = self._scores(results)[n_scored:]
                    n_scored += len(asked)
                for trial, score in zip(asked, scores, strict=True):
                    _tell(trial, float(score))
            self.trials_ = list(search.trials())
        if n_scored == 0 and failure is not None:
            raise failure

    def _scores(self, results: Mapping[str, Any]) -> Any:
        """Return the score of each candidate so far."""
        name = f"mean_test_{self.refit}" if isinstance(self.refit, str) else "mean_test_score"
        if name not in results:
            scores = sorted(key.removeprefix("mean_test_") for key in results if key.startswith("mean_test_"))
            raise ValueError(
                f"refit must name the score to maximise, one of {scores}, not be {self.refit!r}."
            )
        return results[name]

    def _candidate(self, config: Any) -> dict[str, Any]:
        """Return the parameters of the estimator for a configuration of the space."""
        if not isinstance(config, Mapping):
            raise TypeError(f"A configuration of the space must be a dict of parameters, not {config!r}.")
        chosen = dict[str, Any]()
        for name, value in _flat(config):
            if name in chosen:
                raise ValueError(f"The space sets the parameter {name!r} twice in one configuration.")
            chosen[name] = value
        named = self.estimators or {}
        parts = {k: clone(named[v]) for k, v in chosen.items() if isinstance(v, str) and v in named}
        defaults = clone(self.estimator).set_params(**parts).get_params()
        return {
            name: parts.get(name, _as_default(value, defaults.get(name))) for name, value in chosen.items()
        }


def _batches(search: Search, n_iter: int, size: int) -> Iterator[list[AskedTrial]]:
    """Yield the trials of a search in batches, until there are ``n_iter`` or the space has no more points."""
    n_asked = 0
    while n_asked < n_iter:
        asked = [trial for _ in range(min(size, n_iter - n_asked)) if (trial := search.ask()) is not None]
        if not asked:
            return
        yield asked
        n_asked += len(asked)


def _tell(trial: AskedTrial, score: float) -> None:
    if math.isnan(score):
        trial.tell(failed="the score is NaN")
    else:
        trial.tell(-score)


def _flat(config: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the parameters of a configuration; dicts contribute their items."""
    for name, value in config.items():
        if isinstance(value, Mapping):
            yield from _flat(value)
        else:
            yield name, value


def _as_default(value: Any, default: Any) -> Any:
    """Return an integral float as an integer where the estimator's default is one, as ``quniform`` needs."""
    is_whole = isinstance(value, float) and value.is_integer()
    takes_integer = isinstance(default, Integral) and not isinstance(default, bool)
    return int(value) if is_whole and takes_integer else value
