"""Rotation of log files."""

from __future__ import annotations

from pathlib import Path

from hpsearch.runtime.log_files import N_OLDER, last_bytes, rotate


def test_rotation_keeps_the_last_files_in_order(tmp_path: Path) -> None:
    log = tmp_path / "worker-1.log"
    for i in range(N_OLDER + 2):
        log.write_text(f"log {i}")
        rotate(log)
    kept = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert kept == {f"worker-1.log.{age}": f"log {N_OLDER + 2 - age}" for age in range(1, N_OLDER + 1)}


def test_rotating_a_missing_log_does_nothing(tmp_path: Path) -> None:
    rotate(tmp_path / "worker-1.log")
    assert list(tmp_path.iterdir()) == []


def test_the_end_is_read_from_the_previous_file_while_the_present_one_is_empty(tmp_path: Path) -> None:
    log = tmp_path / "worker-1.log"
    assert last_bytes(log, 4) == b""
    log.write_text("the last words")
    assert last_bytes(log, 5) == b"words"
    rotate(log)
    log.touch()
    assert last_bytes(log, 500) == b"the last words"
