"""What the best tenth of the trials have in common."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hpsearch import hp
from hpsearch.core.history import History
from hpsearch.report.numbers.good_trials import good_trial_scores
from hpsearch.space.tree import Space
from tests.support.histories import history

#: Scores of Optuna 5, by ``scripts/compat/importance_data.py``.
STUDIES = json.loads((Path(__file__).parent / "data" / "optuna_importance.json").read_text())

OPTIONS = {"k": "abcdef", "m": ["svm", "mlp"]}


def conditional() -> Any:
    mlp = [hp.loguniform("lr", math.log(1e-5), 0), hp.randint("layers", 1, 6)]
    svm = hp.loguniform("C", math.log(1e-3), math.log(1e3))
    return [hp.choice("m", [svm, mlp]), hp.uniform("drop", 0, 0.5)]


SPACES: dict[str, Any] = {
    "flat": [
        hp.uniform("x", -2, 3), hp.loguniform("lr", math.log(1e-5), 0), hp.choice("k", list("abc")),
        hp.randint("n", 1, 9), hp.quniform("q", 0, 10, 0.5),
    ],
    "conditional": conditional(),
    "ten": [
        *(hp.uniform(f"x{i}", 0, 1) for i in range(8)),
        hp.qloguniform("width", 0, math.log(300), 1), hp.choice("k", list("abcdef")),
    ],
}  # fmt: skip


def searched(name: str) -> tuple[History, dict[str, float]]:
    """Return a study as a history, and Optuna's scores."""
    study = STUDIES[name]
    points = [
        {
            label: OPTIONS[label].index(value) if label in OPTIONS else value
            for label, value in zip(study["labels"], row, strict=True)
            if value is not None
        }
        for row, _ in study["trials"]
    ]
    losses = [math.inf if loss is None else loss for _, loss in study["trials"]]
    space = Space(SPACES[name.partition(",")[0]])
    return history(space, points, losses), dict(zip(study["labels"], study["scores"], strict=True))


@pytest.mark.parametrize("name", STUDIES)
def test_the_scores_are_those_of_optuna(name: str) -> None:
    trials, expected = searched(name)
    scores = good_trial_scores(trials)
    total = sum(expected.values())
    for parameter, score in zip(trials.space.parameters, scores, strict=True):
        assert score == pytest.approx(expected[parameter.label], rel=1e-12, abs=0)
        assert score / scores.sum() == pytest.approx(expected[parameter.label] / total, abs=1e-12)


def test_a_monotone_transformation_of_the_loss_changes_nothing() -> None:
    trials, _ = searched("flat, tpe")
    points = [
        dict(zip((p.label for p in trials.space.parameters), row, strict=True)) for row in trials.values
    ]
    again = history(trials.space, points, np.exp(trials.losses))
    assert good_trial_scores(again).tolist() == good_trial_scores(trials).tolist()


def test_few_trials_have_no_score_and_normal_parameters_have_one() -> None:
    space = Space([hp.normal("x", 0, 1), hp.qlognormal("n", 1, 1, 1)])
    assert good_trial_scores(history(space, [{"x": 0.0, "n": 1.0}], [1.0])).tolist() == [0.0, 0.0]
    points = [{"x": (i - 50) / 10, "n": float(i % 7)} for i in range(100)]
    scores = good_trial_scores(history(space, points, [abs(point["x"] - 1) for point in points]))
    assert scores[0] > 5 * scores[1] > 0
