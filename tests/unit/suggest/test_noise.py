"""Repeats of points, and what they say about noise."""

from __future__ import annotations

import math

import numpy as np
import pytest

from hpsearch import hp
from hpsearch.core.history import History
from hpsearch.space.tree import Space, Values
from hpsearch.suggest.auto import Auto, AutoOptions
from hpsearch.suggest.noise import Noise, Repeats, is_repeat_due, learned_noise, may_repeat
from hpsearch.suggest.repeat_turns import RepeatTurns
from tests.support.histories import add, history, rngs, search

SPACE = Space([hp.uniform("x", -2, 3), hp.choice("c", ["a", {"y": hp.normal("y", 0, 1)}])])


def sphere(values: Values) -> float:
    return sum((value - 1) ** 2 for value in values.values())


def test_a_point_is_the_same_with_the_same_options_and_values() -> None:
    points: list[Values] = [
        {"x": 0.0, "c": 0}, {"x": 0.0, "c": 1, "y": 0.0}, {"x": -0.0, "c": 0}, {"x": 0.0, "c": 1, "y": 0.5},
    ]  # fmt: skip
    finished = history(SPACE, points, [1.0, 2.0, 3.0, 4.0])
    repeats = Repeats()
    assert repeats.read(finished) == [[0, 2]]
    assert repeats.count_known([points[1], {"x": 1.0, "c": 0}, {"x": 1.0, "c": 0}], finished) == 2
    add(finished, points[1], 5.0)
    assert repeats.read(finished) == [[0, 2], [1, 4]] == Repeats().read(finished)


@pytest.mark.parametrize(
    ("losses", "repeated", "expected"),
    [
        ([1.0, 2.0, 3.0, 1.0], [], Noise.UNKNOWN),
        ([1.0, 2.0, 3.0, 1.0], [[0, 3]], Noise.NONE),
        ([1.0, 2.0, 3.0, 1.1], [[0, 3]], Noise.NOISY),
        ([1.0, 2.0, 3.0, 1.0 + 1e-7], [[0, 3]], Noise.NONE),  # as from sums in another order
        ([1.0, 2.0, 3.0, math.nan], [[0, 3]], Noise.UNKNOWN),
        ([1.0, 2.0, 3.0, math.inf, 1.1], [[0, 3, 4]], Noise.NOISY),
        (
            [1.0, 1.0, 3.0, 1.0],
            [[0, 3]],
            Noise.UNKNOWN,
        ),  # equal by chance, perhaps: point 1 has this loss, too
        ([1.0, 1.0, 3.0, 1.0, 1.0], [[0, 3, 4]], Noise.NONE),
        ([-1e308, 0.0, 1e308, 1e308], [[0, 3]], Noise.NOISY),
        ([math.nan, math.nan], [[0, 1]], Noise.UNKNOWN),
        ([5.0, 5.0, 5.0], [[0, 1, 2]], Noise.NONE),
    ],
)
def test_losses_are_noisy_where_those_of_one_point_differ(
    losses: list[float], repeated: list[list[int]], expected: Noise
) -> None:
    with np.errstate(all="raise"):
        assert learned_noise(np.array(losses), repeated) is expected


def test_after_the_first_repeat_at_most_three_in_a_hundred_trials_are_repeats() -> None:
    n_repeats, at = 0, []
    for n in range(1000):
        if is_repeat_due(n, 0, n_repeats):
            n_repeats += 1
            at.append(n + 1)
    assert at[:3] == [21, 67, 100]
    assert all(i / n <= 0.03 for i, n in enumerate(at, 1) if i > 1)
    assert not is_repeat_due(5, 100, 0)  # the best of five is worth no repeat


@pytest.mark.parametrize(("n_options", "repeats"), [(4, False), (1000, True)], ids=["small", "large"])
def test_a_small_finite_space_has_no_trial_for_repeats(n_options: int, repeats: bool) -> None:
    assert may_repeat(Space(hp.randint("k", n_options))) is repeats
    assert not may_repeat(Space({"lr": 0.1}))


def test_auto_repeats_its_best_point_once_if_the_loss_is_deterministic() -> None:
    _, finished = search(Auto(SPACE), SPACE, sphere, 21)
    best = int(np.argmin(finished.losses[:20]))
    assert Repeats().read(finished) == [[best, 20]]
    points = [SPACE.sample(np.random.default_rng(seed)) for seed in range(80)]
    for values in points:
        add(finished, values, sphere(values))
    assert "repeat" not in {s.origin for s in Auto(SPACE).suggest(finished, [], rngs(3))}


def test_repeats_give_a_point_no_more_weight() -> None:
    """The models learn from the first trial of each point alone."""
    _, finished = search(Auto(SPACE), SPACE, sphere, 24)
    assert Repeats().read(finished)
    without = History(SPACE)
    without.extend(finished, np.delete(np.arange(24), 20))
    turns = RepeatTurns(SPACE)
    assert turns.firsts(without) is without
    firsts = turns.firsts(finished)
    assert np.array_equal(firsts.values, without.values)
    assert np.array_equal(firsts.losses, without.losses)
    add(finished, {"x": 0.25, "c": 0}, 7.0)
    assert turns.firsts(finished) is firsts
    assert firsts.losses[-1] == 7.0
    assert len(firsts) == 24


def test_a_deterministic_search_goes_on_as_it_would_without_its_repeat() -> None:
    """A repeat costs its own trial, and nothing afterwards."""
    _, finished = search(Auto(SPACE), SPACE, sphere, 24)
    without = History(SPACE)
    without.extend(finished, np.delete(np.arange(24), 20))
    for _ in range(8):
        (suggestion,) = Auto(SPACE).suggest(finished, [], rngs(1))
        assert [suggestion] == Auto(SPACE, AutoOptions(learns_noise=False)).suggest(without, [], rngs(1))
        for trials in (finished, without):
            add(trials, suggestion.values, sphere(suggestion.values))


def test_auto_repeats_again_while_losses_are_noisy() -> None:
    _, finished = search(Auto(SPACE), SPACE, sphere, 20)
    best = int(np.argmin(finished.losses))
    (again,) = Auto(SPACE).suggest(finished, [], rngs(1))
    assert (again.origin, again.values) == ("repeat", finished.point(best))
    assert Auto(SPACE).suggest(finished, [again.values], rngs(1))[0].origin != "repeat"  # it is pending
    add(finished, again.values, float(finished.losses[best]) + 0.5)
    for seed in range(46):
        values = SPACE.sample(np.random.default_rng(seed))
        add(finished, values, sphere(values))
    origins = [s.origin for s in Auto(SPACE).suggest(finished, [], rngs(2))]
    assert origins[0] == "repeat" != origins[1]
