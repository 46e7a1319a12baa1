"""``HyperoptSearchCV`` as an estimator of scikit-learn."""

import contextlib
import subprocess
import sys
from typing import Any
from unittest import SkipTest

import numpy as np
import pytest

from hpsearch.hyperopt import Trials, hp, rand

pytest.importorskip("sklearn")

from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import parametrize_with_checks

from hpsearch.hyperopt.sklearn import HyperoptSearchCV

X, Y = make_classification(60, 5, random_state=0)
SPACE = {"C": hp.loguniform("C", -7, 3), "fit_intercept": hp.choice("fit_intercept", [True, False])}


def search(**keywords: Any) -> Any:
    options = {"max_evals": 4, "random_state": 1, "cv": 2} | keywords
    return HyperoptSearchCV(LogisticRegression(), SPACE, **options)


def test_a_search_has_the_attributes_of_scikit_learns_searches() -> None:
    fitted = search().fit(X, Y)
    assert len(fitted.cv_results_["params"]) == len(fitted.trials_) == 4
    assert fitted.best_params_ == fitted.cv_results_["params"][fitted.best_index_]
    assert fitted.best_score_ == -min(fitted.trials_.losses())
    assert fitted.best_estimator_.get_params()["C"] == fitted.best_params_["C"]
    assert fitted.predict(X).shape == Y.shape
    assert fitted.trials_.trials[0]["result"]["params"] == fitted.cv_results_["params"][0]


def test_a_clone_with_the_same_seed_gives_the_same_search() -> None:
    first, again = search(algo=rand.suggest).fit(X, Y), clone(search(algo=rand.suggest)).fit(X, Y)
    assert first.cv_results_["params"] == again.cv_results_["params"]
    other = search(algo=rand.suggest, random_state=np.random.default_rng(5)).fit(X, Y)
    assert other.cv_results_["params"] != first.cv_results_["params"]


def test_only_a_warm_start_continues_the_previous_fit() -> None:
    trials = Trials()
    warm = search(warm_start=True, trials=trials).fit(X, Y)
    assert warm.trials_ is trials
    warm.set_params(max_evals=6).fit(X, Y)
    assert len(trials) == 6
    cold = search().fit(X, Y)
    before = cold.trials_
    assert len(cold.fit(X, Y).trials_) == 4
    assert cold.trials_ is not before


def test_parameters_of_a_pipeline_can_be_searched() -> None:
    space = {"logisticregression__C": hp.loguniform("C", -7, 3)}
    fitted = HyperoptSearchCV(make_pipeline(LogisticRegression()), space, 3, cv=2, random_state=0).fit(X, Y)
    assert fitted.best_params_.keys() == space.keys()


@pytest.mark.parametrize(
    ("keywords", "sentence"),
    [({"scoring": ["accuracy", "f1"]}, "scoring must be"), ({"refit": "accuracy"}, "refit must be")],
)
def test_unsupported_settings_are_rejected(keywords: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        search(**keywords).fit(X, Y)


@parametrize_with_checks(  # type: ignore[untyped-decorator]
    [HyperoptSearchCV(Ridge(), {"alpha": hp.uniform("alpha", 0, 1)}, 2, random_state=42)]
)
def test_the_estimator_passes_scikit_learns_checks(estimator: Any, check: Any) -> None:
    name = check.func.__name__
    if "predict" not in name and "nan" not in name:
        with contextlib.suppress(SkipTest):  # a check that requires a package or a setting
            check(estimator)


@pytest.mark.long
def test_without_scikit_learn_the_class_says_what_to_install() -> None:
    code = (
        "import sys; sys.modules['sklearn'] = None\n"
        "import hpsearch.hyperopt as h; h.install()\n"
        "import hyperopt.sklearn\n"
        "try:\n from hyperopt.sklearn import HyperoptSearchCV\n"
        "except ImportError as error: print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=200, check=True
    )
    assert "install hpsearch[sklearn]" in done.stdout
