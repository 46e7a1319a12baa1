"""A worker with ``--allow`` runs only what matches, whatever the database contains."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from hpsearch import hp
from hpsearch.core.experiment import Experiment, ObjectiveRef
from hpsearch.errors import ConfigurationError, HpsearchError, LoadError, SpaceError
from hpsearch.space.tree import Space
from hpsearch_worker.inline_evaluator import InlineEvaluator
from hpsearch_worker.messages import Load, Loaded
from hpsearch_worker.objective_allowlist import Allowlist

SPACE = Space({"x": hp.uniform("x", 0, 1)}).to_json()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a worker with an objective, beside the folder of another user."""
    for folder in ("home", "foreign"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "search.py").write_text("objective = abs")
    monkeypatch.chdir(tmp_path / "home")
    return tmp_path / "home"


def experiment(ref: str, kind: str = "import", path: Path | None = None, space: Any = SPACE) -> Experiment:
    objective = ObjectiveRef(kind=kind, ref=ref, path=None if path is None else str(path))
    return Experiment(exp_key="e", space=space, space_fingerprint="f", objective=objective)


def is_allowed(found: Experiment, *patterns: str) -> bool:
    try:
        Allowlist.of(patterns, Path.cwd()).restrict(found)
    except LoadError:
        return False
    return True


@pytest.mark.parametrize(
    ("ref", "pattern", "expected"),
    [
        ("lab.search:objective", "lab.search:objective", True),
        ("lab.search:objective", "lab.search", True),
        ("lab.search:other", "lab.search", False),
        ("lab.search:other", "lab.search:*", True),
        ("lab.search:objective", "lab.*:objective", True),
        ("lab.sub.search:objective", "lab.*:objective", False),
        ("lab.sub.search:objective", "lab.**:objective", True),
        ("lab_search:objective", "lab.search:objective", False),
        ("lab.search:objective2", "lab.search:objective", False),
        ("lab.search:objective1", "lab.search:objective?", True),
        ("os:system", "lab.**:**", False),
        # Names that a module imported do not match through it.
        ("lab.search:os.system", "lab.search:*", False),
        ("lab.search:objective\n", "lab.search:objective", False),
    ],
)
def test_a_module_matches_completely_and_a_star_stops_at_a_dot(
    ref: str, pattern: str, expected: bool
) -> None:
    assert is_allowed(experiment(ref), pattern) is expected


def test_one_pattern_of_several_is_enough() -> None:
    assert is_allowed(experiment("a:f"), "b:f", "a:f")


@pytest.mark.parametrize(
    "pattern", ["search.py", "search.py:objective", "*.py:*", "{home}/search.py", "./search.py"]
)
def test_a_file_in_the_workers_folder_matches_by_its_path(home: Path, pattern: str) -> None:
    found = experiment("search.py:objective", "file")
    assert is_allowed(found, pattern.format(home=home))


def test_the_file_that_is_run_is_the_one_that_matched(home: Path) -> None:
    """The experiment names the path where it was created, which is tried first without ``--allow``."""
    foreign = home.parent / "foreign" / "search.py"
    found = experiment("search.py:objective", "file", foreign)
    found = replace(found, objective=replace(found.objective, paths=(str(foreign),)))
    assert Allowlist.of(["search.py"], home).restrict(found).objective == ObjectiveRef(
        kind="file", ref=f"{home}/search.py:objective", path=f"{home}/search.py"
    )
    (home / "search.py").unlink()
    assert not is_allowed(found, "search.py")


@pytest.mark.parametrize("path", ["/" + "x" * 5000 + ".py", "/nul\0.py"])
def test_an_inaccessible_path_is_skipped(home: Path, path: str) -> None:
    """The database names the path, so it must not end the worker."""
    assert is_allowed(experiment("search.py:objective", "file", path), "search.py")
    assert not is_allowed(experiment(f"{path}:objective", "file", path), "search.py")


@pytest.mark.parametrize("ref", ["../foreign/search.py:objective", "{foreign}/search.py:objective"])
def test_no_way_out_of_the_folder_matches(home: Path, ref: str) -> None:
    foreign = home.parent / "foreign"
    (home / "search.py").unlink()
    assert not is_allowed(experiment(ref.format(foreign=foreign), "file"), "search.py", "*.py", "**.py:**")


def test_links_in_the_pattern_and_to_the_file_are_resolved_before_the_comparison(home: Path) -> None:
    (home.parent / "link").symlink_to(home)
    assert is_allowed(experiment("search.py:objective", "file"), f"{home.parent}/link/search.py")
    (home / "other.py").symlink_to(home.parent / "foreign" / "search.py")
    assert not is_allowed(experiment("other.py:objective", "file"), "*.py:*")


