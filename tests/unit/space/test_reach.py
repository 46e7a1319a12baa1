"""What a space reaches is told before anything of it is imported or called."""

from __future__ import annotations

import math

from hpsearch import hp
from hpsearch.hyperopt.pyll import scope
from hpsearch.space.reach import Reach, reach
from hpsearch.space.tree import Space


def test_plain_spaces_reach_nothing():
    space = Space({"x": hp.uniform("x", 0, 1), "y": hp.choice("y", ["a", {"z": hp.quniform("z", 1, 9, 2)}])})
    assert reach(space.to_json()) == Reach(frozenset(), frozenset())


def test_functions_are_found_wherever_they_stand():
    """As options, as values, as keys and under operations."""
    space = Space(
        {"f": hp.choice("f", [math.sin, {math.cos: [math.tan]}]), "g": scope.int(hp.uniform("x", 0, 1))}
    )
    assert reach(space.to_json()).imports == {"math:sin", "math:cos", "math:tan"}


def test_a_call_of_an_import_is_told_by_its_name_alone():
    call = {"name": "call", "args": [{"import": "os:system"}, "true"]}
    assert reach({"operations": [call]}) == Reach(frozenset({"os:system"}), frozenset())


def test_what_is_reached_without_a_name_is_told():
    """From any value, attributes lead to every function of the process."""
    operations = [
        {"name": "getattr", "args": ["", "__class__"]},
        {"name": "call", "args": [{"operation": 0}]},
        {"name": "partial", "args": [{"parameter": "f"}]},
        {"name": "call"},
    ]
    assert reach({"operations": operations}).loose == {"getattr", "call", "partial"}


def test_nothing_hides_in_a_damaged_or_a_deep_document():
    deep: object = {"import": "os:system"}
    for _ in range(5000):
        deep = [{"tuple": deep}]
    assert reach({"somewhere": deep, "operations": None}).imports == {"os:system"}
    assert reach({"root": {"import": ["os", "system"], "tuple": 1}}).imports == {"['os', 'system']"}
