"""``SearchCV`` passes scikit-learn's own checks of estimators.

Before 1.6, scikit-learn cannot be given the checks that are expected to fail.
"""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("sklearn", minversion="1.6")

from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.utils.estimator_checks import parametrize_with_checks

from hpsearch import hp
from hpsearch.sklearn import SearchCV

#: The check that scikit-learn expects ``RandomizedSearchCV`` to fail, too, with its reason.
EXPECTED_FAILURES = {"check_supervised_y_2d": "DataConversionWarning not caught"}


pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.FitFailedWarning", "ignore::UserWarning")


@parametrize_with_checks(
    [SearchCV(Ridge(), {"alpha": hp.loguniform("alpha", -5, 5)}, n_iter=1, algorithm="random", cv=2)],
    expected_failed_checks=lambda _: EXPECTED_FAILURES,
)  # type: ignore[untyped-decorator]
def test_it_passes_the_checks_of_regressors(estimator: Any, check: Any) -> None:
    check(estimator)


@pytest.mark.long
@parametrize_with_checks(
    [
        SearchCV(
            LogisticRegression(),
            {"C": hp.loguniform("C", -5, 5)},
            n_iter=2,
            algorithm="random",
            cv=2,
            random_state=0,
        )
    ],
    expected_failed_checks=lambda _: EXPECTED_FAILURES,
)  # type: ignore[untyped-decorator]
def test_it_passes_the_checks_of_classifiers(estimator: Any, check: Any) -> None:
    check(estimator)
