"""The acquisition function with pending trials."""

from __future__ import annotations

import numpy as np

from hpsearch.core.history import Floats
from hpsearch.suggest.gp.acquisition import ExpectedImprovement
from hpsearch.suggest.gp.model import build_acquisition, fit_models

GROUPS = np.arange(1)


def worth(at: Floats, pending: Floats, *, beats_pending: bool) -> Floats:
    """Return the scores at (m, 1) features after trials near, but not at, a minimum at 0.5."""
    tried = np.array([0.0, 0.1, 0.2, 0.3, 0.7, 0.8, 0.9, 1.0])[:, None]
    losses = (tried[:, 0] - 0.5) ** 2
    fitted = fit_models(tried, GROUPS, losses)
    return build_acquisition(fitted, tried, GROUPS, losses, pending, beats_pending=beats_pending).at(at)


def test_near_a_promising_pending_point_little_improvement_beyond_it_is_expected() -> None:
    beside, pending = np.array([[0.505]]), np.array([[0.5]])
    to_finished = worth(beside, pending, beats_pending=False)
    beyond_pending = worth(beside, pending, beats_pending=True)
    assert beyond_pending[0] < to_finished[0] - 1  # a third of the improvement, or less


def test_an_unpromising_pending_point_does_not_change_the_incumbent() -> None:
    at, pending = np.linspace(0, 1, 11)[:, None], np.array([[0.05]])
    aims = [worth(at, pending, beats_pending=beats_pending) for beats_pending in (False, True)]
    assert np.array_equal(*aims)


def test_an_uncertain_prediction_bends_the_model_less_than_a_loss() -> None:
    at, tried = np.array([[0.6]]), np.array([0.0, 0.1, 0.2, 0.3, 0.6, 0.8, 0.9, 1.0])[:, None]
    losses = (tried[:, 0] - 0.5) ** 2
    losses[4] = 0.2
    fitted = fit_models(tried, GROUPS, losses)
    uppers = np.where(np.arange(8) == 4, 0.4, losses)
    gains = [
        build_acquisition(fitted, tried, GROUPS, losses, np.zeros((0, 1)), uppers=bounds).terms[0]
        for bounds in (losses, uppers)
    ]
    known, doubted = (gain.losses.predict(at) for gain in gains if isinstance(gain, ExpectedImprovement))
    assert doubted.mean[0] < known.mean[0]
    assert doubted.variance[0] > known.variance[0]
