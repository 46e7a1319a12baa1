"""Spaces from hostile input: either a valid space or a short ``SpaceError``."""

from __future__ import annotations

import copy
import json
import reprlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpsearch import hp
from hpsearch.errors import SpaceError
from hpsearch.report.space_text import describe_space
from hpsearch.space.expression import call
from hpsearch.space.tree import Space
from tests.support import importable

#: Most characters of a message; labels and references are shown whole, other values cut.
MAX_SENTENCE = 1200


def nested(levels: int, tag: str = "tuple") -> Any:
    value: Any = 1
    for _ in range(levels):
        value = {tag: [value]} if tag else [value]
    return value


TEXTS = st.sampled_from(
    [
        "",
        "x",
        "a.b",
        "$set",
        "\0",
        "\ud800",
        "\N{PILE OF POO}",
        "a\nb",
        "x" * 10_000,
        "lr",
        "m",
        "nan",
        "inf",
        "-inf",
        "1" * 5000,
        "os:getcwd",
        "no.such:thing",
        "a b:c",
        "os:",
        ":",
        "os:path.nothing",
        "2026-01-01",
        "AAAA",
        "=",
        "3.5",
    ]
) | st.text(max_size=5)

NUMBERS = st.sampled_from([0, 1, -1, 2**53, 2**63, -(2**70), 10**400, 0.0, -0.0, 1e308, 5e-324]) | st.floats()

LEAVES = st.none() | st.booleans() | NUMBERS | TEXTS

TAGS = st.sampled_from(
    ["parameter", "operation", "tuple", "dict", "float", "int", "bytes", "date", "datetime", "import", "x"]
)

ANY_JSON = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(TEXTS, inner, max_size=3)
        | st.builds(lambda tag, content: {tag: content}, TAGS, inner | st.lists(inner, max_size=3))
    ),
    max_leaves=12,
) | st.sampled_from([nested(1000), nested(1000, ""), nested(1000, "dict"), nested(90), nested(30)])

LABELS = ("lr", "q", "kind", "units", "n", "w", "noise")


def whole_document() -> dict[str, Any]:
    """Return the JSON of a space with every kind of node, distribution and literal."""
    lr, units = hp.loguniform("lr", -9, 0), hp.quniform("units", 16, 256, 16)
    space = {
        "lr": lr,
        "model": hp.choice(
            "kind", [{"a": units, "b": (1, units)}, hp.pchoice("w", [(0.25, "x"), (0.75, None)]), 3.5]
        ),
        "n": hp.randint("n", 1, 8) + 2 * lr,
        "noise": [hp.qlognormal("noise", 0, 1, 0.5), hp.uniformint("q", 0, 9)],
        "literals": (b"bytes", float("inf"), 2**80, importable.double, {(1, None): True}),
        "called": call(dict, a=lr, b=[units]),
    }
    document: dict[str, Any] = json.loads(json.dumps(Space(space).to_json()))
    return document


WHOLE = whole_document()


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of every value inside a document."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield (*path, key)
        yield from places(item, (*path, key))


PLACES = list(places(WHOLE))


