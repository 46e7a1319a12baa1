"""Loading objectives and spaces by name, and the errors when that fails."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hpsearch.core.experiment import ObjectiveRef
from hpsearch.errors import LoadError
from hpsearch.objective.loading import load, load_objective, parse_space, parse_target


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A working folder whose modules are unloaded afterwards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        del sys.modules[name]


def test_a_file_target_loads_its_objective_and_the_space_beside_it(folder: Path) -> None:
    (folder / "helper_of_search.py").write_text("FACTOR = 2")
    (folder / "search_a.py").write_text(
        "from helper_of_search import FACTOR\nspace = {'x': 1}\ndef objective(c): return FACTOR * c"
    )
    ref = parse_target("search_a.py")
    assert load_objective(ref)(21) == 42
    assert load(parse_space(ref, None)) == {"x": 1}


def test_a_module_target_is_found_in_the_working_folder(folder: Path) -> None:
    (folder / "pkg_b").mkdir()
    (folder / "pkg_b" / "__init__.py").write_text("")
    (folder / "pkg_b" / "train.py").write_text("def f(c): return c\nclass Spaces: small = 1")
    ref = parse_target("pkg_b.train:f")
    assert ref == ObjectiveRef(kind="import", ref="pkg_b.train:f")
    assert load_objective(ref)(1) == 1
    assert load(parse_space(ref, "Spaces.small")) == 1


def test_a_space_may_be_in_another_module(folder: Path) -> None:
    (folder / "search_c.py").write_text("def objective(c): return c")
    (folder / "spaces_c.py").write_text("space = 1\nwide = 2")
    ref = parse_target("search_c.py")
    assert load(parse_space(ref, "spaces_c.py")) == 1
    assert load(parse_space(ref, "spaces_c:wide")) == 2


#: Represents folders of other users, which do not exist for root.
UNREACHABLE = ["/" + "x" * 5000, "/nul\0"]


@pytest.mark.parametrize("path", UNREACHABLE)
def test_an_inaccessible_path_does_not_contain_the_file(folder: Path, path: str) -> None:
    """The folder in which the experiment was created may be closed to the user of the worker."""
    (folder / "search_u.py").write_text("def objective(c): return c")
    there = ObjectiveRef(kind="file", ref="there/search_u.py:objective", path=f"{path}/search_u.py")
    assert load_objective(there)(5) == 5


def test_a_cycle_of_links_is_no_file(folder: Path) -> None:
    (folder / "loop.py").symlink_to("loop.py")
    with pytest.raises(LoadError, match="There is no file loop"):
        load_objective(parse_target("loop.py"))


def test_files_of_one_name_in_folders_of_one_name_are_different_modules(folder: Path) -> None:
    """One worker process serves the searches of several users."""
    for who, loss in [("ada", 1), ("bob", 2), ("eve", 3)]:
        (folder / who / "exp").mkdir(parents=True)
        (folder / who / "exp" / "search_s.py").write_text(f"def objective(c): return {loss}")
    targets = [parse_target(str(folder / who / "exp" / "search_s.py")) for who in ("ada", "bob", "eve")]
    for _ in range(2):
        assert [load_objective(target)(0) for target in targets] == [1, 2, 3]


def test_a_file_of_an_experiment_from_another_machine_is_found_by_name(folder: Path) -> None:
    (folder / "search_d.py").write_text("def objective(c): return c")
    there = ObjectiveRef(kind="file", ref="there/search_d.py:objective", path="/nowhere/there/search_d.py")
    assert load_objective(there)(5) == 5


def test_a_file_named_like_a_loaded_module_does_not_replace_it(folder: Path) -> None:
    (folder / "json.py").write_text("def objective(c): return 'mine'")
    assert load_objective(parse_target("json.py"))(0) == "mine"
    assert sys.modules["json"].__file__ != str(folder / "json.py")


@pytest.mark.parametrize(
    ("text", "target", "said"),
    [
        ("", "absent.py", "There is no file absent.py"),
        ("def objectiv(c): pass", "search_e.py", "Did you mean 'objectiv'?"),
        ("objective = 3", "search_e.py", "is a int, not a function"),
        ("import not_installed_xyz", "search_e.py", "the module 'not_installed_xyz' is not installed"),
        ("def objective(c) return 1", "search_e.py", "SyntaxError"),
        ("1 / 0", "search_e.py", "ZeroDivisionError"),
        ("import sys; sys.exit(1)", "search_e.py", "SystemExit"),
        ("class E(Exception):\n def __str__(self): 1 / 0\nraise E", "search_e.py", "cannot be imported: E"),
        ("def __getattr__(name): raise OSError(name)", "search_e.py", "cannot be read: OSError: objective"),
        ("\0", "search_e.py", "null bytes"),
    ],
)
def test_a_loading_error_is_explained(folder: Path, text: str, target: str, said: str) -> None:
    (folder / "search_e.py").write_text(text)
    with pytest.raises(LoadError) as caught:
        load_objective(parse_target(target))
    assert said in str(caught.value)


@pytest.mark.parametrize("target", ["", "a b", "notes.md/x:f", "m:1x", "../x", "m:f:g"])
def test_an_invalid_target_is_refused_before_anything_is_imported(target: str, folder: Path) -> None:
    with pytest.raises(LoadError):
        parse_target(target)


def test_joining_compares_the_file_name_and_not_the_folder() -> None:
    here = ObjectiveRef(kind="file", ref="a/search.py:f", path="/a/search.py")
    there = ObjectiveRef(kind="file", ref="search.py:f", path="/b/search.py")
    assert here.identity == there.identity
