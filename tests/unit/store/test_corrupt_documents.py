"""Documents with a field edited by hand are read as before or refused by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import pytest
from bson import decode, encode
from hypothesis import given
from hypothesis import strategies as st

from hpsearch.core.experiment import Budget, Experiment, ObjectiveRef
from hpsearch.core.trial import Ended, Failure, FailureKind, Holder, Report, State, Trial
from hpsearch.core.worker import Worker
from hpsearch.errors import UnreadableError
from hpsearch.report.formats import Format
from hpsearch.report.rows import (
    STATUS_COLUMNS,
    WORKER_COLUMNS,
    status_cells,
    status_row,
)
from hpsearch.report.summary import progress_of
from hpsearch.report.table import render
from hpsearch.report.trial_columns import all_columns, trial_rows
from hpsearch.report.trial_page import trial_text
from hpsearch.store.documents.experiment import experiment_document, experiment_from
from hpsearch.store.documents.trial import trial_document, trial_from, unreadable_trial
from hpsearch.store.documents.worker import worker_document, worker_from
from hpsearch.store.protocol import TrialSummary
from tests.support.corrupt_documents import HOSTILE, Document, altered, places

NOW = datetime(2026, 1, 1, tzinfo=UTC)

TRIAL = decode(
    encode(
        trial_document(
            Trial(
                exp_key="e", tid=7, values={"x": 0.5, "kind": 1}, params={"x": 0.5, "kind": "b"},
                origin="tpe", state=State.DONE, attempt=2, owner="token", created_at=NOW, claimed_at=NOW,
                heartbeat_at=NOW, finished_at=NOW, duration_s=1.0, loss=0.25, result={"loss": 0.25},
                worker=Holder(name="anna", host="machine", pid=1), reports=(Report(step=1, value=2, at=NOW),),
                error=Failure(kind=FailureKind.UNSTORABLE, message="m", exit_code=1, signal="s"),
                history=(Ended(attempt=1, worker="anna", ended_at=NOW, why="lease expired"),),
            )
        )
    )
)  # fmt: skip

EXPERIMENT = decode(
    encode(
        experiment_document(
            Experiment(
                exp_key="e", space={"schema": 1}, space_fingerprint="f", ended_why="stopped",
                objective=ObjectiveRef(kind="pickle", ref="f", path="p", digest="d", parts={"a": "b"}),
                budget=Budget(max_evals=4, timeout_s=1.0, loss_threshold=0.5),
            )
        )
        | {
            "created_at": NOW,
            "started_at": NOW,
            "coordinator": {"owner": "token", "epoch": 1, "lease_until": NOW},
        }
    )
)  # fmt: skip

WORKER = decode(
    encode(
        worker_document(Worker(name="anna", host="machine", pid=1, exp_keys=("e",), versions={"python": "3"}))
        | {"started_at": NOW, "seen_at": NOW, "expire_at": NOW}
    )
)

READERS: dict[str, tuple[Document, Callable[[Any], Any]]] = {
    "Trial 'e/000007'": (TRIAL, trial_from),
    "Experiment 'e'": (EXPERIMENT, experiment_from),
    "Worker 'anna'": (WORKER, worker_from),
}


def test_the_unaltered_documents_are_readable() -> None:
    """Otherwise the properties below would be vacuous."""
    for document, read in READERS.values():
        read(document)


@pytest.mark.parametrize(
    ("name", "field", "value"),
    [
        ("Trial 'e/000007'", "schema", 1e300),
        ("Trial 'e/000007'", "attempt", 1e300),
        ("Trial 'e/000007'", "attempt", 2**63 - 1),
        ("Experiment 'e'", "schema", 1e300),
        ("Experiment 'e'", "seed", 2.0**63),
    ],
)
def test_an_integer_out_of_range_is_refused_by_name(name: str, field: str, value: float) -> None:
    whole, read = READERS[name]
    with pytest.raises(
        UnreadableError, match=rf"field {field} should be an integer up to \d+, but is {value!r:.3}"
    ):
        read({**whole, field: value})


@pytest.mark.fuzz
@pytest.mark.parametrize("name", READERS)
@given(data=st.data())
def test_an_altered_document_is_read_or_refused_by_name_in_one_line(name: str, data: st.DataObject) -> None:
    whole, read = READERS[name]
    place = data.draw(st.sampled_from(list(places(whole))))
    document = altered(whole, place, data.draw(HOSTILE))

    try:
        found = read(document)
    except UnreadableError as error:
        text = str(error)
        assert text.startswith(name)
        assert str(place[0]) in text or "newer hpsearch" in text
        assert text.isprintable()
        assert len(text) < 600
    else:
        assert_shown(found)


def assert_shown(found: Any) -> None:
    """Whatever can be read can be printed."""
    match found:
        case Trial():
            assert trial_text(found)
            for form in Format:
                columns = all_columns([found])
                [row] = [asdict(found)] if form.is_nested else trial_rows([found], columns)
                assert render("trials", [row], [column.title for column in columns], form)
        case Worker():
            for form in Format:
                assert render("workers", [asdict(found)], WORKER_COLUMNS, form)
        case Experiment():
            row = status_row(progress_of(found, TrialSummary(counts=dict.fromkeys(State, 0)), [], NOW), NOW)
            for form in Format:
                assert render("status", [row if form.is_nested else status_cells(row)], STATUS_COLUMNS, form)


@pytest.mark.fuzz
@given(data=st.data())
def test_an_unreadable_trial_becomes_a_failed_one_with_its_number(data: st.DataObject) -> None:
    place = data.draw(st.sampled_from([p for p in places(TRIAL) if p != ("exp_key",)]))
    failed = unreadable_trial(altered(TRIAL, place, data.draw(HOSTILE)), UnreadableError("why"))
    assert failed is not None
    assert (failed.id, failed.state, failed.values) == ("e/000007", State.FAILED, {})
    assert failed.error is not None
    assert (failed.error.kind, failed.error.message) == (FailureKind.UNREADABLE, "why")


@pytest.mark.parametrize(
    "identifier",
    ["e", "e/7", "e/0000007", "f/000007", "e/00000\N{ARABIC-INDIC DIGIT SEVEN}", 7, "e/" + "9" * 30],
)
def test_a_document_without_a_valid_identifier_becomes_no_trial(identifier: Any) -> None:
    assert unreadable_trial({**TRIAL, "_id": identifier}, UnreadableError("why")) is None