def test_objectives_by_value_need_their_own_pattern() -> None:
    """No pattern for modules matches them, not even for a module named like their kind, and vice versa."""
    by_value = experiment("objective", "pickle")
    assert not is_allowed(by_value, "pickle:*", "objective", "**:**")
    assert is_allowed(by_value, "by-value")
    assert not is_allowed(experiment("pickle:loads"), "by-value")


def test_an_unknown_kind_is_not_allowed() -> None:
    assert not is_allowed(experiment("a:objective", "remote"), "a:objective", "**:**", "by-value")


def test_imports_of_the_space_must_match_too() -> None:
    space = {"operations": [{"name": "call", "args": [{"import": "os:system"}, "true"]}]}
    with pytest.raises(LoadError, match="The search space imports os:system, which is not allowed"):
        Allowlist.of(["a:objective"], Path.cwd()).restrict(experiment("a:objective", space=space))
    assert is_allowed(experiment("a:objective", space=space), "a:objective", "os:system")


def test_a_function_that_the_space_reaches_without_a_name_is_never_allowed() -> None:
    space = {"operations": [{"name": "getattr", "args": ["", "__class__"]}]}
    assert not is_allowed(experiment("a:objective", space=space), "**:**")


@pytest.mark.parametrize(
    "name",
    [
        "__builtins__",
        "__loader__.load_module",
        "objective.__globals__",
        "Model.__init__",
        "make.__func__.run",
    ],
)
def test_names_with_double_underscores_match_no_pattern(home: Path, name: str) -> None:
    """They lead anywhere: a module's ``__builtins__`` contain ``exec``."""
    assert not is_allowed(experiment(f"lab.x:{name}"), "**:**", "lab.**:*", f"lab.x:{name.replace('_', '?')}")
    assert not is_allowed(experiment(f"search.py:{name}", "file"), "search.py:**", "*.py:*")
    space = {"root": {"import": f"lab.x:{name}"}}
    assert not is_allowed(experiment("lab.x:objective", space=space), "**:**")
    for pattern in (f"lab.x:{name}", f"search.py:{name}"):
        with pytest.raises(ConfigurationError, match="has a name with double underscores around it"):
            Allowlist.of([pattern], home)


def test_modules_that_run_a_program_match_no_pattern() -> None:
    assert not is_allowed(experiment("lab.__main__:objective"), "lab.**:*")


