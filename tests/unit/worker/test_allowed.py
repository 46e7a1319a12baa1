"""A worker with ``--allow`` runs what matches, and nothing that the database would put in its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from hpsearch import hp
from hpsearch.errors import ConfigurationError, LoadError
from hpsearch.experiment import Experiment, ObjectiveRef
from hpsearch.space.tree import Space
from hpsearch.trial import Result
from hpsearch_worker.allowed import Allowed, AllowedOnly

SPACE = Space({"x": hp.uniform("x", 0, 1)}).to_json()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Folder of a worker, with an objective, beside one of somebody else's."""
    for folder in ("home", "foreign"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "search.py").write_text("objective = abs")
    monkeypatch.chdir(tmp_path / "home")
    return tmp_path / "home"


def experiment(ref: str, kind: str = "import", path: Path | None = None, space=SPACE) -> Experiment:
    objective = ObjectiveRef(kind=kind, ref=ref, path=None if path is None else str(path))
    return Experiment(exp_key="e", space=space, space_fingerprint="f", objective=objective)


def is_allowed(found: Experiment, *patterns: str) -> bool:
    try:
        Allowed.of(patterns, Path.cwd()).narrowed(found)
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
        # What a module imported is not reached through it.
        ("lab.search:os.system", "lab.search:*", False),
        ("lab.search:objective\n", "lab.search:objective", False),
    ],
)
def test_a_module_matches_as_a_whole_and_a_star_no_further_than_a_dot(ref, pattern, expected):
    assert is_allowed(experiment(ref), pattern) is expected


def test_one_pattern_of_several_is_enough():
    assert is_allowed(experiment("a:f"), "b:f", "a:f")


@pytest.mark.parametrize(
    "pattern", ["search.py", "search.py:objective", "*.py:*", "{home}/search.py", "./search.py"]
)
def test_a_file_of_the_workers_folder_matches_by_where_it_lies(home: Path, pattern: str):
    found = experiment("search.py:objective", "file")
    assert is_allowed(found, pattern.format(home=home))


def test_the_file_that_is_run_is_the_one_that_matched(home: Path):
    """Whoever writes the experiment says where it was made, which would count first."""
    foreign = home.parent / "foreign" / "search.py"
    found = experiment("search.py:objective", "file", foreign)
    assert Allowed.of(["search.py"], home).narrowed(found).objective == ObjectiveRef(
        kind="file", ref=f"{home}/search.py:objective", path=f"{home}/search.py"
    )
    (home / "search.py").unlink()
    assert not is_allowed(found, "search.py")


@pytest.mark.parametrize("path", ["/" + "x" * 5000 + ".py", "/nul\0.py"])
def test_a_path_that_cannot_be_looked_at_here_is_passed_over(home, path):
    """It is the database's to name, and must not end the worker."""
    assert is_allowed(experiment("search.py:objective", "file", path), "search.py")
    assert not is_allowed(experiment(f"{path}:objective", "file", path), "search.py")


@pytest.mark.parametrize("ref", ["../foreign/search.py:objective", "{foreign}/search.py:objective"])
def test_no_way_out_of_the_folder_matches(home: Path, ref: str):
    foreign = home.parent / "foreign"
    (home / "search.py").unlink()
    assert not is_allowed(experiment(ref.format(foreign=foreign), "file"), "search.py", "*.py", "**.py:**")


def test_a_link_in_the_pattern_or_to_the_file_is_followed_before_they_are_compared(home: Path):
    (home.parent / "link").symlink_to(home)
    assert is_allowed(experiment("search.py:objective", "file"), f"{home.parent}/link/search.py")
    (home / "other.py").symlink_to(home.parent / "foreign" / "search.py")
    assert not is_allowed(experiment("other.py:objective", "file"), "*.py:*")


def test_what_comes_by_value_needs_a_word_of_its_own():
    """No pattern for modules admits it, not even for a module of the name of its kind, nor the reverse."""
    by_value = experiment("objective", "pickle")
    assert not is_allowed(by_value, "pickle:*", "objective", "**:**")
    assert is_allowed(by_value, "by-value")
    assert not is_allowed(experiment("pickle:loads"), "by-value")


def test_an_unknown_kind_is_not_allowed():
    assert not is_allowed(experiment("a:objective", "remote"), "a:objective", "**:**", "by-value")


def test_what_the_space_imports_must_match_too():
    space = {"operations": [{"name": "call", "args": [{"import": "os:system"}, "true"]}]}
    with pytest.raises(LoadError, match="What the space names, os:system, is not allowed"):
        Allowed.of(["a:objective"], Path.cwd()).narrowed(experiment("a:objective", space=space))
    assert is_allowed(experiment("a:objective", space=space), "a:objective", "os:system")


def test_what_the_space_reaches_without_a_name_is_never_allowed():
    space = {"operations": [{"name": "getattr", "args": ["", "__class__"]}]}
    assert not is_allowed(experiment("a:objective", space=space), "**:**")


def test_a_pattern_without_a_place_is_refused():
    with pytest.raises(ConfigurationError, match="names no module and no file"):
        Allowed.of([":objective"], Path.cwd())


class Recorder:
    """Notes what it was asked to load and to evaluate."""

    def __init__(self) -> None:
        self.seen: list[Experiment] = []

    def prepare(self, experiment, watch):
        self.seen.append(experiment)

    def evaluate(self, trial, experiment, watch, hear):
        self.seen.append(experiment)
        return Result(loss=0.0)

    def close(self):
        self.seen.clear()


def test_the_evaluator_hears_only_of_what_is_allowed(home: Path):
    recorder = Recorder()
    only = AllowedOnly(Allowed.of(["search.py"], home), recorder)
    for call in (
        lambda found: only.prepare(found, lambda: None),
        lambda found: only.evaluate(None, found, lambda: None, lambda word: None),
    ):
        call(experiment("search.py:objective", "file"))
        with pytest.raises(LoadError, match="is not allowed on this worker"):
            call(experiment("os:system"))
    assert [found.objective.path for found in recorder.seen] == [f"{home}/search.py"] * 2
