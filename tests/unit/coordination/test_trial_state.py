"""The coordinator's copy of the state of its trials."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpsearch import hp
from hpsearch.coordination.trial_state import TrialState
from hpsearch.core.stopping.forecast import Forecast
from hpsearch.core.trial import Invalid, State, Trial
from hpsearch.space.tree import Space

SPACE = Space({"x": hp.uniform("x", 0, 1)})
START = datetime(2026, 1, 1, tzinfo=UTC)


def trial(tid: int, state: State, loss: float | None = None, second: int = 0) -> Trial:
    finished_at = START + timedelta(seconds=second) if state.is_final else None
    return Trial(exp_key="e", tid=tid, values={"x": 0.5}, state=state, loss=loss, finished_at=finished_at)


def test_the_history_is_in_order_of_completion_even_after_a_restart() -> None:
    finished = [trial(0, State.DONE, 3.0, 9), trial(1, State.DONE, 2.0, 1), trial(2, State.FAILED, None, 5)]
    trial_state = TrialState(SPACE, finished)
    assert trial_state.history.losses[:1] == [2.0]
    assert trial_state.history.losses[2:] == [3.0]


def test_the_best_trial_is_the_earliest_of_equal_losses() -> None:
    trial_state = TrialState(SPACE, [trial(0, State.DONE, 1.0, 5), trial(1, State.DONE, 1.0, 2)])
    assert trial_state.best is not None
    assert trial_state.best.tid == 1


@given(st.lists(st.tuples(st.sampled_from(list(State)), st.integers(0, 3), st.integers(0, 5)), max_size=20))
def test_loading_all_trials_and_adding_them_one_by_one_give_the_same_state(outcomes: list[Any]) -> None:
    trials = [
        trial(tid, state, float(loss) if state is State.DONE else None, second)
        for tid, (state, loss, second) in enumerate(outcomes)
    ]
    at_once, one_by_one = TrialState(SPACE, trials), TrialState(SPACE)
    one_by_one.add_open(t for t in trials if not t.state.is_final)
    for final in sorted((t for t in trials if t.finished_at), key=lambda t: (t.finished_at, t.tid)):
        one_by_one.add_final([final])
    assert at_once.history.losses.tobytes() == one_by_one.history.losses.tobytes()
    assert (at_once.best, at_once.last_failure) == (one_by_one.best, one_by_one.last_failure)
    assert (at_once.open, at_once.n_final) == (one_by_one.open, one_by_one.n_final)
    assert at_once.next_tid == one_by_one.next_tid


@pytest.mark.parametrize("lag", [None, 0])
def test_an_invalid_trial_is_neither_learned_from_nor_counted_nor_the_best(lag: int | None) -> None:
    mark = Invalid(at=START, why="broken")
    marked = [replace(t, invalid=mark) for t in (trial(0, State.DONE, 1.0, 1), trial(1, State.FAILED))]
    valid = [trial(2, State.DONE, 3.0, 2), trial(3, State.DONE, 2.0, 3)]
    trial_state = TrialState(SPACE, [*marked, *valid], lag)
    trial_state.learn_before(trial_state.next_tid)
    assert trial_state.best is not None
    assert (trial_state.best.tid, trial_state.last_failure) == (3, None)
    assert (trial_state.n_finished, trial_state.n_invalid, trial_state.next_tid) == (2, 2, 4)
    assert list(trial_state.history.losses) == [3.0, 2.0]


def test_cancelled_trials_leave_the_open_ones_but_do_not_count() -> None:
    trial_state = TrialState(SPACE, [trial(0, State.PENDING)])
    trial_state.add_final([trial(0, State.CANCELLED)])
    assert (trial_state.open, trial_state.n_finished, len(trial_state.history)) == ({}, 0, 0)


def test_trials_with_a_forecast_are_learned_from_before_they_have_a_loss() -> None:
    trial_state = TrialState(SPACE, [trial(0, State.DONE, 2.0), trial(1, State.PRUNED)])
    trial_state.add_open([trial(2, State.RUNNING), trial(3, State.RUNNING)])
    assert trial_state.known == (trial_state.history, trial_state.pending)
    trial_state.set_forecasts({tid: Forecast(loss=3.0 + tid, upper=9.0) for tid in (1, 2)})
    history, pending = trial_state.known
    assert history.losses.tolist() == [2.0, 4.0, 5.0]
    assert len(pending) == 1
    assert len(trial_state.history) == 2
    trial_state.add_final([trial(2, State.DONE, 1.0)])
    assert trial_state.known[0].losses.tolist() == [2.0, 4.0, 1.0]


@given(st.lists(st.sampled_from(list(State)), max_size=20))
def test_every_trial_is_open_or_final_and_the_next_number_follows_the_last(states: list[Any]) -> None:
    trials = [trial(tid, s, 1.0 if s is State.DONE else None) for tid, s in enumerate(states)]
    trial_state = TrialState(SPACE, trials)
    assert len(trial_state.open) + sum(trial_state.n_final.values()) == len(trials)
    assert trial_state.next_tid == len(trials)
    assert trial_state.n_finished == len(trial_state.history)
