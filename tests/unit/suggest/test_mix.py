"""The mixture of algorithms: shares and determinism."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hpsearch import hp
from hpsearch.core.experiment import Algorithm
from hpsearch.errors import ConfigurationError
from hpsearch.space.tree import Space
from hpsearch.suggest.algorithms import make_suggester
from hpsearch.suggest.mix import Mix, MixOptions
from hpsearch.suggest.protocol import Suggester, Suggestion
from hpsearch.suggest.random import RandomSearch
from tests.support.histories import history, rngs, spaces


class Named(Suggester):
    """Proposes 0, and records the number of pending points."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.n_pending: list[int] = []

    def suggest(self, history: Any, pending: Any, rngs: Any) -> list[Suggestion]:
        self.n_pending.append(len(pending))
        return [Suggestion(values={"x": 0.0}, origin=self.name) for _ in rngs]


def test_each_algorithm_suggests_in_proportion_to_its_share() -> None:
    mix = Mix([Named("a"), Named("b"), Named("c")], [6.0, 3.0, 1.0])
    origins = [s.origin for s in mix.suggest(history(Space(hp.uniform("x", 0, 1)), [], []), [], rngs(2000))]
    assert [origins.count(name) / 2000 for name in "abc"] == pytest.approx([0.6, 0.3, 0.1], abs=0.03)


def test_earlier_points_of_a_batch_are_pending_for_later_ones() -> None:
    part = Named("a")
    Mix([part], [1.0]).suggest(history(Space(hp.uniform("x", 0, 1)), [], []), [{"x": 0.5}], rngs(3))
    assert part.n_pending == [1, 2, 3]


def test_a_point_depends_on_its_seed_not_on_the_size_of_the_batch() -> None:
    """The second of two trials is the same when it is suggested alone."""
    space = Space({"x": hp.uniform("x", 0, 1), "k": hp.choice("k", ["a", "b"])})
    parts = [RandomSearch(space), Named("a")]
    together = Mix(parts, [1, 1]).suggest(history(space, [], []), [], rngs(20))
    alone = [Mix(parts, [1, 1]).suggest(history(space, [], []), [], [rng])[0] for rng in rngs(20)]
    assert together == alone


@settings(max_examples=20, deadline=None)
@given(space=spaces(), n=st.integers(0, 15))
def test_every_suggestion_of_the_default_mix_is_a_point_of_the_space(space: Space, n: int) -> None:
    points = [s.values for s in RandomSearch(space).suggest(history(space, [], []), [], rngs(n))]
    finished = history(space, points, [float(i) for i in range(n)])
    for suggestion in make_suggester(Algorithm(name="mix"), space).suggest(finished, [], rngs(5)):
        space.validate(suggestion.values)


@pytest.mark.parametrize(
    ("shares", "words"),
    [
        ({}, "must name algorithms"),
        ([1, 2], "must name algorithms"),
        ({"tpe": 0}, "share of tpe"),
        ({"tpe": float("nan")}, "share of tpe"),
        ({"tpe": True}, "share of tpe"),
        ({"tpe": "much"}, "share of tpe"),
        ({"tpe": 1, "mix": 1}, "other algorithms than mix"),
        ({"tep": 1}, "did you mean 'tpe'"),
    ],
)
def test_invalid_shares_are_refused(shares: Any, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        make_suggester(Algorithm(name="mix", options={"shares": shares}), Space(hp.uniform("x", 0, 1)))


def test_the_default_mix_has_three_algorithms() -> None:
    assert set(MixOptions().shares) == {"tpe", "anneal", "random"}
