"""Points that a person writes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpsearch import hp
from hpsearch.errors import SpaceError
from hpsearch.space.points import point_of
from hpsearch.space.tree import Space
from tests.support.spaces import spaces

SPACE = Space(
    {
        "lr": hp.loguniform("lr", -7, 0),
        "layers": hp.randint("layers", 1, 4),
        "flag": hp.choice("flag", [0, 1, True, None]),
        "model": hp.choice("model", [{"kind": "svc", "C": hp.uniform("C", 0, 1)}, {"kind": "tree"}]),
    }
)


def point(**params: Any) -> dict[str, float | int]:
    return point_of(SPACE, params, np.random.default_rng(0))


def test_options_are_given_by_value_or_name_and_numbers_keep_their_types() -> None:
    found = point(lr=1e-3, layers=2.0, flag=True, model="svc", C=1)
    assert found == {"lr": 1e-3, "layers": 2, "flag": 2, "model": 0, "C": 1.0}
    assert (type(found["layers"]), type(found["C"])) == (int, float)
    assert (point(flag=1)["flag"], point(flag=None)["flag"]) == (1, 3)


def test_parameters_that_are_not_given_are_drawn() -> None:
    found = point(model="tree")
    assert found["model"] == 1
    SPACE.validate(found)
    assert found == point(model="tree")


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"lr": 2.0}, "The value 2.0 of the parameter 'lr' is not a value of loguniform"),
        ({"lr": "small"}, "The value 'small' of the parameter 'lr' is not a number."),
        ({"layers": 2.5}, "The value 2.5 of the parameter 'layers'"),
        ({"model": "sv"}, "is not one of its options: svc, tree."),
        ({"momentum": 0.9}, "The space has no parameter 'momentum'"),
        ({"model": "tree", "C": 0.5}, "The parameter 'C' is not active under the chosen options."),
    ],
)
def test_an_impossible_point_is_refused_by_name(params: dict[str, Any], words: str) -> None:
    with pytest.raises(SpaceError) as refused:
        point(**params)
    assert words in str(refused.value)


@given(spaces(), st.integers(0, 9))
def test_shown_parameters_can_be_given_back(space: Space, seed: int) -> None:
    """Equal scalars among the options, such as two of 0.5, are the same choice."""
    values = space.sample(np.random.default_rng(seed))
    params = space.params(values)
    assert space.params(point_of(space, params, np.random.default_rng(1))) == params
