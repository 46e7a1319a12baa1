"""Random search and the generators of trials."""

from __future__ import annotations

import numpy as np
import pytest

from hpsearch import hp
from hpsearch.core.history import History
from hpsearch.space.tree import Space
from hpsearch.suggest.protocol import experiment_rng, trial_rng
from hpsearch.suggest.random import RandomSearch
from tests.support.histories import rngs


def test_random_search_draws_each_point_with_its_generator() -> None:
    space = Space([hp.uniform("x", 0, 1), hp.choice("c", [hp.randint("y", 5), 0])])
    suggestions = RandomSearch(space).suggest(History(space), [], rngs(4))
    assert [s.values for s in suggestions] == [space.sample(trial_rng(0, tid)) for tid in range(4)]
    assert {s.origin for s in suggestions} == {"random"}


def test_each_trial_of_each_seed_has_a_different_generator() -> None:
    drawn = {trial_rng(seed, tid).random() for seed in range(5) for tid in range(20)}
    assert len(drawn) == 100
    assert np.isclose(np.mean(list(drawn)), 0.5, atol=0.1)


def test_the_generator_of_a_trial_is_the_same_in_every_process_and_version() -> None:
    """A search that a later version resumes must continue in the same way."""
    assert trial_rng(7, 3).integers(2**31) == 1029798310


@pytest.mark.parametrize("seed", [0, 7, 2**128 - 1, 2**128])
def test_all_trials_of_an_experiment_share_a_generator(seed: int) -> None:
    drawn = {experiment_rng(trial_rng(seed, tid)).random() for tid in (0, 1, 2**32)}
    assert drawn == {np.random.default_rng(seed).random()}