class Case:
    """A value that a failure's report shows at any depth."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __repr__(self) -> str:
        return f"Case({reprlib.repr(self.value)})"


@st.composite
def any_json(draw: st.DrawFn) -> Case:
    return Case(draw(ANY_JSON))


@st.composite
def altered_documents(draw: st.DrawFn) -> Case:
    """The document with one or two values replaced, removed, duplicated or moved."""
    document = copy.deepcopy(WHOLE)
    for _ in range(draw(st.integers(1, 2))):
        here, path = document, draw(st.sampled_from(PLACES))
        try:
            for step in path[:-1]:
                here = here[step]
            match draw(st.sampled_from(["replace", "drop", "double", "move"])):
                case "replace":
                    here[path[-1]] = draw(ANY_JSON)
                case "drop":
                    del here[path[-1]]
                case "double" if isinstance(here, list):
                    here.append(here[path[-1]])
                case _:
                    source: Any = WHOLE
                    for step in draw(st.sampled_from(PLACES)):
                        source = source[step]
                    here[path[-1]] = copy.deepcopy(source)
        except (KeyError, IndexError, TypeError):
            continue  # removed by the first change
    return Case(document)


def assert_space_or_sentence(make: Any) -> None:
    """Build a space, encode, sample and display it, or get a short ``SpaceError``."""
    try:
        space = Space(make())
        document = space.to_json()
        again = Space.from_json(json.loads(json.dumps(document, allow_nan=False)))
        assert again.to_json() == document
        values = space.sample(np.random.default_rng(0))
        assert describe_space(space, [values])
        space.params(values)
        space.config(values)
        assert space.n_points is None or space.n_points >= 1
    except SpaceError as error:
        text = str(error)
        assert text.isprintable(), text
        assert len(text) <= MAX_SENTENCE, text


class Spiteful:
    """An object whose every method raises."""

    def __repr__(self) -> str:
        raise RuntimeError("no\nrepr")

    __str__ = __float__ = __len__ = __iter__ = __bool__ = __eq__ = __lt__ = __hash__ = __repr__  # type: ignore[assignment]


def circular() -> Any:
    value: list[Any] = []
    value.append({"again": value})
    return value


SCALARS = (
    LEAVES
    | st.sampled_from(
        [np.float64("nan"), np.int64(3), np.array([1, 2]), np.array(5), 1j, b"", object(), int, len]
    )
    | st.builds(Spiteful)
    | st.sampled_from([nested(1000, ""), nested(1000, "a")])
    | st.builds(circular)
)

BUILDERS = (
    hp.uniform,
    hp.quniform,
    hp.loguniform,
    hp.qloguniform,
    hp.uniformint,
    hp.normal,
    hp.qnormal,
    hp.lognormal,
    hp.qlognormal,
    hp.randint,
    hp.choice,
    hp.pchoice,
)

N_ARGUMENTS = {
    hp.choice: 1,
    hp.pchoice: 1,
    hp.quniform: 3,
    hp.qloguniform: 3,
    hp.qnormal: 3,
    hp.qlognormal: 3,
}


@st.composite
def built_spaces(draw: st.DrawFn) -> Case:
    """A function that builds a space from hostile arguments, for the test to call."""
    build, label = draw(st.sampled_from(BUILDERS)), draw(st.just("x") | SCALARS)
    inner = SCALARS | st.lists(SCALARS | st.tuples(NUMBERS, SCALARS), max_size=3)
    n = N_ARGUMENTS.get(build, 2)
    arguments = draw(st.lists(inner, min_size=n, max_size=n))
    around = draw(SCALARS | st.dictionaries(TEXTS | NUMBERS, SCALARS, max_size=2))
    return Case((build, label, arguments, around))


@pytest.mark.fuzz
@given(any_json())
def test_any_json_is_a_space_or_a_space_error(case: Case) -> None:
    assert_space_or_sentence(lambda: Space.from_json(case.value).expression)


@pytest.mark.fuzz
@given(altered_documents())
def test_a_modified_space_is_a_space_or_a_space_error(case: Case) -> None:
    assert_space_or_sentence(lambda: Space.from_json(case.value).expression)


@pytest.mark.fuzz
@given(built_spaces())
@pytest.mark.filterwarnings("ignore::hpsearch.errors.HpsearchWarning")
def test_any_arguments_of_hp_give_a_space_or_a_space_error(case: Case) -> None:
    build, label, arguments, around = case.value
    assert_space_or_sentence(lambda: [build(label, *arguments), around])


def test_an_integer_too_long_to_print_is_refused_with_its_place() -> None:
    with pytest.raises(SpaceError, match=r"^the space\['n'\] holds an integer too long"):
        Space({"n": 10**5000}).to_json()
