"""``HyperoptSearchCV``: a search over the parameters of an estimator, with scikit-learn's interface."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.base import is_classifier
from sklearn.model_selection._search import BaseSearchCV
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_array, column_or_1d

from hpsearch.hyperopt.engine.documents import Doc
from hpsearch.hyperopt.engine.trials import Trials
from hpsearch.hyperopt.fmin import fmin
from hpsearch.objective.evaluation import STATUS_FAIL, STATUS_OK


class HyperoptSearchCV(BaseSearchCV):  # type: ignore[misc]
    """Search the parameters of an estimator with cross-validation.

    Parameters
    ----------
    estimator : estimator
        A scikit-learn estimator.
    space : any
        A space as for ``fmin``, whose configurations are dicts of the estimator's parameters.
    max_evals : int
        Total number of configurations, including those of a warm start.
    trials : Trials, optional
        Trials that the first ``fit`` with ``warm_start`` continues.
    algo : callable, optional
        An algorithm as for ``fmin``.
    warm_start : bool
        Whether ``fit`` continues the trials of the previous ``fit``.
    scoring : str or callable, optional
        Score to maximise; by default that of the estimator.
    n_jobs : int, optional
        Parallel jobs over the splits, as in scikit-learn's ``RandomizedSearchCV``.
    refit : bool
        Whether to fit the best estimator to all data.
    cv, verbose, pre_dispatch : any
        As in ``RandomizedSearchCV``.
    random_state : int, Generator, RandomState or None
        Source of randomness of the search.
    error_score, return_train_score : any
        As in ``RandomizedSearchCV``.

    Attributes
    ----------
    trials_ : Trials
        The trials. ``cv_results_``, ``best_params_``, ``best_score_`` and ``best_estimator_`` are those of
        ``RandomizedSearchCV``.
    """

    _required_parameters = ("estimator", "space", "max_evals")

    def __init__(
        self,
        estimator: Any,
        space: Any,
        max_evals: int,
        trials: Any = None,
        algo: Callable[..., Any] | None = None,
        warm_start: bool = False,
        scoring: Any = None,
        n_jobs: int | None = None,
        refit: bool = True,
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
        self.space, self.max_evals, self.trials, self.algo = space, max_evals, trials, algo
        self.warm_start, self.random_state = warm_start, random_state

    def fit(self, X: Any, y: Any = None, groups: Any = None, **fit_params: Any) -> HyperoptSearchCV:  # noqa: N803
        """Search, and fit the best estimator to all data.

        Parameters
        ----------
        X : (n, k) array-like
            Samples.
        y : (n,) or (n, m) array-like, optional
            Targets.
        groups : (n,) array-like, optional
            Group of each sample; splits keep groups together.
        **fit_params
            Passed to the ``fit`` of the estimator.

        Raises
        ------
        ValueError
            If ``scoring`` has several metrics, ``refit`` is not a bool, or ``y`` has one class.
        """
        self._check(X, y)
        params = fit_params if groups is None else {**fit_params, "groups": groups}
        super().fit(X, y, **params)
        return self

    def _run_search(self, evaluate_candidates: Callable[[list[Any]], Any]) -> None:
        """Search with ``fmin``; evaluate each configuration on all splits."""

        def objective(config: Any) -> Doc:
            score = float(evaluate_candidates([config])["mean_test_score"][-1])
            status = STATUS_FAIL if np.isnan(score) else STATUS_OK
            return {"loss": -score, "params": config, "status": status}

        if not self.warm_start:
            self.trials_ = Trials()
        elif not hasattr(self, "trials_"):
            self.trials_ = Trials() if self.trials is None else self.trials
        fmin(
            objective,
            self.space,
            algo=self.algo,
            max_evals=self.max_evals,
            rstate=self.random_state,
            trials=self.trials_,
            return_argmin=False,
            show_progressbar=self.verbose > 0,
        )

    def _check(self, X: Any, y: Any) -> None:  # noqa: N803
        if self.scoring is not None and not isinstance(self.scoring, str) and not callable(self.scoring):
            raise ValueError(
                f"scoring must be a name, a callable or None, since a search has one score, but it is "
                f"{self.scoring!r}."
            )
        if not isinstance(self.refit, bool):
            raise ValueError(  # noqa: TRY004 - scikit-learn's type for an invalid parameter
                f"refit must be True or False, but it is {self.refit!r}."
            )
        check_array(X, accept_sparse=True)
        if y is None:
            return
        if not is_classifier(self.estimator):
            check_array(column_or_1d(y, warn=True), ensure_2d=False, dtype=None, input_name="y")
            return
        y = check_array(y, accept_sparse="csr", ensure_2d=False, dtype=None, input_name="y")
        check_classification_targets(y)
        if len(np.unique(y)) < 2:
            raise ValueError("A classifier needs at least two classes, but y has only one class.")
