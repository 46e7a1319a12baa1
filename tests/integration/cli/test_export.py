"""``hpsearch export`` and ``compare``."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import pytest

from hpsearch.store.mongo.store import MongoStore
from tests.support.command_line import Call
from tests.support.extras import needs


def test_csv_has_all_columns_and_jsonl_all_documents(filled: MongoStore, call: Call, tmp_path: Path) -> None:
    for name in ("x.csv", "x.jsonl"):
        outcome = call("export", "search", "--output", str(tmp_path / name))
        assert (outcome.code, outcome.out) == (0, "")
        assert outcome.err == f"{tmp_path / name}: 7 trials\n"
    with (tmp_path / "x.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    documents = [json.loads(line) for line in (tmp_path / "x.jsonl").read_text().splitlines()]
    assert [int(row["tid"]) for row in rows] == [document["tid"] for document in documents] == list(range(7))
    assert (rows[2]["lr"], rows[2]["kind"], rows[2]["loss"]) == ("0.2", "adam", "0.25")
    assert documents[3]["error"]["traceback"] == "Traceback\n  no luck\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["x.csv", "x.jsonl"]


@needs("pyarrow", "parquet")
def test_the_format_is_that_of_the_option_or_of_the_name(
    filled: MongoStore, call: Call, tmp_path: Path
) -> None:
    for arguments in (["x.parquet"], ["x.data", "--format", "parquet"]):
        assert call("export", "search", "--output", str(tmp_path / arguments[0]), *arguments[1:]).code == 0
        assert (tmp_path / arguments[0]).read_bytes()[:4] == b"PAR1"


@pytest.mark.parametrize(("name", "code"), [("x.xls", 2), ("x", 2), ("missing/x.csv", 78)])
def test_a_file_that_cannot_be_written_is_refused(
    name: str, code: int, filled: MongoStore, call: Call, tmp_path: Path
) -> None:
    outcome = call("export", "search", "--output", str(tmp_path / name))
    assert outcome.code == code
    assert outcome.err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_searches_are_compared_side_by_side(filled: MongoStore, call: Call) -> None:
    present = filled.experiment("search")
    filled.open_experiment(replace(present, exp_key="other", space_fingerprint="f00d"))
    outcome = call("compare", "search", "other", "--json")
    rows = {row["fact"]: row for row in json.loads(outcome.out)["comparison"]}
    assert (rows["done"]["search"], rows["done"]["other"]) == (3, 0)
    assert (rows["best_loss"]["search"], rows["best_loss"]["other"]) == (0.25, None)
    assert outcome.err == "The spaces of these searches differ.\n"
    assert call("compare", "search", "search").code == 2
    assert call("compare", "search", "none").code == 4
