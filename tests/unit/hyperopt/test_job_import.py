"""Conversion of Hyperopt's documents to trials."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from bson import decode, encode
from hypothesis import given, settings
from hypothesis import strategies as st

from hpsearch import hp
from hpsearch.core.trial import FailureKind, Holder, State, Trial
from hpsearch.hyperopt.engine.documents import (
    JOB_STATE_CANCEL,
    JOB_STATE_DONE,
    JOB_STATE_ERROR,
    JOB_STATE_NEW,
    JOB_STATE_RUNNING,
    new_misc,
)
from hpsearch.hyperopt.migration.job_import import read_jobs
from hpsearch.space.tree import Space
from hpsearch.store.documents.trial import trial_document, trial_from
from tests.support.corrupt_documents import HOSTILE, altered, places

SPACE = Space(
    {
        "n": hp.randint("n", 5),
        "q": hp.quniform("q", 0, 10, 2),
        "kind": hp.choice("kind", ["a", {"x": hp.uniform("x", 0, 1)}]),
    }
)
POINT = {"n": 3, "q": 4.0, "kind": 0}
BEGUN = datetime(2020, 1, 1, 12, tzinfo=UTC)
ENDED = datetime(2020, 1, 1, 12, 0, 2, 500_000, tzinfo=UTC)


def job(state: int = JOB_STATE_DONE, values: Any = None, **fields: Any) -> dict[str, Any]:
    """Return a document as Hyperopt's worker writes it."""
    tid = fields.pop("tid", 7)
    misc = {
        **new_misc(tid, POINT if values is None else values, ["n", "q", "kind", "x"]),
        **fields.pop("misc", {}),
    }
    return {
        "tid": tid,
        "state": state,
        "spec": None,
        "result": {"status": "new"}
        if state in {JOB_STATE_NEW, JOB_STATE_ERROR}
        else {"status": "ok", "loss": 0.5},
        "misc": misc,
        "exp_key": "e",
        "owner": ["node:41"],
        "book_time": BEGUN.replace(tzinfo=None),
        "refresh_time": ENDED.replace(tzinfo=None),
        "version": 3,
        **fields,
    }


def trial_of(doc: dict[str, Any]) -> Trial:
    jobs, problems = read_jobs([doc], "here", SPACE)
    assert problems == []
    return jobs[0].trial


def problem_of(doc: Any) -> str:
    jobs, problems = read_jobs([doc], "here", SPACE)
    assert jobs == []
    return problems[0]


def test_a_done_job_keeps_its_result_worker_and_times() -> None:
    trial = trial_of(job(result={"status": "ok", "loss": 0.5, "curve": np.array([1.0, 2.0])}))
    assert (trial.state, trial.loss, trial.error) == (State.DONE, 0.5, None)
    assert trial.result == {"status": "ok", "loss": 0.5, "curve": [1.0, 2.0]}
    assert (trial.exp_key, trial.tid, trial.origin, trial.attempt) == ("here", 0, "hyperopt:7", 1)
    assert (trial.values, trial.params) == (POINT, {"n": 3, "q": 4.0, "kind": "a"})
    assert trial.worker == Holder(name="node-41", host="node", pid=41)
    assert (trial.created_at, trial.claimed_at, trial.finished_at) == (BEGUN, BEGUN, ENDED)
    assert trial.duration_s == 2.5


@pytest.mark.parametrize("state", [JOB_STATE_NEW, JOB_STATE_RUNNING])
def test_an_unfinished_job_becomes_pending(state: Any) -> None:
    trial = trial_of(job(state))
    assert (trial.state, trial.attempt, trial.loss, trial.worker) == (State.PENDING, 0, None, None)
    assert trial.values == POINT


@pytest.mark.parametrize(
    ("result", "kind"),
    [
        ({"status": "fail", "why": "no luck"}, FailureKind.REPORTED),
        ({"status": "ok", "loss": float("nan")}, FailureKind.NAN),
        ({"status": "ok"}, FailureKind.INVALID_RESULT),
        ({"status": "suspended"}, FailureKind.INVALID_RESULT),
    ],
)
def test_a_done_job_without_a_loss_becomes_failed(result: dict[str, Any], kind: FailureKind) -> None:
    trial = trial_of(job(result=result))
    assert (trial.state, trial.loss) == (State.FAILED, None)
    assert trial.error is not None
    assert trial.error.kind is kind


ERROR = ("<class 'ValueError'>", "too deep")


@pytest.mark.parametrize("where", [{"error": list(ERROR)}, {"misc": {"error": ERROR}}])
def test_a_failed_job_keeps_its_exception(where: dict[str, Any]) -> None:
    """MongoTrials stores it beside the result, Trials in ``misc``."""
    trial = trial_of(job(JOB_STATE_ERROR, **where))
    assert (trial.state, trial.result) == (State.FAILED, {})
    assert trial.error is not None
    assert (trial.error.kind, trial.error.type) == (FailureKind.EXCEPTION, "ValueError")
    assert trial.error.message == "too deep"


def test_a_job_interrupted_by_a_signal_becomes_pending() -> None:
    """Hyperopt loses such evaluations although the objective did not fail."""
    doc = job(JOB_STATE_ERROR, error=["<class 'hyperopt.mongoexp.Shutdown'>", "15"])
    assert trial_of(doc).state is State.PENDING


def test_a_cancelled_job_stays_cancelled() -> None:
    assert trial_of(job(JOB_STATE_CANCEL)).state is State.CANCELLED


