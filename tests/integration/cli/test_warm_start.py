"""``--warm-start`` on the command line, and the hint without it."""

from __future__ import annotations

from pathlib import Path

import pytest

from hpsearch.store.mongo.store import MongoStore
from tests.support.command_line import Call


@pytest.fixture
def similar(filled: MongoStore, folder: Path, monkeypatch: pytest.MonkeyPatch) -> MongoStore:
    """A store with the search "search", in a folder with an objective of the same parameters."""
    (folder / "other.py").write_text(
        "from hpsearch import hp\n"
        "space = {'lr': hp.uniform('lr', 0, 2), 'kind': hp.choice('kind', ['sgd', 'adam'])}\n"
        "def objective(config):\n"
        "    return config['lr']\n"
    )
    monkeypatch.chdir(folder)
    return filled


def test_a_search_starts_with_the_trials_of_another(similar: MongoStore, shell: Call) -> None:
    done = shell("run", "other.py", "--warm-start", "auto", "--max-evals", "3", "--seed", "1")
    assert done.code == 0, done.err
    assert "The first 2 trials are the most promising of 'search'." in done.err
    first, second, third = similar.trials("other")
    assert (first.values, second.values) == ({"lr": 0.2, "kind": 1}, {"lr": 0.1, "kind": 0})
    assert [t.origin for t in (first, second, third)] == ["warm_start", "warm_start", "random"]
    warm_start = similar.experiment("other").warm_start
    assert warm_start is not None
    assert [source.exp_key for source in warm_start.sources] == ["search"]
    assert [point.tid for point in warm_start.points] == [2, 1]


@pytest.mark.usefixtures("no_start_grace")
def test_a_hint_is_printed_unless_the_option_is_given(similar: MongoStore, call: Call) -> None:
    hint = "'search' searched this space: --warm-start search begins with what it found."
    arguments = ["coordinator", "other.py", "--timeout", "0.001"]
    assert hint in call(*arguments).err
    assert hint not in call(*arguments).err  # it has begun
    assert "warm" not in call(*arguments, "--exp-key", "cold", "--warm-start", "none").err
    assert similar.experiment("cold").warm_start is None
    ignored = call(*arguments, "--exp-key", "cold", "--warm-start", "search").err
    assert "was created without --warm-start, which cannot be changed" in ignored
    assert hint not in call("coordinator", "search.py", "--timeout", "0.001", "--exp-key", "x").err


@pytest.mark.usefixtures("no_start_grace")
def test_a_repeated_command_says_nothing_of_a_start_that_it_repeats(similar: MongoStore, call: Call) -> None:
    arguments = ["coordinator", "other.py", "--timeout", "0.001", "--warm-start"]
    assert "most promising of 'search'" in call(*arguments, "search").err
    for same in ("search", "auto"):
        assert "warm-start" not in call(*arguments, same).err
    assert "was created with --warm-start search, which cannot be changed" in call(*arguments, "none").err


@pytest.mark.parametrize(
    ("value", "code", "text"),
    [
        ("nothing", 4, "There is no experiment 'nothing' to start from"),
        ("search,a/b", 2, "'a/b' cannot name a search"),
    ],
)
def test_an_unknown_or_impossible_name_is_refused(
    value: str, code: int, text: str, similar: MongoStore, call: Call
) -> None:
    refused = call("coordinator", "other.py", "--warm-start", value)
    assert refused.code == code
    assert text in refused.err
    assert "other" not in {experiment.exp_key for experiment in similar.experiments()}
