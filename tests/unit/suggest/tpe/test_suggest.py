"""Suggestions of TPE."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpsearch import hp
from hpsearch.core.history import History
from hpsearch.core.trial import State, Trial
from hpsearch.errors import ConfigurationError
from hpsearch.space.distribution import Categorical, Numeric
from hpsearch.space.tree import Space, Values
from hpsearch.suggest.protocol import Suggestion
from hpsearch.suggest.random import RandomSearch
from hpsearch.suggest.tpe.suggest import TPE, TPEOptions
from tests.support.histories import LEAVES, add, extreme_histories, history, rngs, search, spaces

HOSTILE = [None, math.nan, math.inf, -math.inf, 1e300, -1e300, 5e-324, 0.0, 0.0, 1.0, -3.5]


def sphere(values: Values) -> float:
    """Return the distance to a point off the centre, squared."""
    return sum((value - 1) ** 2 for value in values.values())


def mixed_history(n: int, bad: float | None = None) -> tuple[Space, History]:
    """Return a conditional space and ``n`` finished trials in it, some with a loss of ``bad``."""
    space = Space([hp.uniform("x", -2, 3), hp.choice("c", [hp.randint("y", 5), hp.lognormal("z", 0, 1)])])
    rng = np.random.default_rng(0)
    points = [space.sample(rng) for _ in range(n)]
    return space, history(space, points, [bad if i % 7 == 3 else sphere(p) for i, p in enumerate(points)])


# Hostile input


@given(space=spaces(), losses=st.lists(st.sampled_from(HOSTILE), max_size=30), seed=st.integers(0, 9))
def test_any_history_in_any_space_gives_points_of_the_space(
    space: Space, losses: list[float | None], seed: int
) -> None:
    rng = np.random.default_rng(seed)
    points = [space.sample(rng) for _ in losses]
    finished = history(space, points, losses)
    options = TPEOptions(n_startup=0, n_candidates=5)
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        for suggestion in TPE(space, options).suggest(finished, points[:2], rngs(3, seed)):
            space.validate(suggestion.values)


@pytest.mark.parametrize("kind", LEAVES)
def test_extreme_and_constant_columns_give_points_of_the_space(kind: str) -> None:
    for finished in extreme_histories(kind):
        for suggestion in TPE(finished.space).suggest(finished, [], rngs(4)):
            finished.space.validate(suggestion.values)


def test_a_space_without_parameters_has_its_one_point() -> None:
    space = Space({"lr": 0.1})
    finished = history(space, [{}] * 12, range(12))
    assert [s.values for s in TPE(space).suggest(finished, [{}], rngs(2))] == [{}, {}]


# Quality


def test_it_beats_random_search_on_a_sphere() -> None:
    """With the same seeds, nearly all searches are better than random search."""
    space = Space([hp.uniform(f"x{i}", -5, 5) for i in range(4)])
    ratios = []
    for seed in range(10):
        _, found = search(TPE(space), space, sphere, 60, seed=seed)
        _, drawn = search(RandomSearch(space), space, sphere, 60, seed=seed)
        ratios.append(found.losses.min() / drawn.losses.min())
    assert sum(ratio < 1 for ratio in ratios) >= 9
    assert np.median(ratios) < 0.2


def test_it_finds_an_optimum_far_in_the_tail_of_a_normal_prior() -> None:
    """The optimum is five standard deviations from the mean, beyond any draw from the prior."""
    space = Space(hp.normal("x", 0, 1))
    _, finished = search(TPE(space), space, lambda values: (values["x"] - 5) ** 2, 80)
    assert finished.losses.min() < 0.1


def test_the_better_branch_gets_most_suggestions_and_the_other_some() -> None:
    space = Space(hp.choice("c", [hp.uniform("a", -1, 1), hp.uniform("b", -1, 1)]))

    def objective(values: Values) -> float:
        return values["a"] ** 2 if values["c"] == 0 else 0.5 + values["b"] ** 2

    shares = []
    for seed in range(5):
        points, _ = search(TPE(space), space, objective, 60, seed=seed)
        shares.append(np.mean([values["c"] == 0 for values in points[10:]]))
    assert 0.6 < np.mean(shares) < 1


def test_a_choice_never_locks_on_the_only_branch_it_knows() -> None:
    """All first trials are in one branch; the other is tried soon, and preferred if better."""
    space = Space(hp.choice("c", [hp.uniform("a", -1, 1), hp.uniform("b", -1, 1)]))

    def objective(values: Values) -> float:
        return 1 + values["a"] ** 2 if values["c"] == 0 else values["b"] ** 2

    start: list[Values] = [{"c": 0, "a": a} for a in np.linspace(-1, 1, 25)]
    for seed in range(5):
        points, _ = search(TPE(space), space, objective, 40, seed=seed, start=start)
        assert np.mean([values["c"] == 1 for values in points[-10:]]) > 0.5


def test_it_rarely_suggests_points_where_trials_failed() -> None:
    """Points above 0 fail with an excellent loss; the others are equally good."""
    space = Space(hp.uniform("x", -1, 1))
    finished = History(space)
    for i, x in enumerate(np.linspace(-0.99, 0.99, 40)):
        failed = {"state": State.FAILED, "loss": None, "result": {"status": "fail", "loss": -100.0}}
        fine = {"state": State.DONE, "loss": abs(x + 0.05)}
        finished.add(Trial(exp_key="e", tid=i, values={"x": float(x)}, **(failed if x > 0 else fine)))
    drawn = [s.values["x"] for s in TPE(space).suggest(finished, [], rngs(60))]
    assert np.mean(np.array(drawn) > 0.05) < 0.1


@pytest.mark.parametrize("bad", [None, math.nan, math.inf])
def test_a_failed_trial_counts_like_the_worst_one(bad: float | None) -> None:
    """A failed trial gives the same suggestions as one with a huge loss."""
    (space, failed), (_, worst) = mixed_history(30, bad), mixed_history(30, 1e300)
    assert TPE(space).suggest(failed, [], rngs(5)) == TPE(space).suggest(worst, [], rngs(5))


def test_the_best_good_trial_has_the_most_weight() -> None:
    """With two good trials of different options, draws prefer the option of the better one."""
    space = Space([hp.choice("c", list(range(4))), hp.uniform("x", 0, 1)])
    finished = history(space, [{"c": min(i, 2), "x": 0.5} for i in range(20)], range(20))
    drawn = [s.values["c"] for s in TPE(space, TPEOptions(n_candidates=1)).suggest(finished, [], rngs(300))]
    assert drawn.count(0) > 1.4 * drawn.count(1)


# Repeats


def test_a_finite_space_is_exhausted_before_any_point_comes_twice() -> None:
    """Three points at a time, of which one is still pending when the next are asked for."""
    space = Space([hp.choice("c", [hp.randint("y", 4), hp.quniform("q", 0, 2, 1)]), hp.uniformint("i", 1, 3)])
    assert space.n_points == 21
    suggester, finished = TPE(space), History(space)
    pending: list[Values] = []
    points: list[Values] = []
    for batch in range(7):
        points += [s.values for s in suggester.suggest(finished, pending, rngs(3, first=3 * batch))]
        for values in [*pending, *points[-3:-1]]:
            add(finished, values, sphere(values))
        pending = points[-1:]
    assert len({frozenset(values.items()) for values in points}) == 21
    (again,) = suggester.suggest(finished, pending, rngs(1, first=99))
    space.validate(again.values)


def test_an_unlikely_point_is_found_when_no_other_remains() -> None:
    """Random draws do not find an option of probability 1e-9."""
    space = Space(hp.pchoice("c", [(0.5, 0), (0.5 - 1e-9, 1), (1e-9, 2)]))
    for n_startup in (0, 10):
        suggester = TPE(space, TPEOptions(n_startup=n_startup))
        points, _ = search(suggester, space, lambda values: 0.0, 3)
        assert sorted(values["c"] for values in points) == [0, 1, 2]


def test_known_points_of_an_infinite_grid_are_avoided() -> None:
    space = Space(hp.qnormal("x", 0, 3, 1))
    points, _ = search(TPE(space), space, sphere, 10)
    assert len({values["x"] for values in points}) == 10


# Determinism


def test_a_batch_is_the_same_as_one_call_for_each_point() -> None:
    space, finished = mixed_history(25)
    for some in (space, Space([hp.randint("x", 4), hp.choice("c", [0, 1])])):
        past = finished if some is space else history(some, [{"x": 1, "c": 0}] * 11, range(11))
        batch = TPE(some).suggest(past, [], rngs(5))
        single: list[Values] = []
        for rng in rngs(5):
            single.append(TPE(some).suggest(past, single, [rng])[0].values)
        assert [s.values for s in batch] == single


def test_a_new_suggester_makes_the_same_suggestions_as_one_that_saw_the_search() -> None:
    space, _ = mixed_history(0)
    suggester, finished = TPE(space), History(space)
    for tid in range(40):
        (suggestion,) = suggester.suggest(finished, [], rngs(1, first=tid))
        assert TPE(space).suggest(finished, [], rngs(1, first=tid)) == [suggestion]
        add(finished, suggestion.values, sphere(suggestion.values))


@given(
    space=spaces(),
    looks=st.lists(st.integers(0, 400), min_size=1, max_size=5),
    losses=st.integers(0, 99).map(lambda seed: np.random.default_rng(seed).choice(len(HOSTILE), 400)),
)
def test_the_state_after_a_long_search_equals_that_of_a_new_suggester(
    space: Space, looks: list[int], losses: list[int]
) -> None:
    """With more trials than the sample holds, and any order of suggestions and results."""
    kept, grown = TPE(space), History(space)
    rng = np.random.default_rng(1)
    for n in sorted(looks):
        while len(grown) < n:
            add(grown, space.sample(rng), HOSTILE[losses[len(grown)]])
        again = history(space, [], [])
        for values, mask, loss in zip(grown.values, grown.active, grown.losses, strict=True):
            point = {p.label: values[j] for j, p in enumerate(space.parameters) if mask[j]}
            add(again, point, float(loss))
        pending = [space.sample(rng)]
        assert kept.suggest(grown, pending, rngs(2)) == TPE(space).suggest(again, pending, rngs(2))


def test_another_history_resets_the_state() -> None:
    """For a longer, a shorter and an equally long history, also in a discrete space."""
    for space in (Space(hp.uniform("x", 0, 1)), Space(hp.randint("x", 90))):
        suggester, rng = TPE(space), np.random.default_rng(0)
        for n in (30, 200, 60, 60):
            finished = history(space, [space.sample(rng) for _ in range(n)], rng.random(n))
            assert suggester.suggest(finished, [], rngs(2)) == TPE(space).suggest(finished, [], rngs(2))


def test_good_trials_are_found_among_a_hundred_thousand() -> None:
    """The good trials are few and old, and are used nevertheless."""
    space = Space([hp.uniform("x", 0, 1), hp.uniformint("n", 0, 9), hp.choice("c", ["a", "b", "c"])])
    finished, rng = History(space), np.random.default_rng(0)
    for _ in range(100_000):
        values = space.sample(rng)
        add(finished, values, abs(values["x"] - 0.3) + values["n"] + values["c"])
    drawn = [s.values for s in TPE(space).suggest(finished, [], rngs(50))]
    assert all(values["n"] <= 1 for values in drawn)
    assert np.median([abs(values["x"] - 0.3) for values in drawn]) < 0.05


def test_suggestions_depend_on_the_seed() -> None:
    space, finished = mixed_history(25)
    assert TPE(space).suggest(finished, [], rngs(3, seed=1)) == TPE(space).suggest(
        finished, [], rngs(3, seed=1)
    )
    assert TPE(space).suggest(finished, [], rngs(3, seed=1)) != TPE(space).suggest(
        finished, [], rngs(3, seed=2)
    )


# A start by a Sobol' sequence

SOBOL = TPEOptions(start="sobol", n_startup=20)


def test_sobol_points_are_uniform_in_every_parameter() -> None:
    """Of eight points, one is in each eighth of a number's prior, and two have each of four options."""
    space = Space([hp.uniform("u", -2, 3), hp.lognormal("n", 1, 2), hp.choice("c", list(range(4)))])
    points = [s.values for s in TPE(space, SOBOL).suggest(History(space), [], rngs(8))]
    uniforms = [(p["u"] + 2) / 5 for p in points]
    normals = [0.5 * math.erfc((1 - math.log(p["n"])) / 2 / math.sqrt(2)) for p in points]
    for column in (uniforms, normals):
        assert sorted(math.floor(8 * p) for p in column) == list(range(8))
    assert sorted(p["c"] for p in points) == [0, 0, 1, 1, 2, 2, 3, 3]


