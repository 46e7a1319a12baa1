"""What a worker decides about a trial at its reports."""

from __future__ import annotations

from typing import Any

import pytest

from hpsearch.core.experiment import Experiment, ObjectiveRef
from hpsearch.core.stopping.decision import Policy
from hpsearch.core.trial import Report, Trial
from hpsearch.errors import StoreUnavailableError
from hpsearch.store.memory.store import MemoryStore
from hpsearch_worker.pruning import OBEY_WITHIN_S, Judge, Policies

TRIAL = Trial(exp_key="e", tid=0, values={})
#: Stops trials whose value at step 3 is above 0.5.
CUT = {
    "version": 4,
    "rule": "asha",
    "max_resource": 27.0,
    "min_resource": None,
    "sign": 1.0,
    "cut_name": "best third",
    "brackets": [{"until": 1.0, "cuts": [[2, 0.5, 9]]}],
}


def judge(policy: Policy | None, values: list[float], trial: Trial = TRIAL) -> tuple[Judge, list[bool]]:
    made = Judge(trial, lambda: policy)
    first = len(trial.reports) + 1
    return made, [made.add(Report(step=step, value=value)) for step, value in enumerate(values, first)]


def test_a_trial_is_stopped_at_a_rung_and_stays_so() -> None:
    found, is_news = judge(CUT, [0.9, 0.8, 0.7, 0.1, 0.1])
    assert found.stop_reason == "at step 3 of 27: 0.7 is worse than 0.5, the best third of 9 trials"
    assert found.verdict is not None
    assert found.verdict.version == 4
    assert is_news == [True, True, True, False, True]
    assert [rung.step for rung in found.rungs] == [1, 2, 3, 5]


@pytest.mark.parametrize("policy", [None, {}, {"version": 1, "rule": "none"}, {**CUT, "brackets": 7}])
def test_a_missing_or_damaged_policy_stops_no_trial(policy: Any) -> None:
    found, _ = judge(policy, [0.9] * 26)
    assert found.stop_reason is None
    assert len(found.rungs) == 6


def test_a_resumed_trial_is_judged_with_the_reports_that_it_kept() -> None:
    kept = tuple(Report(step=step, value=0.9) for step in (1, 2))
    found, _ = judge(CUT, [0.8], Trial(exp_key="e", tid=0, values={}, reports=kept))
    assert found.stop_reason is not None
    assert [rung.step for rung in found.rungs] == [1, 2, 3]


def test_a_verdict_is_ignored_if_the_trial_goes_on_for_a_while() -> None:
    seconds = 100.0
    found = Judge(TRIAL, lambda: CUT, lambda: seconds)
    for step in (1, 2, 3):
        assert not found.is_ignored()
        found.add(Report(step=step, value=0.9))
    assert not found.is_ignored()
    seconds += OBEY_WITHIN_S
    assert found.is_ignored()


class AwayStore(MemoryStore):
    """Raises while it is away."""

    is_away = False

    def policy(self, exp_key: str, known_version: int | None = None) -> Any:
        if self.is_away:
            raise StoreUnavailableError("away")
        return super().policy(exp_key, known_version)


def test_the_old_policy_is_used_while_the_store_is_away() -> None:
    store = AwayStore()
    policies = Policies(store)
    reference = ObjectiveRef(kind="import", ref="m:f")
    store.open_experiment(Experiment(exp_key="e", space={}, space_fingerprint="f", objective=reference))
    store.lead("e", "leader", 60)
    policies.refresh(TRIAL)
    assert policies.of(TRIAL) is None
    store.publish_policy("e", CUT, "leader")
    policies.refresh(TRIAL)
    store.is_away = True
    policies.refresh(TRIAL)
    assert policies.of(TRIAL) == CUT
