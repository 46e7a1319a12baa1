"""Parquet files of trials."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from hpsearch import hp
from hpsearch.core.experiment import Experiment
from hpsearch.core.trial import Trial
from hpsearch.report.parquet import typed, write_parquet
from hpsearch.space.tree import Space
from hpsearch.store.memory.store import MemoryStore
from tests.support.extras import needs
from tests.support.nested_search import SPACE, add_nested_search

pytestmark = needs("pyarrow", "parquet")


def read(trials: list[Trial], experiment: Experiment, space: Space | None) -> Any:
    """Return the table that a file of these trials holds."""
    from pyarrow import parquet

    file = io.BytesIO()
    write_parquet(trials, experiment, space, file)
    return parquet.read_table(io.BytesIO(file.getvalue()))


def test_a_nested_search_comes_back_with_types_and_with_none_and_inactive_told_apart() -> None:
    store = MemoryStore()
    experiment = add_nested_search(store, "nested", n=40)
    trials = list(store.trials("nested"))

    table = read(trials, experiment, SPACE)

    rows = table.to_pylist()
    assert [{label: row[label] for label in row["active"]} for row in rows] == [t.params for t in trials]
    assert {row["kernel"] for row in rows if "kernel" not in row["active"]} == {None}
    assert any(row["kernel"] is None for row in rows if "kernel" in row["active"])
    types = {field.name: str(field.type) for field in table.schema}
    assert {types[name] for name in ("loss", "c", "duration_s")} == {"double"}
    assert {types[name] for name in ("tid", "attempt", "trees")} == {"int64"}
    assert (types["kernel"], types["active"]) == ("string", "list<element: string>")
    space = Space.from_json(json.loads(table.schema.metadata[b"hpsearch.space"]))
    assert space.fingerprint == experiment.space_fingerprint


def test_an_empty_search_has_the_same_types() -> None:
    store = MemoryStore()
    table = read([], add_nested_search(store, "empty", n=0), SPACE)
    types = {field.name: str(field.type) for field in table.schema}
    assert (len(table), types["loss"], types["trees"], types["c"]) == (0, "double", "int64", "double")


def test_a_search_with_a_damaged_space_is_written_with_the_parameters_of_its_trials() -> None:
    store = MemoryStore()
    experiment = add_nested_search(store, "nested", n=20)
    table = read(list(store.trials("nested")), replace(experiment, space={"kind": "?"}), None)
    assert {"c", "trees", "kernel", "model"} <= set(table.column_names)


def test_a_parameter_named_like_a_field_has_a_column_of_its_own() -> None:
    space = Space({"active": hp.randint("active", 9), "loss": hp.uniform("loss", 0, 1)})
    values = {"active": 3, "loss": 0.5}
    trial = Trial(exp_key="x", tid=0, values=values, params=space.params(values))
    store = MemoryStore()
    [row] = read([trial], add_nested_search(store, "x", n=0), space).to_pylist()
    assert (row["params.active"], row["params.loss"], row["loss"]) == (3, 0.5, None)
    assert row["active"] == ["active", "loss"]


DAY = datetime(2026, 1, 1, tzinfo=UTC)
CASES: dict[str, tuple[list[Any], tuple[str, list[Any]]]] = {
    "integers and floats": ([1, 2.5, None], ("float", [1.0, 2.5, None])),
    "truth": ([True, None], ("bool", [True, None])),
    "a date": ([DAY], ("date", [DAY])),
    "texts in a list": ([("a", 1)], ("list", [["a", "1"]])),
    "mixed": ([True, 1, "a", None], ("str", ["true", "1", '"a"', None])),
    "too large for its column": ([2**64, 1], ("str", ["18446744073709551616", "1"])),
    "too large for a float": ([2**53 + 1, 0.5], ("str", ["9007199254740993", "0.5"])),
    "a mapping": ([{"a": 1}], ("str", ['{"a": 1}'])),
    "nothing": ([None], ("int", [None])),
}


@pytest.mark.parametrize("case", CASES)
def test_a_column_has_the_type_of_its_values_or_holds_json(case: str) -> None:
    cells, expected = CASES[case]
    assert typed(cells, "int") == expected
