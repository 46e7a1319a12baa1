"""What the options of a choice are called."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

from hpsearch import hp
from hpsearch.space.expression import Choice, Literal, call
from hpsearch.space.tree import Space
from tests.support.spaces import spaces


class Forest:
    """A class that an option names."""


def x(label: str) -> Any:
    return hp.uniform(label, 0, 1)


@pytest.mark.parametrize(
    ("options", "names"),
    [
        (["adam", "sgd"], ("adam", "sgd")),
        ([None, True, 0.5, 3], ("None", "True", "0.5", "3")),
        ([{"kind": "svc", "C": x("C")}, {"kind": "forest", "depth": x("d")}], ("svc", "forest")),
        ([{"type": "a", "name": "svc", "C": x("C")}, {"type": "a", "name": "nn"}], ("svc", "nn")),
        ([{"n": 1, "a": x("a1")}, {"n": 2, "a": x("a2")}], ("n=1", "n=2")),
        ([{"kernel": "rbf", "gamma": x("g")}, {"kernel": "linear"}], ("rbf", "linear")),
        ([None, {"b": x("b")}], ("None", "b")),
        ([{"svc": {"C": x("C")}}, {"nn": {"lr": x("lr")}}], ("svc", "nn")),
        ([None, x("depth")], ("None", "depth")),
        ([("svc", x("C")), ("nn", x("lr"))], ("svc", "nn")),
        ([(64,), (64, 32)], ("(64)", "(64, 32)")),
        ([Forest, len], ("Forest", "len")),
        ([{"model": Forest, "a": x("a1")}, {"model": dict, "a": x("a2")}], ("Forest", "dict")),
        ([call(Forest, x("a1")), call(dict, a=x("a2"))], ("Forest", "dict")),
        ([{"a": x("a1"), "b": 1}, {"a": x("a2"), "b": 1}], ("option 0", "option 1")),
        ([{"kind": "adam"}, "adam"], ("option 0", "adam")),
    ],
)
def test_options_have_short_distinct_names(options: list[Any], names: tuple[str, ...]) -> None:
    assert Space(hp.choice("c", options)).option_names("c") == names


def test_the_names_are_the_same_where_the_space_is_read_without_importing() -> None:
    space = Space(hp.choice("c", [{"model": Forest, "a": x("a1")}, {"model": dict, "a": x("a2")}]))
    assert Space.from_json(space.to_json()).option_names("c") == ("Forest", "dict")


def test_a_long_name_is_cut() -> None:
    [name] = Space(hp.choice("c", [{"kind": "k" * 100, "a": x("a")}])).option_names("c")
    assert len(name) == 40


@given(spaces())
def test_options_that_are_no_scalars_have_names_of_their_own(space: Space) -> None:
    for label, node in space.nodes.items():
        if isinstance(node, Choice):
            names = space.option_names(label)
            long = [n for n, o in zip(names, node.options, strict=True) if not isinstance(o, Literal)]
            assert len(names) == len(node.options)
            assert all(names.count(name) == 1 for name in long)
