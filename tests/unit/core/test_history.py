"""Finished trials as arrays."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hpsearch import hp
from hpsearch.core.history import History
from hpsearch.core.stopping.forecast import Forecast
from hpsearch.core.trial import State, Trial
from hpsearch.space.tree import Space, Values
from tests.support.declared_outcomes import declared

SPACE = Space({"a": hp.uniform("a", 0, 1), "c": hp.choice("c", [0, hp.randint("y", 5)])})
COLUMN = {parameter.label: j for j, parameter in enumerate(SPACE.parameters)}


def trial(values: Values, state: State = State.DONE, loss: float | None = 1.0) -> Trial:
    """Return a finished trial."""
    return Trial(exp_key="e", tid=0, values=values, state=state, loss=loss)


def test_rows_keep_their_order_as_the_history_grows() -> None:
    history = History(SPACE)
    for i in range(100):
        history.add(trial({"a": i / 100, "c": 0}, loss=float(i)))
    assert len(history) == 100
    assert history.losses.tolist() == [float(i) for i in range(100)]
    assert history.values[:, COLUMN["a"]].tolist() == [i / 100 for i in range(100)]


def test_inactive_parameters_are_zero_and_masked() -> None:
    history = History(SPACE)
    history.add(trial({"a": 0.5, "c": 0}))
    history.add(trial({"a": 0.5, "c": 1, "y": 3}))
    assert history.active[:, COLUMN["y"]].tolist() == [False, True]
    assert history.values[:, COLUMN["y"]].tolist() == [0, 3]
    assert history.active[:, [COLUMN["a"], COLUMN["c"]]].all()


@pytest.mark.parametrize(
    ("state", "loss"),
    [(State.FAILED, None), (State.FAILED, -100.0), (State.DONE, np.nan), (State.DONE, None)],
)
def test_a_trial_without_a_valid_loss_has_nan(state: State, loss: float | None) -> None:
    history = History(SPACE)
    history.add(trial({"a": 0.5, "c": 0}, state=state, loss=loss))
    assert np.isnan(history.losses).tolist() == [True]


@pytest.mark.parametrize("loss", [np.inf, -np.inf, 1e300, 0.0])
def test_every_other_loss_is_kept(loss: float) -> None:
    history = History(SPACE)
    history.add(trial({"a": 0.5, "c": 0}, loss=loss))
    assert history.losses.tolist() == [loss]


def test_a_space_without_parameters_still_counts_its_trials() -> None:
    history = History(Space({"fixed": 1}))
    for _ in range(40):
        history.add(trial({}))
    assert history.values.shape == (40, 0)
    assert len(history.losses) == 40


def test_a_reordered_history_has_the_given_rows_and_can_grow() -> None:
    history = History(SPACE)
    for i in range(20):
        history.add(trial({"a": i / 20, "c": 1, "y": i % 5}, loss=float(i)))
    order = np.random.default_rng(0).permutation(20)
    turned = history.reordered(order)
    turned.add(trial({"a": 0.5, "c": 0}, loss=20.0))
    assert turned.losses.tolist() == [*order, 20.0]
    assert turned.values[:20].tolist() == history.values[order].tolist()
    assert turned.active[:20].tolist() == history.active[order].tolist()
    assert len(history) == 20


def test_pruned_trials_have_predicted_losses_in_a_new_history_and_measured_ones_stay() -> None:
    history = History(SPACE)
    history.add(trial({"a": 0.1, "c": 0}, loss=2.0))
    for tid in (7, 8):
        history.add(replace(trial({"a": 0.2, "c": 0}, state=State.PRUNED), tid=tid))
    forecasts = {0: Forecast(loss=9.0, upper=9.5), 7: Forecast(loss=3.0, upper=3.0)}
    predicted = history.with_predicted(forecasts)
    assert np.array_equal(predicted.losses, [2.0, 3.0, np.nan], equal_nan=True)
    assert np.array_equal(predicted.measured, [2.0, np.nan, np.nan], equal_nan=True)
    assert np.array_equal(history.losses, [2.0, np.nan, np.nan], equal_nan=True)


def test_predictions_follow_their_trials_when_rows_are_reordered() -> None:
    history = History(SPACE)
    history.add(replace(trial({"a": 0.2, "c": 0}, state=State.PRUNED), tid=7))
    history.add(trial({"a": 0.1, "c": 0}, loss=2.0))
    reordered = history.reordered(np.array([1, 0]))
    assert reordered.with_predicted({7: Forecast(loss=3.0, upper=4.0)}).uppers.tolist() == [2.0, 4.0]


def test_a_history_without_pruned_trials_is_the_same_object() -> None:
    history = History(SPACE)
    history.add(trial({"a": 0.1, "c": 0}))
    assert history.with_predicted({0: Forecast(loss=3.0, upper=4.0)}) is history


def test_running_trials_are_the_last_rows_of_a_history_with_predictions() -> None:
    history = History(SPACE)
    history.add(trial({"a": 0.1, "c": 0}))
    predicted = history.with_predicted({5: Forecast(loss=3.0, upper=4.0)}, {5: {"a": 0.9, "c": 0}})
    assert predicted.losses.tolist() == [1.0, 3.0]
    assert predicted.values[1, COLUMN["a"]] == 0.9
    assert len(history) == 1


def test_several_objectives_are_minimised_rows_beside_the_amounts_of_the_limits() -> None:
    history = History(SPACE, declared(["accuracy:max", "ms:min"], ["ms <= 20"]))
    for i in range(40):
        losses = {"accuracy": i / 40, "ms": float(i)}
        history.add(replace(trial({"a": 0.1, "c": 0}, loss=None), losses=losses, violations={"ms": i - 20.0}))
    history.add(trial({"a": 0.1, "c": 0}, state=State.FAILED, loss=None))
    assert history.objectives.shape == (41, 2)
    assert history.objectives[30].tolist() == [-0.75, 30.0]
    assert history.violations[[5, 30], 0].tolist() == [-15.0, 10.0]
    assert np.isnan(history.objectives[40]).all()
    assert np.isnan(history.violations[40]).all()
    assert np.isnan(history.losses).all()


def test_objectives_and_amounts_follow_their_trials() -> None:
    history = History(SPACE, declared(["accuracy:max", "ms:min"], ["ms <= 20"]))
    for i in range(3):
        losses = {"accuracy": 0.0, "ms": float(i)}
        history.add(replace(trial({"a": 0.1, "c": 0}, loss=None), losses=losses, violations={"ms": i - 20.0}))
    turned = history.reordered(np.array([2, 0, 1]))
    turned.extend(history, np.array([1]))
    assert turned.objectives[:, 1].tolist() == [2.0, 0.0, 1.0, 1.0]
    assert turned.violations[:, 0].tolist() == [-18.0, -20.0, -19.0, -19.0]


def test_one_objective_is_the_loss_with_its_predictions() -> None:
    history = History(SPACE, declared([], ["ms <= 20"]))
    history.add(replace(trial({"a": 0.1, "c": 0}, loss=2.0), violations={"ms": 1.0}))
    history.add(replace(trial({"a": 0.2, "c": 0}, state=State.PRUNED, loss=None), tid=7))
    predicted = history.with_predicted({7: Forecast(loss=3.0, upper=4.0)})
    assert predicted.objectives.tolist() == [[2.0], [3.0]]
    assert np.array_equal(predicted.violations, [[1.0], [np.nan]], equal_nan=True)
    assert History(SPACE).violations.shape == (0, 0)
