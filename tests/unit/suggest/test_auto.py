"""The default algorithm ``auto``."""

from __future__ import annotations

import itertools
import math
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hpsearch import hp
from hpsearch.core.history import History
from hpsearch.errors import ConfigurationError
from hpsearch.space.tree import Space, Values
from hpsearch.suggest.auto import Auto, AutoOptions
from hpsearch.suggest.gp.search_region import SearchRegion
from hpsearch.suggest.gp.suggest import GaussianProcess
from hpsearch.suggest.tpe.suggest import TPE
from tests.support.histories import LEAVES, add, extreme_histories, history, rngs, search, spaces

HOSTILE = [None, math.nan, math.inf, -math.inf, 1e300, -1e300, 1e-300, 5e-324, 0.0, 0.0, 1.0, -3.5]

#: The GP from the first trial on, in every second one.
EAGER = AutoOptions(n_startup=0)

#: Without turns that repeat the best point.
NO_REPEATS = AutoOptions(learns_noise=False)

MIXED = Space(
    [
        hp.uniform("x", -2, 3),
        hp.choice("c", [hp.randint("y", 5), hp.lognormal("z", 0, 1)]),
        hp.quniform("q", 0, 10, 2),
    ]
)

#: Without branches.
FLAT = Space([hp.uniform("x", -2, 3), hp.choice("c", ["a", "b", "c"]), hp.quniform("q", 0, 10, 2)])


def sphere(values: Values) -> float:
    """Return the distance to a point off the centre, squared."""
    return sum((value - 1) ** 2 for value in values.values())


def drawn(space: Space, n: int, seed: int = 0) -> list[Values]:
    rng = np.random.default_rng(seed)
    return [space.sample(rng) for _ in range(n)]


# Hostile input


@given(space=spaces(), losses=st.lists(st.sampled_from(HOSTILE), max_size=25), seed=st.integers(0, 9))
def test_any_history_in_any_space_gives_points_of_the_space(
    space: Space, losses: list[float | None], seed: int
) -> None:
    points = drawn(space, len(losses), seed)
    finished = history(space, points, losses)
    with np.errstate(over="raise", invalid="raise", divide="raise"), warnings.catch_warnings():
        warnings.simplefilter("error")
        for suggestion in Auto(space, EAGER).suggest(finished, points[:2], rngs(3, seed)):
            space.validate(suggestion.values)


@pytest.mark.parametrize("kind", LEAVES)
def test_extreme_and_constant_columns_give_points_of_the_space(kind: str) -> None:
    for finished in extreme_histories(kind):
        for suggestion in Auto(finished.space).suggest(finished, [], rngs(4)):
            finished.space.validate(suggestion.values)


def test_a_point_tried_repeatedly_does_not_stop_the_search() -> None:
    finished = history(MIXED, drawn(MIXED, 1) * 30, [0.5] * 15 + [1.5] * 15)
    for suggestion in Auto(MIXED).suggest(finished, drawn(MIXED, 1) * 5, rngs(4)):
        MIXED.validate(suggestion.values)


def test_losses_after_many_failures_are_used() -> None:
    finished = history(FLAT, drawn(FLAT, 100), [None] * 94 + [5.0, 4.0, 3.0, 2.0, 1.0, 0.0])
    suggestions = Auto(FLAT, NO_REPEATS).suggest(finished, [], rngs(2))
    assert [s.origin for s in suggestions] == ["gp", "tpe"]


def test_a_space_without_parameters_has_its_one_point() -> None:
    space = Space({"lr": 0.1})
    finished = history(space, [{}] * 12, range(12))
    assert [s.values for s in Auto(space).suggest(finished, [{}], rngs(2))] == [{}, {}]


# Quality


def test_it_needs_half_the_trials_of_tpe_on_a_smooth_loss() -> None:
    """Its loss is then a fourteenth of that of TPE: geometric mean of eight seeds, from 0.005 to 0.7."""
    space = Space([hp.uniform(f"x{i}", -5, 5) for i in range(4)])
    ratios = []
    for seed in range(3):
        _, found = search(Auto(space), space, sphere, 40, seed=seed)
        _, estimated = search(TPE(space), space, sphere, 80, seed=seed)
        ratios.append(found.losses.min() / estimated.losses.min())
    assert np.exp(np.log(ratios).mean()) < 0.25


@pytest.mark.long
def test_it_finds_the_one_good_combination_of_options() -> None:
    """The good options help only in combination: 1 of 1024 points is best."""
    space = Space([hp.choice(f"c{i}", list(range(4))) for i in range(5)])
    best = (3, 0, 2, 1, 3)

    def objective(values: Values) -> float:
        hits = [values[f"c{i}"] == option for i, option in enumerate(best)]
        return -float(sum(hits)) - 0.5 * sum(a and b for a, b in itertools.pairwise(hits))

    found = [search(Auto(space), space, objective, 60, seed=seed)[1].losses.min() for seed in range(4)]
    assert found.count(-7.0) >= 3


