"""Lists of trials: fields, parameters and metrics as columns."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest

from hpsearch.core.trial import Trial
from hpsearch.core.trial_fields import metrics_of
from hpsearch.report.formats import Format
from hpsearch.report.table import render
from hpsearch.report.trial_columns import (
    BEST_FIELDS,
    LIST_FIELDS,
    all_columns,
    chosen_columns,
    field_columns,
    trial_rows,
    used_columns,
)
from tests.support.progress_states import done, failed

TRIALS = [
    done(1, 0.5, params={"kind": "adam", "lr": 0.00012345678}, result={"loss": 0.5, "accuracy": 0.75}),
    done(2, 0.25, params={"kind": None, "loss": "hinge"}, result={"loss": 0.25, "val": {"f1": 0.5}}),
    failed(3, params={"kind": "sgd", "lr": 0.1}),
]


def listed(trials: list[Trial], columns: Any, form: Format, width: int | None = None) -> str:
    rows = trial_rows(trials, columns, is_nested=form.is_nested)
    return render("trials", rows, [column.title for column in columns], form, width=width)


def test_csv_has_a_column_for_each_parameter_and_metric() -> None:
    """A parameter named like a field gets a prefix."""
    [first, second, third] = csv.DictReader(io.StringIO(listed(TRIALS, all_columns(TRIALS), Format.CSV)))
    assert (first["loss"], first["lr"], first["accuracy"]) == ("0.5", "0.00012345678", "0.75")
    assert (second["loss"], second["params.loss"], second["val.f1"]) == ("0.25", "hinge", "0.5")
    assert (third["loss"], third["error"]) == ("", "ValueError: no luck")


def test_csv_tells_the_option_none_from_an_inactive_parameter() -> None:
    [_, second, _] = csv.DictReader(io.StringIO(listed(TRIALS, all_columns(TRIALS), Format.CSV)))
    assert (second["kind"], second["lr"]) == ("None", "")


def test_json_has_null_for_the_option_none_and_no_key_for_an_inactive_parameter() -> None:
    columns = chosen_columns(["trial", "kind", "lr"], TRIALS)
    assert json.loads(listed(TRIALS, columns, Format.JSON))["trials"][1] == {"trial": 2, "kind": None}


def test_the_parameters_of_the_space_come_in_its_order_even_if_no_trial_has_them() -> None:
    titles = [column.title for column in all_columns(TRIALS, ["lr", "kind", "momentum"])]
    assert titles[11:] == ["lr", "kind", "momentum", "params.loss", "accuracy", "val.f1"]


def test_columns_are_chosen_by_name() -> None:
    columns = chosen_columns(["loss", "params.loss", "lr", "val.f1", "result.accuracy"], TRIALS)
    assert trial_rows(TRIALS, columns)[1] == {
        "loss": 0.25, "params.loss": "hinge", "lr": None, "val.f1": 0.5, "result.accuracy": None,
    }  # fmt: skip


def test_an_unknown_column_is_named() -> None:
    with pytest.raises(KeyError, match="momentum"):
        chosen_columns(["lr", "momentum"], TRIALS)


def test_metrics_are_numbers_and_texts_of_the_result_without_the_loss() -> None:
    result = {"loss": 1.0, "status": "ok", "f1": 0.5, "by": {"a": 1, "curve": [1, 2]}, "ok": True, "x": None}
    assert metrics_of(done(0, 1.0, result=result)) == {"f1": 0.5, "by.a": 1, "ok": True}


@pytest.mark.parametrize("width", [None, 40, 80, 200])
def test_a_table_never_cuts_a_parameter(width: int | None) -> None:
    params = {f"parameter_{i}": i / 7 for i in range(30)}
    trial = done(0, 1.0, params=params)
    columns = used_columns(field_columns(LIST_FIELDS), [trial])
    text = listed([trial], columns, Format.TABLE, width)
    assert all(f"parameter_{i}=" in text for i in range(30))
    assert "…" not in text
    assert width is None or max(map(len, text.splitlines())) <= width


def test_a_table_shows_the_message_of_a_failed_trial_and_no_empty_column() -> None:
    columns = used_columns(field_columns(LIST_FIELDS), TRIALS[1:])
    assert listed(TRIALS[1:], columns, Format.TABLE).splitlines() == [
        "trial  state   loss  origin  error                params",
        "2      done    0.25  random  -                    kind=None, loss=hinge",
        "3      failed  -     random  ValueError: no luck  kind=sgd, lr=0.1",
    ]


def test_the_columns_of_an_empty_list_are_the_usual_ones() -> None:
    columns = used_columns(field_columns(BEST_FIELDS), [])
    assert [column.title for column in columns] == [*BEST_FIELDS]
