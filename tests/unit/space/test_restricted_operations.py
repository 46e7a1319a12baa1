"""Restricted operations call only functions that the space names."""

from __future__ import annotations

import datetime
import math
import operator
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpsearch import hp
from hpsearch.errors import SpaceError
from hpsearch.space.evaluation import evaluate
from hpsearch.space.expression import DictOf, Literal, Node, RestrictedOperation, TupleOf
from hpsearch.space.operations import OPERATIONS
from hpsearch.space.restricted_operations import ARITIES, CALLS, is_allowed
from hpsearch.space.tree import Space
from hpsearch.space.trust import Reference

#: The methods of spies that were called.
used: list[str] = []

#: Operators, conversions and, since NumPy calls them on objects, the names of its functions.
_HOOKS = [
    *(f"__{name}__" for name in dir(operator) if not name.startswith("_")),
    *(f"__r{name}__" for name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow")),
    "__call__", "__int__", "__float__", "__index__", "__len__", "__iter__", "__next__", "__bool__", "__str__",
    "__abs__", "__round__", "__neg__", "__getitem__", "__missing__", "__class_getitem__", "__format__",
    "__array_ufunc__", "__complex__", "__trunc__", "__get__", "__contains__", "__eq__",
    "__lt__", "__le__", "__gt__", "__ge__", "__reversed__", "__length_hint__", "__bytes__",
    "exp", "log", "sqrt", "sin", "cos", "tan", "conjugate", "rint",
]  # fmt: skip


def _noting(name: str) -> Any:
    def method(self: Any = None, *args: Any, **keywords: Any) -> Any:
        used.append(name)
        raise TypeError(f"{name} was used")

    return method


#: An object that records every use of it.
Spy = type("Spy", (), {**{name: _noting(name) for name in _HOOKS}, "__hash__": object.__hash__})


class Number(float):
    """A number with an overloaded operator."""

    def __add__(self, other: Any) -> Any:
        used.append("add of a subclass")
        return 0.0

    __radd__ = __mul__ = __rmul__ = __pow__ = __lt__ = __gt__ = __add__  # type: ignore[assignment]
    __float__ = __int__ = __round__ = __abs__ = __neg__ = __bool__ = lambda self: self + 1  # type: ignore[assignment, return-value]


class Table(dict[Any, Any]):
    """A dict that computes missing items."""

    def __missing__(self, key: Any) -> Any:
        used.append("missing")
        return key


def spying_function(*args: Any, **keywords: Any) -> Any:
    used.append("function")
    return 1


def _nested(depth: int) -> Any:
    """Return nested tuples with the same object twice at each level."""
    value: Any = ()
    for _ in range(depth):
        value = value, value
    return value


SPIES: st.SearchStrategy[Any] = st.sampled_from(
    [Spy(), spying_function, Spy, Number(2), Table(), np.array([spying_function, None])]
)
PLAIN: st.SearchStrategy[Any] = st.one_of(
    st.none(), st.booleans(), st.integers(-9, 9), st.floats(-9, 9), st.text(max_size=3),
    st.sampled_from(["%s", "%(a)s", "{0.__class__}", b"b", "__class__", "upper", datetime.date(2024, 2, 29),
                     np.arange(3), np.float32(2)]),
)  # fmt: skip
VALUES = st.recursive(
    SPIES | PLAIN,
    lambda inner: (
        st.lists(inner, max_size=3).map(tuple) | st.dictionaries(st.sampled_from(["a", "b", 0]), inner)
    ),
    max_leaves=4,
)
#: Every keyword that some operation, builtin or ufunc takes.
KEYWORDS = st.dictionaries(
    st.sampled_from(
        ["key", "default", "start", "base", "ndigits", "out", "where", "dtype", "casting", "initial", "axis",
         "signature", "extobj", "subok", "order", "encoding", "errors", "iterable", "x", "mod"]
    ),
    VALUES,
    max_size=2,
)  # fmt: skip


def computed_node(value: Any) -> Node:
    """Return a node whose value is computed instead of named."""
    return RestrictedOperation("getitem", (TupleOf((Literal(value),)), Literal(0)))


@pytest.mark.parametrize("name", sorted(OPERATIONS))
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@given(args=st.lists(VALUES, max_size=4), keywords=KEYWORDS)
def test_no_operation_runs_code_of_its_operands(name: str, args: list[Any], keywords: dict[str, Any]) -> None:
    """Functions, objects with overloaded operators, and containers of them, in any place."""
    used.clear()
    nodes = [computed_node(arg) if name in CALLS else Literal(arg) for arg in args]
    node = RestrictedOperation(name, tuple(nodes), tuple((k, Literal(v)) for k, v in keywords.items()))
    with suppress(SpaceError):
        evaluate(node, {})
    assert used == []


@pytest.mark.parametrize("name", sorted(OPERATIONS))
@given(args=st.lists(VALUES, max_size=3), keywords=KEYWORDS, place=st.integers(0, 9))
def test_an_operation_on_text_is_text(
    name: str, args: list[Any], keywords: dict[str, Any], place: int
) -> None:
    """An operand that is known only as text makes the result text, for every operation."""
    used.clear()
    args.insert(min(place, len(args)), Reference("os:system"))
    node = RestrictedOperation(
        name, tuple(map(Literal, args)), tuple((k, Literal(v)) for k, v in keywords.items())
    )
    if name == "switch" and not isinstance(args[0], Reference):
        return  # passes one of the others through
    assert isinstance(evaluate(node, {}), Reference)
    assert used == []


def test_every_operation_is_listed_or_a_call() -> None:
    """A new operation is refused until its operands are listed."""
    assert ARITIES.keys() | CALLS | {"getattr"} == OPERATIONS.keys()
    assert not is_allowed("eval", 1, ())


@pytest.mark.parametrize(
    ("name", "args", "keywords", "expected"),
    [
        ("add", (1, 2.5), {}, 3.5),
        ("mod", ("%d px", 3), {}, "3 px"),
        ("round", (2.345,), {"ndigits": 1}, 2.3),
        ("int", ("ff",), {"base": 16}, 255),
        ("exp", (0,), {}, 1.0),
        ("max", (1, 3, 2), {}, 3),
        ("max", ((),), {"default": 7}, 7),
        ("sum", ((1, 2),), {"start": 3}, 6),
        ("getitem", ({"a": math.sin}, "a"), {}, math.sin),
        ("switch", (1, math.sin, math.cos), {}, math.cos),
        ("getitem", (np.arange(4), 2), {}, 2),
        ("list", ((1, 2),), {}, [1, 2]),
    ],
)
def test_operations_on_plain_values_are_performed(
    name: str, args: Any, keywords: dict[str, Any], expected: Any
) -> None:
    nodes = tuple((key, Literal(value)) for key, value in keywords.items())
    assert evaluate(RestrictedOperation(name, tuple(map(Literal, args)), nodes), {}) == expected


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("pow", (10, 10**10)),
        ("mul", (1 << 90_000, 1 << 90_000)),
        ("mul", ("x", 10**12)),
        ("mul", (10**12, (1,))),
        ("add", ("x" * 600_000, "x" * 600_000)),
        ("mod", ("%999999999d", 1)),
        ("mod", ("%*d", (10**9, 1))),
        ("mod", (b"%.99999999f", 1)),
        ("mod", ("%(a)99999999s", {"a": 1})),
        ("mod", ("%(a(b)c)#99999999x", {"a(b)c": 1})),
        ("mod", ("%(a)s" * 900, {"a": "x" * 900_000})),
        ("mod", ("%(a)s" * 900, {"a": ("x" * 900_000,)})),
        ("mod", ("%s" * 400_000, 1)),
        ("mul", ("x", np.int64(10**12))),
        ("mul", (np.array(10**12), (1,))),
        ("round", (5, -(10**9))),
        ("int", ("f" * 900_000, 16)),
        ("exp", (range(10**12),)),
        ("add", (np.float64(1), range(10**12))),
        ("minimum", (((1,),) * 20_000, (1,) * 20_000)),
        ("mul", (np.ones((20_000, 1)), np.ones(20_000))),
        ("eq", ((np.ones((20_000, 1)),), (np.ones(20_000),))),
        ("max", (np.ones((20_000, 1)), np.ones(20_000))),
        ("sum", ([np.ones((20_000, 1)), np.ones(20_000)],)),
        ("sum", (((1,),) * 9_000, ())),
        ("exp", (("x" * 400_000, *"y" * 40_000),)),
        ("str", (("x" * 1000,) * 1_000_000,)),
        ("eq", (_nested(60), _nested(60))),
        ("mul", (_nested(60), 2)),
        ("max", (_nested(60), _nested(60))),
        ("list", (range(10**12),)),
        ("sum", (range(2**80, 0, -1),)),
        ("max", (range(10**12),)),
    ],
)
def test_operations_that_need_too_much_memory_or_time_are_refused(name: str, args: tuple[Any, ...]) -> None:
    with pytest.raises(SpaceError, match="larger than a space may need"):
        evaluate(RestrictedOperation(name, tuple(map(Literal, args))), {})


