"""The progress of a search, and its failures by reason."""

from __future__ import annotations

import pytest

from hpsearch.core.experiment import ExperimentState
from hpsearch.core.trial import Failure, FailureKind, State
from hpsearch.core.worker import WorkerState
from hpsearch.report.failures import failure_groups, failure_reason
from hpsearch.report.summary import progress_of
from hpsearch.store.protocol import TrialSummary
from tests.support.progress_states import after, experiment, failed, worker

COUNTS = dict.fromkeys(State, 0)
NOTHING = TrialSummary(counts=COUNTS)


def test_failures_are_grouped_by_reason_the_most_frequent_first() -> None:
    killed = failed(1, error=Failure(kind=FailureKind.SIGNAL, signal="SIGKILL", message="killed"))
    groups = failure_groups([killed, failed(2), failed(3)])
    assert [(g.reason, g.n, g.example.tid) for g in groups] == [("ValueError", 2, 2), ("SIGKILL", 1, 1)]


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (None, "unknown"),
        (Failure(kind=FailureKind.LOST, message=""), "lost"),
        (Failure(kind=FailureKind.SIGNAL, signal="SIGSEGV", message=""), "SIGSEGV"),
        (
            Failure(kind=FailureKind.EXCEPTION, type="torch.OutOfMemoryError", message=""),
            "torch.OutOfMemoryError",
        ),
    ],
)
def test_the_reason_of_a_failure_is_its_most_specific_word(error: Failure | None, reason: str) -> None:
    assert failure_reason(failed(0, error=error)) == reason


def test_the_rate_is_that_of_recently_finished_trials() -> None:
    recent = TrialSummary(counts=COUNTS, n_recent=2, recent_since=after(0), recent_until=after(30))
    found = progress_of(experiment(), recent, [], after(60))
    assert found.per_minute == 2.0
    assert found.elapsed_s == 60.0


def test_a_search_that_has_ended_has_no_rate_and_a_fixed_time() -> None:
    recent = TrialSummary(counts=COUNTS, n_recent=1, recent_since=after(30), recent_until=after(30))
    found = progress_of(experiment(state=ExperimentState.DONE), recent, [], after(3600))
    assert found.per_minute is None
    assert found.elapsed_s == 30.0


def test_a_search_that_never_started_took_no_time() -> None:
    assert progress_of(experiment(started_at=None), NOTHING, [], after(5)).elapsed_s == 0.0


def test_only_alive_workers_of_the_search_count() -> None:
    workers = [
        worker("any"),
        worker("other", exp_keys=("other",)),
        worker("dead", expire_at=after(-1)),
        worker("leaving", state=WorkerState.DRAINING),
    ]
    assert [w.name for w in progress_of(experiment(), NOTHING, workers, after(0)).workers] == ["any"]
