"""The order in which parameters are shown."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hpsearch import hp
from hpsearch.space.display_order import natural_key
from hpsearch.space.tree import Space
from tests.support.spaces import spaces


def test_numbers_in_labels_count_by_size() -> None:
    space = Space({f"layer_{i}": hp.uniform(f"layer_{i}", 0, 1) for i in (1, 10, 2)})
    assert space.labels == ("layer_1", "layer_2", "layer_10")
    assert list(space.params({"layer_10": 0.1, "layer_1": 0.2, "layer_2": 0.3})) == [*space.labels]


def test_a_choice_comes_before_the_parameters_of_its_options() -> None:
    net = {"kind": "net", "a_rate": hp.uniform("a_rate", 0, 1)}
    space = Space({"model": hp.choice("model", [net, {"kind": "tree"}]), "n": hp.randint("n", 5)})
    assert space.labels == ("model", "a_rate", "n")


@given(spaces())
def test_every_parameter_has_one_place(space: Space) -> None:
    assert sorted(space.labels) == sorted(parameter.label for parameter in space.parameters)


@given(st.lists(st.text()))
def test_any_texts_can_be_sorted(texts: list[str]) -> None:
    ordered = sorted(texts, key=natural_key)
    assert sorted(ordered) == sorted(texts)
