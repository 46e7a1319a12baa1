"""Reads a study from a SQLite file of Optuna's ``RDBStorage``, without Optuna."""

from __future__ import annotations

import json
import math
import sqlite3
from collections import defaultdict
from contextlib import closing
from pathlib import Path
from typing import Any

from hpsearch.errors import LoadError
from hpsearch.integrations.optuna.study import Study, StudyTrial, TrialState, chosen_study, suggested, time_of

#: The version of the tables, the same since Optuna 3.
_SCHEMA = 12

#: Values that are no finite numbers, by what Optuna stores beside them.
_SPECIAL = {"INF_POS": math.inf, "INF_NEG": -math.inf, "NAN": math.nan}


def read_sqlite(path: Path, name: str | None = None) -> Study:
    """Return a study of a SQLite file; the file is only read.

    Parameters
    ----------
    path : Path
        The file.
    name : str, optional
        Of the study; by default the only one.

    Raises
    ------
    LoadError
        If the file is no storage of Optuna 3 or later, or has no such study.
    """
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            _check_schema(connection, path)
            studies = dict(connection.execute("SELECT study_name, study_id FROM studies ORDER BY study_id"))
            chosen = chosen_study(list(studies), name)
            return _study(connection, chosen, studies[chosen])
    except (sqlite3.Error, ValueError) as error:
        raise LoadError(f"{path} cannot be read as a storage of Optuna: {error}.") from error


def _check_schema(connection: sqlite3.Connection, path: Path) -> None:
    [version] = connection.execute("SELECT schema_version FROM version_info").fetchone()
    if version != _SCHEMA:
        raise LoadError(
            f"{path} has version {version} of Optuna's tables, not {_SCHEMA}; convert it with: "
            "optuna storage upgrade --storage sqlite:///FILE"
        )


def _study(connection: sqlite3.Connection, name: str, study: int) -> Study:
    directions = connection.execute(
        "SELECT direction FROM study_directions WHERE study_id = ? ORDER BY objective", (study,)
    )
    attrs = connection.execute(
        "SELECT key, value_json FROM study_user_attributes WHERE study_id = ?", (study,)
    )
    return Study(
        name=name,
        maximizes=tuple(direction == "MAXIMIZE" for [direction] in directions),
        user_attrs={key: json.loads(value) for key, value in attrs},
        trials=_trials(connection, study),
    )


def _trials(connection: sqlite3.Connection, study: int) -> list[StudyTrial]:
    params, values, reports, user_attrs, system_attrs = (
        _by_trial(connection, study, table, columns, order)
        for table, columns, order in (
            ("trial_params", "param_name, param_value, distribution_json", "param_id"),
            ("trial_values", "value, value_type", "objective"),
            ("trial_intermediate_values", "step, intermediate_value, intermediate_value_type", "step"),
            ("trial_user_attributes", "key, value_json", "key"),
            ("trial_system_attributes", "key, value_json", "key"),
        )
    )
    rows = connection.execute(
        "SELECT trial_id, number, state, datetime_start, datetime_complete FROM trials "
        "WHERE study_id = ? ORDER BY number",
        (study,),
    )
    return [
        StudyTrial(
            number=number,
            state=TrialState[state],
            params={label: suggested(value, text) for label, value, text in params[trial]},
            values=tuple(_number(*row) for row in values[trial]),
            reports={step: _number(value, kind) for step, value, kind in reports[trial]},
            started_at=time_of(started),
            ended_at=time_of(ended),
            user_attrs={key: json.loads(text) for key, text in user_attrs[trial]},
            system_attrs={key: json.loads(text) for key, text in system_attrs[trial]},
        )
        for trial, number, state, started, ended in rows
    ]


def _by_trial(
    connection: sqlite3.Connection, study: int, table: str, columns: str, order: str
) -> dict[int, list[tuple[Any, ...]]]:
    """Return the rows of a table about the trials of a study, by trial."""
    found = defaultdict[int, list[tuple[Any, ...]]](list)
    query = (
        f"SELECT trial_id, {columns} FROM {table} WHERE trial_id IN "  # noqa: S608 - names of this module
        f"(SELECT trial_id FROM trials WHERE study_id = ?) ORDER BY trial_id, {order}"
    )
    for trial, *row in connection.execute(query, (study,)):
        found[trial].append(tuple(row))
    return found


def _number(value: float | None, kind: str) -> float:
    return _SPECIAL[kind] if value is None else value
