"""Spaces: parameters, values and configurations."""

from __future__ import annotations

import math
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpsearch import hp
from hpsearch.errors import SpaceError
from hpsearch.space.tree import Space
from tests.support.importable import Model
from tests.support.spaces import spaces

seeds = st.integers(0, 2**32 - 1).map(np.random.default_rng)


def same(left: Any, right: Any) -> bool:
    """Whether two configurations agree up to rounding."""
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(same(left[k], right[k]) for k in left)
    if isinstance(left, tuple):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, float):
        return math.isclose(left, right, rel_tol=1e-9, abs_tol=1e-9) or (left != left and right != right)
    return type(left) is type(right) and left == right


def nested() -> Space:
    gamma = hp.loguniform("gamma", -7, 0)
    kernel = hp.choice("kernel", ["linear", {"rbf": gamma}])
    return Space({"model": hp.choice("model", [{"svm": kernel}, {"tree": hp.randint("depth", 1, 5)}])})


@given(spaces(), seeds)
def test_samples_are_valid(space: Space, rng: np.random.Generator) -> None:
    """A sample has exactly the active parameters, each with a value that can occur."""
    for _ in range(3):
        values = space.sample(rng)

        space.validate(values)
        assert tuple(values) == space.active(values)


@given(spaces(), seeds)
def test_values_and_configurations_round_trip(space: Space, rng: np.random.Generator) -> None:
    """The values of a configuration are those that it was made from."""
    values = space.sample(rng)
    config = space.config(values)

    found = space.values(config)

    assert found.keys() == values.keys()
    assert all(math.isclose(found[k], values[k], rel_tol=1e-8, abs_tol=1e-8) for k in values)
    assert same(space.config(found), config)


@given(spaces(), seeds)
def test_a_configuration_needs_all_active_parameters_and_no_others(
    space: Space, rng: np.random.Generator
) -> None:
    """A missing value and an inactive one are refused by name."""
    values = space.sample(rng)
    for label in values:
        with pytest.raises(SpaceError, match=r"missing|not active"):
            space.config({k: v for k, v in values.items() if k != label})
    for parameter in space.parameters:
        if parameter.label not in values:
            with pytest.raises(SpaceError, match="not active"):
                space.config({**values, parameter.label: 0})


@given(spaces())
def test_choices_come_before_what_depends_on_them(space: Space) -> None:
    """Conditions of a parameter refer to earlier parameters."""
    seen: set[str] = set()
    for parameter in space.parameters:
        assert {c.label for path in parameter.paths for c in path} <= seen
        seen.add(parameter.label)


def test_a_sample_draws_nothing_for_inactive_parameters() -> None:
    space = nested()
    for seed in range(20):
        values = space.sample(np.random.default_rng(seed))
        assert ("depth" in values) == (values["model"] == 1)
        assert ("gamma" in values) == (values.get("kernel") == 1)


def test_the_same_seed_gives_the_same_sample() -> None:
    draws = [nested().sample(np.random.default_rng(7)) for _ in range(2)]
    assert draws[0] == draws[1]


def test_config_returns_what_the_objective_receives() -> None:
    """Value types are Hyperopt's: tuples for lists, int for randint and uniformint, else floats."""
    space = Space(
        {
            "list": [hp.uniform("u", 0, 1), (hp.quniform("q", 0, 9, 3),)],
            2: hp.randint("r", 5),
            None: hp.uniformint("i", 1, 5),
            "numpy": np.float64(0.25),
            "class": Model,
        }
    )

    config = space.config({"u": 0.5, "q": 3.0, "r": 4, "i": 3.0})

    assert config == {"list": (0.5, (3.0,)), 2: 4, None: 3, "numpy": 0.25, "class": Model}
    assert [type(config[key]) for key in (2, None, "numpy")] == [int, int, float]
    assert type(config["list"][1][0]) is float


def test_raw_values_have_hyperopts_types() -> None:
    space = Space(
        [hp.uniformint("i", 1, 5), hp.randint("r", 5), hp.choice("c", ["ab"]), hp.uniform("u", 0, 1)]
    )
    values = space.sample(np.random.default_rng(0))
    assert {k: type(v) for k, v in values.items()} == {"i": float, "r": int, "c": int, "u": float}


