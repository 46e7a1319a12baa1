"""The order of backup records, and restored documents."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from hpsearch.core.trial import Holder, State, Trial
from hpsearch.errors import BackupError
from hpsearch.store.documents.trial import trial_document
from hpsearch.store.mongo.backup_records import (
    RESTORED,
    Kind,
    Record,
    as_restored,
    check,
    header,
    of_experiments,
    with_end,
)
from tests.support.backups import NOW, backup, chunk, experiment, file, trial


def test_a_complete_backup_is_accepted_and_its_trials_counted() -> None:
    assert check(backup()).n_trials == {"a": 1, "b": 1}


@pytest.mark.parametrize("n_kept", range(10))
def test_a_truncated_backup_is_refused(n_kept: int) -> None:
    with pytest.raises(BackupError, match="truncated"):
        check(backup()[:n_kept])


@pytest.mark.parametrize("place", range(9))
def test_a_backup_with_a_missing_line_is_refused(place: int) -> None:
    records = backup()
    del records[place]
    with pytest.raises(BackupError, match=r"^Line "):
        check(records)


@pytest.mark.parametrize("place", range(10))
def test_a_backup_with_a_repeated_line_is_refused(place: int) -> None:
    records = backup()
    records.insert(place, records[place])
    with pytest.raises(BackupError, match=r"^Line "):
        check(records)


def test_an_attachment_longer_than_its_chunks_is_refused() -> None:
    content = [experiment("a"), file("a", n_bytes=6), chunk("a"), experiment("b")]
    with pytest.raises(BackupError, match=r"^Line 5 .*a chunk of the attachment 'a/model' is missing"):
        check([header(NOW, {}), *with_end(content, Counter())])


@pytest.mark.parametrize("newer", [{"schema": 3}, {"format": 2}])
def test_a_backup_of_a_newer_layout_is_refused(newer: dict[str, Any]) -> None:
    first, *rest = backup()
    with pytest.raises(BackupError, match="newer hpsearch"):
        check([Record(Kind.HEADER, {**first.document, **newer}), *rest])


def test_an_unreadable_document_is_named_by_its_line() -> None:
    records = backup()
    records[2] = Record(Kind.TRIAL, {**records[2].document, "state": "flying"})
    with pytest.raises(BackupError, match=r"^Line 3 .*flying"):
        check(records)


def test_selecting_experiments_keeps_all_their_records_and_no_others() -> None:
    assert list(of_experiments(backup(), {"b"})) == [experiment("b"), trial("b"), file("b"), chunk("b")]


def test_a_running_trial_is_restored_as_pending_with_the_reason_in_its_history() -> None:
    running = Trial(
        exp_key="a", tid=0, values={}, params={}, state=State.RUNNING, attempt=2, owner="token",
        worker=Holder(name="anna", host="h", pid=1), created_at=NOW, lease_until=NOW,
    )  # fmt: skip
    before = trial_document(running)
    after = as_restored(Record(Kind.TRIAL, before), NOW)
    ended = {"attempt": 2, "worker": "anna", "ended_at": NOW, "why": RESTORED}
    del before["lease_until"]
    assert after == {**before, "state": "pending", "history": [ended]}


@pytest.mark.parametrize("state", sorted(set(State) - {State.RUNNING}))
def test_every_other_trial_is_restored_unchanged(state: State) -> None:
    document = trial_document(replace(Trial(exp_key="a", tid=0, values={}, params={}), state=state))
    assert as_restored(Record(Kind.TRIAL, document), NOW) == document


def test_a_restored_experiment_has_no_leader() -> None:
    led = {**experiment("a").document, "coordinator": {"owner": "o", "epoch": 4, "lease_until": NOW}}
    after = as_restored(Record(Kind.EXPERIMENT, led), NOW)
    assert after == {**led, "coordinator": {"owner": None, "epoch": 4, "lease_until": None}}
