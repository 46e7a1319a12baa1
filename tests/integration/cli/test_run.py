"""``hpsearch run`` and ``coordinator``: complete searches, and their errors."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hpsearch.core.experiment import Budget, ExperimentState
from hpsearch.core.trial import State, Trial
from hpsearch.store.mongo.store import MongoStore
from tests.support.command_line import Call, wait_for_running
from tests.support.waiting import wait_until


@pytest.fixture
def here(call: Call, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Call:
    """Call ``hpsearch ARGUMENTS`` in this process, in the user's folder."""
    monkeypatch.setenv("HPSEARCH_HOME", str(folder / "home"))
    monkeypatch.chdir(folder)
    return call


def test_a_search_ends_with_its_best_parameters_and_the_next_commands(shell: Call) -> None:
    done = shell("run", "search.py", "--max-evals", "4", "--workers", "2", "--seed", "1")
    assert done.code == 0, done.err
    assert done.out.startswith("search: done, all trials are finished; 4/4 finished: 4 done, 0 failed")
    assert "best loss" in done.out
    assert "hpsearch trials search --sort loss" in done.out
    assert "hpsearch run search.py --workers 2 --max-evals 8" in done.out
    improvements = [line for line in done.err.splitlines() if ": best loss" in line]
    assert improvements
    assert all(" x=" in line and " kind=" in line for line in improvements)


@pytest.mark.long
def test_the_same_command_continues_the_search(shell: Call, store: MongoStore) -> None:
    shell("run", "search.py", "--max-evals", "2", "--seed", "1")
    more = shell("run", "search.py", "--max-evals", "4", "--seed", "2")
    assert more.code == 0, more.err
    assert ", which cannot be changed" in more.err  # the seed
    assert store.counts("search")[State.DONE] == 4
    same = shell("run", "search.py")
    assert "already has all its trials" in same.err
    assert "4/4 finished" in same.out
    assert "hpsearch delete search" in same.err


@pytest.mark.long
def test_the_printed_command_to_go_on_works_as_printed(here: Call, store: MongoStore) -> None:
    done = here(
        "run", "search.py", "--exp-key", "my search", "--reproducible", "--accept-changed-objective",
        "--max-evals", "2",
    )  # fmt: skip
    [printed] = [line for line in done.out.splitlines() if line.startswith("go on:")]
    words = shlex.split(printed.partition(" run ")[2])
    assert "--reproducible" in words
    assert "--accept-changed-objective" not in words  # the next change needs another decision
    assert here("run", *words).code == 0
    assert store.counts("my search")[State.DONE] == 4


def test_a_search_that_maximises_ends_at_the_users_threshold(here: Call, store: MongoStore) -> None:
    """Above -25 at any point; the experiment keeps what it maximises."""
    arguments = ("run", "search.py", "--maximize", "--loss-threshold", "0", "--max-evals", "3", "--seed", "1")
    done = here(*arguments)
    assert (done.code, "the --loss-threshold is reached" in done.out) == (0, True)
    best = next(store.trials("search", sort="loss"))
    assert best.loss is not None
    assert best.loss < 0
    assert f"best value  {-best.loss:.4g}" in done.out
    assert here("run", "search.py", "--max-evals", "1").code == 0
    refused = here("run", "search.py", "--metric", "f1")
    assert (refused.code, "maximises the returned value" in refused.err) == (78, True)


@pytest.mark.long
def test_a_search_keeps_its_priority_until_it_is_changed(shell: Call, store: MongoStore) -> None:
    seen = []
    for options in (["--priority", "3"], [], ["--priority", "0"]):
        done = shell("run", "search.py", "--max-evals", "1", "--workers", "1", *options)
        assert done.code == 0, done.err
        seen.append(store.experiment("search").priority)
    assert seen == [3, 3, 0]


