"""``hpsearch invalidate``, ``cancel``, ``enqueue`` and ``retry``."""

from __future__ import annotations

import json

import pytest

from hpsearch.core.experiment import ExperimentState
from hpsearch.core.trial import State
from hpsearch.store.mongo.store import MongoStore
from tests.support.command_line import Call


def test_an_invalid_trial_is_not_the_best_until_that_is_undone(filled: MongoStore, call: Call) -> None:
    outcome = call("invalidate", "search", "2", "--why", "wrong data")
    assert (outcome.code, outcome.out) == (0, "")
    assert outcome.err == (
        "1 trial of search is invalid now; undo it with: hpsearch invalidate search 2 --undo\n"
    )
    assert call("best", "search").out.startswith("trial 1 ")
    assert "invalid       since " in call("show", "search", "2").out
    assert "1 invalid" in call("status", "search").out
    [row] = json.loads(call("status", "search", "--json").out)["status"]
    assert (row["done"], row["invalid"], row["best_tid"]) == (2, 1, 1)

    assert "1 trial of search is valid again" in call("invalidate", "search", "2", "--undo").err
    assert call("best", "search").out.startswith("trial 2 ")


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (
            ("5",),
            2,
            "Trial search/000005 is running and has no result; cancel it with: hpsearch cancel search 5",
        ),
        (("0",), 2, "Trial search/000000 is cancelled and has no result."),
        (("2", "99"), 4, "There is no trial search/000099."),
        (("2", "--undo", "--why", "x"), 2, "--why has no effect with --undo."),
    ],
)
def test_trials_without_a_result_are_not_marked(
    arguments: tuple[str, ...], code: int, words: str, filled: MongoStore, call: Call
) -> None:
    outcome = call("invalidate", "search", *arguments)
    assert outcome.code == code
    assert words in outcome.err
    assert filled.n_invalid("search") == 0


def test_single_trials_are_cancelled(filled: MongoStore, call: Call) -> None:
    outcome = call("cancel", "search", "5", "6", "2")
    assert outcome.err == "2 trials of search are cancelled\n1 trial had ended before.\n"
    assert [filled.trial("search", tid).state for tid in (5, 6, 2)] == [
        State.CANCELLED, State.CANCELLED, State.DONE,
    ]  # fmt: skip
    assert call("cancel", "search", "99").code == 4


def test_a_point_is_enqueued_and_claimed_before_suggested_ones(filled: MongoStore, call: Call) -> None:
    outcome = call("enqueue", "search", "lr=0.125", "kind=sgd")
    assert (outcome.code, outcome.err) == (0, "trial 7: kind=sgd, lr=0.125\n")
    trial = filled.trial("search", 7)
    assert (trial.state, trial.values, trial.origin) == (State.PENDING, {"lr": 0.125, "kind": 1}, "enqueued")
    assert trial.priority > filled.trial("search", 6).priority
    call("enqueue", "search", '{"lr": 0.5}', '{"lr": 0.25, "kind": "adam"}', "--seed", "1")
    assert [filled.trial("search", tid).values["lr"] for tid in (8, 9)] == [0.5, 0.25]


@pytest.mark.parametrize(
    ("point", "words"),
    [
        (("lr=5",), "The value 5.0 of the parameter 'lr'"),
        (("kind=rmsprop",), "is not one of its options: adam, sgd."),
        (("lr",), "'lr' is neither NAME=VALUE nor a JSON object."),
        (("{lr}",), "'{lr}' is not JSON"),
        (("lr=0.1", '{"lr": 0.1}'), "not both"),
    ],
)
def test_an_impossible_point_is_refused(
    point: tuple[str, ...], words: str, filled: MongoStore, call: Call
) -> None:
    outcome = call("enqueue", "search", *point)
    assert outcome.code == 2
    assert words in outcome.err
    assert len(list(filled.trials("search"))) == 7


def test_failed_trials_are_evaluated_again_and_count_no_more(filled: MongoStore, call: Call) -> None:
    assert call("retry", "search", "--failed").err == "trial 3 is retried as trial 7\n"
    old, new = filled.trial("search", 3), filled.trial("search", 7)
    assert (new.values, new.state, new.origin) == (old.values, State.PENDING, "retry")
    assert old.invalid is not None
    assert (old.state, old.invalid.why) == (State.FAILED, "retried as trial 7")
    assert filled.counts("search")[State.FAILED] == 0
    assert call("retry", "search", "--failed").err == "No trial of search has failed.\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "Name the trials to retry"),
        (("3", "--failed"), "Name the trials to retry"),
        (("2",), "Trial search/000002 has not failed; it is done."),
    ],
)
def test_only_failed_trials_are_retried(
    arguments: tuple[str, ...], words: str, filled: MongoStore, call: Call
) -> None:
    outcome = call("retry", "search", *arguments)
    assert outcome.code == 2
    assert words in outcome.err


def test_a_search_that_has_ended_says_who_evaluates_the_trials(filled: MongoStore, call: Call) -> None:
    filled.set_experiment_state("search", ExperimentState.DONE, "max_evals")
    assert (
        "search has ended (done): the command that ran it evaluates them" in call("retry", "search", "3").err
    )


def test_notes_and_tags_are_shown_until_they_are_removed(filled: MongoStore, call: Call) -> None:
    assert call("note", "search", "best", "too", "good").code == 0
    assert call("tag", "search", "2", "suspect", "gpu").code == 0
    assert call("note", "search", "the first try").code == 0
    assert call("tag", "search", "baseline").code == 0
    shown = call("show", "search", "2").out
    assert "tags          gpu, suspect\nnote          too good\n" in shown
    assert "tags       baseline\nnote       the first try\n" in call("status", "search").out
    found = call("trials", "search", "--where", "'gpu' in tags", "--columns", "tid,note", "--format", "csv")
    assert found.out.split("\n")[1] == "2,too good"
    call("note", "search", "2", "--remove")
    call("tag", "search", "2", "suspect", "gpu", "--remove")
    assert (filled.trial("search", 2).note, filled.trial("search", 2).tags) == (None, ())
    for arguments in (("note", "search"), ("note", "search", "x", "--remove"), ("tag", "search", "2")):
        assert call(*arguments).code == 2
    assert call("tag", "search", "99", "x").code == 4
