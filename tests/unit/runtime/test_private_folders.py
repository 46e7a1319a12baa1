"""Private folders are used unchanged, or refused."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from hpsearch.errors import ConfigurationError
from hpsearch.runtime.private_folders import folder_problem, own_folder, private_folder

OTHER_USER = 65534

as_root = pytest.mark.skipif(os.getuid() != 0, reason="only root can give a folder away")


def link(path: Path) -> None:
    (path.parent / "elsewhere").mkdir(mode=0o755)
    path.symlink_to(path.parent / "elsewhere")


def anybodys(path: Path) -> None:
    path.mkdir()
    path.chmod(0o777)


def another_users(path: Path) -> None:
    path.mkdir(mode=0o700)
    os.chown(path, OTHER_USER, OTHER_USER)


#: Unsuitable paths, by a part of the message about each.
OBSTACLES: dict[str, Callable[[Path], None]] = {
    "symbolic link": link,
    "is not a folder; move it away": Path.touch,
    "chmod o-w": anybodys,
}


@pytest.fixture(params=[own_folder, private_folder])
def made(request: pytest.FixtureRequest) -> Callable[[Path], Path]:
    return request.param  # type: ignore[no-any-return]


@pytest.mark.parametrize("words", OBSTACLES)
def test_an_unsuitable_folder_is_refused_and_unchanged(
    made: Callable[[Path], Path], words: str, tmp_path: Path
) -> None:
    OBSTACLES[words](path := tmp_path / "data")
    before = {place: place.lstat().st_mode for place in tmp_path.iterdir()}

    with pytest.raises(ConfigurationError, match=f"{words}.*HPSEARCH_HOME"):
        made(path)

    assert {place: place.lstat().st_mode for place in tmp_path.iterdir()} == before


def test_a_dangling_link_is_not_followed(made: Callable[[Path], Path], tmp_path: Path) -> None:
    (path := tmp_path / "data").symlink_to(tmp_path / "planted")

    with pytest.raises(ConfigurationError, match="symbolic link"):
        made(path)

    assert not (tmp_path / "planted").exists()


@as_root
def test_the_folder_of_another_user_is_refused(made: Callable[[Path], Path], tmp_path: Path) -> None:
    another_users(path := tmp_path / "data")

    with pytest.raises(ConfigurationError, match="another user"):
        made(path)


@pytest.mark.parametrize("name", ["file/below", "file/below/data", "a" * 300, "nul\0"])
def test_a_folder_that_cannot_be_created_is_refused(
    made: Callable[[Path], Path], name: str, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(ConfigurationError, match="HPSEARCH_HOME"):
        made(tmp_path / name)


def test_a_new_folder_is_private_for_any_umask(made: Callable[[Path], Path], tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        made(path := tmp_path / "new" / "data")
    finally:
        os.umask(before)

    assert path.stat().st_mode & 0o777 == 0o700


def test_a_readable_folder_is_accepted_only_as_an_own_folder(tmp_path: Path) -> None:
    (path := tmp_path / "data").mkdir(mode=0o755)

    assert own_folder(path) == path
    with pytest.raises(ConfigurationError, match=r"mode 755.*chmod 700"):
        private_folder(path)
    assert path.stat().st_mode & 0o777 == 0o755


def test_a_folder_with_the_sticky_bit_may_be_writable_by_everyone(tmp_path: Path) -> None:
    (path := tmp_path / "data").mkdir()
    path.chmod(0o1777)

    assert own_folder(path) == path


def test_the_parents_of_a_folder_may_be_links(made: Callable[[Path], Path], tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "home").symlink_to(tmp_path / "disk")

    made(tmp_path / "home" / "data")

    assert (tmp_path / "disk" / "data").is_dir()


def test_a_folder_with_foreign_files_is_refused(tmp_path: Path) -> None:
    private_folder(path := tmp_path / "data", mark="lock*")  # an empty folder has no mark yet
    (path / "thesis.tex").touch()
    with pytest.raises(ConfigurationError, match="did not make"):
        private_folder(path, mark="lock*")

    (path / "lock.1").touch()

    assert private_folder(path, mark="lock*") == path


@pytest.mark.parametrize("words", OBSTACLES)
def test_a_diagnosis_finds_the_same_faults(words: str, tmp_path: Path) -> None:
    OBSTACLES[words](path := tmp_path / "data")

    assert words in (folder_problem(path) or "")


def test_a_diagnosis_creates_nothing(tmp_path: Path) -> None:
    assert folder_problem(tmp_path / "new" / "data") is None
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["file/data", "file/below/data", "a" * 300])
def test_a_diagnosis_names_the_obstacle(name: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    assert "cannot be used" in (folder_problem(tmp_path / name) or "")