@pytest.mark.long
def test_a_search_without_repeats_ends_after_the_last_point(
    shell: Call, folder: Path, store: MongoStore
) -> None:
    """The space has six points; continuing the search does nothing."""
    (folder / "grid.py").write_text(
        "from hpsearch import hp\n"
        "space = {'n': hp.randint('n', 3), 'kind': hp.choice('kind', ['a', 'b'])}\n"
        "def objective(config):\n"
        "    return config['n']\n"
    )
    for _ in range(2):
        done = shell("run", "grid.py", "--no-repeats", "--workers", "2")
        assert done.code == 0, done.err
        assert done.out.startswith("grid: done, every point has been tried; 6 finished: 6 done, 0 failed")
        assert "best loss  0" in done.out
    assert len({tuple(trial.values.values()) for trial in store.trials("grid")}) == 6


def test_a_search_whose_trials_all_fail_prints_the_reasons_and_the_next_commands(here: Call) -> None:
    done = here("run", "search.py:failing", "--max-evals", "3")
    assert done.code == 1
    assert "No trial has a loss." in done.out
    assert "3 x ValueError: no luck with " in done.out
    assert "hpsearch show search-failing 0" in done.out
    assert "Traceback" not in done.err


@pytest.mark.long
def test_another_space_under_the_same_name_is_refused_with_the_difference(shell: Call, folder: Path) -> None:
    shell("run", "search.py", "--max-evals", "1")
    source = (folder / "search.py").read_text()
    (folder / "search.py").write_text(source.replace('hp.uniform("x", -5, 5)', 'hp.uniform("x", -6, 6)'))
    refused = shell("run", "search.py", "--max-evals", "2")
    assert refused.code == 78
    assert "another search space: defined differently: 'x'" in refused.err


def edited(folder: Path, old: str, new: str) -> None:
    source = (folder / "search.py").read_text()
    assert old in source
    (folder / "search.py").write_text(source.replace(old, new, 1))


@pytest.mark.long
def test_a_changed_objective_is_refused_until_it_is_accepted(
    shell: Call, folder: Path, store: MongoStore
) -> None:
    assert shell("run", "search.py", "--max-evals", "2").code == 0
    edited(folder, 'return config["x"] ** 2', 'return config["x"] ** 2 + 1000')
    for command in ("run", "coordinator"):
        refused = shell(command, "search.py", "--max-evals", "4")
        assert refused.code == 78
        assert "'search.py:objective' has been changed since, in 'objective()'" in refused.err
        assert "--exp-key NEW" in refused.err
        assert "--accept-changed-objective" in refused.err
    assert len(list(store.trials("search"))) == 2

    accepted = shell("run", "search.py", "--max-evals", "4", "--accept-changed-objective")
    assert accepted.code == 0
    assert "the search continues with the new code" in accepted.err
    (change,) = store.experiment("search").objective_changes
    trials = list(store.trials("search"))
    codes = [change.before, change.before, change.after, change.after]
    assert [trial.objective for trial in trials] == [str(code)[:16] for code in codes]
    assert [trial.loss is not None and trial.loss >= 1000 for trial in trials] == [False, False, True, True]
    assert shell("run", "search.py", "--max-evals", "5").code == 0


@pytest.mark.long
def test_comments_and_another_folder_do_not_change_the_objective(shell: Call, folder: Path) -> None:
    assert shell("run", "search.py", "--max-evals", "1").code == 0
    edited(folder, "def objective(config):", '# A comment.\ndef objective(config: dict):\n    """Doc."""')
    assert shell("run", "search.py", "--max-evals", "2").code == 0
    (folder / "moved").mkdir()
    (folder / "search.py").rename(folder / "moved" / "search.py")
    moved = shell("run", "moved/search.py", "--max-evals", "3")
    assert moved.code == 0, moved.err


