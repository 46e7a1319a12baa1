"""The trials of a search as a Parquet file: a typed table that Pandas, Polars, DuckDB and Spark read.

It has the columns of CSV. A column has the type of its values; one of mixed types, such as a choice between a
number and a text, holds JSON. A parameter that is null was inactive, unless ``active`` lists it: then its
option is None. The file's metadata hold the search space.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import IO, Any

from hpsearch.core.experiment import Experiment
from hpsearch.core.trial import Trial
from hpsearch.errors import MissingExtraError
from hpsearch.report.trial_columns import WIDE_FIELDS, all_columns, trial_rows
from hpsearch.runtime.strict_json import json_text
from hpsearch.space.distribution import Categorical, Distribution, Numeric
from hpsearch.space.tree import Space

#: The columns beside parameters and metrics; ``active`` lists the parameters that a trial has.
_FIELDS = (*WIDE_FIELDS, "active")
#: Integers that a column can hold, and those that a float holds exactly.
_MAX_INTEGER, _MAX_EXACT = 2**63 - 1, 2**53


def write_parquet(
    trials: Sequence[Trial], experiment: Experiment, space: Space | None, file: IO[bytes]
) -> None:
    """Write trials as a table.

    Parameters
    ----------
    trials : sequence of Trial
        The trials, one a row.
    experiment : Experiment
        Their search; its name and its space become metadata.
    space : Space, optional
        Its space, unless it is damaged.
    file : binary file
        Where to write.

    Raises
    ------
    MissingExtraError
        If PyArrow is not installed.
    """
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError as error:
        raise MissingExtraError("Parquet", "parquet") from error

    types = {
        "int": pa.int64(), "float": pa.float64(), "bool": pa.bool_(), "str": pa.string(),
        "date": pa.timestamp("us", "UTC"), "list": pa.list_(pa.string()),
    }  # fmt: skip
    labels = () if space is None else space.labels
    columns = all_columns(trials, labels, experiment.goal, experiment.outcomes, _FIELDS)
    rows = trial_rows(trials, columns, is_nested=True)
    empty = _types_of_empty(space)
    arrays, fields = [], []
    for column in columns:
        kind, cells = typed([row.get(column.title) for row in rows], empty.get(column.title, "str"))
        fields.append(pa.field(column.title, types[kind]))
        arrays.append(pa.array(cells, types[kind]))
    metadata = {
        "hpsearch.exp_key": experiment.exp_key,
        "hpsearch.space": json_text(experiment.space),
        "hpsearch.goal": "maximize" if experiment.goal.maximize else "minimize",
    }
    parquet.write_table(pa.table(arrays, schema=pa.schema(fields, metadata=metadata)), file)


def typed(cells: Sequence[Any], if_empty: str) -> tuple[str, list[Any]]:
    """Return the type of a column, and its cells as values of that type.

    Parameters
    ----------
    cells : sequence
        The cells; None where there is no value.
    if_empty : str
        Type of a column without values.

    Returns
    -------
    type : str
        "int", "float", "bool", "str", "date" or "list" (of texts).
    cells : list
        The cells; as JSON where their types differ.
    """
    kinds = {_kind(cell) for cell in cells if cell is not None} or {if_empty}
    if kinds == {"int", "float"} and all(_is_exact(cell) for cell in cells):
        kinds = {"float"}
    if len(kinds) > 1 or kinds == {"json"}:
        return "str", [None if cell is None else json_text(cell) for cell in cells]
    [kind] = kinds
    match kind:
        case "float":
            return kind, [None if cell is None else float(cell) for cell in cells]
        case "str":
            return kind, [None if cell is None else str(cell) for cell in cells]
        case "list":
            return kind, [None if cell is None else [str(part) for part in cell] for cell in cells]
    return kind, list(cells)


def _kind(cell: Any) -> str:
    match cell:
        case bool():
            return "bool"
        case int():
            return "int" if abs(cell) <= _MAX_INTEGER else "json"
        case float():
            return "float"
        case str():
            return "str"
        case datetime():
            return "date"
        case list() | tuple():
            return "list"
    return "json"


def _is_exact(cell: float | None) -> bool:
    return not isinstance(cell, int) or abs(cell) <= _MAX_EXACT


def _types_of_empty(space: Space | None) -> dict[str, str]:
    """Return the types of columns that no trial has a value of; the others are texts."""
    numbers = {
        parameter.label: "int" if _is_integer(parameter.distribution) else "float"
        for parameter in (() if space is None else space.parameters)
        if not isinstance(parameter.distribution, Categorical)
    }
    return {
        **numbers,
        "tid": "int",
        "attempt": "int",
        "loss": "float",
        "duration_s": "float",
        "active": "list",
    }


def _is_integer(distribution: Distribution) -> bool:
    return distribution.is_integer if isinstance(distribution, Numeric) else True
