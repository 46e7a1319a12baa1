"""The fingerprint of the code of a reference on this machine."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from hpsearch.core.experiment import MAX_PARTS, ObjectiveRef, changed_parts
from hpsearch.objective.loading import load_objective, parse_target
from hpsearch.objective.source_fingerprint import fingerprinted

SEARCH = """
from hpsearch import hp
import numpy as np
from beside import helper

def objective(config):
    return helper(config) + np.pi
"""


@pytest.fixture(autouse=True)
def modules_kept(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(sys, "path", list(sys.path))
    importlib.invalidate_caches()
    yield
    for name in list(sys.modules):
        if "_of_test" in name or name == "beside":
            del sys.modules[name]


def program(folder: Path, search: str = SEARCH, beside: str = "def helper(c): return 1") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "beside.py").write_text(beside)
    path = folder / "search_of_test.py"
    path.write_text(search)
    return path


def of_file(path: Path) -> ObjectiveRef:
    ref = parse_target(str(path))
    load_objective(ref)
    found = fingerprinted(ref)
    for name in ("beside", "search_of_test"):
        sys.modules.pop(name, None)
    sys.path[:] = [place for place in sys.path if place != str(path.parent)]
    return found


def test_a_file_has_a_fingerprint_of_its_code_and_another_of_its_text(tmp_path: Path) -> None:
    found = of_file(program(tmp_path))
    assert found.parts.keys() == {"objective()", "np", "helper", "beside.helper()"}
    again = of_file(program(tmp_path, "# a comment\n" + SEARCH))
    assert again.fingerprint == found.fingerprint
    assert again.source != found.source


def test_the_same_files_in_another_folder_with_other_line_ends_are_the_same(tmp_path: Path) -> None:
    found = of_file(program(tmp_path / "a"))
    moved = of_file(program(tmp_path / "b", SEARCH.replace("\n", "\r\n")))
    assert (moved.fingerprint, moved.source) == (found.fingerprint, found.source)
    assert moved.path != found.path


def test_a_module_in_the_same_folder_counts(tmp_path: Path) -> None:
    found = of_file(program(tmp_path / "a"))
    other = of_file(program(tmp_path / "b", beside="def helper(c): return 2"))
    assert changed_parts(found, other) == ["beside.helper()"]


def test_an_objective_in_a_package_has_a_fingerprint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "lab_of_test").mkdir()
    (tmp_path / "lab_of_test" / "__init__.py").write_text("")
    (tmp_path / "lab_of_test" / "nets.py").write_text("def loss(c): return 1")
    (tmp_path / "lab_of_test" / "search.py").write_text(
        "from .nets import loss\ndef objective(c): return loss(c)"
    )
    monkeypatch.chdir(tmp_path)
    ref = parse_target("lab_of_test.search")
    load_objective(ref)
    found = fingerprinted(ref)
    assert found.parts.keys() == {"objective()", "loss", "lab_of_test.nets.loss()"}
    (tmp_path / "lab_of_test" / "nets.py").write_text("def loss(c): return 2")
    assert changed_parts(found, fingerprinted(ref)) == ["lab_of_test.nets.loss()"]


def test_installed_packages_and_hpsearch_itself_do_not_count(tmp_path: Path) -> None:
    installed = tmp_path / "venv" / "site-packages"
    installed.mkdir(parents=True)
    (installed / "installed_of_test.py").write_text("def f(c): return 1")
    sys.path.append(str(installed))
    path = program(
        tmp_path, "import hpsearch\nimport installed_of_test\ndef objective(c): return installed_of_test.f(c)"
    )
    assert of_file(path).parts.keys() == {"objective()", "installed_of_test"}


def test_an_objective_without_source_has_no_fingerprint() -> None:
    ref = ObjectiveRef(kind="import", ref="math:sqrt")
    assert fingerprinted(ref) == ref
    assert changed_parts(ref, replace(ref, fingerprint="f")) == []


def test_a_module_that_belongs_to_the_program_on_one_machine_only_is_no_difference() -> None:
    here = ObjectiveRef(kind="file", ref="s.py:f", fingerprint="1", parts={"f()": "a", "lib.g()": "b"})
    there = replace(here, fingerprint="2", parts={"f()": "a"})
    assert changed_parts(here, there) == []
    shadowed = replace(here, fingerprint="3", parts={**here.parts, "max()": "c"})
    assert changed_parts(here, shadowed) == ["max()"]


def test_a_difference_beyond_the_stored_parts_is_detected() -> None:
    parts = {f"f{i}()": "a" for i in range(MAX_PARTS)}
    here = ObjectiveRef(kind="file", ref="s.py:f", fingerprint="1", parts=parts)
    assert changed_parts(here, replace(here, fingerprint="2")) == ["a part that is not listed"]
