"""A space as a document: the same space, in any process, through JSON and BSON."""

from __future__ import annotations

import copy
import datetime
import functools
import json
import math
import os
import re
import subprocess
import sys
from typing import Any

import bson
import numpy as np
import pytest
from hypothesis import given

from hpsearch import hp
from hpsearch.errors import SpaceError
from hpsearch.space.expression import call
from hpsearch.space.tree import Space
from hpsearch.space.trust import TRUSTED
from tests.support import importable
from tests.support.spaces import expressions, reordered, spaces


def through_json(space: Space) -> Space:
    return Space.from_json(json.loads(json.dumps(space.to_json(), allow_nan=False)), TRUSTED)


def through_bson(space: Space) -> Space:
    return Space.from_json(bson.decode(bson.encode(space.to_json())), TRUSTED)


@given(spaces())
def test_round_trips_keep_everything(space: Space) -> None:
    """Through JSON and BSON: the same document, fingerprint, parameters, samples, configurations."""
    for restored in (through_json(space), through_bson(space)):
        assert restored.to_json() == space.to_json()
        assert restored.fingerprint == space.fingerprint
        assert restored.parameters == space.parameters
        for seed in range(2):
            values = space.sample(np.random.default_rng(seed))
            assert restored.sample(np.random.default_rng(seed)) == values
            assert repr(restored.config(values)) == repr(space.config(values))


@given(expressions())
def test_the_order_of_dicts_changes_nothing(expression: Any) -> None:
    """Neither the fingerprint nor the order of the parameters."""
    space, other = Space(expression), Space(reordered(expression))
    assert other.fingerprint == space.fingerprint
    assert other.parameters == space.parameters


def test_the_fingerprint_ignores_the_order_of_dicts_within_options() -> None:
    left = Space(hp.choice("c", [{"a": 1, "b": hp.uniform("x", 0, 1)}]))
    right = Space(hp.choice("c", [{"b": hp.uniform("x", 0, 1), "a": 1}]))
    assert left.fingerprint == right.fingerprint


def test_the_sign_of_zero_changes_nothing() -> None:
    assert Space(hp.uniform("x", -1, 0.0)).fingerprint == Space(hp.uniform("x", -1, -0.0)).fingerprint


def test_the_order_of_keywords_changes_nothing() -> None:
    left = call(dict, a=hp.uniform("x", 0, 1), b=hp.uniform("y", 0, 1))
    right = call(dict, b=hp.uniform("y", 0, 1), a=hp.uniform("x", 0, 1))
    assert Space(left).fingerprint == Space(right).fingerprint


def test_every_detail_changes_the_fingerprint() -> None:
    x = hp.uniform("x", 0, 1)
    expressions = [
        x,
        hp.uniform("y", 0, 1),
        hp.uniform("x", 0, 2),
        hp.uniform("x", 0, np.nextafter(1, 2)),
        hp.uniform("x", 0.5, 1),
        hp.quniform("x", 0, 1, 0.5),
        hp.quniform("x", 0, 1, 0.25),
        hp.uniformint("x", 0, 2),
        hp.quniform("x", 0, 2, 1),
        hp.normal("x", 0, 1),
        hp.normal("x", 0, 2),
        hp.lognormal("x", 0, 1),
        hp.randint("x", 1),
        hp.randint("x", 2),
        hp.choice("x", [0, 1]),
        hp.choice("x", [1, 0]),
        hp.choice("x", [False, True]),
        hp.choice("x", [0.0, 1.0]),
        hp.pchoice("x", [(0.5, 0), (0.5, 1)]),
        hp.pchoice("x", [(0.25, 0), (0.75, 1)]),
        [x],
        [x, x],
        {"x": x},
        {1: x},
        {"1": x},
        x + 1,
        1 + x,
        x + 1.0,
        -x,
    ]
    assert len({Space(expression).fingerprint for expression in expressions}) == len(expressions)


def test_the_fingerprint_is_the_same_in_every_process() -> None:
    """It does not depend on string hashing, which differs between processes."""
    code = "from tests.unit.space.test_serialization import rich_space; print(rich_space().fingerprint)"
    prints = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": str(seed), "PYTHONPATH": "."},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for seed in (1, 2)
    }
    assert prints == {rich_space().fingerprint}


def rich_space() -> Space:
    """A space with every kind of value and key."""
    x = hp.uniform("x", 0, 1)
    return Space(
        {importable.double: x, "f": importable.double, (1, None): call(max, x, 2 * x), b"k": [True, 2**64]}
    )


