"""The checker of the fault campaign finds each kind of broken promise."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.faults.checker import broken_promises
from tests.faults.evidence import (
    Acknowledgement,
    Call,
    Death,
    Evidence,
    Outage,
    Pause,
    Priority,
    Rotation,
    Search,
)
from tests.support.supervisor import End

LOST = {"attempt": 1, "worker": "worker-1", "why": "lease expired"}


def document(tid: int, **fields: Any) -> dict[str, Any]:
    """Return a finished trial with these fields; None removes a field."""
    trial = {
        "_id": f"s/{tid:06d}",
        "exp_key": "s",
        "tid": tid,
        "state": "done",
        "attempt": 1,
        "worker": {"name": "worker-1"},
        "values": {"x": 2.0},
        "loss": 4.0,
        **fields,
    }
    return {name: value for name, value in trial.items() if value is not None}


def failed(tid: int, kind: str, **fields: Any) -> dict[str, Any]:
    return document(tid, state="failed", loss=None, error={"kind": kind}, **fields)


def call(tid: int, **fields: Any) -> Call:
    values = {
        "exp_key": "s",
        "tid": tid,
        "attempt": 1,
        "worker": 10,
        "process": 11,
        "temper": "good",
        "began_at": 5.0,
        "ended_at": 6.0,
        "loss": 4.0,
    }
    return Call(**{**values, **fields})


def acknowledged(tid: int, **fields: Any) -> Acknowledgement:
    values = {"trial": f"s/{tid:06d}", "worker": "worker-1", "loss": 4.0, "kind": None}
    return Acknowledgement(**{**values, **fields})


def search(*trials: dict[str, Any], max_evals: int | None = None) -> Search:
    return Search(
        exp_key="s",
        max_evals=len(trials) if max_evals is None else max_evals,
        max_attempts=3,
        experiment={"state": "done", "ended_why": "max_evals"},
        trials=trials,
    )


def evidence(*trials: dict[str, Any], calls: list[Call] | None = None, **fields: Any) -> Evidence:
    """Return evidence of a search with these trials, each called once unless the calls are given."""
    made = [call(trial["tid"]) for trial in trials] if calls is None else calls
    values = {"searches": [search(*trials)], "calls": made, "acknowledged": [], **fields}
    return Evidence(**values)


def promises(found: Evidence) -> set[str]:
    return {broken.promise for broken in broken_promises(found)}


GOOD = evidence(
    document(0),
    document(1, attempt=2, history=[LOST]),
    failed(2, "exception"),
    failed(3, "lost", attempt=3, history=[{**LOST, "attempt": n} for n in (1, 2, 3)]),
    calls=[
        call(0),
        call(1, ended_at=None, loss=None),
        call(1, attempt=2, began_at=20.0, ended_at=21.0),
        call(2, temper="raise", loss=None),
    ],
    acknowledged=[
        acknowledged(0),
        acknowledged(1, loss=4.00001),
        acknowledged(2, loss=None, kind="exception"),
    ],
    first_seen={"s/000000": document(0)},
    holds=frozenset({("s/000000", 1, "a", "worker-1"), ("s/000001", 1, "b", "worker-1")}),
    ends=[
        End(name="worker-1", code=-9, lived_s=9.0, was_killed=True, was_excused=False, tail=""),
        End(name="mongod-1", code=-6, lived_s=9.0, was_killed=False, was_excused=True, tail="disk full"),
        End(name="worker-2", code=69, lived_s=6.0, was_killed=False, was_excused=False, tail="away"),
        End(name="worker-2", code=0, lived_s=99.0, was_killed=False, was_excused=False, tail=""),
    ],
    logs={"worker-1": "trial s/000000 done: loss 4 in 1.00 s"},
)


def test_a_correct_search_passes() -> None:
    assert broken_promises(GOOD) == []


@pytest.mark.parametrize(
    ("start", "loss", "steps"),
    [(2, 4.0, [1, 2, 3]), (3, 3.5, [1, 2, 3]), (3, 4.0, [1, 2, 2, 3])],
    ids=["a step is repeated", "steps are missing", "a step is reported twice"],
)
def test_a_trial_that_does_not_go_on_at_its_checkpoint_is_found(
    start: int, loss: float, steps: list[int]
) -> None:
    history = [{"attempt": 1, "why": "lease expired"}]
    calls = [
        call(0, saved=3, start=0, ended_at=None, loss=None),
        call(0, attempt=2, process=12, began_at=7.0, ended_at=8.0, start=start, loss=loss),
    ]
    reports = [{"step": step} for step in steps]
    trial = document(0, attempt=2, history=history, loss=loss, reports=reports)
    assert promises(evidence(trial, calls=calls)) == {"a trial goes on at its last checkpoint"}


@pytest.mark.parametrize(
    "wrong",
    [
        search(document(0), max_evals=2),
        search(document(0), document(0)),
        search(document(0), document(2)),
        replace(search(document(0)), experiment={"state": "running"}),
    ],
    ids=["too few", "one twice", "a gap", "never ended"],
)
def test_a_wrong_number_of_trials_is_found(wrong: Search) -> None:
    found = Evidence(searches=[wrong], calls=[call(0), call(2)], acknowledged=[])
    assert promises(found) == {"the count is exact"}


@pytest.mark.parametrize("state", ["pending", "running"])
def test_a_trial_that_never_ends_is_found(state: str) -> None:
    open_trial = document(1, state=state, loss=None)
    found = Evidence(
        searches=[search(document(0), open_trial, max_evals=1)], calls=[call(0)], acknowledged=[]
    )
    assert promises(found) == {"every trial ends"}


def test_a_failed_trial_with_a_loss_is_found() -> None:
    both = failed(0, "exception") | {"loss": 4.0}
    assert promises(evidence(both, calls=[call(0, temper="raise")])) == {"every trial ends"}


@pytest.mark.parametrize("now", [[document(0, duration_s=5.0)], []], ids=["changed", "gone"])
def test_a_finished_trial_that_changes_is_found(now: list[dict[str, Any]]) -> None:
    found = evidence(*now, calls=[call(0)], first_seen={"s/000000": document(0)})
    assert promises(found) == {"finished means frozen"}


@pytest.mark.parametrize(
    ("trial", "acknowledged"),
    [
        (document(1), acknowledged(0)),
        (document(0), acknowledged(0, worker="worker-2")),
        (document(0), acknowledged(0, loss=4.1)),
        (failed(0, "timeout"), acknowledged(0)),
        (failed(0, "timeout"), acknowledged(0, loss=None, kind="signal")),
    ],
    ids=["gone", "of another", "another loss", "failed", "failed otherwise"],
)
def test_a_missing_acknowledged_result_is_found(trial: dict[str, Any], acknowledged: Acknowledgement) -> None:
    found = evidence(trial, acknowledged=[acknowledged])
    assert "what was acknowledged is there" in promises(found)


def test_two_acknowledged_results_of_one_trial_are_found() -> None:
    assert promises(evidence(document(0), acknowledged=[acknowledged(0), acknowledged(0)])) == {
        "no result is doubled"
    }


@pytest.mark.parametrize(
    ("trial", "calls"),
    [
        (document(0), []),
        (document(0), [call(0, loss=9.0)]),
        (document(0), [call(0, ended_at=None, loss=None)]),
        (failed(0, "exception"), [call(0, temper="good")]),
        (failed(0, "exit"), [call(0, temper="raise")]),
    ],
    ids=["no call", "another loss", "never returned", "a good one fails", "fails otherwise"],
)
def test_a_result_that_no_call_explains_is_found(trial: dict[str, Any], calls: list[Call]) -> None:
    assert promises(evidence(trial, calls=calls)) == {"results are those of the calls"}


@pytest.mark.parametrize(("n_killed", "is_fine"), [(1, True), (0, False)])
def test_more_evaluations_that_end_by_a_signal_than_were_killed_are_found(
    n_killed: int, is_fine: bool
) -> None:
    crashed, killed = failed(0, "signal"), failed(1, "signal")
    calls = [call(0, temper="segfault", ended_at=None, loss=None), call(1, ended_at=None, loss=None)]
    found = evidence(crashed, killed, calls=calls, n_children_killed=n_killed)
    assert promises(found) == (set() if is_fine else {"results are those of the calls"})


@pytest.mark.parametrize(
    ("trial", "calls"),
    [
        (document(0, history=[LOST] * 3), [call(0)]),
        (failed(0, "lost", attempt=2, history=[LOST] * 2), [call(0)]),
        (document(0, attempt=2), [call(0, attempt=2)]),
        (document(0), [call(0, attempt=2), call(0)]),
        (document(0), [call(0), call(0, process=12, began_at=7.0, ended_at=8.0)]),
    ],
    ids=["too many lost", "lost too early", "no record", "called later", "called twice"],
)
def test_re_runs_beyond_the_attempts_allowed_or_on_record_are_found(
    trial: dict[str, Any], calls: list[Call]
) -> None:
    assert "re-runs stay within the attempts allowed" in promises(evidence(trial, calls=calls))


@pytest.mark.parametrize(
    "holds",
    [
        {("s/000000", 1, "a", "worker-1"), ("s/000000", 1, "a", "worker-2")},
        {("s/000000", 1, "a", "worker-1"), ("s/000001", 1, "a", "worker-1")},
        {("s/000000", 1, "a", "worker-1"), ("s/000000", 1, "b", "worker-2")},
    ],
    ids=["two workers", "two trials", "two tokens"],
)
def test_two_holders_under_one_token_or_attempt_are_found(holds: set[tuple[str, int, str, str]]) -> None:
    assert promises(evidence(document(0), holds=frozenset(holds))) == {"one holder for each token"}


def test_a_claim_repeated_until_its_first_trial_has_expired_passes() -> None:
    """A worker without a response repeats its claim with the same token, and gets another pending trial."""
    holds = frozenset({("s/000000", 1, "a", "worker-1"), ("s/000001", 1, "a", "worker-1")})
    expired = document(0, attempt=2, history=[LOST])
    calls = [call(0, attempt=2), call(1)]
    assert promises(evidence(expired, document(1), calls=calls, holds=holds)) == set()


@pytest.mark.parametrize(("why", "is_fine"), [("lease expired", True), ("worker drained", False)])
def test_two_calls_at_the_same_time_are_found_unless_the_lease_was_lost(why: str, is_fine: bool) -> None:
    trial = document(0, attempt=2, history=[{**LOST, "why": why}])
    calls = [call(0, ended_at=20.0), call(0, attempt=2, process=12, began_at=10.0, ended_at=11.0)]
    assert promises(evidence(trial, calls=calls)) == (set() if is_fine else {"no two calls overlap"})


@pytest.mark.parametrize(
    ("code", "lived_s", "was_killed"),
    [(1, 50.0, False), (-11, 50.0, False), (-9, 50.0, False), (69, 500.0, False), (65, 5.0, True)],
)
def test_a_process_that_ends_unasked_is_found(code: int, lived_s: float, was_killed: bool) -> None:
    end = End(
        name="worker-1", code=code, lived_s=lived_s, was_killed=was_killed, was_excused=False, tail="why"
    )
    assert promises(evidence(document(0), ends=[end])) == {"processes leave in good order"}


def test_leftover_processes_and_files_are_found() -> None:
    assert promises(evidence(document(0), left_behind=["process 17"])) == {"nothing is left behind"}


def test_a_traceback_in_a_log_is_found() -> None:
    log = "worker 1 serves s\nTraceback (most recent call last):\n  ...\nKeyError: 'x'"
    assert promises(evidence(document(0), logs={"worker-1": log})) == {"no tracebacks"}


def test_a_worker_that_refuses_a_search_is_found() -> None:
    log = "WARNING not serving s: The process died while it loaded search.py:objective"
    assert promises(evidence(document(0), logs={"worker-1": log})) == {"workers go on with every search"}


PAUSED = Pause(exp_key="s", since=10.0, until=30.0)


@pytest.mark.parametrize(
    ("began_at", "more", "is_fine"),
    [
        (11.0, {}, True),
        (29.0, {}, False),
        (29.0, {"far_workers": frozenset({10})}, True),
        (31.0, {}, True),
        (29.0, {"pauses": [replace(PAUSED, exp_key="other")]}, True),
    ],
    ids=["on the way", "while paused", "behind a slow network", "afterwards", "of another search"],
)
def test_a_call_that_begins_while_its_search_is_paused_is_found(
    began_at: float, more: dict[str, Any], is_fine: bool
) -> None:
    calls = [call(0, began_at=began_at, ended_at=40.0)]
    found = evidence(document(0), calls=calls, **{"pauses": [PAUSED], **more})
    assert promises(found) == (set() if is_fine else {"nothing begins while paused"})


@pytest.mark.parametrize(("n_calls", "is_fine"), [(0, True), (1, False)])
def test_a_claim_without_a_call_leaves_no_record_where_a_search_was_paused(
    n_calls: int, is_fine: bool
) -> None:
    calls = [call(0, ended_at=None, loss=None)] * n_calls
    calls.append(call(0, attempt=2, process=12, began_at=50.0, ended_at=51.0))
    found = evidence(document(0, attempt=2), calls=calls, pauses=[PAUSED])
    assert promises(found) == (set() if is_fine else {"re-runs stay within the attempts allowed"})


@pytest.mark.parametrize(
    ("trial", "again_at", "is_fine"),
    [
        (document(0, attempt=2, history=[LOST]), 40.0, True),
        (document(0, attempt=2, history=[LOST]), 320.0, False),
        (document(0), None, True),
        (failed(0, "lost", attempt=1, history=[LOST]), None, True),
    ],
    ids=["soon", "when the lease had ended by the clock", "had finished", "lost too many"],
)
def test_a_trial_whose_worker_died_at_a_clock_step_must_run_again_soon(
    trial: dict[str, Any], again_at: float | None, is_fine: bool
) -> None:
    calls = [call(0, ended_at=None if again_at else 6.0, loss=None if again_at else 4.0)]
    if again_at is not None:
        calls.append(call(0, attempt=2, process=12, began_at=again_at, ended_at=again_at + 1))
    found = evidence(trial, calls=calls, deaths=[Death(trial="s/000000", attempt=1, at=6.0)])
    late = promises(found) & {"no lease outlasts its length"}
    assert late == (set() if is_fine else {"no lease outlasts its length"})


@pytest.mark.parametrize(
    ("since", "is_fine"), [(10.0, True), (200.0, False)], ids=["most of it", "too little"]
)
def test_the_time_without_mongodb_does_not_count_until_a_trial_runs_again(
    since: float, is_fine: bool
) -> None:
    calls = [call(0, ended_at=6.0, loss=4.0), call(0, attempt=2, process=12, began_at=320.0, ended_at=321.0)]
    found = evidence(
        document(0, attempt=2, history=[LOST]),
        calls=calls,
        deaths=[Death(trial="s/000000", attempt=1, at=6.0)],
        outages=[Outage(since=since, until=290.0)],
    )
    assert ("no lease outlasts its length" in promises(found)) is not is_fine


@pytest.mark.parametrize(
    ("at", "lived_s", "pid", "is_fine"),
    [
        (103.0, 2.0, 17, True),
        (103.0, 20.0, 17, True),
        (99.0, 50.0, 17, False),
        (103.0, 500.0, 17, False),
        (103.0, 20.0, 10, False),
        (200.0, 2.0, 17, False),
    ],
    ids=["started meanwhile", "stood still as it started", "before", "long there", "at work", "afterwards"],
)
def test_only_a_process_that_starts_with_an_old_password_may_be_refused(
    at: float, lived_s: float, pid: int, is_fine: bool
) -> None:
    end = End(name="w", code=77, lived_s=lived_s, was_killed=False, was_excused=False, at=at, pid=pid)
    found = evidence(document(0), ends=[end], rotations=[Rotation(since=100.0, until=106.0)])
    assert promises(found) == (set() if is_fine else {"processes leave in good order"})


def shared(n_each: dict[str, int], priorities: dict[str, int]) -> Evidence:
    """Return evidence of searches that shared the workers from begin to end."""
    calls = [
        call(tid, exp_key=key, process=tid, began_at=100 * tid / max(1, n - 1))
        for key, n in n_each.items()
        for tid in range(n)
    ]
    searches = [
        Search(
            exp_key=key,
            max_evals=n,
            max_attempts=3,
            experiment={"state": "done", "ended_why": "max_evals"},
            trials=[document(tid, _id=f"{key}/{tid:06d}", exp_key=key) for tid in range(n)],
        )
        for key, n in n_each.items()
    ]
    changes = [Priority(exp_key=key, at=float("-inf"), priority=p) for key, p in priorities.items()]
    return Evidence(
        searches=searches, calls=calls, acknowledged=[], crowds=[list(n_each)], priorities=changes
    )


@pytest.mark.parametrize(
    ("n_each", "priorities", "is_fine"),
    [
        ({"a": 60, "b": 60}, {"a": 1, "b": 1}, True),
        ({"a": 90, "b": 30}, {"a": 3, "b": 1}, True),
        ({"a": 110, "b": 10}, {"a": 1, "b": 1}, False),
        ({"a": 60, "b": 60}, {"a": 9, "b": 1}, False),
    ],
    ids=["equal", "by priority", "starved", "priority ignored"],
)
def test_searches_that_do_not_get_their_share_are_found(
    n_each: dict[str, int], priorities: dict[str, int], is_fine: bool
) -> None:
    assert promises(shared(n_each, priorities)) == (set() if is_fine else {"shares follow priorities"})


def test_a_priority_counts_from_its_change_on() -> None:
    found = shared({"a": 60, "b": 60}, {"a": 1, "b": 1})
    late = Priority(exp_key="a", at=95.0, priority=9)
    assert promises(replace(found, priorities=[*found.priorities, late])) == set()
    early = replace(late, at=5.0)
    assert promises(replace(found, priorities=[*found.priorities, early])) == {"shares follow priorities"}
