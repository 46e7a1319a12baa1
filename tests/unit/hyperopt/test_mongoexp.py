"""``mongoexp`` without a database."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import hpsearch
from hpsearch import hp
from hpsearch.core.experiment import Algorithm, Experiment, ObjectiveRef
from hpsearch.core.trial import Failure, FailureKind, State, Trial
from hpsearch.errors import ConfigurationError, ExperimentMismatchError
from hpsearch.hyperopt import anneal, mix, mongoexp, rand, tpe
from hpsearch.hyperopt.base import JOB_STATE_CANCEL, JOB_STATE_DONE, JOB_STATE_ERROR, JOB_STATE_NEW
from hpsearch.hyperopt.engine.documents import checked_doc
from hpsearch.hyperopt.exceptions import InvalidTrial
from hpsearch.hyperopt.mongo.algorithm import algorithm_of
from hpsearch.hyperopt.mongo.changes import ChangeReader
from hpsearch.hyperopt.mongo.documents import doc_of, trial_of
from hpsearch.space.tree import Space
from hpsearch.store.memory.store import MemoryStore

WHEN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
KEY = "search"

outcomes = st.one_of(
    st.just({"state": State.PENDING}),
    st.just({"state": State.CANCELLED, "finished_at": WHEN}),
    st.floats(allow_nan=False).map(
        lambda loss: {"state": State.DONE, "loss": loss, "result": {"loss": loss, "status": "ok", "a": 1}}
    ),
    st.text(min_size=1, max_size=9).map(
        lambda text: {
            "state": State.FAILED,
            "error": Failure(kind=FailureKind.EXCEPTION, type="ValueError", message=text),
        }
    ),
    st.just(
        {
            "state": State.FAILED,
            "error": Failure(kind=FailureKind.REPORTED, message="The objective returned the status 'fail'."),
            "result": {"status": "fail", "why": "low"},
        }
    ),
    st.just(
        {
            "state": State.FAILED,
            "error": Failure(kind=FailureKind.NAN, message="The loss is not a number (NaN)."),
            "result": {"loss": 0.0, "status": "ok"},
        }
    ),
)


@given(tid=st.integers(0, 10**6), x=st.floats(0, 1), outcome=outcomes)
def test_a_pending_or_finished_trial_survives_conversion_to_a_document(
    tid: int, x: float, outcome: Any
) -> None:
    """With its point, outcome and times, whatever else the objective returned."""
    if outcome.get("error") and outcome["error"].kind is FailureKind.NAN:
        outcome = {**outcome, "result": {"loss": math.nan, "status": "ok"}}
    is_run = outcome["state"] not in {State.PENDING, State.CANCELLED}
    times = {"claimed_at": WHEN, "finished_at": WHEN} if is_run else {}
    trial = Trial(exp_key=KEY, tid=tid, values={"x": x}, origin="script", **{**outcome, **times})
    doc = checked_doc(doc_of(trial, ["x", "y"], KEY))
    assert doc["misc"]["idxs"] == {"x": [tid], "y": []}
    back = trial_of(doc, KEY, None)
    for name in ("exp_key", "tid", "values", "state", "loss", "error", "claimed_at", "finished_at"):
        assert getattr(back, name) == getattr(trial, name), name
    kept = set(back.result.items()) - {("status", "new")}
    assert kept == set(trial.result.items())


@pytest.mark.parametrize(
    ("state", "kind", "job_state", "status"),
    [
        (State.PENDING, None, JOB_STATE_NEW, "new"),
        (State.CANCELLED, None, JOB_STATE_CANCEL, "new"),
        (State.FAILED, FailureKind.REPORTED, JOB_STATE_DONE, "fail"),
        (State.FAILED, FailureKind.NAN, JOB_STATE_DONE, "ok"),
        *[
            (State.FAILED, kind, JOB_STATE_ERROR, "new")
            for kind in FailureKind
            if kind not in {FailureKind.REPORTED, FailureKind.NAN}
        ],
    ],
)
def test_every_kind_of_failure_has_a_state_of_hyperopt(
    state: Any, kind: Any, job_state: Any, status: Any
) -> None:
    error = None if kind is None else Failure(kind=kind, message="why")
    doc = doc_of(Trial(exp_key=KEY, tid=0, values={}, state=state, error=error), [], KEY)
    assert (doc["state"], doc["result"]["status"]) == (job_state, status)
    assert doc.get("error") == ((kind.value, "why") if job_state == JOB_STATE_ERROR else None)


@pytest.mark.parametrize(
    ("algo", "algorithm"),
    [
        (tpe.suggest, Algorithm(name="tpe")),
        (
            functools.partial(functools.partial(tpe.suggest, prior_weight=2.0), n_EI_candidates=50),
            Algorithm(name="tpe", options={"prior_weight": 2.0, "n_candidates": 50}),
        ),
        (
            functools.partial(anneal.suggest, avg_best_idx=3.0),
            Algorithm(name="anneal", options={"avg_best_idx": 3.0}),
        ),
        (functools.partial(tpe.suggest, gamma=None), Algorithm(name="tpe")),
        (rand.suggest, Algorithm(name="random")),
        (
            functools.partial(tpe.suggest, gamma=0.25),
            Algorithm(name="tpe", options={"gamma": 0.25, "growth": "sqrt"}),
        ),
        (mix.suggest, Algorithm(name="script", options={"function": "hpsearch.hyperopt.mix:suggest"})),
    ],
)
def test_a_built_in_algorithm_is_described_by_name_and_options(algo: Any, algorithm: Any) -> None:
    assert algorithm_of(algo) == algorithm


class CountingStore(MemoryStore):
    """Counts the trials that it returns."""

    n_read = 0

    def trials(self, *args: Any, **keywords: Any) -> Iterator[Any]:
        for trial in super().trials(*args, **keywords):
            self.n_read += 1
            yield trial

    def finished(self, *args: Any) -> list[Trial]:
        found = super().finished(*args)
        self.n_read += len(found)
        return found


def test_finished_trials_are_read_once() -> None:
    """The cost of a read depends on open and new trials only."""
    store = CountingStore()
    store.insert([Trial(exp_key=KEY, tid=i, values={}, state=State.DONE, loss=1.0) for i in range(500)])
    reader = ChangeReader(store, KEY)
    assert len(reader.changes()) == 500
    store.insert([Trial(exp_key=KEY, tid=500 + i, values={}) for i in range(3)])
    store.n_read = 0
    for _ in range(10):
        assert [trial.tid for trial in reader.changes()] == [500, 501, 502]
    assert store.n_read == 10 * 4  # and the newest
    store.cancel(KEY, {State.PENDING})
    assert [trial.state for trial in reader.changes()] == [State.CANCELLED] * 3
    assert reader.changes() == []


def test_a_trial_inserted_below_the_highest_number_is_seen() -> None:
    """Another process may insert a number that it reserved earlier."""
    store = MemoryStore()
    reader = ChangeReader(store, KEY)
    store.insert([Trial(exp_key=KEY, tid=4, values={}, state=State.DONE, loss=1.0)])
    assert [trial.tid for trial in reader.changes()] == [4]
    store.insert([Trial(exp_key=KEY, tid=2, values={}, state=State.DONE, loss=1.0)])
    assert [trial.tid for trial in reader.changes()] == [2]


def test_a_deleted_experiment_is_noticed() -> None:
    store, space = MemoryStore(), Space({"x": hp.uniform("x", 0, 1)})
    experiment = Experiment(
        exp_key=KEY,
        space=space.to_json(),
        space_fingerprint=space.fingerprint,
        objective=ObjectiveRef(kind="import", ref="m:f"),
    )
    store.open_experiment(experiment)
    store.insert([Trial(exp_key=KEY, tid=i, values={}, state=State.DONE, loss=1.0) for i in range(5)])
    reader = ChangeReader(store, KEY)
    assert reader.changes() is not None
    store.delete_experiment(KEY)
    store.insert([Trial(exp_key=KEY, tid=0, values={})])
    assert reader.changes() is None
    assert [trial.state for trial in ChangeReader(store, KEY).changes()] == [State.PENDING]


@pytest.mark.parametrize(
    ("url", "parts"),
    [
        ("mongo://h:1234/db/jobs", ("mongo", None, None, "h", 1234, "db", "jobs", None)),
        ("mongo://h/db/jobs", ("mongo", None, None, "h", 27017, "db", "jobs", None)),
        (
            "mongo+ssh://u:p@h:1/db/c?authSource=admin",
            ("mongo+ssh", "u", "p", "h", 1, "db", "c", "admin"),
        ),
    ],
)
def test_an_address_is_split_into_its_parts(url: str, parts: tuple[Any, ...]) -> None:
    assert mongoexp.parse_url(url) == parts


def test_the_password_may_be_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("secret\n")
    assert mongoexp.parse_url("mongo://u@h/db/jobs", pwfile=tmp_path / "password")[1:3] == ("u", "secret")
    assert (
        mongoexp.as_mongo_str("h/db/jobs")
        == mongoexp.as_mongo_str("mongo://h/db/jobs")
        == "mongo://h/db/jobs"
    )


@pytest.mark.parametrize(
    "url", ["mongo://h/db", "h", "", "mongo://h/a/b/c", "mongo://h:xx/a/b", "mongo://[h/a/b"]
)
def test_an_invalid_address_is_rejected(url: str) -> None:
    with pytest.raises(ConfigurationError, match="not have the form mongo://"):
        mongoexp.parse_url(url)


def test_an_unreadable_password_file_is_reported(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"password cannot be read from .*missing"):
        mongoexp.parse_url("mongo://u@h/db/jobs", pwfile=tmp_path / "missing")


def test_the_worker_classes_name_the_command_to_use() -> None:
    calls = (mongoexp.MongoWorker, mongoexp.main_worker, lambda: mongoexp.main_worker_helper(None, []))
    for call in calls:
        with pytest.raises(ConfigurationError, match="run the command hpsearch-mongo-worker"):
            call()


def test_names_that_scripts_import_exist() -> None:
    names = [
        "MongoTrials",
        "MongoJobs",
        "MongoWorker",
        "MongoCtrl",
        "parse_url",
        "as_mongo_str",
        "ReserveTimeout",
        "Shutdown",
        "WaitQuit",
        "OperationFailure",
        "DomainSwapError",
        "InvalidMongoTrial",
        "main_worker",
        "main_worker_helper",
        "Trials",
        "Ctrl",
        "SONify",
    ]
    assert [name for name in names if not hasattr(mongoexp, name)] == []
    assert set(names) <= set(mongoexp.__all__)
    assert hpsearch.MongoTrials is mongoexp.MongoTrials
    assert issubclass(mongoexp.InvalidMongoTrial, InvalidTrial)
    assert issubclass(mongoexp.DomainSwapError, ExperimentMismatchError)
