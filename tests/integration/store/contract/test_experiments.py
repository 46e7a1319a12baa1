"""Promise 11: joining experiments, and ending them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from hpsearch.core.experiment import (
    HIGHEST_PRIORITY,
    UNDECIDED,
    Algorithm,
    Budget,
    Defaults,
    Elapsed,
    ExperimentState,
    ObjectiveRef,
)
from hpsearch.errors import ExperimentMismatchError, NotFoundError


def test_an_experiment_comes_back_as_it_was_created(bench, store):
    experiment = bench.experiment(
        algorithm=Algorithm(name="tpe", options={"gamma": 0.25, "a.b": None}),
        objective=ObjectiveRef(kind="file", ref="search.py:objective", path="/home/a/search.py"),
        seed=2**40,
        budget=Budget(max_evals=10, timeout_s=60.0, loss_threshold=0.5),
        defaults=Defaults(max_attempts=2, trial_timeout_s=9.0, lease_s=5.0),
        space={"parameters": [{"label": "$x.y", "$ref": 1}], "root": {"dict": [["$k", None]]}},
    )
    before = store.now()

    opened = store.open_experiment(experiment)

    assert replace(opened, created_at=None, started_at=None, elapsed=None) == experiment
    assert opened.elapsed == Elapsed(seconds=0.0, since=opened.started_at)
    assert before <= opened.created_at == opened.started_at <= store.now()
    assert store.experiment(bench.exp_key) == opened
    assert opened in store.experiments()


def test_joining_takes_over_the_budget_and_restarts_the_clock_of_an_ended_search(bench, store):
    first = store.open_experiment(bench.experiment(seed=3, budget=Budget(max_evals=5)))
    joined = store.open_experiment(bench.experiment(seed=4, budget=Budget(max_evals=9)))
    assert (joined.seed, joined.budget.max_evals, joined.started_at) == (3, 9, first.started_at)

    store.set_experiment_state(bench.exp_key, ExperimentState.DONE, "max-evals")
    assert store.experiment(bench.exp_key).ended_why == "max-evals"
    bench.outlast(first.started_at)
    again = store.open_experiment(bench.experiment(budget=Budget(max_evals=20)))

    assert (again.state, again.ended_why, again.created_at) == (
        ExperimentState.RUNNING,
        None,
        first.created_at,
    )
    assert again.started_at > first.started_at


def test_an_undecided_experiment_goes_on_as_the_first_who_joins_it_says(bench, store):
    """An import knows the space and the trials; what evaluates and suggests is decided later."""
    opened = store.open_experiment(
        bench.experiment(objective=UNDECIDED, seed=1, state=ExperimentState.STOPPED)
    )
    assert (opened.objective, opened.state) == (UNDECIDED, ExperimentState.STOPPED)
    first = bench.experiment(seed=3, algorithm=Algorithm(name="anneal"))
    joined = store.open_experiment(first)
    assert (joined.objective, joined.seed, joined.algorithm.name, joined.state) == (
        first.objective,
        3,
        "anneal",
        ExperimentState.RUNNING,
    )
    with pytest.raises(ExperimentMismatchError, match="objective"):
        store.open_experiment(bench.experiment(objective=ObjectiveRef(kind="import", ref="other:objective")))


def test_a_paused_search_stays_paused_when_it_is_joined(bench, store):
    """A standby, or a coordinator that was restarted, must not overrule the user who paused."""
    store.open_experiment(bench.experiment())
    store.set_experiment_state(bench.exp_key, ExperimentState.PAUSED)
    assert store.open_experiment(bench.experiment()).state is ExperimentState.PAUSED


def test_a_search_that_has_ended_stays_as_it_ended_until_it_is_joined(bench, store):
    store.open_experiment(bench.experiment())
    store.set_experiment_state(bench.exp_key, ExperimentState.DONE, "max_evals")
    for state in ExperimentState:
        after = store.set_experiment_state(bench.exp_key, state, "another reason")
        assert (after.state, after.ended_why) == (ExperimentState.DONE, "max_evals")
    assert store.open_experiment(bench.experiment()).state is ExperimentState.RUNNING


def test_only_the_leader_moves_a_search_in_the_name_of_the_leader(bench, store):
    store.open_experiment(bench.experiment())
    for leader in (None, "anna"):
        if leader is not None:
            store.lead(bench.exp_key, leader, 60)
        after = store.set_experiment_state(bench.exp_key, ExperimentState.DONE, leader="bert")
        assert after.state is ExperimentState.RUNNING
    after = store.set_experiment_state(bench.exp_key, ExperimentState.DONE, leader="anna")
    assert after.state is ExperimentState.DONE


def test_of_racing_ends_the_first_counts_and_all_hear_of_it(bench, store):
    store.open_experiment(bench.experiment())
    with ThreadPoolExecutor(6) as pool:
        ends = pool.map(
            lambda why: store.set_experiment_state(bench.exp_key, ExperimentState.STOPPED, why), "abcdef"
        )
    assert {end.ended_why for end in ends} == {store.experiment(bench.exp_key).ended_why}


def test_experiments_can_be_asked_for_by_state(bench, store):
    store.open_experiment(bench.experiment())
    store.set_experiment_state(bench.exp_key, ExperimentState.PAUSED)
    assert bench.exp_key not in {e.exp_key for e in store.experiments({ExperimentState.RUNNING})}
    assert bench.exp_key in {e.exp_key for e in store.experiments({ExperimentState.PAUSED})}


def test_another_space_is_refused_with_the_labels_that_differ(bench, store):
    first = store.open_experiment(bench.experiment())
    space = {"parameters": [{"label": "x", "low": 1}, {"label": "depth"}]}

    with pytest.raises(ExperimentMismatchError, match=r"space: only here: 'depth'; defined differently: 'x'"):
        store.open_experiment(
            bench.experiment(space=space, space_fingerprint="beef", budget=Budget(max_evals=1))
        )
    assert store.experiment(bench.exp_key) == first


def test_another_objective_is_refused(bench, store):
    store.open_experiment(bench.experiment())

    with pytest.raises(
        ExperimentMismatchError, match="objective: 'search:objective' there, 'search:other' here"
    ):
        store.open_experiment(bench.experiment(objective=ObjectiveRef(kind="import", ref="search:other")))


def test_a_file_objective_may_lie_in_another_folder(bench, store):
    store.open_experiment(
        bench.experiment(objective=ObjectiveRef(kind="file", ref="a/search.py:f", path="/a"))
    )

    joined = store.open_experiment(
        bench.experiment(objective=ObjectiveRef(kind="file", ref="b/search.py:f", path="/b"))
    )

    assert joined.objective.path == "/a"


CODE = ObjectiveRef(
    kind="file", ref="s.py:f", path="/a/s.py", fingerprint="1" * 64, source="s", parts={"f()": "a", "N": "b"}
)
CHANGED = replace(CODE, path="/b/s.py", fingerprint="2" * 64, parts={"f()": "c", "N": "b"})


def test_changed_code_of_an_objective_is_refused_by_name_and_changes_nothing(bench, store):
    opened = store.open_experiment(bench.experiment(objective=CODE))
    with pytest.raises(ExperimentMismatchError, match=r"in 'f\(\)'.*--exp-key.*--accept-changed-objective"):
        store.open_experiment(bench.experiment(objective=CHANGED))
    assert store.experiment(bench.exp_key) == opened


def test_changed_code_that_is_accepted_is_taken_over_and_noted(bench, store):
    opened = store.open_experiment(bench.experiment(objective=CODE))
    joined = store.open_experiment(bench.experiment(objective=CHANGED), accepts_change=True)
    assert joined.objective == replace(CHANGED, paths=(CHANGED.path, CODE.path))
    assert joined.code != opened.code
    assert (store.is_running(opened), store.is_running(joined)) == (False, True)
    (change,) = joined.objective_changes
    assert (change.before, change.after) == (CODE.fingerprint, CHANGED.fingerprint)
    assert opened.created_at <= change.at <= store.now()
    again = store.open_experiment(bench.experiment(objective=CODE), accepts_change=True)
    assert [one.after for one in again.objective_changes] == [CHANGED.fingerprint, CODE.fingerprint]
    assert store.open_experiment(bench.experiment(objective=CODE), accepts_change=True) == again


def test_an_experiment_without_a_fingerprint_adopts_one_and_one_with_it_keeps_it(bench, store):
    bare = replace(CODE, fingerprint=None, source=None, parts={})
    store.open_experiment(bench.experiment(objective=bare))
    adopted = store.open_experiment(bench.experiment(objective=CHANGED))
    assert adopted.objective == replace(CHANGED, paths=(CHANGED.path, CODE.path))
    assert adopted.objective_changes == ()
    kept = store.open_experiment(bench.experiment(objective=bare)).objective
    assert (kept.fingerprint, kept.paths) == (CHANGED.fingerprint, (CODE.path, CHANGED.path))


def test_the_same_code_elsewhere_is_joined_and_its_place_is_remembered(bench, store):
    store.open_experiment(bench.experiment(objective=CODE))
    moved = replace(CODE, path="/elsewhere/s.py", source="with a comment")
    joined = store.open_experiment(bench.experiment(objective=moved)).objective
    assert joined == replace(CODE, paths=("/elsewhere/s.py", CODE.path))
    assert store.open_experiment(bench.experiment(objective=CODE)).objective.paths[0] == CODE.path


def test_of_racing_adoptions_one_counts(bench, store):
    store.open_experiment(bench.experiment(objective=replace(CODE, fingerprint=None, source=None, parts={})))

    def join(objective: ObjectiveRef) -> bool:
        try:
            store.open_experiment(bench.experiment(objective=objective))
        except ExperimentMismatchError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        joined = list(pool.map(join, [CODE, CHANGED] * 8))
    kept = store.experiment(bench.exp_key).objective.fingerprint
    assert joined == [objective.fingerprint == kept for objective in [CODE, CHANGED] * 8]


def test_racing_openings_make_one_experiment(bench, store):
    with ThreadPoolExecutor(6) as pool:
        opened = list(pool.map(lambda k: store.open_experiment(bench.experiment(seed=k)), range(6)))

    assert len({experiment.seed for experiment in opened}) == 1


def test_what_does_not_exist_is_not_found(bench, store):
    for attempt in (
        lambda: store.experiment(bench.exp_key),
        lambda: store.set_experiment_state(bench.exp_key, ExperimentState.PAUSED),
        lambda: store.lead(bench.exp_key, "anna", 1),
        lambda: store.trial(bench.exp_key, 0),
    ):
        with pytest.raises(NotFoundError, match=bench.exp_key):
            attempt()


def test_a_priority_is_one_until_it_is_set_and_stays_when_others_join(bench, store):
    assert store.open_experiment(bench.experiment()).priority == 1
    before = store.experiment(bench.exp_key)

    assert store.set_priority(bench.exp_key, 7) == replace(before, priority=7)
    assert store.open_experiment(bench.experiment(priority=3)).priority == 7
    assert store.set_priority(bench.exp_key, 0).priority == store.experiment(bench.exp_key).priority == 0


def test_an_experiment_is_made_with_its_priority(bench, store):
    assert store.open_experiment(bench.experiment(priority=3)).priority == 3


@pytest.mark.parametrize("priority", [-1, HIGHEST_PRIORITY + 1])
def test_a_priority_out_of_bounds_is_refused(priority, bench, store):
    store.open_experiment(bench.experiment())
    for attempt in (
        lambda: store.set_priority(bench.exp_key, priority),
        lambda: store.open_experiment(replace(bench.experiment(priority=priority), exp_key="other")),
    ):
        with pytest.raises(ValueError, match=f"from 0 to {HIGHEST_PRIORITY}, not {priority}"):
            attempt()
    assert store.experiment(bench.exp_key).priority == 1


def test_the_priority_of_an_experiment_that_is_not_there_cannot_be_set(bench, store):
    with pytest.raises(NotFoundError):
        store.set_priority(bench.exp_key, 2)
