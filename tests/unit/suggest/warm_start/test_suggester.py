"""Given points come before those of the algorithm."""

from __future__ import annotations

from hpsearch import hp
from hpsearch.core.history import History
from hpsearch.space.tree import Space
from hpsearch.suggest.random import RandomSearch
from hpsearch.suggest.warm_start.suggester import WARM_START, WarmStarted
from tests.support.histories import add, history, rngs

SPACE = Space([hp.uniform("x", 0, 1), hp.choice("c", ["a", "b"])])
POINTS = [{"x": 0.25, "c": 1}, {"x": 0.5, "c": 0}]


def suggester() -> WarmStarted:
    return WarmStarted(RandomSearch(SPACE), POINTS)


def test_the_points_come_first_and_then_those_of_the_algorithm() -> None:
    warm, finished = suggester(), History(SPACE)
    first = warm.suggest(finished, [], rngs(5))
    assert [(s.values, s.origin) for s in first] == [(values, WARM_START) for values in POINTS]
    assert warm.suggest(finished, POINTS, rngs(5)) == RandomSearch(SPACE).suggest(finished, [], rngs(5))
    for values in POINTS:
        add(finished, values, 1.0)
    assert warm.suggest(finished, [], rngs(2)) == RandomSearch(SPACE).suggest(finished, [], rngs(2))


def test_a_point_that_was_tried_or_is_pending_is_not_repeated() -> None:
    """Not by a new process either; a failed trial was tried, too."""
    assert [s.values for s in suggester().suggest(history(SPACE, POINTS[:1], [None]), [], rngs(1))] == POINTS[
        1:
    ]
    assert [s.values for s in suggester().suggest(History(SPACE), POINTS[1:], rngs(1))] == POINTS[:1]


def test_a_cancelled_point_is_suggested_again() -> None:
    warm, finished = suggester(), History(SPACE)
    warm.suggest(finished, [], rngs(2))
    add(finished, POINTS[0], 1.0)
    assert [s.values for s in warm.suggest(finished, [], rngs(2))] == POINTS[1:]


def test_a_batch_smaller_than_the_points_takes_the_first() -> None:
    warm = suggester()
    assert [s.values for s in warm.suggest(History(SPACE), [], rngs(1))] == POINTS[:1]
    assert warm.suggest(History(SPACE), [], []) == []