@pytest.mark.long
def test_an_objective_that_is_edited_during_a_search_is_not_evaluated(
    shell: Call, folder: Path, store: MongoStore
) -> None:
    """A worker that starts later finds other code than the coordinator."""
    assert shell("run", "search.py", "--max-evals", "1").code == 0
    edited(folder, 'return config["x"] ** 2', 'return config["x"] ** 2 + 3')
    again = replace(store.experiment("search"), state=ExperimentState.RUNNING, budget=Budget(max_evals=2))
    store.open_experiment(again)
    store.insert([Trial(exp_key="search", tid=1, values={"x": 1.0, "kind": 0})])
    refused = shell("worker", "--exp-key", "search", "--burst")
    assert refused.code == 65
    assert "another version here" in refused.err
    assert "in 'objective()'" in refused.err
    assert store.trial("search", 1).state is State.PENDING


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("nofile.py", "There is no file nofile.py"),
        ("broken.py", "broken.py cannot be imported: SyntaxError"),
        ("needy.py", "the module 'no_such_module' is not installed"),
        ("search.py:objectiv", "Did you mean 'objective'?"),
        ("search.py:space", "not a function of the configuration"),
        ("bounds.py", "'x'"),
    ],
)
def test_a_target_that_cannot_be_loaded_is_reported_in_one_sentence(
    target: str, words: str, call: Call, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "broken.py").write_text("def objective(:\n")
    (folder / "needy.py").write_text("import no_such_module\n")
    (folder / "bounds.py").write_text(
        "from hpsearch import hp\nspace = hp.uniform('x', 1, 0)\ndef objective(config): return 0.0\n"
    )
    monkeypatch.chdir(folder)
    refused = call("run", target)
    assert (refused.code, refused.out) == (65, "")
    assert refused.err.startswith("hpsearch: ")
    assert refused.err.count("\n") == 1
    assert words in refused.err


def test_ephemeral_and_store_exclude_each_other(call: Call, folder: Path) -> None:
    assert "leave --store out" in call("run", str(folder / "search.py"), "--ephemeral").err


