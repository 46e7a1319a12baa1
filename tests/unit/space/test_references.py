"""The references of a space are found without importing or calling anything."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpsearch import hp
from hpsearch.hyperopt.pyll import scope
from hpsearch.space.operations import OPERATIONS
from hpsearch.space.references import References, references_of
from hpsearch.space.restricted_operations import CALLS, is_allowed
from hpsearch.space.tree import Space


def test_plain_spaces_have_no_references() -> None:
    space = Space({"x": hp.uniform("x", 0, 1), "y": hp.choice("y", ["a", {"z": hp.quniform("z", 1, 9, 2)}])})
    assert references_of(space.to_json()) == References(frozenset(), frozenset())


def test_functions_are_found_in_any_place() -> None:
    """As options, as values, as keys and under operations."""
    space = Space(
        {"f": hp.choice("f", [math.sin, {math.cos: [math.tan]}]), "g": scope.int(hp.uniform("x", 0, 1))}
    )
    assert references_of(space.to_json()).imports == {"math:sin", "math:cos", "math:tan"}


def test_a_call_of_an_import_needs_only_its_name() -> None:
    call = {"name": "call", "args": [{"import": "os:system"}, "true"]}
    assert references_of({"operations": [call]}) == References(frozenset({"os:system"}), frozenset())


def test_operations_without_named_references_are_unrestricted() -> None:
    """Attributes of any value lead to every function of the process."""
    operations = [
        {"name": "getattr", "args": ["", "__class__"]},
        {"name": "call", "args": [{"operation": 0}]},
        {"name": "partial", "args": [{"parameter": "f"}]},
        {"name": "call"},
    ]
    assert references_of({"operations": operations}).unrestricted == {"getattr", "call", "partial"}


@pytest.mark.parametrize(
    "operation",
    [
        {"name": "max", "args": [{"tuple": ["1"]}], "keywords": [["key", {"operation": 0}]]},
        {"name": "min", "args": [{"tuple": ["1"]}], "keywords": [["default", 1], ["key", {"import": "a:b"}]]},
        {"name": "exp", "args": [1, {"operation": 0}]},
        {"name": "exp", "args": [1], "keywords": [["out", {"operation": 0}]]},
        {"name": "str", "args": [{"bytes": "AAAA"}, "hex"]},
        {"name": "sum", "args": [{"tuple": []}, 1, 2]},
        {"name": "add", "args": [1], "keywords": "key"},
        {"name": "add", "args": [1, 2], "keywords": [1]},
        {"name": "add", "args": {"0": 1}},
        {"name": ["max"], "args": [1]},
        {"name": "sorted", "args": [{"tuple": []}], "keywords": [["key", {"import": "a:b"}]]},
        {"args": [1]},
    ],
    ids=str,
)
def test_an_operation_with_unlisted_operands_is_unrestricted(operation: dict[str, Any]) -> None:
    assert references_of({"operations": [operation]}).unrestricted == {str(operation.get("name"))}


_OPERANDS = st.sampled_from([1, "a", {"import": "os:system"}, {"operation": 0}, {"tuple": []}])


@given(
    st.sampled_from(sorted(OPERATIONS)),
    st.lists(_OPERANDS, max_size=5),
    st.lists(st.sampled_from(["key", "default", "start", "base", "ndigits", "out", "function"]), max_size=2),
)
def test_only_listed_operands_of_each_operation_pass(name: str, args: list[Any], keywords: list[str]) -> None:
    """A keyword that may be a function is allowed only in a call of a named function."""
    entry = {"name": name, "args": args, "keywords": [[keyword, 1] for keyword in keywords]}
    passes = not references_of({"operations": [entry]}).unrestricted
    if name in CALLS:
        assert passes == bool(args and args[0] == {"import": "os:system"})
    else:
        assert passes == is_allowed(name, len(args), keywords)
        assert not (passes and set(keywords) & {"key", "out", "function"})


def test_references_are_found_in_damaged_and_deep_documents() -> None:
    deep: object = {"import": "os:system"}
    for _ in range(5000):
        deep = [{"tuple": deep}]
    assert references_of({"somewhere": deep, "operations": None}).imports == {"os:system"}
    assert references_of({"root": {"import": ["os", "system"], "tuple": 1}}).imports == {"['os', 'system']"}
