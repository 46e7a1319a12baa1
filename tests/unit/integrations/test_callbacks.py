"""Callbacks for training libraries; ``scripts/compat callbacks`` trains with the real ones."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest

from hpsearch.core.trial import Report
from hpsearch.errors import ConfigurationError
from hpsearch.integrations import callbacks
from hpsearch.objective.current_trial import CurrentTrial, under_evaluation

#: What CatBoost, whose callbacks are plain objects, passes after its third iteration.
INFO = SimpleNamespace(
    iteration=3,
    metrics={"learn": {"RMSE": [3.0, 2.0, 1.0]}, "validation": {"MAE": [9.0], "RMSE": [3.0, 2.5]}},
)


@pytest.mark.parametrize(("chosen", "value"), [({}, 2.5), ({"metric": "MAE"}, 9.0), ({"data": "learn"}, 1.0)])
def test_the_chosen_metric_is_reported(chosen: dict[str, str], value: float) -> None:
    reports: list[Report] = []
    with under_evaluation(CurrentTrial(on_report=reports.append)):
        assert callbacks.catboost(**chosen).after_iteration(INFO)
    assert reports == [Report(step=3, value=value)]


@pytest.mark.parametrize(
    ("chosen", "words"),
    [
        ({"metric": "RMES"}, "no metric 'RMES' .did you mean 'RMSE'.*; there are: MAE, RMSE"),
        ({"data": "test"}, "no data set 'test'; there are: learn, validation"),
    ],
)
def test_a_metric_that_is_not_measured_is_an_error(chosen: dict[str, str], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        callbacks.catboost(**chosen).after_iteration(INFO)


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keras", None)
    monkeypatch.setitem(sys.modules, "keras.callbacks", None)
    with pytest.raises(ConfigurationError, match="needs keras: install it"):
        callbacks.keras()
