"""Cross-validation on a fleet: ``SearchCV`` leads a search whose workers fit and score the candidates.

The estimator, the data and the splits travel once, by value and signed. A trial is a candidate; its result
has the scores of each split, from which the leading process builds ``cv_results_``.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any

import joblib
import numpy as np
from sklearn.base import clone
from sklearn.model_selection._validation import _fit_and_score

from hpsearch.coordination.coordinator import Coordinator
from hpsearch.coordination.run_loop import run_to_end
from hpsearch.coordination.sent_objective import open_with_payload
from hpsearch.core.experiment import BY_VALUE, Algorithm, Budget, Experiment, ObjectiveRef
from hpsearch.core.trial import Trial
from hpsearch.errors import ConfigurationError
from hpsearch.integrations.sklearn_candidates import candidate
from hpsearch.objective.by_value.envelope import Destination, pack
from hpsearch.objective.by_value.secret import read_secret
from hpsearch.objective.current_trial import current_trial
from hpsearch.runtime.events import Event
from hpsearch.runtime.logs import print_or_log
from hpsearch.runtime.store_uri import uri_of
from hpsearch.space.tree import Space
from hpsearch.store.mongo.patience import Patience
from hpsearch.store.mongo.store import MongoStore
from hpsearch.store.mongo.uri import may_hold_password

#: Key of the splits in a result.
FOLDS = "folds"

#: Seconds in which the database must answer first, and in which running trials may end with the search.
_PATIENCE_S, _GRACE_S = 5.0, 30.0


@dataclass(frozen=True, kw_only=True)
class CrossValidation:
    """The objective of the workers: fits and scores an estimator on each split."""

    estimator: Any
    estimators: Mapping[str, Any]  #: by the names that stand for them in the space
    X: Any  #: samples
    y: Any  #: targets, or None
    splits: Sequence[tuple[Any, Any]]  #: indices for training and testing
    scorer: Any  #: as ``_fit_and_score`` takes it
    metric: str | None  #: the score to maximise; None for the only one
    fit_params: Mapping[str, Any]
    score_params: Mapping[str, Any]
    error_score: Any
    return_train_score: bool

    def candidate(self, config: Any) -> dict[str, Any]:
        """Return the parameters of the estimator for a configuration."""
        return candidate(self.estimator, self.estimators, config)

    def __call__(self, config: Any) -> dict[str, Any]:
        """Return the negative mean score, and what each split gave; reports the mean after each split."""
        parameters = self.candidate(config)
        folds: list[dict[str, Any]] = []
        losses: list[float] = []
        for train, test in self.splits:
            folds.append(
                _fit_and_score(
                    clone(self.estimator),
                    self.X,
                    self.y,
                    scorer=self.scorer,
                    train=train,
                    test=test,
                    verbose=0,
                    parameters=parameters,
                    fit_params=self.fit_params,
                    score_params=self.score_params,
                    return_train_score=self.return_train_score,
                    return_n_test_samples=True,
                    return_times=True,
                    error_score=self.error_score,
                )
            )
            losses.append(-self._score(folds[-1]["test_scores"]))
            current_trial().report(len(folds), float(np.mean(losses)))
        return {"loss": float(np.mean(losses)), FOLDS: folds}

    def _score(self, scores: Any) -> float:
        if not isinstance(scores, Mapping):
            return float(scores)
        if self.metric not in scores:
            raise ValueError(
                f"refit must name the score to maximise, one of {sorted(scores)}, not be {self.metric!r}."
            )
        return float(scores[self.metric])

    def digest(self) -> str:
        """Return a hash of the estimators, the data and the splits, the same in each run of a script."""
        return str(joblib.hash((self.estimator, dict(self.estimators), self.X, self.y, list(self.splits))))


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetSearch:
    """The search whose trials are candidates."""

    store: str | bool | None  #: the URI; True for that of the environment
    exp_key: str | None  #: by default, one that names the estimator and the data
    space: Any
    n_iter: int
    algorithm: str
    seed: int


def search_on_fleet(search: FleetSearch, objective: CrossValidation) -> tuple[Space, list[Trial]]:
    """Lead a search to its end, and return its space and finished trials.

    Parameters
    ----------
    search : FleetSearch
        The search. One of the name with the same objective and space goes on.
    objective : CrossValidation
        What the workers evaluate.

    Raises
    ------
    ConfigurationError
        If there is no secret to sign the objective with, or no database is named.
    ExperimentMismatchError
        If a search of the name has another space, or cross-validates something else.
    """
    uri, secret = _uri(search.store), read_secret(os.environ)
    if secret is None:
        raise ConfigurationError(
            "SearchCV sends the estimator and the data to the workers signed: run "
            "`export HPSEARCH_SECRET=$(openssl rand -hex 32)` here, and give the workers the same secret."
        )
    digest, space = objective.digest(), Space(search.space)
    name = type(objective.estimator).__name__
    with closing(MongoStore.connect(uri, patience=Patience(_PATIENCE_S))) as store:
        wanted = Experiment(
            exp_key=search.exp_key or f"{name}-{digest[:8]}",
            space=space.to_json(),
            space_fingerprint=space.fingerprint,
            objective=ObjectiveRef(
                kind=BY_VALUE, ref=f"SearchCV({name})", digest=digest, nonce=secrets.token_hex(16)
            ),
            algorithm=Algorithm(name=search.algorithm),
            seed=search.seed,
            budget=Budget(max_evals=search.n_iter),
        )
        there = Destination(database=store.database, exp_key=wanted.exp_key)
        experiment = open_with_payload(
            store, wanted, lambda ref: pack(objective, replace(there, nonce=ref.nonce), secret)
        )
        print_or_log(
            f"Searching as {experiment.exp_key}, seed {experiment.seed}; start workers with the same "
            f"HPSEARCH_SECRET:\n  hpsearch worker --exp-key {experiment.exp_key}",
            Event.SEARCHING.of(exp_key=experiment.exp_key, seed=experiment.seed),
        )
        run_to_end(Coordinator(store, experiment, space=space), show=lambda progress: None, grace_s=_GRACE_S)
        return space, [trial for trial in store.trials(experiment.exp_key) if trial.state.is_final]


def _uri(store: str | bool | None) -> str:
    if isinstance(store, str):
        if may_hold_password(store):
            raise ConfigurationError(
                "scikit-learn prints the parameters of SearchCV, so store must have no password; set "
                "HPSEARCH_STORE or HPSEARCH_STORE_FILE, and pass store=True."
            )
        return store
    uri = uri_of(os.environ)
    if uri is None:
        raise ConfigurationError("store=True takes the database from HPSEARCH_STORE or HPSEARCH_STORE_FILE.")
    return uri
