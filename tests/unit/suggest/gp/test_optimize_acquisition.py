"""Maximization of the acquisition function."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpsearch import hp
from hpsearch.core.history import Floats
from hpsearch.space.tree import Space
from hpsearch.suggest.gp.acquisition import Acquisition
from hpsearch.suggest.gp.encoding import Encoding
from hpsearch.suggest.gp.model import build_acquisition, fit_models
from hpsearch.suggest.gp.optimize_acquisition import CandidateRegion, ranked
from tests.support.histories import spaces


def situation(space: Space, n: int, seed: int) -> tuple[Acquisition, CandidateRegion]:
    """Return the acquisition function after ``n`` trials with random losses, and the search region."""
    rng = np.random.default_rng(seed)
    encoding = Encoding(space)
    x = encoding.snap(encoding.draw(n, encoding.box(np.zeros((0, len(space.parameters)))), rng))
    features, losses = encoding.features(x, encoding.active(x)), rng.standard_normal(n)
    fitted = fit_models(features, encoding.groups, losses)
    acquisition = build_acquisition(fitted, features, encoding.groups, losses, features[:0])
    elite, kept = x[np.argsort(losses)[:5]], np.zeros(len(space.parameters), dtype=bool)
    return acquisition, CandidateRegion(encoding=encoding, box=encoding.box(x), elite=elite, kept=kept)


def scores(acquisition: Acquisition, region: CandidateRegion, x: Floats) -> Floats:
    return acquisition.at(region.encoding.features(x, region.encoding.active(x)))


@pytest.mark.parametrize("seed", range(5))
def test_the_best_of_all_combinations_of_options_is_found(seed: int) -> None:
    space = Space([hp.choice(f"c{i}", list(range(5))) for i in range(5)])
    acquisition, region = situation(space, 30, seed)
    every = np.array(list(itertools.product(range(5), repeat=5)), dtype=float)
    found = ranked(acquisition, region, np.random.default_rng(seed))[:1]
    best = np.sort(scores(acquisition, region, every))[::-1]
    assert scores(acquisition, region, found)[0] >= best[5]


@pytest.mark.parametrize("seed", range(5))
def test_the_result_is_better_than_a_hundred_times_as_many_draws(seed: int) -> None:
    space = Space([hp.uniform("x", 0, 1), hp.choice("c", [hp.uniform("y", 0, 1), hp.uniformint("i", 0, 50)])])
    acquisition, region = situation(space, 25, seed)
    rng = np.random.default_rng(seed)
    found = ranked(acquisition, region, rng)[:1]
    drawn = region.encoding.snap(region.encoding.draw(80_000, region.box, rng))
    assert scores(acquisition, region, found)[0] >= scores(acquisition, region, drawn).max() - 1e-3


@given(space=spaces(), seed=st.integers(0, 99))
def test_every_candidate_is_a_point_of_the_space_and_the_first_is_the_best(space: Space, seed: int) -> None:
    acquisition, region = situation(space, 8, seed)
    found = ranked(acquisition, region, np.random.default_rng(seed))
    assert scores(acquisition, region, found[:1])[0] == pytest.approx(
        scores(acquisition, region, found).max()
    )
    for x in found[:20]:
        space.validate(region.encoding.point(x))


@given(space=spaces(), seed=st.integers(0, 99), data=st.data())
def test_kept_parameters_have_the_values_of_the_best_trial(
    space: Space, seed: int, data: st.DataObject
) -> None:
    acquisition, region = situation(space, 8, seed)
    d = len(space.parameters)
    kept = np.array(data.draw(st.lists(st.booleans(), min_size=d, max_size=d)), dtype=bool)
    found = ranked(acquisition, replace(region, kept=kept), np.random.default_rng(seed))
    assert found[:, kept] == pytest.approx(np.tile(region.elite[0, kept], (len(found), 1)))
