"""Which branch of a space gets the next trial, and that no branch is forgotten."""

from __future__ import annotations

from itertools import accumulate
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hpsearch import hp
from hpsearch.core.history import History
from hpsearch.space.tree import Space, Values
from hpsearch.suggest.auto import Auto
from hpsearch.suggest.branches import Branches, LossCurve, activities, deserved_trials
from hpsearch.suggest.protocol import Suggester
from hpsearch.suggest.tpe.branches import BranchTPE
from tests.support.histories import add, history, rngs, search, spaces

MODELS = Space(
    {
        "scaler": hp.choice("scaler", ["none", "standard"]),
        "model": hp.choice(
            "model",
            [
                {"a": hp.uniform("a", 0, 1)},
                {"b": hp.uniform("b", 0, 1)},
                {"c": hp.uniform("c", 0, 1), "inner": hp.choice("inner", [{}, {"d": hp.uniform("d", 0, 1)}])},
            ],
        ),
    }
)


def one_sided(model: int, n: int) -> list[Values]:
    rng = np.random.default_rng(0)
    points: list[Values] = []
    while len(points) < n:
        point = MODELS.sample(rng)
        if point["model"] == model:
            points.append(point)
    return points


def deserved(options: Any, losses: Any, probabilities: list[float]) -> Any:
    """Return what each branch deserves after trials with these options and losses."""
    curves = [LossCurve() for _ in probabilities]
    for option, loss in zip(options, losses, strict=True):
        curves[option].add(float(loss))
    return np.array(deserved_trials(curves, probabilities))


def test_the_branch_without_trials_is_the_most_neglected() -> None:
    points = one_sided(0, 20) + one_sided(1, 3)
    branch = Branches(MODELS).neglected(history(MODELS, points, range(23)), [])
    assert branch is not None
    assert branch.options == {"model": 2}


def test_pending_trials_count() -> None:
    points = one_sided(0, 10) + one_sided(1, 10)
    finished = history(MODELS, points, range(20))
    branch = Branches(MODELS).neglected(finished, one_sided(2, 20))
    assert branch is None or "inner" in branch.options


def test_a_branch_below_another_names_the_options_above_it() -> None:
    points = [{**p, "inner": 0} for p in one_sided(2, 40)]
    points = [{k: v for k, v in p.items() if k != "d"} for p in points]
    points += one_sided(0, 20) + one_sided(1, 20)
    branch = Branches(MODELS).neglected(history(MODELS, points, range(80)), [])
    assert branch is not None
    assert branch.options == {"model": 2, "inner": 1}
    assert branch.has({"model": 2, "inner": 1})
    assert not branch.has({"model": 0})


def test_a_leaf_choice_has_no_branches() -> None:
    space = Space([hp.choice("leaf", ["x", "y", "z"]), hp.uniform("u", 0, 1)])
    assert not Branches(space)


def test_a_worse_branch_deserves_fewer_trials() -> None:
    options, losses = np.array([0, 1, 2] * 2), np.array([1.0, 2.0, 3.0] * 2)
    first, second, third = deserved(options, losses, [1 / 3] * 3)
    assert first == 0  # the best needs no protection
    assert second > third > 0


def test_a_branch_that_improves_too_slowly_deserves_less() -> None:
    options = np.array([0] * 20 + [1] * 20)
    rising = np.concatenate([np.zeros(20), np.linspace(9, 1, 20)])
    flat = np.concatenate([np.zeros(20), np.full(20, 1.0)])
    assert deserved(options, flat, [0.5] * 2)[1] < deserved(options, rising, [0.5] * 2)[1]


def test_a_branch_whose_trials_all_fail_deserves_less() -> None:
    options = np.array([0] * 20 + [1] * 20 + [2] * 20)
    losses = np.concatenate([np.zeros(20), np.linspace(9, 1, 20), np.full(20, np.inf)])
    fewer = deserved(options[:43], losses[:43], [1 / 3] * 3)[2] / 43  # too few to judge
    assert deserved(options, losses, [1 / 3] * 3)[2] / 60 < fewer / 2