@pytest.mark.parametrize(
    "literal",
    [
        None,
        True,
        -(2**63),
        2**63,
        -(2**200),
        0.1,
        -0.0,
        1.0,
        5e-324,
        math.inf,
        -math.inf,
        "naïve\0 \U0001f600",
        b"\0\xff",
        datetime.date(2024, 2, 29),
        datetime.datetime(2024, 2, 29, 12, 30, 1, 5),  # noqa: DTZ001 - a naive one must stay naive
        datetime.datetime(2024, 2, 29, tzinfo=datetime.UTC),
        importable.double,
        importable.Model,
        importable.Model.Inner,
        importable.Model.make,
        importable.Color.RED,
        importable.Level.HIGH,
        math.sqrt,
        np.log,
        int,
    ],
    # The address of a function differs between test processes.
    ids=lambda literal: re.sub(r" at 0x[0-9a-f]+", "", repr(literal)),
)
def test_plain_values_survive_exactly(literal: Any) -> None:
    """The same value of the same type, as an item and as a key of a dict."""
    space = Space({"item": literal, literal: 1})
    for restored in (through_json(space), through_bson(space)):
        config = restored.config({})
        assert repr(config["item"]) == repr(literal)
        assert type(config["item"]) is type(literal)
        assert config[literal] == 1


def test_nan_survives() -> None:
    assert math.isnan(through_bson(Space([math.nan])).config({})[0])


def test_an_integer_subclass_becomes_a_plain_int() -> None:
    class Count(int):
        pass

    restored = through_bson(Space([Count(3), {"bias": Count(4)}])).config({})
    assert [(type(v), v) for v in (restored[0], restored[1]["bias"])] == [(int, 3), (int, 4)]


def test_numpy_scalars_become_python_scalars() -> None:
    config = Space([np.int64(3), np.float32(0.5), np.bool_(True), np.str_("s")]).config({})
    assert [(type(v), v) for v in config] == [(int, 3), (float, 0.5), (bool, True), (str, "s")]


def test_partials_survive_with_parameters_inside() -> None:
    partial = functools.partial(importable.double, hp.uniform("x", 0, 1), key=[1])
    restored = through_bson(Space({"f": partial})).config({"x": 0.25})["f"]
    assert (restored.func, restored.args, restored.keywords) == (importable.double, (0.25,), {"key": (1,)})


def test_shared_operations_stay_shared() -> None:
    """A function called once for two places is called once after the round trip, too."""
    made = call(importable.Model)
    config = through_json(Space([made, made, call(importable.Model)])).config({})
    assert config[0] is config[1]
    assert config[0] is not config[2]


def test_shared_nodes_do_not_multiply() -> None:
    """Fifty doublings are fifty operations, not 2**50."""
    node: Any = hp.uniform("x", 0, 1)
    for _ in range(50):
        node = node + node
    space = Space(node)
    assert len(space.to_json()["operations"]) == 50
    assert through_json(space).config({"x": 1.0}) == 2.0**50


def test_documents_fit_mongodbs_depth() -> None:
    """The deepest containers that a space allows are within the 100 levels of BSON."""
    expression: Any = hp.uniform("x", 0, 1)
    for _ in range(25):
        expression = {"a": expression}

    def levels(value: Any) -> int:
        items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        return 1 + max(map(levels, items), default=0) if isinstance(value, dict | list) else 0

    assert levels(Space(hp.choice("c", [expression])).to_json()) < 95


