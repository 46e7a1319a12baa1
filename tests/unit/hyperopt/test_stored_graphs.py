"""A stored space as a graph: it calls no more than the space does."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpsearch.errors import SpaceError
from hpsearch.hyperopt.pyll import as_apply, clone, rec_eval
from hpsearch.space.operations import OPERATIONS
from hpsearch.space.point_conditions import SUBJECT_TO
from hpsearch.space.tree import Space

#: Calls of the functions that the stored space names.
called: list[Any] = []


def note(*args: Any, **keywords: Any) -> str:
    called.append(args)
    return "noted"


REFERENCE = {"import": f"{__name__}:note"}
CONTAINERS = [{"tuple": [REFERENCE, 1]}, {"dict": [["a", REFERENCE]]}]
OPERANDS = st.sampled_from([1, 2.5, "a", "__class__", REFERENCE, {"operation": 1}, *CONTAINERS])


@pytest.mark.parametrize("name", sorted(OPERATIONS.keys() - {SUBJECT_TO}))  # a space takes that one off
@given(
    st.lists(OPERANDS, max_size=3), st.lists(st.sampled_from(["key", "default", "start", "x"]), max_size=1)
)
def test_the_graph_of_a_stored_space_calls_nothing(name: str, args: list[Any], keywords: list[str]) -> None:
    """Evaluated directly, as a copy, or as a space again."""
    called.clear()
    space = Space.from_json(
        {
            "schema": 1,
            "parameters": [],
            "operations": [
                {"name": name, "args": args, "keywords": [[keyword, REFERENCE] for keyword in keywords]},
                {"name": "call", "args": [REFERENCE]},
            ],
            "root": {"tuple": [{"operation": 0}]},
        }
    )
    graph = as_apply(space.expression)
    for value in (
        lambda: space.config({}),
        lambda: rec_eval(graph),
        graph.eval,
        lambda: rec_eval(clone(graph)),
        lambda: Space(graph).config({}),
        lambda: Space(clone(graph)).config({}),
    ):
        with suppress(SpaceError, TypeError, ValueError, IndexError, KeyError):
            value()
    assert called == []