def test_a_sobol_start_does_not_depend_on_batches_or_pending_trials() -> None:
    """All at once or one by one, finished in any order: points of one sequence of the seed."""
    space, _ = mixed_history(0)
    at_once = [s.values for s in TPE(space, SOBOL).suggest(History(space), [], rngs(12))]
    finished, pending = History(space), list[Values]()
    for tid in range(12):
        (suggestion,) = TPE(space, SOBOL).suggest(finished, pending, rngs(1, first=tid))
        assert suggestion == Suggestion(values=at_once[tid], origin="sobol")
        space.validate(suggestion.values)
        pending.append(suggestion.values)
        if tid % 3 == 2:
            add(finished, pending.pop(tid % 2), 1.0)
    assert TPE(space, SOBOL).suggest(History(space), [], rngs(1, seed=1))[0].values != at_once[0]


def test_a_sobol_start_draws_randomly_where_the_sequence_repeats() -> None:
    space = Space(hp.randint("x", 5))
    points = [s.values["x"] for s in TPE(space, SOBOL).suggest(History(space), [], rngs(5))]
    assert sorted(points) == list(range(5))
    assert TPE(Space([]), SOBOL).suggest(History(Space([])), [], rngs(1))[0].values == {}


@given(space=spaces(), seed=st.integers(0, 99))
def test_sobol_points_are_points_of_any_space(space: Space, seed: int) -> None:
    for suggestion in TPE(space, SOBOL).suggest(History(space), [], rngs(9, seed)):
        space.validate(suggestion.values)


