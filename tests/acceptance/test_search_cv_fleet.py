"""``SearchCV(store=...)`` with two real workers."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("sklearn")

from sklearn.datasets import load_iris
from sklearn.model_selection import StratifiedKFold, cross_validate
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from hpsearch import hp
from hpsearch.errors import ConfigurationError
from hpsearch.sklearn import SearchCV
from tests.support.fleet import Fleet
from tests.support.payloads import SECRET

X, Y = load_iris(return_X_y=True)
MODELS = [
    {"clf": "svc", "clf__C": hp.loguniform("C", -5, 5)},
    {"clf": "knn", "clf__n_neighbors": hp.quniform("n_neighbors", 1, 15, 1)},
]


def search(**settings: object) -> SearchCV:
    return SearchCV(
        Pipeline([("scale", StandardScaler()), ("clf", SVC())]),
        {"model": hp.choice("model", MODELS)},
        **{
            "n_iter": 6,
            "estimators": {"svc": SVC(), "knn": KNeighborsClassifier()},
            "algorithm": "random",
            "cv": StratifiedKFold(3, shuffle=True, random_state=0),
            "scoring": ["accuracy", "f1_macro"],
            "refit": "f1_macro",
            "random_state": 1,
            "store": True,
            **settings,
        },
    )


def test_workers_evaluate_the_candidates(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HPSEARCH_STORE", fleet.uri)
    monkeypatch.setenv("HPSEARCH_SECRET", SECRET)
    for _ in range(2):
        fleet.worker(HPSEARCH_SECRET=SECRET)

    found = search(exp_key="iris").fit(X, Y)

    trials = fleet.trials("iris")
    assert len({trial.worker.name for trial in trials}) == 2
    assert len(trials) == len(found.cv_results_["params"]) == 6
    assert [len(trial.reports) for trial in trials] == [3] * 6
    # The scores are those of cross-validation here.
    best = found.cv_results_["params"][found.best_index_]
    here = cross_validate(
        found.estimator.set_params(**best), X, Y, cv=found.cv, scoring=["accuracy", "f1_macro"]
    )
    for name in ("accuracy", "f1_macro"):
        there = [found.cv_results_[f"split{i}_test_{name}"][found.best_index_] for i in range(3)]
        np.testing.assert_allclose(there, here[f"test_{name}"])
    assert found.best_score_ == pytest.approx(-min(trial.loss for trial in trials))
    assert found.predict(X).shape == Y.shape

    again = search(exp_key="iris", n_iter=7).fit(X, Y)  # goes on where it ended
    assert [trial.tid for trial in again.trials_] == list(range(7))
    assert again.trials_[:6] == found.trials_


def test_what_is_missing_is_said_before_anything_is_stored(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HPSEARCH_STORE", "HPSEARCH_STORE_FILE", "HPSEARCH_SECRET", "HPSEARCH_SECRET_FILE"):
        monkeypatch.delenv(name, raising=False)
    for settings, words in (
        ({}, "HPSEARCH_STORE or HPSEARCH_STORE_FILE"),
        ({"store": "mongodb://me:hunter2@db.example/x"}, "store must have no password"),
        ({"store": "mongodb://db.example/x"}, "export HPSEARCH_SECRET"),
    ):
        with pytest.raises(ConfigurationError, match=words) as refused:
            search(**settings).fit(X, Y)
        assert "hunter2" not in str(refused.value)
