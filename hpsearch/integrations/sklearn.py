"""``SearchCV``: a search over the parameters of an estimator, in place of ``RandomizedSearchCV``.

scikit-learn's ``BaseSearchCV`` fits and scores batches of candidates, and builds ``cv_results_``. This class
asks a search in memory for the candidates, and tells it their scores. With a store, it leads a search on a
fleet instead.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from numbers import Integral
from typing import Any, ClassVar

import joblib
import numpy as np
from sklearn.base import _fit_context, clone, is_classifier
from sklearn.model_selection import check_cv
from sklearn.model_selection._search import BaseSearchCV
from sklearn.model_selection._validation import _insert_error_scores, _warn_or_raise_about_fit_failures
from sklearn.utils import check_random_state, indexable
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import _check_method_params

import hpsearch
from hpsearch.asktell.asked_trial import AskedTrial
from hpsearch.asktell.search import Search
from hpsearch.core.trial import Trial
from hpsearch.integrations.sklearn_candidates import candidate
from hpsearch.integrations.sklearn_fleet import FOLDS, CrossValidation, FleetSearch, search_on_fleet

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
    store : str or bool, optional
        The MongoDB of a fleet whose workers fit and score the candidates: a URI without a password, or True
        for that of ``HPSEARCH_STORE`` or ``HPSEARCH_STORE_FILE``. The estimators and the data are sent to the
        workers, signed by ``HPSEARCH_SECRET``; at most 64 MB. By default, this process evaluates.
    exp_key : str, optional
        Name of the search on the fleet. By default, it names the estimator and a hash of the data and the
        splits, so that the same script goes on with its search.
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
        "store": [str, bool, None],
        "exp_key": [str, None],
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
        store: str | bool | None = None,
        exp_key: str | None = None,
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
        self.store, self.exp_key = store, exp_key

    def fit(self, X: Any, y: Any = None, **params: Any) -> SearchCV:  # noqa: N803 - scikit-learn's name
        """Search, and fit the best estimator to all data.

        Parameters
        ----------
        X : array-like
            Samples.
        y : array-like, optional
            Targets.
        **params
            For ``fit`` of the estimator, the scorer and the splitter.
        """
        if self.store:
            self._fit_on_fleet(X, y, params)
        else:
            super().fit(X, y, **params)
        return self

    @_fit_context(prefer_skip_nested_validation=False)  # type: ignore[untyped-decorator]
    def _fit_on_fleet(self, X: Any, y: Any, params: Mapping[str, Any]) -> None:  # noqa: N803
        """Fit as ``BaseSearchCV.fit`` does, with the scores of a search on a fleet."""
        scorers, refit_metric = self._get_scorers()
        X, y = indexable(X, y)  # noqa: N806
        routed = self._get_routed_params_for_fit(_check_method_params(X, params=params))
        cv = check_cv(self.cv, y, classifier=is_classifier(self.estimator))
        validation = CrossValidation(
            estimator=clone(self.estimator),
            estimators=self.estimators or {},
            X=X,
            y=y,
            splits=list(cv.split(X, y, **routed.splitter.split)),
            scorer=scorers,
            metric=self.refit if isinstance(self.refit, str) else None,
            fit_params=routed.estimator.fit,
            score_params=routed.scorer.score,
            error_score=self.error_score,
            return_train_score=self.return_train_score,
        )
        self.n_splits_ = len(validation.splits)
        space, self.trials_ = search_on_fleet(
            FleetSearch(
                store=self.store,
                exp_key=self.exp_key,
                space=self.space,
                n_iter=self.n_iter,
                algorithm=self.algorithm,
                seed=self._seed(),
            ),
            validation,
        )
        scored = [trial for trial in self.trials_ if FOLDS in trial.result]
        if not scored:
            raise ValueError(f"No candidate has a score: {_first_failure(self.trials_)}")
        folds = [dict(fold) for trial in scored for fold in trial.result[FOLDS]]
        _warn_or_raise_about_fit_failures(folds, self.error_score)
        if callable(self.scoring):
            _insert_error_scores(folds, self.error_score)
        candidates = [validation.candidate(space.config(trial.values)) for trial in scored]
        self.multimetric_ = isinstance(folds[0]["test_scores"], Mapping)
        if callable(self.scoring) and self.multimetric_:
            self._check_refit_for_multimetric(folds[0]["test_scores"])
            refit_metric = self.refit
        self.cv_results_ = self._format_results(candidates, self.n_splits_, folds)
        self.scorer_ = getattr(scorers, "_scorers", scorers)
        self._choose(refit_metric)
        if self.refit:
            self._refit(X, y, routed.estimator.fit)

    def _choose(self, metric: str) -> None:
        """Set what describes the best candidate."""
        if self.refit or not self.multimetric_:
            self.best_index_ = self._select_best_index(self.refit, metric, self.cv_results_)
            self.best_params_ = self.cv_results_["params"][self.best_index_]
            if not callable(self.refit):
                self.best_score_ = self.cv_results_[f"mean_test_{metric}"][self.best_index_]

    def _refit(self, X: Any, y: Any, fit_params: Mapping[str, Any]) -> None:  # noqa: N803
        """Fit the best candidate to all data."""
        started = time.time()
        self.best_estimator_ = clone(self.estimator).set_params(**clone(self.best_params_, safe=False))
        self.best_estimator_.fit(*((X,) if y is None else (X, y)), **fit_params)
        self.refit_time_ = time.time() - started
        if hasattr(self.best_estimator_, "feature_names_in_"):
            self.feature_names_in_ = self.best_estimator_.feature_names_in_

    def _seed(self) -> int:
        return int(check_random_state(self.random_state).randint(np.iinfo(np.int32).max))

    def _run_search(self, evaluate_candidates: Callable[[list[dict[str, Any]]], Mapping[str, Any]]) -> None:
        """Ask for candidates and tell their scores until ``n_iter`` of them are evaluated."""
        n_jobs = joblib.effective_n_jobs(self.n_jobs)
        # scikit-learn 1.5 counts the splits only after the search.
        size = self.batch_size or math.ceil(n_jobs / getattr(self, "n_splits_", 1))
        failure: ValueError | None = None
        n_scored = 0
        with hpsearch.open(
            space=self.space, max_evals=self.n_iter, algo=self.algorithm, seed=self._seed(), lease=_LEASE_S
        ) as search:
            for asked in _batches(search, self.n_iter, size):
                try:
                    results = evaluate_candidates(
                        [candidate(self.estimator, self.estimators or {}, trial.config) for trial in asked]
                    )
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


def _first_failure(trials: Sequence[Trial]) -> str:
    return next((trial.error.text for trial in trials if trial.error is not None), "no trial was evaluated")
