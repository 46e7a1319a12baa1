"""Obstacles at the paths of hpsearch's folders and logs are reported in one sentence and not changed."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.command_line import Call

RUN = ("run", "search.py", "--max-evals", "1", "--algo", "random", "--exp-key", "s")
OTHER_USER = 65534


def home_is_a_file(home: Path) -> None:
    home.touch()


def home_is_a_link(home: Path) -> None:
    home.symlink_to(home.parent)


def home_leads_nowhere(home: Path) -> None:
    home.symlink_to(home.parent / "planted")


def home_of_another_user(home: Path) -> None:
    home.mkdir(mode=0o700)
    os.chown(home, OTHER_USER, OTHER_USER)


def logs_are_a_file(home: Path) -> None:
    home.mkdir()
    (home / "logs").touch()


def logs_are_a_link(home: Path) -> None:
    home.mkdir()
    (home / "logs").symlink_to(home.parent)


def logs_of_another_user(home: Path) -> None:
    (home / "logs").mkdir(parents=True)
    os.chown(home / "logs", OTHER_USER, OTHER_USER)


def log_folder_is_a_file(home: Path) -> None:
    (home / "logs").mkdir(parents=True)
    (home / "logs" / "s").touch()


def log_folder_is_a_link(home: Path) -> None:
    (home / "logs").mkdir(parents=True)
    (home / "logs" / "s").symlink_to(home.parent)


def log_folder_has_other_files(home: Path) -> None:
    (home / "logs" / "s").mkdir(parents=True, mode=0o700)
    (home / "logs" / "s" / "thesis.tex").touch()


def log_leads_nowhere(home: Path) -> None:
    (home / "logs" / "s").mkdir(parents=True, mode=0o700)
    (home / "logs" / "s" / "worker-1.log").symlink_to(home.parent / "planted")


def older_log_is_a_folder(home: Path) -> None:
    (home / "logs" / "s").mkdir(parents=True, mode=0o700)
    for name in ("worker-1.log", "worker-1.log.2"):
        (home / "logs" / "s" / name).write_text("of an earlier search")
    (home / "logs" / "s" / "worker-1.log.3").mkdir()


def log_is_a_pipe(home: Path) -> None:
    (home / "logs" / "s").mkdir(parents=True, mode=0o700)
    os.mkfifo(home / "logs" / "s" / "worker-1.log")


OBSTACLES: list[Callable[[Path], None]] = [
    home_is_a_link,
    home_of_another_user,
    logs_are_a_file,
    log_folder_has_other_files,
    log_leads_nowhere,
    log_is_a_pipe,
    older_log_is_a_folder,
]

#: Tried in full runs only: variants of the others.
MORE_OBSTACLES: list[Callable[[Path], None]] = [
    home_is_a_file,
    home_leads_nowhere,
    logs_are_a_link,
    logs_of_another_user,
    log_folder_is_a_file,
    log_folder_is_a_link,
]


def modes(folder: Path) -> dict[Path, int]:
    return {path: path.lstat().st_mode for path in folder.rglob("*") if "__pycache__" not in path.parts}


@pytest.mark.parametrize(
    "obstruct", [*OBSTACLES, *(pytest.param(o, marks=pytest.mark.long) for o in MORE_OBSTACLES)]
)
def test_a_search_writes_no_log_outside_a_private_folder(
    call: Call, folder: Path, obstruct: Callable[[Path], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    if "another_user" in obstruct.__name__ and os.getuid() != 0:
        pytest.skip("only root can give a folder away")
    monkeypatch.setenv("HPSEARCH_HOME", str(folder / "home"))
    monkeypatch.chdir(folder)
    obstruct(folder / "home")
    before = modes(folder)

    done = call(*RUN)

    assert done.code == 78, done.err
    assert done.err.strip().split("\n")[-1].startswith("hpsearch: ")
    assert "Traceback" not in done.err
    assert modes(folder) == before