@pytest.mark.parametrize(
    ("owner", "holder"),
    [
        (None, None),
        ("h:12", Holder(name="h-12", host="h", pid=12)),
        (["odd"], Holder(name="odd", host="odd", pid=0)),
    ],
)
def test_the_worker_is_read_from_every_form_of_owner(owner: list[str] | str | None, holder: Any) -> None:
    assert trial_of(job(owner=owner)).worker == holder


def test_values_get_the_types_of_the_space() -> None:
    trial = trial_of(job(values={"n": np.int64(2), "q": np.int64(4), "kind": 1.0, "x": np.float64(0.5)}))
    assert trial.values == {"n": 2, "q": 4.0, "kind": 1, "x": 0.5}
    assert {label: type(value) for label, value in trial.values.items()} == {
        "n": int, "q": float, "kind": int, "x": float,
    }  # fmt: skip


def test_values_of_inactive_parameters_are_ignored() -> None:
    """Hyperopt's atpe writes such values."""
    assert trial_of(job(values={**POINT, "x": 0.5})).values == POINT


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"n": 3, "q": 4.0}, "'kind' is missing"),
        ({"n": 3, "q": 4.0, "kind": 1}, "'x' is missing"),
        ({**POINT, "kind": 2}, "value 2 of the parameter 'kind' is not the index of an option, 0 to 1"),
        ({**POINT, "n": 5}, "value 5 of the parameter 'n'"),
        ({**POINT, "n": 1.5}, "value 1.5 of the parameter 'n'"),
        ({**POINT, "q": 3.0}, "value 3.0 of the parameter 'q'"),
        ({**POINT, "q": float("nan")}, "value nan of the parameter 'q'"),
    ],
)
def test_a_point_of_another_space_is_reported_with_the_number_of_the_job(values: Any, text: str) -> None:
    problem = problem_of(job(values=values))
    assert problem.startswith("Job 7: ")
    assert text in problem


def test_an_unknown_label_is_reported() -> None:
    doc = job()
    doc["misc"]["vals"]["lr"] = [0.1]
    doc["misc"]["idxs"]["lr"] = [7]
    assert "no parameter 'lr'" in problem_of(doc)


def test_an_invalid_document_is_reported() -> None:
    assert "lacks the key 'result'" in problem_of({k: v for k, v in job().items() if k != "result"})
    assert "must be a dict" in problem_of("job")
    doc = job()
    doc["misc"]["vals"]["n"] = [1, 2]
    assert "has 2 values" in problem_of(doc)


@settings(max_examples=20)
@given(st.lists(st.booleans(), max_size=8))
def test_valid_trials_are_numbered_without_gaps(is_valid: list[bool]) -> None:
    docs = [job(tid=10 * i, values=POINT if ok else {}) for i, ok in enumerate(is_valid)]
    jobs, problems = read_jobs(docs, "here", SPACE)
    assert [j.trial.tid for j in jobs] == list(range(sum(is_valid)))
    assert [j.trial.origin for j in jobs] == [f"hyperopt:{10 * i}" for i, ok in enumerate(is_valid) if ok]
    assert len(problems) == is_valid.count(False)


@pytest.mark.parametrize(
    ("misc", "text"),
    [
        (None, "'misc' of trial 7 is not a dict"),
        ({**job()["misc"], "vals": None}, "not dicts of lists"),
        ({**job()["misc"], "idxs": 3}, "not dicts of lists"),
        ({**job()["misc"], "vals": {"n": 3, "q": 4.0, "kind": 0, "x": None}}, "not dicts of lists"),
        ({**job()["misc"], "vals": {"n": "3", "q": [4.0], "kind": [0], "x": []}}, "not dicts of lists"),
        ({**job()["misc"], "vals": {"n": [3], "q": [10**400], "kind": [0], "x": []}}, "too large"),
    ],
)
def test_a_malformed_document_is_reported_and_never_raises(misc: Any, text: str) -> None:
    """So that `--skip-invalid` can skip it."""
    assert text in problem_of({**job(), "misc": misc})


@pytest.mark.parametrize("error", ["out of memory", ["out of memory"], 3, ["a", "b", "c"]])
@pytest.mark.parametrize("result", [None, 3, "x", {"status": "new"}])
def test_a_failed_job_accepts_any_form_of_error_and_result(error: Any, result: Any) -> None:
    """An error that is not a pair (class, message) becomes the message."""
    (imported,), problems = read_jobs([job(JOB_STATE_ERROR, error=error, result=result)], "here", SPACE)
    assert problems == []
    failure = imported.trial.error
    assert imported.trial.state is State.FAILED
    assert failure is not None
    assert failure.message == str(error)


@pytest.mark.fuzz
@given(st.sampled_from([JOB_STATE_NEW, JOB_STATE_DONE, JOB_STATE_ERROR, JOB_STATE_CANCEL]), st.data())
def test_an_altered_document_gives_a_storable_trial_or_one_message(state: int, data: st.DataObject) -> None:
    doc = job(state, misc={"error": ["<class 'ValueError'>", "no file"]})
    place = data.draw(st.sampled_from([("tid",), *places(doc)]))
    jobs, problems = read_jobs([altered(doc, place, data.draw(HOSTILE))], "here", SPACE)
    assert len(jobs) + len(problems) == 1
    for found in jobs:
        assert trial_from(decode(encode(trial_document(found.trial)))).id == "here/000000"
    for problem in problems:
        assert problem.isprintable()
        assert len(problem) < 600
