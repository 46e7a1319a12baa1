"""Searches without repeated points."""

from __future__ import annotations

from typing import Any

import pytest

from hpsearch import hp
from hpsearch.core.experiment import Algorithm
from hpsearch.core.history import History
from hpsearch.errors import SpaceExhaustedError
from hpsearch.space.tree import Space, Values
from hpsearch.suggest.algorithms import make_suggester
from hpsearch.suggest.names import ALGORITHMS
from hpsearch.suggest.no_repeats import NoRepeats
from hpsearch.suggest.random import RandomSearch
from tests.support.histories import add, history, rngs

SPACE = Space([hp.choice("c", [hp.randint("y", 4), hp.quniform("q", 0, 2, 1)]), hp.uniformint("i", 1, 3)])


@pytest.mark.parametrize("name", ALGORITHMS)
def test_any_algorithm_tries_every_point_once_and_then_raises(name: str) -> None:
    """Four of 21 at a time, with the last of each batch still pending; one remains at the end."""
    assert SPACE.n_points == 21
    suggester = NoRepeats(make_suggester(Algorithm(name=name), SPACE), SPACE)
    finished, pending, points = History(SPACE), list[Any](), list[Any]()
    for batch in range(6):
        found = [s.values for s in suggester.suggest(finished, pending, rngs(4, first=4 * batch))]
        assert len(found) == (4 if batch < 5 else 1)
        for values in [*pending, *found[:-1]]:
            add(finished, values, float(sum(values.values())))
        points, pending = points + found, found[-1:]
    assert len({frozenset(values.items()) for values in points}) == 21
    with pytest.raises(SpaceExhaustedError, match="All 21 points"):
        suggester.suggest(finished, pending, rngs(1))


def test_a_cancelled_point_is_suggested_again() -> None:
    """It is neither finished nor pending."""
    space = Space(hp.randint("x", 3))
    suggester, finished = NoRepeats(RandomSearch(space), space), history(space, [{"x": 0}], [1.0])
    gone: Values = {"x": 1}
    with pytest.raises(SpaceExhaustedError):
        suggester.suggest(finished, [gone, {"x": 2}], rngs(1))
    assert [s.values for s in suggester.suggest(finished, [{"x": 2}], rngs(2))] == [gone]


def test_in_an_infinite_space_all_suggestions_pass() -> None:
    for node in (hp.uniform("x", 0, 1), hp.qnormal("x", 0, 0.1, 1)):
        space = Space(node)
        inner = RandomSearch(space)
        assert NoRepeats(inner, space).suggest(History(space), [], rngs(5)) == inner.suggest(
            History(space), [], rngs(5)
        )
    assert NoRepeats(RandomSearch(SPACE), SPACE).suggest(History(SPACE), [], []) == []
