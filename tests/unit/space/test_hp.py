"""The arguments of ``hp``: errors and warnings."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpsearch import hp
from hpsearch.errors import HpsearchWarning, SpaceError
from hpsearch.space.tree import Space

INF, NAN = math.inf, math.nan


@pytest.mark.parametrize(
    ("build", "text"),
    [
        (lambda: hp.uniform("x", 1, 0), "hp.uniform('x'): low must be below high, but they are 1 and 0"),
        (lambda: hp.uniform("x", 0, -1), "hp.uniform('x'): low must be below high"),
        (lambda: hp.uniform("x", 0, 0), "hp.uniform('x'): low must be below high"),
        (lambda: hp.quniform("x", 1, 0, 1), "hp.quniform('x'): low must be below high"),
        (lambda: hp.loguniform("x", 0, -1), "hp.loguniform('x'): low must be below high"),
        (lambda: hp.qloguniform("x", 0, -1, 1), "hp.qloguniform('x'): low must be below high"),
        (lambda: hp.uniformint("x", 5, 1), "hp.uniformint('x'): low must be below high"),
        (lambda: hp.uniform("x", -INF, 0), "hp.uniform('x'): low must be finite, but it is -inf"),
        (lambda: hp.uniform("x", 0, NAN), "hp.uniform('x'): high must be finite, but it is nan"),
        (lambda: hp.uniform("x", 0, 10**400), "hp.uniform('x'): high must be finite"),
        (
            lambda: hp.uniform("x", -1e308, 1e308),
            "hp.uniform('x'): the range from -1e+308 to 1e+308 is too wide",
        ),
        (lambda: hp.uniform("x", False, 1), "hp.uniform('x'): low must be a number, but it is False"),
        (lambda: hp.uniform("x", 0, np.True_), "hp.uniform('x'): high must be a number"),
        (lambda: hp.uniform("x", "0", 1), "hp.uniform('x'): low must be a number, but it is '0'"),
        (lambda: hp.uniform("x", None, 1), "hp.uniform('x'): low must be a number, but it is None"),
        (
            lambda: hp.uniform("x", 0, hp.uniform("y", 0, 1)),
            "hp.uniform('x'): high must be a number, but it is hp.uniform('y')",
        ),
        (
            lambda: hp.loguniform("x", 1, 1000),
            "hp.loguniform('x'): high is a logarithm, and exp(1000) is outside",
        ),
        (
            lambda: hp.loguniform("x", -800, 1),
            "hp.loguniform('x'): low is a logarithm, and exp(-800) is outside",
        ),
        (lambda: hp.lognormal("x", 800, 1), "hp.lognormal('x'): mu is a logarithm"),
        (lambda: hp.quniform("x", 0, 1, 0), "hp.quniform('x'): q must be positive, but it is 0"),
        (lambda: hp.quniform("x", 0, 1, -0.1), "hp.quniform('x'): q must be positive"),
        (lambda: hp.quniform("x", 0, 1, NAN), "hp.quniform('x'): q must be finite"),
        (lambda: hp.quniform("x", 0, 1e9, 1e-9), "hp.quniform('x'): q = 1e-09 is finer than floats"),
        (lambda: hp.qloguniform("x", 16, 512, 16), "near 2.28441e+222, the exponential of high"),
        (lambda: hp.qnormal("x", 0, 1, 0), "hp.qnormal('x'): q must be positive"),
        (lambda: hp.normal("x", NAN, 1), "hp.normal('x'): mu must be finite"),
        (lambda: hp.normal("x", 0, 0), "hp.normal('x'): sigma must be positive, but it is 0"),
        (lambda: hp.qlognormal("x", 0, -1, 1), "hp.qlognormal('x'): sigma must be positive"),
        (lambda: hp.normal("x", 0, INF), "hp.normal('x'): sigma must be finite"),
        (lambda: hp.normal("x", 0, 1e308), "hp.normal('x'): mu = 0 with sigma = 1e+308 reaches beyond"),
        (
            lambda: hp.randint("x", 0),
            "hp.randint('x'): there is no integer from 0 up to, but not including, 0",
        ),
        (lambda: hp.randint("x", 3, 3), "hp.randint('x'): there is no integer from 3"),
        (lambda: hp.randint("x", 0, 2.5), "hp.randint('x'): high must be an int, but it is 2.5"),
        (lambda: hp.randint("x", 2.0), "hp.randint('x'): high must be an int, but it is 2.0"),
        (lambda: hp.randint("x", True), "hp.randint('x'): high must be an int, but it is True"),
        (lambda: hp.randint("x", 2**60), "hp.randint('x'): high must lie within +-2**53"),
        (lambda: hp.choice("x", []), "hp.choice('x'): there must be at least one option"),
        (
            lambda: hp.choice("x", {"a": 1}),
            "hp.choice('x'): the options must be a list or a tuple, not a dict",
        ),
        (lambda: hp.choice("x", "abc"), "must be a list or a tuple, not a str"),
        (lambda: hp.choice("x", {1, 2}), "must be a list or a tuple, not a set"),
        (lambda: hp.choice("x", hp.uniform("y", 0, 1)), "must be a list or a tuple, not a Number"),
        (lambda: hp.pchoice("x", []), "hp.pchoice('x'): there must be at least one option"),
        (
            lambda: hp.pchoice("x", [(1, "a", 3)]),
            "hp.pchoice('x'): option 0 must be a pair (probability, option)",
        ),
        (lambda: hp.pchoice("x", ["ab"]), "hp.pchoice('x'): option 0 must be a pair"),
        (
            lambda: hp.pchoice("x", [(0.5, 1), (0.9, 2)]),
            "hp.pchoice('x'): the probabilities must add up to 1, but their sum is 1.4",
        ),
        (lambda: hp.pchoice("x", [(0.2, 1), (0.2, 2)]), "their sum is 0.4"),
        (
            lambda: hp.pchoice("x", [(1.5, 1), (-0.5, 2)]),
            "hp.pchoice('x'): the probability of option 1 is negative",
        ),
        (
            lambda: hp.pchoice("x", [(NAN, 1), (1, 2)]),
            "hp.pchoice('x'): the probability of option 0 must be finite",
        ),
        (lambda: hp.uniform("", 0, 1), "must be a non-empty string, but it is ''"),
        (lambda: hp.uniform(b"x", 0, 1), "must be a non-empty string, but it is b'x'"),
        (lambda: hp.choice(3, [1]), "must be a non-empty string, but it is 3"),
        (lambda: hp.randint("a\0b", 3), "has a character that cannot be stored"),
        (lambda: hp.randint("\ud800", 3), "has a character that cannot be stored"),
    ],
)
def test_invalid_arguments_are_refused(build: Callable[[], Any], text: str) -> None:
    with pytest.raises(SpaceError) as caught:
        build()
    assert text in str(caught.value)


def test_probabilities_are_normalized() -> None:
    node = hp.pchoice("x", [(0.5 + 4e-7, "a"), (0.5, "b")])
    assert math.fsum(node.distribution.probabilities) == pytest.approx(1, abs=1e-15)


@given(st.lists(st.integers(1, 100), min_size=1, max_size=20))
def test_normalizing_twice_changes_nothing(weights: list[int]) -> None:
    """A decoded space must have the same fingerprint."""
    once = hp.pchoice("x", [(w / sum(weights) * (1 + 4e-7), None) for w in weights]).distribution
    assert hp.pchoice("x", [(p, None) for p in once.probabilities]).distribution == once


@pytest.mark.parametrize("options", [[1, 2], (1, 2), range(1, 3), np.array([1, 2])], ids=repr)
def test_options_may_be_any_sequence_of_values(options: Any) -> None:
    assert [option.value for option in hp.choice("x", options).options] == [1, 2]  # type: ignore[attr-defined]


@pytest.mark.parametrize("low", [1e-5, 0.001, 0.5, 0])
def test_log_bounds_that_look_like_values_give_a_warning(low: float) -> None:
    """Such a range lies between 1 and e, which is rarely intended."""
    with pytest.warns(HpsearchWarning, match=r"hp.loguniform\('lr', .*\) ranges from 1.* np\.log\(0\.9\)\)"):
        hp.loguniform("lr", low, 0.9)


def test_the_warning_shows_the_correction_and_the_users_line() -> None:
    with pytest.warns(HpsearchWarning) as caught:
        hp.loguniform("lr", 1e-5, 1e-1)
    assert "write hp.loguniform('lr', np.log(1e-05), np.log(0.1))." in str(caught[0].message)
    assert caught[0].filename == __file__
    with pytest.warns(
        HpsearchWarning, match=r"write hp.qloguniform\('n', np.log\(0.001\), np.log\(10\), q\)"
    ):
        hp.qloguniform("n", 0.001, 10, 1)


def test_a_label_gives_one_warning() -> None:
    """A space that is built repeatedly warns once for each label."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        for label in ("a", "b", "a", "b"):
            hp.loguniform(label, 1e-5, 1e-1)
    assert len(caught) == 2


@pytest.mark.parametrize(
    ("low", "high"),
    [
        (-7, 0),
        (0, 5),
        (-0.5, 0.5),
        (np.log(1.001), np.log(1.1)),
        (0, np.log(2)),
        (np.log(1e-5), np.log(1e-1)),
        (1, 2),
    ],
)
def test_correct_log_bounds_give_no_warning(low: float, high: float) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        hp.loguniform("x", low, high)


@pytest.mark.parametrize(
    ("make", "value"),
    [
        (lambda: hp.quniform("x", 1, 10, 100), 0.0),
        (lambda: hp.uniformint("x", 2, 2.4), 2.0),
        (lambda: hp.qloguniform("x", 0.1234567, 0.3, 2), 2.0),
    ],
)
def test_a_grid_with_one_value_gives_a_warning(make: Any, value: float) -> None:
    with pytest.warns(HpsearchWarning, match="so coarse that only the value") as caught:
        space = Space(make())
    assert caught[0].filename == __file__
    assert space.sample(np.random.default_rng(0)) == {"x": value}
    assert space.n_points == 1
    assert Space.from_json(space.to_json()).fingerprint == space.fingerprint
