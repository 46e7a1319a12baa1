"""Converting trials, experiments and workers to documents and back."""

from __future__ import annotations

import string
from dataclasses import replace
from datetime import UTC
from typing import Any

import pytest
from bson import decode, encode
from hypothesis import given
from hypothesis import strategies as st

from hpsearch.core.experiment import Experiment, ObjectiveRef
from hpsearch.core.goal import Goal
from hpsearch.core.trial import Ended, Failure, FailureKind, Holder, Report, Result, State, Trial
from hpsearch.errors import StoreError
from hpsearch.store.documents.experiment import experiment_document, experiment_from
from hpsearch.store.documents.trial import report_documents, result_document, trial_document, trial_from

TEXTS = st.text(string.printable, max_size=8)
DATES = st.datetimes(timezones=st.just(UTC)).map(lambda d: d.replace(microsecond=0))
FLOATS = st.floats(allow_nan=False)
HOLDERS = st.builds(Holder, name=TEXTS, host=TEXTS, pid=st.integers(1, 2**22))
FAILURES = st.builds(
    Failure,
    kind=st.sampled_from(FailureKind),
    message=TEXTS,
    type=st.none() | TEXTS,
    traceback=st.none() | TEXTS,
    exit_code=st.none() | st.integers(0, 255),
    signal=st.none() | TEXTS,
    log_tail=st.none() | TEXTS,
)
REPORTS = st.builds(Report, step=FLOATS, value=FLOATS, at=st.none() | DATES)
TRIALS = st.builds(
    lambda loss, **fields: Trial(**fields, loss=loss if fields["state"] is State.DONE else None),
    exp_key=TEXTS,
    tid=st.integers(0, 2**31),
    values=st.dictionaries(TEXTS, FLOATS | st.integers(0, 9), max_size=3),
    params=st.dictionaries(TEXTS, FLOATS | TEXTS, max_size=3),
    origin=TEXTS,
    state=st.sampled_from(State),
    priority=st.integers(-5, 5),
    attempt=st.integers(0, 9),
    lease_s=st.floats(0, 1e6),
    owner=st.none() | TEXTS,
    worker=st.none() | HOLDERS,
    created_at=st.none() | DATES,
    finished_at=st.none() | DATES,
    duration_s=st.none() | st.floats(0, 1e6),
    loss=FLOATS,
    result=st.dictionaries(TEXTS, FLOATS | TEXTS, max_size=3),
    reports=st.lists(REPORTS, max_size=2).map(tuple),
    error=st.none() | FAILURES,
    history=st.lists(
        st.builds(
            Ended, attempt=st.integers(1, 9), worker=st.none() | TEXTS, ended_at=DATES, why=TEXTS
        ),
        max_size=2,
    ).map(tuple),
)  # fmt: skip


@given(TRIALS)
def test_a_trial_survives_the_round_trip(trial: Any) -> None:
    assert trial_from(decode(encode(trial_document(trial)))) == trial


def test_an_unknown_field_is_ignored() -> None:
    trial = Trial(exp_key="e", tid=1, values={})

    assert trial_from({**trial_document(trial), "mood": "good"}) == trial


def test_losses_and_reports_are_stored_as_floats() -> None:
    assert type(result_document(Result(loss=1))["loss"]) is float
    assert type(report_documents([Report(step=1, value=2)])[0]["step"]) is float


def test_a_nan_loss_is_refused() -> None:
    with pytest.raises(StoreError, match="NaN"):
        result_document(Result(loss=float("nan")))


def test_an_experiment_survives_the_round_trip() -> None:
    experiment = Experiment(
        exp_key="e", space={"a": [1]}, space_fingerprint="f", objective=ObjectiveRef(kind="import", ref="m:f")
    )
    document = experiment_document(experiment)

    assert experiment_from(decode(encode(document))) == experiment
    for goal in (Goal(maximize=True), Goal(metric="accuracy")):
        maximised = replace(experiment, goal=goal)
        assert experiment_from(decode(encode(experiment_document(maximised)))) == maximised
    with pytest.raises(StoreError, match="upgrade hpsearch"):
        experiment_from({**document, "schema": 3})


def test_a_seed_that_mongodb_cannot_hold_is_named() -> None:
    experiment = Experiment(
        exp_key="e", space={}, space_fingerprint="f", objective=ObjectiveRef(kind="import", ref="m:f")
    )
    with pytest.raises(StoreError, match=r"^seed is an integer"):
        experiment_document(replace(experiment, seed=2**70))
