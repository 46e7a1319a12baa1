"""The files of a search's results."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from convnet.results import Record, improvement_text, read_records, write_record

from hpsearch.errors import HpsearchError, NotFoundError


def record(tid: int, accuracy: float | None = 0.5, exp_key: str = "search", **more: Any) -> Record:
    """Return a trial with an accuracy, or a failed one."""
    result = {"status": "fail"} if accuracy is None else {"status": "ok", "accuracy": accuracy}
    return Record(
        exp_key=exp_key,
        tid=tid,
        values={"optimizer": 1, "units_mult": 0.7},
        params={"optimizer": "rmsprop", "units_mult": 0.7},
        result={**result, **more},
    )


def test_written_results_are_read_in_the_order_of_the_trials(tmp_path: Path) -> None:
    records = [record(tid, accuracy) for tid, accuracy in ((11, 0.25), (2, None), (0, 0.75))]
    for written in records:
        write_record(tmp_path / "new" / "folder", written)
    assert read_records(tmp_path / "new" / "folder") == sorted(records, key=lambda r: r.tid)


def test_a_file_is_named_after_any_search_and_trial(tmp_path: Path) -> None:
    path = write_record(tmp_path, record(17, exp_key="../a/b c"))
    assert path == tmp_path / "..%2Fa%2Fb%20c-000017.json"
    assert read_records(tmp_path, "../a/b c") == [record(17, exp_key="../a/b c")]


def test_a_file_is_json_with_parameters_by_name(tmp_path: Path) -> None:
    document = json.loads(write_record(tmp_path, record(3)).read_text())
    assert document["params"] == {"optimizer": "rmsprop", "units_mult": 0.7}
    assert (document["exp_key"], document["tid"]) == ("search", 3)


def test_a_repeated_trial_replaces_its_file(tmp_path: Path) -> None:
    write_record(tmp_path, record(3, 0.5))
    write_record(tmp_path, record(3, 0.6))
    assert [r.accuracy for r in read_records(tmp_path)] == [0.6]


def test_a_failed_write_keeps_the_old_file_and_leaves_no_other(tmp_path: Path) -> None:
    kept = write_record(tmp_path, record(3))
    before = kept.read_bytes()
    with pytest.raises(ValueError):  # noqa: PT011 - the words are Python's
        write_record(tmp_path, record(3, more=float("nan")))
    assert kept.read_bytes() == before
    assert list(tmp_path.iterdir()) == [kept]


def test_a_failed_rename_leaves_no_temporary_file(tmp_path: Path) -> None:
    path = tmp_path / "search-000003.json"
    path.mkdir()
    with pytest.raises(OSError, match=r"search-000003\.json"):
        write_record(tmp_path, record(3))
    assert list(tmp_path.iterdir()) == [path]


def test_a_partly_written_file_of_a_killed_process_is_ignored(tmp_path: Path) -> None:
    path = write_record(tmp_path, record(3))
    (tmp_path / f"{path.name}abc.part").write_text('{"exp_key": "sea')
    assert read_records(tmp_path) == [record(3)]


def test_one_of_several_searches_must_be_named(tmp_path: Path) -> None:
    for exp_key in ("here", "there"):
        write_record(tmp_path, record(0, exp_key=exp_key))
    with pytest.raises(NotFoundError, match=r"several searches \(here, there\)"):
        read_records(tmp_path)
    assert read_records(tmp_path, "there") == [record(0, exp_key="there")]


def test_a_search_without_results_is_reported_with_those_that_have_some(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no results in"):
        read_records(tmp_path / "nowhere")
    write_record(tmp_path, record(0, exp_key="here"))
    with pytest.raises(NotFoundError, match=r"of the search 'there' in .*; it holds here"):
        read_records(tmp_path, "there")


@pytest.mark.parametrize("text", ["", "[1]", '{"tid": 1}', "\x00"])
def test_a_file_that_is_not_a_result_is_named(text: str, tmp_path: Path) -> None:
    (tmp_path / "search-000001.json").write_text(text)
    with pytest.raises(HpsearchError, match=r"search-000001\.json is not the result of a trial"):
        read_records(tmp_path)


def test_improvement_compares_the_random_trials_with_all() -> None:
    records = [record(tid, 0.5 + tid / 100) for tid in range(12)]
    text = improvement_text(records)
    assert "first 10 trials, at random: accuracy 0.5900 (trial 9)" in text
    assert "all 12 trials: accuracy 0.6100 (trial 11)" in text


def test_failed_trials_are_counted_but_never_the_best() -> None:
    text = improvement_text([replace(record(0), result={"status": "fail", "accuracy": 1.0}), record(1, 0.2)])
    assert "all 2 trials (1 failed): accuracy 0.2000 (trial 1)" in text
    assert "none succeeded" in improvement_text([record(0, None)])