@pytest.mark.parametrize(
    ("literal", "text"),
    [
        (object(), "type 'object'"),
        ({1, 2}, "type 'set'"),
        (np.arange(3), "type 'ndarray'"),
        (importable.nameless, "a lambda"),
        (importable.local(), "defined inside a function"),
        (importable.first_shadowed, "gives another object"),
        ("\ud800", "not valid Unicode"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_value_that_cannot_be_sent_is_refused_with_its_place(literal: Any, text: str) -> None:
    space = Space({"model": hp.choice("clf", [1, {"f": [literal]}])})
    with pytest.raises(SpaceError, match=rf"option 1 of 'clf'\['f'\]\[0\] holds .*{text}"):
        space.to_json()


def test_objects_of_the_script_itself_are_refused() -> None:
    def stray() -> None: ...

    stray.__module__, stray.__qualname__ = "__main__", "stray"
    with pytest.raises(SpaceError, match=r"the space\['f'\] holds 'stray'.*__main__.*move it to a module"):
        Space({"f": stray}).to_json()


def test_any_object_may_be_used_without_serialization() -> None:
    """Only sent spaces need to be serializable."""
    thing = object()
    assert Space([thing]).config({})[0] is thing


def damaged(change: Any) -> dict[str, Any]:
    document = copy.deepcopy(Space([hp.choice("c", [1, hp.uniform("x", 0, 1) * 2])]).to_json())
    change(document)
    return document


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda d: d.update(schema=2), "schema 2"),
        (lambda d: d.pop("schema"), "schema None"),
        (lambda d: d.pop("parameters"), "parameters should be a list"),
        (lambda d: d.pop("operations"), "operations should be a list"),
        (lambda d: d.update(root={"parameter": "y"}), "'y', which it does not list"),
        (lambda d: d.update(root={"parameter": 3}), "root should be a string"),
        (lambda d: d.update(root={"operation": 7}), r"operations\[7\], which does not exist"),
        (lambda d: d.update(root={"operation": True}), "root should be an integer"),
        (lambda d: d.update(root={"operation": -1}), "does not exist"),
        (lambda d: d.update(root={"wat": "1"}), "unknown kind 'wat'"),
        (lambda d: d.update(root={}), "one key"),
        (lambda d: d.update(root=[1]), "should be an object"),
        (lambda d: d.update(root={"int": "x"}), "root is no int"),
        (lambda d: d.update(root={"date": "today"}), "root is no date"),
        (lambda d: d.update(root={"bytes": "*"}), "root is no bytes"),
        (lambda d: d.update(root={"dict": [["a"]]}), "list of pairs"),
        (lambda d: d.update(root={"dict": [["a", 1], ["a", 2]]}), "has a key twice"),
        (lambda d: d.update(root={"tuple": 3}), "should be a list"),
        (lambda d: d.update(root={"import": "os"}), "module:name"),
        (lambda d: d.update(root={"import": "no_such_module_x:f"}), "cannot be imported on this machine"),
        (lambda d: d.update(root={"import": "math:no_such"}), "cannot be imported on this machine"),
        (
            lambda d: d.update(root={"import": "json:__builtins__"}),
            "which is a dict; a space may refer only to",
        ),
        (lambda d: d.update(root={"import": "json:decoder"}), "which is a module; a space may refer only to"),
        (lambda d: d.update(root={"import": "math:pi"}), "which is a float; a space may refer only to"),
        (lambda d: d["parameters"].append(d["parameters"][0]), "two parameters have the label 'c'"),
        (lambda d: d["parameters"][0].update(options=[]), "hp.choice.'c'.: there must be at least one"),
        (lambda d: d["parameters"][0].update(options=[{"parameter": "c"}]), "'c', which contains it"),
        (lambda d: d["parameters"][0].update(label=3), "label of parameters.0. should be a string"),
        (lambda d: d["parameters"][0]["distribution"].update(name="pchoice"), "should be a list"),
        (
            lambda d: d["parameters"][0]["distribution"].update(name="pchoice", probabilities=[1.0]),
            "2 options, but 1 prob",
        ),
        (lambda d: d["parameters"][1]["distribution"].update(name="beta"), "unknown distribution 'beta'"),
        (lambda d: d["parameters"][1]["distribution"].update(low=3), "hp.uniform.'x'.: low must be below"),
        (lambda d: d["parameters"][1]["distribution"].pop("low"), "hp.uniform.'x'.: low must be a number"),
        (lambda d: d["operations"][0].update(name="system"), "'system', which this version"),
        (lambda d: d["operations"][0].update(args=[{"operation": 0}]), "0, which contains it"),
    ],
)
def test_damaged_documents_are_refused(change: Any, text: str) -> None:
    """A document edited by hand gives an error, not a wrong space."""
    with pytest.raises(SpaceError, match=text):
        Space.from_json(damaged(change), TRUSTED)


def test_a_document_with_a_cycle_is_refused() -> None:
    document = damaged(lambda d: None)
    for _ in range(3000):
        document["root"] = {"tuple": [document["root"]]}
    with pytest.raises(SpaceError, match="nested deeper than 100"):
        Space.from_json(document)


def test_a_missing_document_is_refused() -> None:
    with pytest.raises(SpaceError, match="the document should be an object"):
        Space.from_json([])  # type: ignore[arg-type]


def test_a_document_that_expands_to_too_many_values_is_refused() -> None:
    parameters = [
        {
            "label": f"c{i}",
            "distribution": {"name": "choice"},
            "options": [{"tuple": [{"parameter": f"c{i + 1}"}] * 2}],
        }
        for i in range(40)
    ]
    last = {"label": "c40", "distribution": {"name": "choice"}, "options": [1]}
    document = {"schema": 1, "parameters": [*parameters, last], "operations": [], "root": {"parameter": "c0"}}
    with pytest.raises(SpaceError, match="more than 1000000 values"):
        Space.from_json(document)
    for entry in parameters:
        entry["options"] = [{"tuple": [{"parameter": f"c{int(entry['label'][1:]) + 1}"}]}]
    document["parameters"] = [*parameters[30:], last]
    document["root"] = {"parameter": "c30"}
    assert len(Space.from_json(document).parameters) == 11
