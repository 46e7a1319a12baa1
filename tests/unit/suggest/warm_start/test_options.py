"""Options of choices are matched by content."""

from __future__ import annotations

from typing import Any

import pytest

from hpsearch import hp
from hpsearch.space.expression import as_node
from hpsearch.space.tree import Space
from hpsearch.suggest.warm_start.options import match_options


def matched(there: list[Any], here: list[Any]) -> dict[int, int]:
    return match_options([as_node(option) for option in there], [as_node(option) for option in here])


@pytest.mark.parametrize(
    ("there", "here", "found"),
    [
        (["a", "b", "c"], ["c", "a"], {0: 1, 2: 0}),
        (["ReLU", "leaky_relu"], ["leaky-relu", "relu"], {0: 1, 1: 0}),
        ([1, 2, True], [True, 2.0, 1.0], {0: 2, 1: 1, 2: 0}),
        (["a"], ["b"], {}),
        (["a", "A"], ["a", "A"], {0: 0, 1: 1}),
        (["a", "A"], ["aa", " a"], {}),  # ambiguous
        ([None, (1, 2)], [(1, 2), None], {0: 1, 1: 0}),
    ],
)
def test_scalars_match_by_value_then_by_name(
    there: list[Any], here: list[Any], found: dict[int, int]
) -> None:
    assert matched(there, here) == found


def test_options_with_parameters_match_whatever_their_ranges() -> None:
    there = [{"kind": "svm", "c": hp.uniform("c", 0, 1)}, {"kind": "tree", "depth": hp.randint("depth", 9)}]
    here = [
        {"kind": "tree", "depth": hp.randint("depth", 5), "leaf": hp.randint("leaf", 5)},
        {"kind": "svm", "c": hp.loguniform("c", -5, 5)},
    ]
    assert matched(there, here) == {0: 1, 1: 0}


def test_a_renamed_option_is_recognized_by_parameters_that_no_other_option_has() -> None:
    shared = hp.uniform("lr", 0, 1)
    there = [{"kind": "sgd", "lr": shared, "m": hp.uniform("momentum", 0, 1)}, {"kind": "x", "lr": shared}]
    here = [
        {"kind": "y", "lr": shared},
        {"kind": "momentum-sgd", "lr": shared, "m": hp.uniform("momentum", 0, 1)},
    ]
    assert matched(there, here) == {0: 1}


def test_a_function_matches_its_stored_reference() -> None:
    space = Space(hp.choice("f", [abs, min, "abs"]))
    stored = Space.from_json(space.to_json())
    (there,), (here,) = stored.nodes.values(), space.nodes.values()
    assert match_options(there.options[::-1], here.options) == {0: 2, 1: 1, 2: 0}  # type: ignore[union-attr]