# Other requirements


def test_points_come_from_the_prior_until_enough_trials_have_finished() -> None:
    space, finished = mixed_history(9)
    pending = [space.sample(np.random.default_rng(1)) for _ in range(20)]
    assert [s.origin for s in TPE(space).suggest(finished, pending, rngs(2))] == ["random"] * 2
    add(finished, pending[0], None)
    assert [s.origin for s in TPE(space).suggest(finished, pending, rngs(2))] == ["tpe"] * 2
    assert TPE(space).suggest(finished, pending, []) == []


def test_suggested_values_have_the_types_that_sampling_gives() -> None:
    space = Space({kind: make(kind) for kind, make in LEAVES.items()})
    rng = np.random.default_rng(0)
    finished = history(space, [space.sample(rng) for _ in range(12)], range(12))
    (suggestion,) = TPE(space).suggest(finished, [], rngs(1))
    for parameter in space.parameters:
        is_float = isinstance(parameter.distribution, Numeric)
        assert type(suggestion.values[parameter.label]) is (float if is_float else int)
    assert any(isinstance(parameter.distribution, Categorical) for parameter in space.parameters)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        *[("n_startup", -1), ("n_startup", 1.5), ("n_candidates", 0), ("n_candidates", True)],
        *[("gamma", 0), ("gamma", 1.1), ("gamma", math.nan), ("gamma", "x")],
        *[("prior_weight", 0.0), ("prior_weight", math.inf), ("growth", "log"), ("start", "lhs")],
    ],
)
def test_an_option_out_of_its_range_is_refused_by_name(option: str, value: object) -> None:
    with pytest.raises(ConfigurationError, match=option):
        TPEOptions(**{option: value})  # type: ignore[arg-type]