def test_a_missing_mongod_is_reported(here: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HPSEARCH_STORE", "")
    monkeypatch.setenv("HPSEARCH_MONGOD", "/nonexistent")
    refused = here("run", "search.py")
    assert refused.code == 78
    assert refused.err.count("\n") == 1


def test_a_coordinator_needs_a_store(call: Call, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HPSEARCH_STORE", "")
    refused = call("coordinator", str(folder / "search.py"))
    assert refused.code == 2
    assert "HPSEARCH_STORE" in refused.err


def test_options_can_come_from_the_environment(
    here: Call, store: MongoStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"MAX_EVALS": "2", "EXP_KEY": "named", "WORKERS": "1"}.items():
        monkeypatch.setenv(f"HPSEARCH_RUN_{name}", value)
    here("run", "search.py")
    assert store.counts("named")[State.DONE] == 2


def test_options_of_the_algorithm_are_checked_at_the_start(call: Call, folder: Path) -> None:
    refused = call("run", str(folder / "search.py"), "--algo-option", "gamma=")
    assert refused.code == 2
    assert "is not name=value" in refused.err


def test_a_space_is_shown_without_a_search(here: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HPSEARCH_STORE", "")
    shown = here("space", "show", "search.py", "--samples", "2")
    assert shown.code == 0
    assert "uniform" in shown.out
    assert "2 samples" in shown.out


def started(folder: Path, uri: str, *arguments: str) -> subprocess.Popen[str]:
    """Start ``hpsearch ARGUMENTS`` with the default handling of Ctrl-C."""
    return subprocess.Popen(
        ["env", "--default-signal=INT", sys.executable, "-m", "hpsearch", *arguments],
        cwd=folder,
        env={**os.environ, "HPSEARCH_STORE": uri, "HPSEARCH_HOME": str(folder / "home")},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_ctrl_c_releases_running_trials_and_prints_the_command_to_go_on(
    folder: Path, uri: str, store: MongoStore
) -> None:
    arguments = ("run", "search.py:slow", "--max-evals", "9", "--drain-timeout", "100ms")
    process = started(folder, uri, *arguments)
    wait_for_running(store, "search-slow")
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=200)
    assert process.returncode == 130, err
    assert out.startswith("search-slow: interrupted; 0/9 finished")
    assert "hpsearch run search.py:slow --drain-timeout 0.1\n" in out
    assert {t.state for t in store.trials("search-slow")} == {State.PENDING}


@pytest.mark.long
def test_a_second_ctrl_c_does_not_wait_for_running_trials(folder: Path, uri: str, store: MongoStore) -> None:
    process = started(folder, uri, "run", "search.py:slow", "--drain-timeout", "1h")
    wait_for_running(store, "search-slow")
    process.send_signal(signal.SIGINT)
    assert process.stderr is not None
    assert any("interrupt again" in line for line in process.stderr)
    deadline = time.monotonic() + 120
    while store.counts("search-slow")[State.RUNNING]:
        assert time.monotonic() < deadline, "the worker keeps its trial"
        process.send_signal(signal.SIGINT)  # signals in quick succession count as one
        time.sleep(0.2)
    process.communicate(timeout=200)
    assert process.returncode == 130


@pytest.mark.long
def test_a_search_that_another_command_stops_ends_with_a_message(
    folder: Path, uri: str, here: Call, store: MongoStore
) -> None:
    """Before that, a signal ends its only worker, which starts again."""
    arguments = ("run", "search.py:slow", "--drain-timeout", "100ms", "--max-evals", "9")
    process = started(folder, uri, *arguments)
    wait_for_running(store, "search-slow")
    [first] = {worker.pid for worker in store.workers()}
    os.kill(first, signal.SIGTERM)
    wait_until(lambda: {t.worker.pid for t in running(store)} - {first}, "the next worker", 120)
    assert here("stop", "search-slow").code == 0
    out, err = process.communicate(timeout=200)
    assert process.returncode == 1, err
    assert out.startswith("search-slow: stopped, by hpsearch stop; 0/9 finished")
    assert "run search.py:slow --drain-timeout 0.1\n" in out  # the budget is not spent


def running(store: MongoStore) -> list[Any]:
    return list(store.trials("search-slow", states={State.RUNNING}))


@pytest.mark.long
def test_the_status_of_a_search_with_a_coordinator_shows_no_missing_one(
    folder: Path, uri: str, here: Call, store: MongoStore
) -> None:
    process = started(folder, uri, "run", "search.py:slow", "--drain-timeout", "100ms")
    wait_for_running(store, "search-slow")
    [row] = json.loads(here("status", "--format", "json").out)["status"]
    process.terminate()
    process.communicate(timeout=200)
    assert row["is_led"]
    assert process.returncode == 143


def test_limits_of_trials_that_are_not_given_remain_unchanged(
    call: Call, folder: Path, store: MongoStore
) -> None:
    limits = ("--trial-timeout", "7s", "--max-attempts", "9", "--lease", "20s")
    call("run", str(folder / "search.py"), "--max-evals", "1", *limits)
    call("run", str(folder / "search.py"), "--max-evals", "2")
    kept = store.experiment("search").defaults
    assert (kept.trial_timeout_s, kept.max_attempts, kept.lease_s) == (7.0, 9, 20.0)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--exp-key", "../escape"),
        ("--exp-key", "two\nlines"),
        ("--exp-key", ".."),
        ("--exp-key", ""),
        ("--timeout", "99999999999d"),
        ("--timeout", "0"),
        ("--lease", "99999999999d"),
        ("--lease", "0"),
        ("--loss-threshold", "nan"),
        ("--seed", "100000000000000000000"),
    ],
)
def test_invalid_values_are_refused_before_anything_is_stored(
    option: str, value: str, call: Call, folder: Path, store: MongoStore
) -> None:
    outcome = call("run", str(folder / "search.py"), option, value)
    assert outcome.code == 2
    assert option in outcome.err
    assert store.experiments() == []


def test_workers_that_fail_too_often_in_a_row_end_the_search(
    call: Call, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HPSEARCH_WORKER_MAX_CONSECUTIVE_FAILURES", "2")
    outcome = call("run", f"{folder / 'search.py'}:failing", "--max-evals", "50")
    assert outcome.code == 70
    assert "2 trials in a row failed" in outcome.err
