"""``hpsearch report``."""

from __future__ import annotations

from pathlib import Path

from hpsearch.store.mongo.store import MongoStore
from tests.support.command_line import Call
from tests.support.pictured import store_nested


def test_a_report_is_written_from_the_database(call: Call, store: MongoStore, tmp_path: Path) -> None:
    store_nested(store)
    path = tmp_path / "nested.html"
    assert call("report", "nested", "-o", str(path)).out == f"Wrote {path}.\n"
    assert path.read_text().startswith("<!doctype html>")


def test_a_file_that_cannot_be_written_is_one_sentence(call: Call, store: MongoStore, tmp_path: Path) -> None:
    store_nested(store, "empty", 0)
    done = call("report", "empty", "-o", str(tmp_path / "nowhere" / "x.html"))
    assert done.code == 78
    assert "The report cannot be written to" in done.err
    assert "Traceback" not in done.err
