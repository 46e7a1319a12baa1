"""Guarantee 18: policies of a pruner, and its verdicts."""

from __future__ import annotations

from dataclasses import replace
from math import inf

from hpsearch.core.experiment import Budget, PruneMode, Pruner
from hpsearch.core.stopping.curve import RungValue
from hpsearch.core.stopping.verdict import Verdict
from hpsearch.core.trial import Report
from hpsearch.store.protocol import TrialStore
from hpsearch.testing.contract.driver import DONE, StoreDriver, StoreTests

RUNGS = (RungValue(0, 1.0, 0.5), RungValue(1, 2.0, inf), RungValue(2, 3.0, 0.25))
VERDICT = Verdict(is_stop=True, step=3.0, value=0.25, reason="at step 3: $hopeless", version=7, chance=0.013)


class StoppingContract(StoreTests):
    """Guarantee 18: a policy comes from the leader alone; verdicts are stored with their reports."""

    def test_a_report_is_stored_with_its_rungs_and_verdict(
        self, store_driver: StoreDriver, store: TrialStore
    ) -> None:
        store_driver.insert()
        trial = store_driver.claim()

        store.report(trial, [Report(step=1, value=0.5)], rungs=RUNGS[:1])
        store.report(trial, [Report(step=3, value=0.25)], rungs=RUNGS, verdict=VERDICT)
        store.report(trial, [Report(step=4, value=0.2)])

        stored = store_driver.read(trial)
        assert (stored.rungs, stored.verdict, len(stored.reports)) == (RUNGS, VERDICT, 3)

    def test_a_claim_keeps_the_rungs_up_to_the_checkpoint_and_no_verdict(
        self, store_driver: StoreDriver, store: TrialStore
    ) -> None:
        store_driver.insert(2)
        for with_checkpoint in (True, False):
            trial = store_driver.claim()
            store.report(trial, [Report(step=3, value=0.25)], rungs=RUNGS, verdict=VERDICT)
            if with_checkpoint:
                store.save_checkpoint(trial, 2.5, data=b"data")
            store.release(trial, "draining")

            again = store_driver.claim()

            assert again.tid == trial.tid
            assert again.rungs == (RUNGS[:2] if with_checkpoint else ())
            assert again.verdict is None

    def test_curves_have_the_rungs_and_the_last_report(
        self, store_driver: StoreDriver, store: TrialStore
    ) -> None:
        store_driver.insert(3)
        trial = store_driver.claim()
        store.report(trial, [Report(step=step, value=1 / step) for step in (1, 2, 4)], rungs=RUNGS)
        store.finish(trial, DONE)

        first, second, _ = store.curves(store_driver.exp_key)
        assert (first.state, first.loss, first.rungs) == (store_driver.read(trial).state, DONE.loss, RUNGS)
        assert [(report.step, report.value) for report in first.reports] == [(4, 0.25)]
        assert (second.rungs, second.reports) == ((), ())
        (whole,) = store.curves(store_driver.exp_key, tids=[0, 9], all_reports=True)
        assert [report.step for report in whole.reports] == [1, 2, 4]

    def test_only_the_leader_publishes_a_policy(self, store_driver: StoreDriver, store: TrialStore) -> None:
        key = store.open_experiment(store_driver.experiment()).exp_key
        policy = {"version": 1, "rule": "asha", "brackets": [{"until": 1.0, "cuts": [[0, 0.5, 9]]}]}
        assert store.policy(key) is None
        assert not store.publish_policy(key, policy, "a stranger")
        store.lead(key, "leader", 60)

        assert not store.publish_policy(key, policy, "another")
        assert store.policy(key) is None
        for _ in range(2):
            assert store.publish_policy(key, policy, "leader")

        assert store.policy(key) == policy
        assert store.policy(key, known_version=1) is None
        assert store.publish_policy(key, {"version": 2, "rule": "$none"}, "leader")
        assert store.policy(key, known_version=1) == {"version": 2, "rule": "$none"}

    def test_a_policy_is_deleted_with_its_experiment(
        self, store_driver: StoreDriver, store: TrialStore
    ) -> None:
        key = store.open_experiment(store_driver.experiment()).exp_key
        store.lead(key, "leader", 60)
        store.publish_policy(key, {"version": 1}, "leader")

        store.delete_experiment(key)
        store.open_experiment(store_driver.experiment())

        assert store.policy(key) is None

    def test_joining_stores_the_pruner(self, store_driver: StoreDriver, store: TrialStore) -> None:
        pruner = Pruner(name="asha", options={"eta": 4}, max_resource=81.0, mode=PruneMode.KILL)
        first = store_driver.experiment(pruner=pruner, budget=Budget(max_steps=100.0))
        opened = store.open_experiment(first)
        assert (opened.pruner, opened.budget.max_steps) == (pruner, 100)

        joined = store.open_experiment(replace(first, pruner=Pruner()))

        assert joined.pruner == Pruner()
        assert store.experiment(first.exp_key).pruner == Pruner()