def test_containers_of_a_configuration_are_copies() -> None:
    """An objective may modify its configuration without affecting the next one."""
    space = Space({"a": {"b": hp.uniform("u", 0, 1)}})
    space.config({"u": 0.5})["a"].clear()
    assert space.config({"u": 0.5}) == {"a": {"b": 0.5}}


def test_a_space_copies_the_users_containers() -> None:
    written = {"a": [1, 2]}
    space = Space(written)
    written["a"].append(3)
    assert space.config({}) == {"a": (1, 2)}


def test_a_space_without_parameters_has_one_point() -> None:
    space = Space({"fixed": 1})
    assert (space.parameters, space.sample(np.random.default_rng(0)), space.n_points) == ((), {}, 1)
    assert space.values({"fixed": 1}) == {}


def test_a_space_may_be_a_single_parameter() -> None:
    assert Space(hp.uniform("x", 0, 1)).config({"x": 0.5}) == 0.5


def test_a_shared_node_has_one_value_everywhere() -> None:
    x = hp.uniform("x", 0, 1)
    space = Space({"plain": x, "twice": 2 * x, "in": hp.choice("c", [x, 0])})
    assert space.config({"x": 0.5, "c": 0}) == {"plain": 0.5, "twice": 1.0, "in": 0.5}


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"model": 0}, "'kernel' is missing"),
        ({"model": 0, "kernel": 0, "gamma": 0.1}, "'gamma' is not active"),
        ({"model": 1, "depth": 3, "deph": 3}, "no parameter 'deph'"),
        ({"model": 1, "depth": 5}, r"5 of the parameter 'depth' is not a value of randint: 1 \.\. 4"),
        ({"model": 1, "depth": 2.5}, "'depth'"),
        ({"model": 1, "depth": "3"}, "'depth'"),
        ({"model": 1, "depth": True}, "'depth'"),
        ({"model": 1, "depth": 10**400}, "'depth'"),
        ({"model": 2}, "'model' is not the index of an option, 0 to 1"),
        ({"model": math.nan}, "'model'"),
        ({"model": 0, "kernel": 1, "gamma": 1.5}, "'gamma'"),
        ({"model": 0, "kernel": 1, "gamma": math.nan}, "'gamma'"),
        ({"model": 0, "kernel": 1, "gamma": None}, "'gamma'"),
        ({}, "'model' is missing"),
    ],
)
def test_wrong_values_are_refused_by_name(values: dict[str, Any], text: str) -> None:
    with pytest.raises(SpaceError, match=text):
        nested().validate(values)


def test_values_may_be_numpy_scalars() -> None:
    config = nested().config({"model": np.int64(1), "depth": np.float64(3)})
    assert config == {"model": {"tree": 3}}


def test_params_are_readable() -> None:
    """A choice is its scalar option, else the name of the option; a value on a grid of integers is an int."""
    space = Space(
        [
            hp.uniformint("i", 1, 5),
            hp.quniform("units", 16, 256, 16),
            hp.quniform("half", 0, 1, 0.5),
            hp.choice("scalar", [None, "adam", 0.5]),
            hp.choice("dict", [{"kind": "svm", "C": hp.uniform("C", 0, 1)}]),
            hp.choice("class", [1, Model]),
            hp.choice("big", [2**70]),
        ]
    )

    params = space.params(
        {"i": 3.0, "units": 128.0, "half": 1.0, "scalar": 1, "dict": 0, "C": 0.5, "class": 1, "big": 0}
    )

    assert params == {
        "i": 3,
        "units": 128,
        "half": 1.0,
        "scalar": "adam",
        "dict": "svm",
        "C": 0.5,
        "class": "Model",
        "big": str(2**70),
    }
    assert [type(params[name]) for name in ("i", "units", "half")] == [int, int, float]


def test_a_failing_operation_is_named() -> None:
    space = Space(1 / hp.quniform("x", 0, 1, 1))
    with pytest.raises(SpaceError, match=r"truediv\(1, 0.0\) in the space failed: ZeroDivisionError: "):
        space.config({"x": 0.0})


def test_importing_a_space_does_not_import_scipy() -> None:
    """Workers need no special functions, and importing SciPy is slow."""
    code = "import sys, hpsearch.hp, hpsearch.space.tree; sys.exit('scipy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
