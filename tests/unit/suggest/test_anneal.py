"""Annealing: its centres and its shrinking neighbourhoods."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpsearch import hp
from hpsearch.core.history import History
from hpsearch.errors import ConfigurationError
from hpsearch.space.tree import Space
from hpsearch.suggest.anneal import Anneal, AnnealOptions, best_rows, neighbour
from hpsearch.suggest.protocol import trial_rng
from tests.support.histories import LEAVES, history, rngs, spaces


@given(space=spaces(), n=st.integers(0, 6))
def test_every_suggestion_is_a_point_of_the_space(space: Space, n: int) -> None:
    points = [space.sample(trial_rng(1, tid)) for tid in range(n)]
    finished = history(space, points, [None if tid % 3 == 1 else float(tid) for tid in range(n)])
    for suggestion in Anneal(space).suggest(finished, [], rngs(3)):
        space.validate(suggestion.values)


@pytest.mark.parametrize("kind", LEAVES)
def test_a_narrow_neighbourhood_stays_near_its_centre(kind: str) -> None:
    (parameter,) = Space(LEAVES[kind]("p")).parameters
    rng = np.random.default_rng(0)
    for _ in range(50):
        centre = parameter.distribution.sample(rng)
        assert neighbour(parameter.distribution, centre, 1e-9, rng) == pytest.approx(
            centre, rel=1e-6, abs=1e-6
        )


def test_the_neighbourhood_of_a_range_is_clipped_at_the_bounds() -> None:
    (parameter,) = Space(hp.uniform("x", 0, 10)).parameters
    rng = np.random.default_rng(0)
    drawn = [neighbour(parameter.distribution, 9.5, 0.2, rng) for _ in range(500)]
    assert 8.5 <= min(drawn) < 8.55
    assert 9.95 < max(drawn) < 10


def test_an_index_is_redrawn_with_the_width_as_probability() -> None:
    (parameter,) = Space(hp.randint("n", 1000)).parameters
    rng = np.random.default_rng(0)
    kept = [neighbour(parameter.distribution, 7, 0.25, rng) == 7 for _ in range(1000)]
    assert np.mean(kept) == pytest.approx(0.75, abs=0.05)


def test_neighbourhoods_shrink_with_the_trials_that_had_the_parameter() -> None:
    space = Space(hp.uniform("x", 0, 1))
    spread = []
    for n in (1, 90):
        finished = history(space, [{"x": 0.5}] * n, [1.0] * n)
        spread.append(np.ptp([s.values["x"] for s in Anneal(space).suggest(finished, [], rngs(200))]))
    assert spread == pytest.approx([1 / 1.1, 1 / 10], rel=0.05)


def test_the_centre_is_the_best_trial_with_the_probability_of_the_mean_rank() -> None:
    space = Space(hp.uniform("x", 0, 1))
    finished = history(space, [{"x": 0.9}, {"x": 0.1}, {"x": 0.5}], [None, 1.0, 2.0])
    options = AnnealOptions(avg_best_idx=4.0, shrink_coef=1e9)
    drawn = [round(s.values["x"], 3) for s in Anneal(space, options).suggest(finished, [], rngs(400))]
    assert set(drawn) == {0.1, 0.5}
    assert drawn.count(0.1) / 400 == pytest.approx(0.25, abs=0.07)


def test_without_a_loss_points_come_from_the_prior() -> None:
    space = Space(hp.uniform("x", 0, 1))
    for finished in (History(space), history(space, [{"x": 0.5}], [None])):
        assert {s.origin for s in Anneal(space).suggest(finished, [], rngs(2))} == {"random"}


@given(losses=st.lists(st.sampled_from([0.0, 1.0, 2.0, -math.inf, math.inf, math.nan])), n=st.integers(1, 5))
def test_the_best_rows_agree_with_a_full_sort(losses: list[float], n: int) -> None:
    """Equal losses are in the order of the trials; NaN and ``inf`` are left out."""
    by_hand = sorted((loss, row) for row, loss in enumerate(losses) if loss < math.inf)
    assert best_rows(np.array(losses), n).tolist() == [row for _, row in by_hand[:n]]


@pytest.mark.parametrize("options", [{"avg_best_idx": 0.5}, {"shrink_coef": -1.0}, {"avg_best_idx": np.nan}])
def test_an_option_out_of_its_range_is_refused(options: dict[str, float]) -> None:
    with pytest.raises(ConfigurationError, match=f"option {next(iter(options))} of anneal"):
        AnnealOptions(**options)