@pytest.mark.long
def test_it_learns_where_trials_fail() -> None:
    """Half of the range fails; the optimum near its edge is found with few failures."""
    space = Space([hp.uniform("x", 0, 1), hp.uniform("y", 0, 1)])

    def objective(values: Values) -> float | None:
        return None if values["x"] > 0.5 else (values["x"] - 0.45) ** 2 + (values["y"] - 0.3) ** 2

    for seed in range(2):
        _, finished = search(Auto(space), space, objective, 60, seed=seed)
        assert np.nanmin(finished.losses) < 1e-3
        assert np.isnan(finished.losses[10:]).mean() < 0.35


def test_it_finds_an_optimum_far_in_the_tail_of_a_normal_prior() -> None:
    """The optimum is five standard deviations from the mean, beyond any draw from the prior."""
    space = Space(hp.normal("x", 0, 1))
    _, finished = search(Auto(space), space, lambda values: (values["x"] - 5) ** 2, 40)
    assert finished.losses.min() < 0.01


@pytest.mark.long
def test_the_better_branch_is_found_after_any_start() -> None:
    """All first trials are in one branch; the optimum in the other is found nevertheless."""
    space = Space(hp.choice("c", [hp.uniform("a", -1, 1), hp.uniform("b", -1, 1)]))

    def objective(values: Values) -> float:
        return 1 + values["a"] ** 2 if values["c"] == 0 else (values["b"] - 0.4) ** 2

    start: list[Values] = [{"c": 0, "a": a} for a in np.linspace(-1, 1, 25)]
    for seed in range(4):
        _, finished = search(Auto(space), space, objective, 30, seed=seed, start=start)
        assert finished.losses.min() < 1e-3


def test_points_of_a_batch_lie_apart() -> None:
    """Sixteen points at once, from a history with one promising place."""
    space = Space([hp.uniform("x", 0, 1), hp.uniform("y", 0, 1)])
    points = drawn(space, 20)
    finished = history(space, points, [(p["x"] - 0.5) ** 2 + (p["y"] - 0.5) ** 2 for p in points])
    suggestions = Auto(space, NO_REPEATS).suggest(finished, [], rngs(16))
    batch = [s.values for s in suggestions if s.origin == "gp"]
    assert len(batch) == 10  # three of four from eight pending trials on
    x = np.array([[p["x"], p["y"]] for p in batch])
    apart = abs(x[:, None] - x).max(axis=2) + np.eye(len(batch))
    assert apart.min() > 0.001


@pytest.mark.parametrize("beats_pending", [False, True])
def test_no_two_points_under_evaluation_are_closer_than_the_gap(beats_pending: bool) -> None:
    """Twelve points, each pending for the next, with a model that is certain of the optimum."""
    space = Space([hp.uniform(f"x{i}", 0, 1) for i in range(3)])
    points = drawn(space, 40)
    finished = history(space, points, [sum((v - 0.4) ** 2 for v in p.values()) for p in points])
    region, batch = SearchRegion(radius=0.15, beats_pending=beats_pending, gap=0.03), list[Values]()
    for rng in rngs(12):
        values = GaussianProcess(space).suggest(finished, batch, rng, region)
        assert values is not None
        batch.append(values)
    x = np.array([list(p.values()) for p in batch])
    assert (abs(x[:, None] - x).max(axis=2) + np.eye(len(batch))).min() > 0.03


def test_options_of_the_best_trial_are_more_frequent_where_choices_are_kept() -> None:
    space = Space([hp.uniform("x", 0, 1), *(hp.choice(f"c{i}", list(range(4))) for i in range(6))])
    points = drawn(space, 12)
    finished = history(space, points, range(12))
    kept = {
        holds: [
            values[label] == points[0][label]
            for rng in rngs(12)
            for values in [
                GaussianProcess(space).suggest(finished, [], rng, SearchRegion(keeps_choices=holds))
            ]
            if values is not None
            for label in values
            if label != "x"
        ]
        for holds in (False, True)
    }
    assert np.mean(kept[True]) > np.mean(kept[False]) + 0.1


# Repeats


def test_a_finite_space_is_exhausted_before_any_point_comes_twice() -> None:
    space = Space([hp.choice("c", [hp.randint("y", 4), hp.quniform("q", 0, 2, 1)]), hp.uniformint("i", 1, 3)])
    assert space.n_points == 21
    points, finished = search(Auto(space, AutoOptions(n_startup=4)), space, sphere, 21)
    assert len({frozenset(values.items()) for values in points}) == 21
    (again,) = Auto(space).suggest(finished, [], rngs(1))
    space.validate(again.values)


# Determinism


@settings(max_examples=2, deadline=None)
@given(space=spaces(), seed=st.integers(0, 99))
def test_a_new_suggester_makes_the_same_suggestions_as_one_that_saw_the_search(
    space: Space, seed: int
) -> None:
    suggester, finished = Auto(space, EAGER), History(space)
    for tid in range(12):
        (suggestion,) = suggester.suggest(finished, [], rngs(1, seed, tid))
        assert Auto(space, EAGER).suggest(finished, [], rngs(1, seed, tid)) == [suggestion]
        loss = float(np.random.default_rng([seed, tid]).standard_normal())
        add(finished, suggestion.values, None if loss > 1 else loss)