@pytest.mark.parametrize(
    ("name", "args", "expected"),
    [
        ("pow", (2, -3), 0.125),
        ("pow", (2, 1000), 2**1000),
        ("pow", (0.5, 10**9), 0.0),
        ("mul", ("ab", 3), "ababab"),
        ("mod", ("%5.2f%%", 1.0), " 1.00%"),
        ("list", (range(3),), [0, 1, 2]),
        ("mod", ("%(a)s and %(b)08.3f in 2024", {"a": "x", "b": 0.5}), "x and 0000.500 in 2024"),
        ("mul", ("ab", np.int64(2)), "abab"),
        ("round", (1234, -2), 1200),
        ("int", ("ff", 16), 255),
        ("sum", (((1,), (2,)), ()), (1, 2)),
        ("max", (np.float64(1), 2), 2),
        ("sum", (range(0),), 0),
    ],
)
def test_results_of_reasonable_size_are_computed(name: str, args: tuple[Any, ...], expected: Any) -> None:
    assert evaluate(RestrictedOperation(name, tuple(map(Literal, args))), {}) == expected


def test_a_function_is_called_only_where_the_space_names_it() -> None:
    called = RestrictedOperation("call", (Literal(math.sqrt), Literal(4.0)))
    assert evaluate(called, {}) == 2.0
    chosen = Space(hp.choice("c", [math.sqrt])).expression
    for target in (computed_node(math.sqrt), chosen, DictOf(())):
        with pytest.raises(SpaceError, match="only a function that the space names directly is called"):
            evaluate(RestrictedOperation("call", (target, Literal(4.0))), {"c": 0})


def test_a_displayed_space_reads_like_its_source() -> None:
    """References, calls and operations on them are text; the rest is computed."""
    x = hp.uniform("x", 0, 4)
    space = Space({"f": math.sin, "y": 2 * x, "made": hp.choice("c", [{"k": [math.cos]}])})
    shown = Space.from_json(space.to_json())
    assert shown.to_json() == space.to_json()
    assert shown.config({"x": 1.0, "c": 0}) == {"f": "math:sin", "y": 2.0, "made": {"k": ("math:cos",)}}
    assert shown.params({"x": 1.0, "c": 0}) == space.params({"x": 1.0, "c": 0})
    assert repr(shown.config({"x": 1.0, "c": 0})["f"]) == "math:sin"
    assert shown.trusted().config({"x": 1.0, "c": 0})["f"] is math.sin
