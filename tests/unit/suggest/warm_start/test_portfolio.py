"""The choice of the first points among the trials of earlier searches."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from hpsearch import hp
from hpsearch.space.tree import Space, Values
from hpsearch.suggest.warm_start.portfolio import portfolio
from hpsearch.suggest.warm_start.sources import Source, SourceTrial
from tests.support.histories import rngs

SPACE = Space([hp.uniform("x", 0, 1), hp.uniform("y", 0, 1)])


def source(
    loss: Callable[[Values], float], n: int = 30, seed: int = 0, labels: Sequence[str] = ("x", "y")
) -> Source:
    points = [SPACE.sample(rng) for rng in rngs(n, seed)]
    trials = [
        SourceTrial(tid=tid, values={label: values[label] for label in labels}, loss=loss(values))
        for tid, values in enumerate(points)
    ]
    return Source(known=frozenset(labels), trials=trials)


def bowl(x: float, y: float) -> Callable[[Values], float]:
    return lambda values: (values["x"] - x) ** 2 + (values["y"] - y) ** 2


def values_of(*sources: Source, **options: Any) -> list[Values]:
    return [chosen.trial.values for chosen in portfolio(SPACE, sources, **options)]


def test_the_first_points_are_good_in_most_of_the_searches() -> None:
    """Two searches agree and one does not: a point for the two comes first, then one for the third."""
    two, one = [source(bowl(0.2, 0.2), seed=s) for s in (0, 1)], source(bowl(0.9, 0.9), seed=2)
    first, second, *_ = values_of(*two, one)
    assert bowl(0.2, 0.2)(first) < 0.05 < 0.3 < bowl(0.9, 0.9)(first)
    assert bowl(0.9, 0.9)(second) < 0.1


def test_scales_of_losses_do_not_matter() -> None:
    plain = [source(bowl(0.2, 0.2), seed=0), source(bowl(0.9, 0.9), seed=1)]
    large = [plain[0], source(lambda values: 7 + 1e6 * bowl(0.9, 0.9)(values), seed=1)]
    assert values_of(*plain) == values_of(*large)


def test_the_choice_is_repeatable_and_has_four_different_points() -> None:
    sources = [source(bowl(0.2, 0.7), seed=s) for s in range(3)]
    points = values_of(*sources)
    assert points == values_of(*sources)
    assert len({tuple(values.values()) for values in points}) == len(points) == 4
    assert values_of(*sources, n_points=2) == points[:2]


def test_a_region_where_another_search_fails_is_avoided() -> None:
    """The best of the first search is where all trials of the second fail; its second best is elsewhere."""

    def fails(values: Values) -> float:
        return math.nan if values["x"] < 0.5 else bowl(0.9, 0.5)(values)

    def two_optima(values: Values) -> float:
        return min(bowl(0.1, 0.5)(values), 0.001 + bowl(0.9, 0.5)(values))

    alone = source(two_optima, n=60)
    assert min(values["x"] for values in values_of(alone)) < 0.5
    first, *_ = values_of(alone, source(fails, n=60, seed=1))
    assert first["x"] > 0.5


def test_searches_without_a_loss_have_no_influence() -> None:
    good, bad = source(bowl(0.5, 0.5)), source(lambda values: math.inf)
    assert portfolio(SPACE, [bad]) == portfolio(SPACE, []) == []
    assert values_of(good) == values_of(good, bad)
    assert {chosen.source for chosen in portfolio(SPACE, [bad, good])} == {1}


@pytest.mark.parametrize("n", [1, 2, 3, 5])
def test_a_few_trials_are_enough(n: int) -> None:
    points = values_of(source(bowl(0.5, 0.5), n=n))
    assert len(points) == min(n, 4)
    losses = [bowl(0.5, 0.5)(values) for values in points]
    assert losses[0] == min(losses)


def test_a_search_without_some_parameters_still_judges_the_others() -> None:
    partial = source(lambda values: (values["x"] - 0.3) ** 2, labels=["x"])
    points = values_of(partial, source(lambda values: (values["x"] - 0.3) ** 2, seed=1))
    assert all(abs(values["x"] - 0.3) < 0.15 for values in points)


def test_equal_trials_are_one_candidate() -> None:
    trials = [SourceTrial(tid=i, values={"x": 0.5, "y": 0.5}, loss=float(i)) for i in range(6)]
    assert len(portfolio(SPACE, [Source(known=frozenset("xy"), trials=trials)])) == 1


def test_nested_choices_are_compared_across_searches() -> None:
    space = Space(hp.choice("m", [{"c": hp.uniform("c", 0, 1)}, {"k": hp.uniform("k", 0, 1)}]))

    def searched(seed: int) -> Source:
        points = [space.sample(rng) for rng in rngs(30, seed)]
        losses = [abs(values["c"] - 0.5) if "c" in values else 1 + values["k"] for values in points]
        trials = [
            SourceTrial(tid=i, values=v, loss=loss)
            for i, (v, loss) in enumerate(zip(points, losses, strict=True))
        ]
        return Source(known=frozenset(space.nodes), trials=trials)

    for chosen in portfolio(space, [searched(0), searched(1)]):
        assert chosen.trial.values["m"] == 0
        assert np.isclose(chosen.trial.values["c"], 0.5, atol=0.2)
