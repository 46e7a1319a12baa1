"""Finished trials as arrays."""

from __future__ import annotations

import numpy as np
import pytest

from hpsearch import hp
from hpsearch.core.history import History
from hpsearch.core.trial import State, Trial
from hpsearch.space.tree import Space, Values

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
