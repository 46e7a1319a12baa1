"""``HyperoptSearchCV``: a search over the parameters of an estimator, as scikit-learn has them."""

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
    """Search the parameters of an estimator, with cross-validation.

    Parameters
    ----------
    estimator : estimator
        One of scikit-learn's kind.
    space : any
        As for ``fmin``; a configuration is a dict of the estimator's parameters.
    max_evals : int
        Configurations in all, those in the trials of a warm start included.
    trials : Trials, optional
        Where a search with ``warm_start`` goes on.
    algo : callable, optional
        As for ``fmin``.
    warm_start : bool
        Whether another ``fit`` goes on with the trials of the one before.
    scoring : str or callable, optional
        What is maximised; the estimator's own score by default.
    n_jobs, refit, cv, verbose, pre_dispatch, error_score, return_train_score
        As for scikit-learn's ``RandomizedSearchCV``; ``refit`` is True or False.
    random_state : int, Generator, RandomState or None
        The source of randomness of the search.

    Attributes
    ----------
    trials_ : Trials
        What was tried; also those of ``RandomizedSearchCV``: ``cv_results_``, ``best_params_``,
        ``best_score_``, ``best_estimator_``.
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
        """Search, and fit the best estimator to all of the data.

        Parameters
        ----------
        X : (n, k) array-like
            What the estimator learns from.
        y : (n,) or (n, m) array-like, optional
            What it is to predict.
        groups : (n,) array-like, optional
            Samples that the splits keep together.
        **fit_params
            Passed to the ``fit`` of the estimator.

        Raises
        ------
        ValueError
            If ``scoring`` names several metrics, ``refit`` is no bool, or a classifier has only one class.
        """
        self._check(X, y)
        params = fit_params if groups is None else {**fit_params, "groups": groups}
        super().fit(X, y, **params)
        return self

    def _run_search(self, evaluate_candidates: Callable[[list[Any]], Any]) -> None:
        """Search with ``fmin``; each configuration is evaluated on all splits."""

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
                f"scoring must be a name, a callable or None, but it is {self.scoring!r}; "
                "a search has one score."
            )
        if not isinstance(self.refit, bool):
            raise ValueError(  # noqa: TRY004 - scikit-learn's kind for a parameter
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
            raise ValueError("A classifier needs two classes to learn from, but y has only one class.")
