"""Filters of trials: what a name means, and what is selected."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings

from hpsearch.core.trial import State, Trial
from hpsearch.core.trial_filter import filter_of
from tests.support.progress_states import done, failed
from tests.support.trial_filters import LABELS, conditions, filter_trials

TRIALS = filter_trials("e")


def selected(text: str, *trials: Trial, labels: Any = ("lr", "kind")) -> list[int]:
    return [trial.tid for trial in filter_of(text, labels).select(trials)]


@given(text=conditions())
@settings(max_examples=50, deadline=None)
def test_a_selection_does_not_depend_on_the_other_trials(text: str) -> None:
    where = filter_of(text, LABELS)
    alone = [trial.tid for trial in TRIALS for _ in where.select([trial])]
    assert [trial.tid for trial in where.select(TRIALS)] == alone


def test_names_are_fields_then_parameters_then_metrics() -> None:
    trials = [
        done(1, 0.5, params={"lr": 0.1, "loss": "hinge"}, result={"lr": 9, "acc": 0.9, "sub": {"f1": 1}}),
        replace(failed(2, "CUDA out of memory"), duration_s=3.0),
        Trial(exp_key="search", tid=3, values={}, params={"lr": 0.2}, state=State.PENDING),
    ]
    assert selected("lr < .15", *trials) == [1]
    assert selected("loss == .5", *trials) == [1]
    assert selected("params.loss == 'hinge'", *trials, labels=("lr", "loss")) == [1]
    assert selected("result.lr == 9", *trials) == [1]
    assert selected("acc > .8 and sub.f1 == 1", *trials) == [1]
    assert selected("'CUDA' in error", *trials) == [2]
    assert selected("state == 'failed' and duration > 2", *trials) == [2]
    assert selected("trial >= 2", *trials) == [2, 3]
    assert selected("acc is None", *trials) == [2, 3]
    assert selected("not acc > .8", *trials) == []  # unknown where there is no such metric


def test_dates_compare_as_texts() -> None:
    trial = replace(done(1, 0.5), finished_at=datetime(2026, 11, 28, 17, 5, tzinfo=UTC))
    assert selected("finished_at > '2026-11-28 17'", trial) == [1]
    assert selected("finished_at > '2026-11-29'", trial) == []


@pytest.mark.parametrize(
    ("text", "unknown"),
    [
        ("lr < 1 or state == 'done' or params.kind == 'a'", set()),
        ("acc < 1", set()),
        ("result.acc < 1", set()),
        ("result.lr < 1 and lrr < 2", {"result.lr", "lrr"}),
    ],
)
def test_a_name_that_nothing_has_is_unknown(text: str, unknown: set[str]) -> None:
    trials = [failed(1), done(2, 0.5, result={"acc": 1})]
    assert filter_of(text, ("lr", "kind")).unknown_names(trials) == unknown