@given(losses=st.lists(st.sampled_from([np.inf, -np.inf, 1e300, -1e300, 0.0, 5e-324, 2.0]), max_size=40))
def test_any_losses_give_finite_shares(losses: list[float]) -> None:
    options = np.arange(len(losses)) % 3
    with np.errstate(all="raise"):
        shares = deserved(options, losses, [1 / 3] * 3)
    assert np.isfinite(shares).all()
    assert (shares >= 0).all()


def test_an_impossible_branch_deserves_nothing() -> None:
    _, never, other = deserved([0] * 9, range(9), [0.5, 0.0, 0.5])
    assert never == 0
    assert other > 0


@given(losses=st.lists(st.sampled_from([np.inf, -np.inf, 2.0, 1.0, 0.0, 0.5]), min_size=1, max_size=40))
def test_a_loss_curve_is_the_running_minimum(losses: list[float]) -> None:
    curve = LossCurve()
    for n, loss in enumerate(losses, 1):
        curve.add(loss)
        assert (curve.n, curve.lowest) == (n, min(losses[:n]))
    assert [curve.lowest_after(n + 1) for n in range(len(losses))] == list(accumulate(losses, min))


def test_what_branches_deserve_does_not_depend_on_when_the_trials_were_read() -> None:
    points = [MODELS.sample(np.random.default_rng(seed)) for seed in range(60)]
    losses = [None if seed % 7 == 0 else float(seed % 11) for seed in range(60)]
    grown, branches = History(MODELS), Branches(MODELS)
    for point, loss in zip(points, losses, strict=True):
        add(grown, point, loss)
        branch = branches.neglected(grown, points[:2])
        assert branch == Branches(MODELS).neglected(grown, points[:2])
    other = history(MODELS, points[:30], losses[:30])
    assert branches.neglected(other, []) == Branches(MODELS).neglected(other, [])


@settings(max_examples=40, deadline=None)
@given(space=spaces(), n=st.integers(0, 30), seed=st.integers(0, 9))
def test_in_any_space_the_branches_of_tpe_give_points_of_the_space(space: Space, n: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    points = [space.sample(rng) for _ in range(n)]
    finished = history(space, points, rng.random(n).tolist())
    for suggestion in BranchTPE(space).suggest(finished, points[:3], rngs(4, seed)):
        space.validate(suggestion.values)


@pytest.mark.parametrize("kind", [BranchTPE, Auto])
def test_a_search_recovers_from_a_lucky_start_in_the_wrong_branch(kind: type[BranchTPE] | type[Auto]) -> None:
    """The first trials of branch 0 are good at once; branch 2 is better, but only where it is tuned well."""

    def objective(values: Values) -> float:
        if values["model"] < 2:
            return 0.5 + 0.01 * values["ab"[int(values["model"])]]
        return min(1.0, 5 * abs(values["c"] - 0.37))

    for seed in range(3):
        suggester: Suggester = kind(MODELS)
        start = one_sided(0, 30)
        points, _ = search(suggester, MODELS, objective, 120, seed=seed, start=start)
        assert min(map(objective, points)) < 0.3


def test_a_suggester_that_has_just_started_gives_the_same_points() -> None:
    points = one_sided(0, 30) + one_sided(1, 15)
    finished = history(MODELS, points, range(45))
    old = BranchTPE(MODELS)
    old.suggest(history(MODELS, points[:30], range(30)), [], rngs(2))
    assert old.suggest(finished, [], rngs(6)) == BranchTPE(MODELS).suggest(finished, [], rngs(6))


@given(space=spaces())
@settings(max_examples=30, deadline=None)
def test_activities_are_the_frequencies_of_draws(space: Space) -> None:
    rng = np.random.default_rng(0)
    draws = [space.sample(rng) for _ in range(300)]
    for parameter, activity in zip(space.parameters, activities(space), strict=True):
        assert sum(parameter.label in values for values in draws) / 300 == pytest.approx(activity, abs=0.15)
