"""Guarantee 19: several losses and limits of a trial."""

from __future__ import annotations

import math
from typing import Any

from hpsearch.core.goal import Goal
from hpsearch.core.outcomes import declared_outcomes, parse_limit, parse_objective
from hpsearch.core.trial import Result, State
from hpsearch.store.protocol import TrialStore
from hpsearch.testing.contract.driver import StoreDriver, StoreTests

OBJECTIVES = ("error:min", "a.b:max", "$ref:min")
LIMITS = ("memory_gb <= 8", "$ref >= -0.5")


class OutcomeContract(StoreTests):
    """Guarantee 19: losses and violations are read as they were written, and ranks respect limits."""

    def test_declared_outcomes_are_read_as_they_were_stored(
        self, store_driver: StoreDriver, store: TrialStore
    ) -> None:
        limits = list(map(parse_limit, LIMITS))
        goal = Goal(metric="accuracy", maximize=True)
        for i, objectives in enumerate((list(map(parse_objective, OBJECTIVES)), [])):
            outcomes = declared_outcomes(objectives, limits, goal)
            one = store_driver.beside(f"{store_driver.exp_key}-{i}")
            stored = store.open_experiment(one.experiment(goal=goal, outcomes=outcomes))
            assert stored.outcomes == outcomes

    def test_losses_and_violations_are_read_as_they_were_stored(
        self, store_driver: StoreDriver, store: TrialStore
    ) -> None:
        losses = {"error": math.inf, "a.b": -math.inf, "$ref": 0.5}
        store.open_experiment(store_driver.experiment())
        store_driver.insert(2)
        store.finish(
            store_driver.claim(),
            Result(loss=None, losses=losses, violations={"memory_gb": 2.0, "$ref": -math.inf}),
        )
        store.finish(store_driver.claim(), Result(loss=None, losses=losses, violations={}))

        [limited, free] = store.trials(store_driver.exp_key)

        assert (limited.state, limited.loss, limited.losses) == (State.DONE, None, losses)
        assert (limited.feasible, limited.violation) == (False, 2.0)
        assert limited.violations == {"memory_gb": 2.0, "$ref": -math.inf}
        assert (free.feasible, free.violation, free.violations) == (True, 0.0, {})
        assert list(store.points(store_driver.exp_key)) == [limited.point(), free.point()]
        assert store.summaries([store_driver.exp_key])[store_driver.exp_key].best is None

    def test_a_trial_that_exceeds_a_limit_has_no_rank(
        self, store_driver: StoreDriver, store: TrialStore
    ) -> None:
        store.open_experiment(store_driver.experiment())
        store_driver.insert(4)
        for loss, amount in ((1.0, 0.5), (3.0, -1.0), (2.0, 0.0), (0.0, math.inf)):
            store.finish(store_driver.claim(), Result(loss=loss, violations={"ms": amount}))

        def tids(**options: Any) -> list[int]:
            return [trial.tid for trial in store.trials(store_driver.exp_key, **options)]

        assert tids(sort="loss") == [2, 1]
        assert tids() == [0, 1, 2, 3]
        best = store.summaries([store_driver.exp_key])[store_driver.exp_key].best
        assert best is not None
        assert best.tid == 2
