"""Private files."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from hpsearch.errors import ConfigurationError
from hpsearch.runtime.private_files import append_private, write_private


def link(path: Path) -> None:
    (path.parent / "victim").write_text("precious")
    path.symlink_to(path.parent / "victim")


def dangling_link(path: Path) -> None:
    path.symlink_to(path.parent / "planted")


@pytest.mark.parametrize(
    ("obstruct", "words"),
    [
        (link, "is a link"),
        (dangling_link, "is a link"),
        (os.mkfifo, "cannot be written to"),  # without a reader: this must not block
        (Path.mkdir, "cannot be written to"),
    ],
)
def test_a_file_that_is_not_regular_is_not_written_to(
    obstruct: Callable[[Path], None], words: str, tmp_path: Path
) -> None:
    obstruct(path := tmp_path / "worker-1.log")

    with pytest.raises(ConfigurationError, match=words):
        append_private(path)

    assert not (tmp_path / "planted").exists()
    assert not (victim := tmp_path / "victim").exists() or victim.read_text() == "precious"


def test_a_pipe_with_a_reader_is_not_written_to(tmp_path: Path) -> None:
    os.mkfifo(path := tmp_path / "worker-1.log")
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)

    with pytest.raises(ConfigurationError, match="not a regular file"):
        append_private(path)

    os.close(reader)


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a file away")
def test_a_file_of_another_user_is_not_written_to(tmp_path: Path) -> None:
    (path := tmp_path / "worker-1.log").touch()
    os.chown(path, 65534, 65534)

    with pytest.raises(ConfigurationError, match="another user"):
        append_private(path)


def test_appending_keeps_the_content_and_creates_a_private_file(tmp_path: Path) -> None:
    path = tmp_path / "worker-1.log"
    for text in (b"first\n", b"second\n"):
        with append_private(path) as file:
            file.write(text)

    assert path.read_bytes() == b"first\nsecond\n"
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_link_is_replaced_by_a_complete_file(tmp_path: Path) -> None:
    link(path := tmp_path / "uri")
    write_private(path, "secret")

    assert path.read_text() == "secret"
    assert (tmp_path / "victim").read_text() == "precious"
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_planted_link_in_place_of_the_draft_is_not_followed(tmp_path: Path) -> None:
    link(tmp_path / f"uri.{os.getpid()}")
    write_private(tmp_path / "uri", "secret")

    assert (tmp_path / "victim").read_text() == "precious"
