"""``hpsearch pause``, ``resume``, ``stop``, and ``priority``."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from hpsearch.cli import control
from hpsearch.cli.find import find_experiment
from hpsearch.core.experiment import Experiment, ExperimentState
from hpsearch.core.trial import State
from hpsearch.store.mongo.store import MongoStore
from tests.support.command_line import Call


def test_a_search_is_paused_resumed_and_stopped(filled: MongoStore, call: Call) -> None:
    states = []
    for verb in ("pause", "resume", "stop"):
        outcome = call(verb, "search")
        assert (outcome.code, outcome.out) == (0, "")
        states.append(filled.experiment("search").state)
    assert states == [ExperimentState.PAUSED, ExperimentState.RUNNING, ExperimentState.STOPPED]


def test_pause_prints_the_command_to_resume(filled: MongoStore, call: Call) -> None:
    assert "hpsearch resume search" in call("pause", "search").err


def test_a_name_with_a_space_is_quoted_for_the_shell(filled: MongoStore, call: Call) -> None:
    experiment = filled.experiment("search")
    filled.open_experiment(replace(experiment, exp_key="my search"))
    assert call("pause", "my search").err.rstrip().endswith("hpsearch resume 'my search'")


@pytest.mark.parametrize("verb", ["pause", "resume", "stop"])
def test_a_search_that_has_ended_is_not_changed(verb: str, filled: MongoStore, call: Call) -> None:
    filled.set_experiment_state("search", ExperimentState.DONE, "max_evals")
    outcome = call(verb, "search")
    assert outcome.code == 2
    assert "search has ended (done)" in outcome.err
    assert filled.experiment("search").state is ExperimentState.DONE


@pytest.mark.parametrize("verb", ["pause", "resume", "stop"])
def test_a_search_that_ends_at_the_same_moment_is_not_changed(
    verb: str, filled: MongoStore, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    def find_and_end(store: Any, exp_key: Any) -> Experiment:
        experiment = find_experiment(store, exp_key)
        filled.set_experiment_state("search", ExperimentState.DONE, "max_evals")
        return experiment

    monkeypatch.setattr(control, "find_experiment", find_and_end)
    outcome = call(verb, "search")
    assert outcome.code == 2
    assert "search has ended (done)" in outcome.err
    assert filled.experiment("search").ended_why == "max_evals"


def test_stop_cancels_open_trials_if_there_is_no_coordinator(filled: MongoStore, call: Call) -> None:
    assert call("stop", "search").code == 0
    open_trials = filled.trials("search", states={State.PENDING, State.RUNNING})
    assert list(open_trials) == []
    assert filled.experiment("search").ended_why == "stopped"


def test_stop_leaves_open_trials_to_the_coordinator(filled: MongoStore, call: Call) -> None:
    filled.lead("search", "a coordinator", 60.0)
    before = filled.counts("search")
    call("stop", "search")
    assert filled.counts("search") == before


def test_priority_changes_the_priority_of_a_search(filled: MongoStore, call: Call) -> None:
    outcome = call("priority", "search", "3")
    assert (outcome.code, outcome.out) == (0, "")
    assert "search has the priority 3; it was 1" in outcome.err
    assert filled.experiment("search").priority == 3
    shown = json.loads(call("status", "search", "--format", "json").out)["status"]
    assert [row["priority"] for row in shown] == [3]


def test_priority_changes_the_priority_of_a_search_that_has_ended(filled: MongoStore, call: Call) -> None:
    filled.set_experiment_state("search", ExperimentState.DONE, "max_evals")
    assert call("priority", "search", "0").code == 0
    assert filled.experiment("search").priority == 0


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("search", "-1"), 2, "-1"),
        (("search", "1000001"), 2, "1000001"),
        (("search", "1.5"), 2, "1.5"),
        (("search", "high"), 2, "high"),
        (("search",), 2, "N"),
        (("serach", "2"), 4, "Did you mean 'search'?"),
    ],
)
def test_an_invalid_priority_or_an_unknown_search_is_refused(
    arguments: tuple[str, ...], code: int, words: str, filled: MongoStore, call: Call
) -> None:
    outcome = call("priority", *arguments)
    assert outcome.code == code
    assert words in outcome.err
    assert filled.experiment("search").priority == 1