def test_a_batch_is_the_same_as_one_call_for_each_point() -> None:
    finished = history(MIXED, drawn(MIXED, 25), range(25))
    batch = Auto(MIXED).suggest(finished, [], rngs(5))
    single: list[Values] = []
    for rng in rngs(5):
        single.append(Auto(MIXED).suggest(finished, single, [rng])[0].values)
    assert [s.values for s in batch] == single


def test_one_suggester_serves_two_histories() -> None:
    suggester = Auto(MIXED)
    past = [history(MIXED, drawn(MIXED, 25, i), range(25)) for i in range(2)]
    for finished in (*past, *past):
        assert suggester.suggest(finished, [], rngs(2)) == Auto(MIXED).suggest(finished, [], rngs(2))


# Other requirements


def test_gp_and_tpe_alternate_after_the_start_up() -> None:
    finished = history(FLAT, drawn(FLAT, 8), range(8))
    assert [s.origin for s in Auto(FLAT).suggest(finished, [], rngs(3))] == ["random", "random", "gp"]
    for values in drawn(FLAT, 2, 1):
        add(finished, values, 0.0)
    assert [s.origin for s in Auto(FLAT).suggest(finished, [], rngs(4))] == ["gp", "tpe"] * 2
    assert Auto(FLAT).suggest(finished, [], []) == []


def test_with_many_pending_trials_the_gp_takes_three_of_four_turns() -> None:
    finished = history(FLAT, drawn(FLAT, 12), range(12))
    suggestions = Auto(FLAT, NO_REPEATS).suggest(finished, drawn(FLAT, 8, 1), rngs(4))
    assert [s.origin for s in suggestions] == ["gp", "tpe", "gp", "gp"]


def test_every_third_turn_of_the_gp_stays_near_the_best_trial() -> None:
    space = Space([hp.uniform(f"x{i}", 0, 1) for i in range(8)])
    points = drawn(space, 16)
    finished = history(space, points, range(16))
    for _ in range(4):
        suggester = Auto(space, NO_REPEATS)
        (suggestion,) = suggester.suggest(finished, drawn(space, 2, 1), rngs(1, len(finished)))
        assert suggestion.origin == "gp"
        assert max(abs(suggestion.values[label] - points[0][label]) for label in points[0]) <= 0.15 + 1e-9
        for values in drawn(space, 8, len(finished)):
            add(finished, values, 99.0)


def test_the_gp_has_no_turns_after_many_trials_or_in_many_parameters() -> None:
    finished = history(FLAT, drawn(FLAT, 30), range(30))
    for limit in ({"max_gp_trials": 29}, {"max_gp_dims": 2}):
        options = AutoOptions(learns_noise=False, **limit)
        assert {s.origin for s in Auto(FLAT, options).suggest(finished, [], rngs(4))} == {"tpe"}
    enough = AutoOptions(learns_noise=False, max_gp_dims=3)
    assert "gp" in {s.origin for s in Auto(FLAT, enough).suggest(finished, [], rngs(2))}


def test_pending_trials_do_not_end_the_turns_of_the_gp() -> None:
    finished = history(FLAT, drawn(FLAT, 12), range(12))
    crowded = Auto(FLAT, AutoOptions(max_gp_trials=20)).suggest(finished, drawn(FLAT, 30, 1), rngs(4))
    assert "gp" in {s.origin for s in crowded}


def test_parameters_of_other_branches_do_not_count_against_the_gp() -> None:
    """Of twenty branches with three parameters each, one is active at a time."""
    branches = [{f"{i}.{k}": hp.uniform(f"{i}.{k}", 0, 1) for k in range(3)} for i in range(20)]
    space = Space({"x": hp.uniform("x", 0, 1), "model": hp.choice("model", branches)})
    finished = history(space, drawn(space, 30), range(30))
    assert "gp" in {s.origin for s in Auto(space).suggest(finished, [], rngs(4))}


def test_the_options_of_a_choice_do_not_count_against_the_gp() -> None:
    space = Space([hp.choice(f"c{i}", list(range(60))) for i in range(10)])
    finished = history(space, drawn(space, 12), range(12))
    assert "gp" in {s.origin for s in Auto(space).suggest(finished, [], rngs(2))}


@pytest.mark.parametrize("option", ["n_startup", "max_gp_trials", "max_gp_dims"])
@pytest.mark.parametrize("value", [-1, 1.5, True, "x"])
def test_an_option_out_of_its_range_is_refused_by_name(option: str, value: object) -> None:
    with pytest.raises(ConfigurationError, match=option):
        AutoOptions(**{option: value})  # type: ignore[arg-type]


def test_an_option_that_is_no_truth_value_is_refused_by_name() -> None:
    with pytest.raises(ConfigurationError, match="learns_noise"):
        AutoOptions(learns_noise=1)  # type: ignore[arg-type]