def test_operations_of_the_space_only_compute() -> None:
    """A keyword such as ``key`` would call a function without a name."""
    call_by_key = {"name": "max", "args": [{"tuple": ["1"]}], "keywords": [["key", {"operation": 0}]]}
    found = experiment("a:objective", space={"operations": [call_by_key]})
    with pytest.raises(LoadError, match="reaches functions through max, which is not allowed"):
        Allowlist.of(["**:**"], Path.cwd()).restrict(found)


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A package whose modules import from each other and from other packages."""
    package = tmp_path / "lab_of_allowed"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "loss.py").write_text("def square(x): return x * x\ndef objective(config): return 1.0\n")
    (package / "x.py").write_text(
        "import enum, functools, os\nfrom os import getcwd\n"
        "from lab_of_allowed.loss import objective, square\n"
        "def double(x): return 2 * x\n"
        "class Model:\n    def __init__(self, k): self.k = k\n    def __getitem__(self, key): return key\n"
        "class Kind(enum.Enum):\n    ONE = 1\n"
        "half, here, table = functools.partial(double), functools.partial(os.getcwd), {'run': os.getcwd}\n"
        "model = Model(1)\n"
    )
    (tmp_path / "lab_file.py").write_text(
        "from os import getcwd\nfrom lab_file_helper import helped\ndef objective(config): return 1.0\n"
    )
    (tmp_path / "lab_file_helper.py").write_text("def helped(config): return 2.0\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    yield tmp_path
    for name in [name for name in sys.modules if name.startswith(("lab_of_allowed", "lab_file"))]:
        del sys.modules[name]


def loaded(found: Experiment, *patterns: str) -> Loaded:
    """Load an experiment as the evaluating process of a worker with ``--allow`` does."""
    return Load.of(found, allowlist=Allowlist.of(patterns, Path.cwd())).load_here()


def space_of(root: Any, *operations: Any) -> dict[str, Any]:
    return {"schema": 1, "parameters": [], "operations": list(operations), "root": root}


LAB = "lab_of_allowed.**:*"


@pytest.mark.parametrize("name", ["double", "Model", "objective", "half"])
def test_a_star_allows_what_the_module_or_another_allowed_module_defines(lab: Path, name: str) -> None:
    loaded(experiment(f"lab_of_allowed.x:{name}"), LAB)


@pytest.mark.parametrize("name", ["getcwd", "here"])
def test_a_star_does_not_allow_what_the_module_imported(lab: Path, name: str) -> None:
    """The author of the module uses it, but the owner of the worker did not allow it."""
    found = experiment(f"lab_of_allowed.x:{name}")
    for pattern in (LAB, "lab_of_allowed.x:*", "lab_of_allowed.x:**"):
        with pytest.raises(LoadError, match=rf"lab_of_allowed.x:{name} is defined elsewhere, as posix:"):
            loaded(found, pattern)
    assert loaded(found, f"lab_of_allowed.x:{name}").objective() == str(Path.cwd())
    with pytest.raises(LoadError, match="is defined elsewhere"):
        loaded(experiment("lab_of_allowed.x:objective"), "lab_of_allowed.x:*")


def test_a_star_for_files_allows_what_matching_files_define(lab: Path) -> None:
    for name in ("objective", "helped"):
        loaded(experiment(f"lab_file.py:{name}", "file"), "*.py:*")
    found = experiment("lab_file.py:getcwd", "file")
    with pytest.raises(LoadError, match=r"lab_file.py:getcwd is defined elsewhere, as posix:getcwd"):
        loaded(found, "*.py:*")
    assert loaded(found, "lab_file.py:getcwd").objective() == str(Path.cwd())
    with pytest.raises(LoadError, match="is defined elsewhere"):
        loaded(experiment("lab_file.py:helped", "file"), "lab_file.py:*")


@pytest.mark.parametrize(
    ("reference", "problem"),
    [
        ("lab_of_allowed.x:getcwd", "is defined elsewhere, as posix:getcwd"),
        ("lab_of_allowed.x:here", "is a partial; a space may refer only to"),
        ("lab_of_allowed.x:os.getcwd", "is defined elsewhere, as posix:getcwd"),
        ("lab_of_allowed.x:os", "is a module; a space may refer only to"),
        ("lab_of_allowed.x:table", "is a dict; a space may refer only to"),
        ("lab_of_allowed.x:model", "is a Model; a space may refer only to"),
        ("lab_of_allowed.x:Model.mro", "is defined elsewhere, as None:Model.mro"),
    ],
)
def test_the_same_holds_for_names_in_the_space(lab: Path, reference: str, problem: str) -> None:
    """As a value, under an operation, and as the function of a call."""
    operations = [{"name": "call", "args": [{"import": reference}]}]
    for space in (space_of({"import": reference}), space_of({"operation": 0}, *operations)):
        with pytest.raises(HpsearchError, match=problem):
            loaded(experiment("lab_of_allowed.x:double", space=space), "lab_of_allowed.**:**")


def test_an_allowed_function_is_called_with_values_of_the_space(lab: Path) -> None:
    square = {"import": "lab_of_allowed.loss:square"}
    space = space_of(
        {"tuple": [{"operation": 1}, {"import": "lab_of_allowed.x:Kind.ONE"}, {"operation": 2}]},
        {"name": "add", "args": [1, 2]},
        {"name": "call", "args": [square, {"operation": 0}]},
        {"name": "switch", "args": [1, square, {"import": "lab_of_allowed.x:Model"}]},
    )
    found = loaded(experiment("lab_of_allowed.x:double", space=space), "lab_of_allowed.**:**").space.config(
        {}
    )
    x = sys.modules["lab_of_allowed.x"]
    assert found == (9, x.Kind.ONE, x.Model)


def test_operators_of_what_an_allowed_function_returns_are_not_used(lab: Path) -> None:
    """Subscripting calls a method, which no pattern names."""
    model = {"name": "call", "args": [{"import": "lab_of_allowed.x:Model"}, 3]}
    space = space_of({"operation": 1}, model, {"name": "getitem", "args": [{"operation": 0}, "run"]})
    with pytest.raises(SpaceError, match=r"getitem\(.*an operand is not a plain value"):
        loaded(experiment("lab_of_allowed.x:double", space=space), LAB).space.config({})
    without = experiment("lab_of_allowed.x:double", space=space)
    assert Load.of(without).load_here().space.config({}) == "run"


def test_a_pattern_without_a_place_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="names no module and no file"):
        Allowlist.of([":objective"], Path.cwd())


def test_an_evaluator_loads_only_what_is_allowed(home: Path) -> None:
    evaluator = InlineEvaluator(partial(Load.of, allowlist=Allowlist.of(["search.py"], home)))
    evaluator.prepare(experiment("search.py:objective", "file"), lambda: None)
    other = replace(experiment("os:system"), exp_key="other")
    with pytest.raises(LoadError, match="is not allowed on this worker"):
        evaluator.prepare(other, lambda: None)
