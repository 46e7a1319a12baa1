"""Guarantee 11: creating, joining and ending experiments."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from hpsearch.core.choices import HIGHEST_PRIORITY
from hpsearch.core.experiment import (
    UNDECIDED,
    Algorithm,
    Budget,
    Defaults,
    Elapsed,
    ExperimentState,
    ObjectiveRef,
)
from hpsearch.core.warm_start import WarmStart, WarmStartPoint, WarmStartSource
from hpsearch.errors import ExperimentMismatchError, NotFoundError
from hpsearch.store.protocol import TrialStore
from hpsearch.testing.contract.driver import IMPORTED_AT, StoreDriver, StoreTests


class ExperimentContract(StoreTests):
    """Guarantee 11: an experiment is joined only with the same space and objective."""

    def test_an_experiment_is_read_as_it_was_created(
        self, store_driver: StoreDriver, store: TrialStore
    ) -> None:
        experiment = store_driver.experiment(
            algorithm=Algorithm(name="tpe", options={"gamma": 0.25, "a.b": None}),
            objective=ObjectiveRef(kind="file", ref="search.py:objective", path="/home/a/search.py"),
            seed=2**40,
            budget=Budget(max_evals=10, timeout_s=60.0, loss_threshold=0.5, until_worth=0.01),
            defaults=Defaults(max_attempts=2, trial_timeout_s=9.0, lease_s=5.0),
            space={"parameters": [{"label": "$x.y", "$ref": 1}], "root": {"dict": [["$k", None]]}},
        )
        before = store.now()

        opened = store.open_experiment(experiment)

        assert replace(opened, created_at=None, started_at=None, elapsed=None) == experiment
        assert opened.elapsed == Elapsed(seconds=0.0, since=opened.started_at)
        assert before <= opened.created_at == opened.started_at <= store.now()
        assert store.experiment(store_driver.exp_key) == opened
        assert opened in store.experiments()

    def test_joining_updates_the_budget_and_restarts_an_ended_experiment(
        self, store_driver: StoreDriver, store: TrialStore
    ) -> None:
        first = store.open_experiment(store_driver.experiment(seed=3, budget=Budget(max_evals=5)))
        joined = store.open_experiment(store_driver.experiment(seed=4, budget=Budget(max_evals=9)))
        assert (joined.seed, joined.budget.max_evals, joined.started_at) == (3, 9, first.started_at)

        store.set_experiment_state(store_driver.exp_key, ExperimentState.DONE, "max-evals")
        assert store.experiment(store_driver.exp_key).ended_why == "max-evals"
        store_driver.wait_past(first.started_at)
        again = store.open_experiment(store_driver.experiment(budget=Budget(max_evals=20)))

        assert (again.state, again.ended_why, again.created_at) == (
            ExperimentState.RUNNING,
            None,
            first.created_at,
        )
        assert again.started_at > first.started_at

    def test_an_undecided_experiment_takes_the_settings_of_the_first_to_join(
        self, store_driver: StoreDriver, store: TrialStore
    ) -> None:
        """An import has a space and trials; the objective and the algorithm follow later."""
        opened = store.open_experiment(
            store_driver.experiment(objective=UNDECIDED, seed=1, state=ExperimentState.STOPPED)
        )
        assert (opened.objective, opened.state) == (UNDECIDED, ExperimentState.STOPPED)
        first = store_driver.experiment(seed=3, algorithm=Algorithm(name="anneal"))
        joined = store.open_experiment(first)
        assert (joined.objective, joined.seed, joined.algorithm.name, joined.state) == (
            first.objective,
            3,
            "anneal",
            ExperimentState.RUNNING,
        )
        with pytest.raises(ExperimentMismatchError, match="objective"):
            store.open_experiment(
                store_driver.experiment(objective=ObjectiveRef(kind="import", ref="other:objective"))
            )

    def test_joining_a_paused_experiment_leaves_it_paused(
        self, store_driver: StoreDriver, store: TrialStore
    ) -> None:
        """A standby or restarted coordinator must not override the user who paused."""
        store.open_experiment(store_driver.experiment())
        store.set_experiment_state(store_driver.exp_key, ExperimentState.PAUSED)
        assert store.open_experiment(store_driver.experiment()).state is ExperimentState.PAUSED

    def test_an_ended_experiment_keeps_its_state_until_it_is_joined(
        self, store_driver: StoreDriver, store: TrialStore
    ) -> None:
        store.open_experiment(store_driver.experiment())
        store.set_experiment_state(store_driver.exp_key, ExperimentState.DONE, "max_evals")
        for state in ExperimentState:
            after = store.set_experiment_state(store_driver.exp_key, state, "another reason")
            assert (after.state, after.ended_why) == (ExperimentState.DONE, "max_evals")
        assert store.open_experiment(store_driver.experiment()).state is ExperimentState.RUNNING

    def test_a_state_change_for_a_leader_needs_its_leadership(
        self, store_driver: StoreDriver, store: TrialStore
    ) -> None:
        store.open_experiment(store_driver.experiment())
        for leader in (None, "anna"):
            if leader is not None:
                store.lead(store_driver.exp_key, leader, 60)
            after = store.set_experiment_state(store_driver.exp_key, ExperimentState.DONE, leader="bert")
            assert after.state is ExperimentState.RUNNING
        after = store.set_experiment_state(store_driver.exp_key, ExperimentState.DONE, leader="anna")
        assert after.state is ExperimentState.DONE

    def test_the_first_of_concurrent_ends_wins_and_all_callers_see_it(
        self, store_driver: StoreDriver, store: TrialStore
    ) -> None:
        store.open_experiment(store_driver.experiment())
        with ThreadPoolExecutor(6) as pool:
            ends = pool.map(
                lambda why: store.set_experiment_state(store_driver.exp_key, ExperimentState.STOPPED, why),
                "abcdef",
            )
        assert {end.ended_why for end in ends} == {store.experiment(store_driver.exp_key).ended_why}

    def test_experiments_can_be_listed_by_state(self, store_driver: StoreDriver, store: TrialStore) -> None:
        store.open_experiment(store_driver.experiment())
        store.set_experiment_state(store_driver.exp_key, ExperimentState.PAUSED)
        assert store_driver.exp_key not in {e.exp_key for e in store.experiments({ExperimentState.RUNNING})}
        assert store_driver.exp_key in {e.exp_key for e in store.experiments({ExperimentState.PAUSED})}

    def test_experiments_can_be_found_by_parameters_the_newest_first(
        self, store_driver: StoreDriver, store: TrialStore
    ) -> None:
        x, y, other = (f"{name}.$ {store_driver.exp_key}" for name in ("x", "y", "other"))
        drivers = [store_driver.beside(f"{store_driver.exp_key}-{i}") for i in range(3)]
        for driver, labels in zip(drivers, ([x, y], [x], [y, x, other]), strict=True):
            space = {"parameters": [{"label": label} for label in labels]}
            opened = store.open_experiment(driver.experiment(space=space))
            store_driver.wait_past(opened.created_at)

        def found(*labels: str, limit: int = 9) -> list[str]:
            return [e.exp_key for e in store.experiments_with(labels, limit=limit)]

        first, second, third = (driver.exp_key for driver in drivers)
        assert found(x) == [third, second, first]
        assert found(y, x) == [third, first]
        assert found(x, limit=2) == [third, second]
        assert found(x, "unknown") == found() == []
        (newest,) = store.experiments_with([other], limit=1)
        assert newest == store.experiment(third)

    def test_a_warm_start_is_stored_and_survives_a_join(
        self, store_driver: StoreDriver, store: TrialStore
    ) -> None:
        source = WarmStartSource(exp_key="earlier", created_at=IMPORTED_AT, n_trials=60)
        point = WarmStartPoint(values={"a.b": 0.5, "$ref": 1}, exp_key="earlier", tid=7)
        chosen = WarmStart(sources=(source,), points=(point,))
        store.open_experiment(store_driver.experiment(warm_start=chosen))
        assert store.experiment(store_driver.exp_key).warm_start == chosen
        assert store.open_experiment(store_driver.experiment(warm_start=WarmStart())).warm_start == chosen
        cold = store_driver.beside(f"{store_driver.exp_key}-cold")
        assert store.open_experiment(cold.experiment()).warm_start is None
        none_found = store_driver.beside(f"{store_driver.exp_key}-none")
        opened = store.open_experiment(none_found.experiment(warm_start=WarmStart()))
        assert opened.warm_start == WarmStart()

    def test_a_different_space_is_refused_and_the_error_names_the_labels(
        self, store_driver: StoreDriver, store: TrialStore
    ) -> None:
        first = store.open_experiment(store_driver.experiment())
        space = {"parameters": [{"label": "x", "low": 1}, {"label": "depth"}]}

        with pytest.raises(ExperimentMismatchError, match=r"'depth'.*'x'"):
            store.open_experiment(
                store_driver.experiment(space=space, space_fingerprint="beef", budget=Budget(max_evals=1))
            )
        assert store.experiment(store_driver.exp_key) == first

    def test_a_different_objective_is_refused(self, store_driver: StoreDriver, store: TrialStore) -> None:
        store.open_experiment(store_driver.experiment())

        with pytest.raises(ExperimentMismatchError, match=r"search:objective.*search:other"):
            store.open_experiment(
                store_driver.experiment(objective=ObjectiveRef(kind="import", ref="search:other"))
            )

    def test_a_file_objective_may_be_in_another_folder(
        self, store_driver: StoreDriver, store: TrialStore
    ) -> None:
        store.open_experiment(
            store_driver.experiment(objective=ObjectiveRef(kind="file", ref="a/search.py:f", path="/a"))
        )

        joined = store.open_experiment(
            store_driver.experiment(objective=ObjectiveRef(kind="file", ref="b/search.py:f", path="/b"))
        )

        assert joined.objective.path == "/a"

    def test_changed_objective_code_is_refused_and_changes_nothing(
        self, store_driver: StoreDriver, store: TrialStore
    ) -> None:
        opened = store.open_experiment(store_driver.experiment(objective=CODE))
        with pytest.raises(ExperimentMismatchError, match=r"'f\(\)'"):
            store.open_experiment(store_driver.experiment(objective=CHANGED))
        assert store.experiment(store_driver.exp_key) == opened

    def test_accepted_objective_changes_are_stored_and_recorded(
        self, store_driver: StoreDriver, store: TrialStore
    ) -> None:
        opened = store.open_experiment(store_driver.experiment(objective=CODE))
        joined = store.open_experiment(store_driver.experiment(objective=CHANGED), accepts_change=True)
        assert joined.objective == replace(CHANGED, paths=(CHANGED.path, CODE.path))
        assert joined.code != opened.code
        assert (store.is_running(opened), store.is_running(joined)) == (False, True)
        (change,) = joined.objective_changes
        assert (change.before, change.after) == (CODE.fingerprint, CHANGED.fingerprint)
        assert opened.created_at <= change.at <= store.now()
        again = store.open_experiment(store_driver.experiment(objective=CODE), accepts_change=True)
        assert [one.after for one in again.objective_changes] == [CHANGED.fingerprint, CODE.fingerprint]
        assert store.open_experiment(store_driver.experiment(objective=CODE), accepts_change=True) == again

    def test_an_experiment_without_a_fingerprint_adopts_the_first_one(
        self, store_driver: StoreDriver, store: TrialStore
    ) -> None:
        bare = replace(CODE, fingerprint=None, source=None, parts={})
        store.open_experiment(store_driver.experiment(objective=bare))
        adopted = store.open_experiment(store_driver.experiment(objective=CHANGED))
        assert adopted.objective == replace(CHANGED, paths=(CHANGED.path, CODE.path))
        assert adopted.objective_changes == ()
        kept = store.open_experiment(store_driver.experiment(objective=bare)).objective
        assert (kept.fingerprint, kept.paths) == (CHANGED.fingerprint, (CODE.path, CHANGED.path))

    def test_the_same_code_at_another_path_is_accepted_and_the_path_recorded(
        self, store_driver: StoreDriver, store: TrialStore
    ) -> None:
        store.open_experiment(store_driver.experiment(objective=CODE))
        moved = replace(CODE, path="/elsewhere/s.py", source="with a comment")
        joined = store.open_experiment(store_driver.experiment(objective=moved)).objective
        assert joined == replace(CODE, paths=("/elsewhere/s.py", CODE.path))
        assert store.open_experiment(store_driver.experiment(objective=CODE)).objective.paths[0] == CODE.path

    def test_one_of_concurrent_fingerprint_adoptions_wins(
        self, store_driver: StoreDriver, store: TrialStore
    ) -> None:
        store.open_experiment(
            store_driver.experiment(objective=replace(CODE, fingerprint=None, source=None, parts={}))
        )

        def join(objective: ObjectiveRef) -> bool:
            try:
                store.open_experiment(store_driver.experiment(objective=objective))
            except ExperimentMismatchError:
                return False
            return True

        with ThreadPoolExecutor(8) as pool:
            joined = list(pool.map(join, [CODE, CHANGED] * 8))
        kept = store.experiment(store_driver.exp_key).objective.fingerprint
        assert joined == [objective.fingerprint == kept for objective in [CODE, CHANGED] * 8]

    def test_concurrent_opens_create_one_experiment(
        self, store_driver: StoreDriver, store: TrialStore
    ) -> None:
        with ThreadPoolExecutor(6) as pool:
            opened = list(
                pool.map(lambda k: store.open_experiment(store_driver.experiment(seed=k)), range(6))
            )

        assert len({experiment.seed for experiment in opened}) == 1

    def test_missing_experiments_and_trials_raise_not_found(
        self, store_driver: StoreDriver, store: TrialStore
    ) -> None:
        for attempt in (
            lambda: store.experiment(store_driver.exp_key),
            lambda: store.set_experiment_state(store_driver.exp_key, ExperimentState.PAUSED),
            lambda: store.lead(store_driver.exp_key, "anna", 1),
            lambda: store.trial(store_driver.exp_key, 0),
        ):
            with pytest.raises(NotFoundError, match=store_driver.exp_key):
                attempt()

    def test_priority_defaults_to_one_and_survives_a_join(
        self, store_driver: StoreDriver, store: TrialStore
    ) -> None:
        assert store.open_experiment(store_driver.experiment()).priority == 1
        before = store.experiment(store_driver.exp_key)

        assert store.set_priority(store_driver.exp_key, 7) == replace(before, priority=7)
        assert store.open_experiment(store_driver.experiment(priority=3)).priority == 7
        assert (
            store.set_priority(store_driver.exp_key, 0).priority
            == store.experiment(store_driver.exp_key).priority
            == 0
        )

    def test_an_experiment_is_created_with_its_priority(
        self, store_driver: StoreDriver, store: TrialStore
    ) -> None:
        assert store.open_experiment(store_driver.experiment(priority=3)).priority == 3

    @pytest.mark.parametrize("priority", [-1, HIGHEST_PRIORITY + 1])
    def test_a_priority_out_of_range_is_refused(
        self, priority: int, store_driver: StoreDriver, store: TrialStore
    ) -> None:
        store.open_experiment(store_driver.experiment())
        for attempt in (
            lambda: store.set_priority(store_driver.exp_key, priority),
            lambda: store.open_experiment(
                replace(store_driver.experiment(priority=priority), exp_key="other")
            ),
        ):
            with pytest.raises(ValueError, match=str(priority)):
                attempt()
        assert store.experiment(store_driver.exp_key).priority == 1

    def test_setting_the_priority_of_a_missing_experiment_raises_not_found(
        self, store_driver: StoreDriver, store: TrialStore
    ) -> None:
        with pytest.raises(NotFoundError):
            store.set_priority(store_driver.exp_key, 2)


CODE = ObjectiveRef(
    kind="file", ref="s.py:f", path="/a/s.py", fingerprint="1" * 64, source="s", parts={"f()": "a", "N": "b"}
)


CHANGED = replace(CODE, path="/b/s.py", fingerprint="2" * 64, parts={"f()": "c", "N": "b"})
