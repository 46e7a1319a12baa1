"""``hpsearch.sklearn.SearchCV``: scikit-learn's interface over a search in memory."""

from __future__ import annotations

import importlib
import pickle
import sys
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

pytest.importorskip("sklearn")

from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.dummy import DummyClassifier
from sklearn.exceptions import FitFailedWarning
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from hpsearch import hp
from hpsearch.core.trial import State
from hpsearch.sklearn import SearchCV

X, Y = load_iris(return_X_y=True)
C = {"C": hp.loguniform("C", -5, 5)}


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FitFailedWarning)
        warnings.simplefilter("ignore", UserWarning)
        yield


def test_a_conditional_pipeline_with_several_estimators_and_scores() -> None:
    models = [
        {"clf": "svc", "clf__C": hp.loguniform("C", -5, 5)},
        {"clf": "knn", "clf__n_neighbors": hp.quniform("k", 1, 30, 1)},
    ]
    space = {"scale__with_mean": hp.choice("with_mean", [True, False]), "model": hp.choice("model", models)}
    search = SearchCV(
        Pipeline([("scale", StandardScaler()), ("clf", DummyClassifier())]),
        space,
        n_iter=12,
        estimators={"svc": SVC(), "knn": KNeighborsClassifier()},
        scoring=["accuracy", "f1_macro"],
        refit="f1_macro",
        random_state=1,
        cv=3,
    ).fit(X, Y)
    results = search.cv_results_
    assert len(results["params"]) == 12
    assert search.best_index_ == np.argmax(results["mean_test_f1_macro"])
    assert "mean_test_accuracy" in results
    kinds = {type(params["clf"]) for params in results["params"]}
    assert kinds == {SVC, KNeighborsClassifier}
    for params in results["params"]:
        assert set(params) - {"clf", "scale__with_mean"} == (
            {"clf__C"} if isinstance(params["clf"], SVC) else {"clf__n_neighbors"}
        )
        assert isinstance(params.get("clf__n_neighbors", 1), int)
    assert isinstance(search.best_estimator_["clf"], type(search.best_params_["clf"]))
    assert search.score(X, Y) > 0.9
    assert {trial.params["model"] for trial in search.trials_} == {"svc", "knn"}
    np.testing.assert_allclose([-trial.loss for trial in search.trials_], results["mean_test_f1_macro"])


def test_the_same_seed_gives_the_same_search_and_a_clone_is_equal() -> None:
    search = SearchCV(SVC(), C, n_iter=4, random_state=3, cv=2)
    first = search.fit(X, Y).cv_results_["param_C"]
    assert list(clone(search).fit(X, Y).cv_results_["param_C"]) == list(first)
    assert list(pickle.loads(pickle.dumps(search)).cv_results_["param_C"]) == list(first)


def test_candidates_without_a_score_are_failed_trials() -> None:
    search = SearchCV(SVC(), {"C": hp.uniform("C", -1, 1)}, n_iter=8, random_state=1, cv=2).fit(X, Y)
    failed = [trial for trial in search.trials_ if trial.state is State.FAILED]
    assert 0 < len(failed) < 8
    assert all(trial.params["C"] <= 0 for trial in failed)
    assert len(search.cv_results_["params"]) == 8 - len(failed)
    assert search.best_params_["C"] > 0


def test_a_candidate_with_a_failed_fold_is_a_failed_trial() -> None:
    def score(estimator: Any, features: Any, _: Any) -> float:
        return float("nan") if estimator.C > 1 and features[0, 0] > 5 else estimator.C

    search = SearchCV(SVC(), C, n_iter=8, scoring=score, random_state=1, cv=2).fit(X, Y)
    states = [trial.state for trial in search.trials_]
    scores = search.cv_results_["mean_test_score"]
    assert [state is State.FAILED for state in states] == list(np.isnan(scores))
    assert 0 < np.isnan(scores).sum() < 8
    assert search.best_params_["C"] <= 1


def test_if_every_candidate_fails_the_reason_is_raised() -> None:
    with pytest.raises(ValueError, match="fits failed"):
        SearchCV(SVC(), {"C": hp.uniform("C", -2, -1)}, n_iter=2, cv=2).fit(X, Y)
    with pytest.raises(ValueError, match="C"):
        SearchCV(SVC(), {"C": hp.uniform("C", -2, -1)}, n_iter=2, cv=2, error_score="raise").fit(X, Y)


def test_candidates_are_evaluated_in_batches() -> None:
    search = SearchCV(DummyClassifier(), {"random_state": hp.randint("s", 100)}, n_iter=7, batch_size=3, cv=2)
    search.fit(X, Y)
    assert len(search.cv_results_["params"]) == len(search.trials_) == 7


@pytest.mark.parametrize(
    ("space", "arguments", "error", "text"),
    [
        (C, {"scoring": ["accuracy", "f1_macro"], "refit": False}, ValueError, "refit must name the score"),
        (C["C"], {}, TypeError, "must be a dict of parameters"),
        ({"C": 1.0, "more": {"C": C["C"]}}, {}, ValueError, "sets the parameter 'C' twice"),
        (C, {"n_iter": 0}, ValueError, "'n_iter' parameter"),
        ({"c": C["C"]}, {}, ValueError, "Invalid parameter 'c'"),
    ],
)
def test_a_wrong_argument_is_one_clear_error(space: Any, arguments: Any, error: Any, text: str) -> None:
    with pytest.raises(error, match=text):
        SearchCV(SVC(), space, cv=2, **{"n_iter": 1, **arguments}).fit(X, Y)


def test_without_scikit_learn_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn", None)
    monkeypatch.delitem(sys.modules, "hpsearch.sklearn")
    with pytest.raises(ImportError, match=r"install hpsearch\[sklearn\]"):
        importlib.import_module("hpsearch.sklearn")
