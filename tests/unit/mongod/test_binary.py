"""Finding the server program and its folder, and explaining why it does not start."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from hpsearch.errors import ConfigurationError, NoMongodError
from hpsearch.mongod import find_mongod, find_mongosh, home
from hpsearch.mongod.binary import why_not_started
from hpsearch.mongod.server import log_tail

MONGOD = Path("/opt/mongod")
LOADER = "mongod: error while loading shared libraries:"


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Hide every server program of this machine."""
    monkeypatch.delenv("HPSEARCH_MONGOD", raising=False)
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(sys, "path", [])
    return monkeypatch


def program(folder: Path, name: str = "mongod") -> Path:
    """Create an executable file."""
    path = folder / name
    path.write_text("#!/bin/sh\n")
    path.chmod(0o700)
    return path


def test_a_missing_program_gives_three_remedies(bare: pytest.MonkeyPatch) -> None:
    with pytest.raises(NoMongodError) as caught:
        find_mongod()

    for way in ("hpsearch[embedded]", "on PATH", "--store"):
        assert way in str(caught.value)


def test_program_on_path_is_found(bare: pytest.MonkeyPatch, tmp_path: Path) -> None:
    bare.setenv("PATH", str(tmp_path))

    expected = program(tmp_path)

    assert find_mongod() == expected


def test_embedded_program_takes_precedence_over_path(bare: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folder = tmp_path / "site" / "fiftyone" / "db" / "bin"
    folder.mkdir(parents=True)
    expected = program(folder)
    program(tmp_path)
    bare.setenv("PATH", str(tmp_path))
    bare.setattr(sys, "path", [str(tmp_path / "site")])

    assert find_mongod() == expected


def test_named_program_takes_precedence_over_all(bare: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program(tmp_path)
    bare.setenv("PATH", str(tmp_path))
    bare.setenv("HPSEARCH_MONGOD", str(named := program(tmp_path, "mongod-8")))

    assert find_mongod() == named


def test_named_program_may_be_on_the_path(bare: pytest.MonkeyPatch, tmp_path: Path) -> None:
    found = program(tmp_path, "mongod-8")
    bare.setenv("PATH", str(tmp_path))
    bare.setenv("HPSEARCH_MONGOD", "mongod-8")

    assert find_mongod() == found


def test_an_existing_folder_keeps_its_permissions(bare: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """HPSEARCH_HOME may be a folder that others use, too."""
    (shared := tmp_path / "shared").mkdir(mode=0o755)
    bare.setenv("HPSEARCH_HOME", str(shared))

    assert home() == shared
    assert shared.stat().st_mode & 0o777 == 0o755


def test_a_named_program_that_does_not_exist_is_refused(bare: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A wrong HPSEARCH_MONGOD must not fall back to another server silently."""
    bare.setenv("HPSEARCH_MONGOD", str(tmp_path / "absent"))

    with pytest.raises(ConfigurationError, match="HPSEARCH_MONGOD"):
        find_mongod()


@pytest.mark.parametrize(
    ("returncode", "output", "words"),
    [
        (
            127,
            f"{LOADER} libcurl.so.4: cannot open shared object file",
            ["libcurl.so.4", "install libcurl4."],
        ),
        (
            127,
            f"{LOADER} libssl.so.3: cannot open shared object file",
            ["libssl.so.3", "install libssl3."],
        ),
        (127, f"{LOADER} libmystery.so.9: cannot open shared object file", ["libmystery.so.9 is missing"]),
        (1, "mongod: /lib/libc.so.6: version `GLIBC_2.34' not found (required by mongod)", ["GLIBC_2.34"]),
        (-4, "", ["AVX"]),
        (14, "", ["ended with code 14"]),
    ],
)
def test_the_reason_is_found_in_the_loaders_message(returncode: int, output: str, words: list[str]) -> None:
    text = why_not_started(MONGOD, returncode, output)

    assert all(word in text for word in [str(MONGOD), *words])


def test_log_tail_shows_errors_instead_of_later_lines(tmp_path: Path) -> None:
    log = tmp_path / "mongod.log"
    log.write_text(
        '{"s":"I","msg":"starting"}\n{"s":"E","msg":"No space left","attr":{"path":"/data"}}\n'
        'not json\n{"s":"I","msg":"shutting down"}\n'
    )

    assert log_tail(log) == '  No space left {"path": "/data"}'


def test_home_is_set_by_the_environment_and_private(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HPSEARCH_HOME", str(tmp_path / "mine"))

    assert home() == tmp_path / "mine"
    assert home().stat().st_mode & 0o777 == 0o700


def test_home_follows_the_xdg_data_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("HPSEARCH_HOME", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))

    assert home() == tmp_path / "hpsearch"


def test_home_that_cannot_be_created_gives_a_remedy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("HPSEARCH_HOME", str(tmp_path / "file" / "below"))

    with pytest.raises(ConfigurationError, match="HPSEARCH_HOME"):
        home()


def test_the_mongo_shell_is_on_path_or_where_its_script_installs_it(
    bare: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    bare.setattr(sys, "prefix", str(tmp_path))
    assert find_mongosh() is None
    (tmp_path / "mongosh").mkdir()
    installed = program(tmp_path / "mongosh", "mongosh")
    assert find_mongosh() == installed
    (tmp_path / "bin").mkdir()
    on_path = program(tmp_path / "bin", "mongosh")
    bare.setenv("PATH", str(tmp_path / "bin"))
    assert find_mongosh() == on_path
