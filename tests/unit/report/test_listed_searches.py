"""Which searches ``hpsearch status`` lists, and in which order."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hpsearch.core.experiment import Experiment, ExperimentState
from hpsearch.report.rows import listed_searches
from tests.support.progress_states import after, experiment

RUNNING, PAUSED, STOPPED, DONE = (ExperimentState(s) for s in ("running", "paused", "stopped", "done"))

SEARCHES = st.lists(
    st.builds(
        lambda state, started: experiment(state=state, started_at=started),
        st.sampled_from(ExperimentState),
        st.none() | st.integers(0, 10**6).map(after),
    ),
    max_size=40,
)


def searches(*states: ExperimentState) -> list[Experiment]:
    """Return searches that started one after another."""
    return [experiment(exp_key=str(i), state=s, started_at=after(i)) for i, s in enumerate(states)]


def shown(found: list[Experiment], *, with_all: bool = False) -> tuple[str, int]:
    experiments, n_hidden = listed_searches(found, with_all=with_all)
    return " ".join(e.exp_key for e in experiments), n_hidden


def test_running_searches_come_first_then_paused_ones_and_in_each_group_the_last_started() -> None:
    found = searches(RUNNING, DONE, PAUSED, STOPPED, RUNNING)
    assert shown(found) == ("4 0 2", 2)
    assert shown(found, with_all=True) == ("4 0 2 3 1", 0)


def test_where_all_have_ended_the_last_ones_are_listed_and_the_others_counted() -> None:
    assert shown(searches(*[DONE] * 12)) == ("11 10 9 8 7 6 5 4 3 2", 2)
    assert shown(searches(RUNNING, *[DONE] * 1200)) == ("0", 1200)


def test_all_active_searches_are_listed() -> None:
    found = searches(*[RUNNING] * 30, *[DONE] * 3)
    assert shown(found) == (" ".join(map(str, range(29, -1, -1))), 3)


@given(SEARCHES)
def test_listed_and_hidden_searches_add_up(found: list[Experiment]) -> None:
    some, n_hidden = listed_searches(found, with_all=False)
    every, none = listed_searches(found, with_all=True)
    assert len(some) + n_hidden == len(every) == len(found)
    assert none == 0
    assert every[: len(some)] == some
    assert [e.state.is_over for e in every] == sorted(e.state.is_over for e in every)
