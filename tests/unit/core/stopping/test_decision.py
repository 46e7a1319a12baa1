from __future__ import annotations

import math
from typing import Any

import pytest

from hpsearch.core.stopping.curve import curve_of
from hpsearch.core.stopping.decision import decide, share_of

#: Each stage passes a value on, with a little noise.
STAGE = {
    "mean": [0.0, 1.0, 0.0],
    "inverse": [0.01, 0.01, 0.01, 0.0, 0.0, 0.0],
    "variance": 0.01,
    "freedom": 20.0,
}
COMMON = {"version": 7, "min_resource": None, "max_resource": 27.0, "sign": 1.0}
AUTO: dict[str, Any] = COMMON | {
    "rule": "auto", "first_rung": 0, "stages": [STAGE] * 6, "scale": [0.1, 0.05, 1.0], "best": 0.042,
    "best_scaled": -1.0, "rivals": [], "delta": 0.05, "exempt": 0.05,
}  # fmt: skip
RANKED: dict[str, Any] = COMMON | {
    "rule": "asha", "cut_name": "best third",
    "brackets": [{"until": 0.5, "cuts": [[2, 0.5, 9]]}, {"until": 1.0, "cuts": [[3, 0.4, 4]]}],
}  # fmt: skip
THRESHOLD: dict[str, Any] = COMMON | {"rule": "threshold", "lower": None, "upper": 10.0}
RIVAL = {"tid": 3, "reports": [[fold, 0.5] for fold in range(6)]}
PAIRED: dict[str, Any] = COMMON | {"rule": "paired", "p": 0.1, "rival": RIVAL}


def test_a_hopeless_trial_stops_and_the_reason_is_a_sentence() -> None:
    verdict = decide(AUTO, curve_of((step, 0.9) for step in range(1, 10)), tid=1)
    assert verdict is not None
    assert verdict.is_stop
    assert verdict.reason == "at step 9 of 27: less than 0.1 % chance to beat 0.042"
    assert verdict.version == 7


def test_a_good_trial_goes_on_with_its_chance() -> None:
    verdict = decide(AUTO, curve_of([(1, 0.06), (2, 0.045), (3, 0.042)]), tid=1)
    assert verdict is not None
    assert not verdict.is_stop
    assert verdict.chance is not None
    assert 0.2 < verdict.chance < 0.8


def test_the_limit_of_the_chance_grows_with_the_step() -> None:
    uncertain = AUTO | {"stages": [STAGE | {"variance": 0.08}] * 6}
    early = decide(uncertain, curve_of([(1, 0.125)]), tid=1)
    late = decide(
        uncertain | {"stages": uncertain["stages"][:1], "first_rung": 5}, curve_of([(16, 0.125)]), tid=1
    )
    assert early is not None
    assert late is not None
    assert not early.is_stop
    assert late.is_stop


def test_one_trial_in_twenty_runs_to_its_end() -> None:
    curve = curve_of((step, 0.9) for step in range(1, 10))
    verdicts = [decide(AUTO, curve, tid) for tid in range(1000)]
    exempt = [tid for tid, verdict in enumerate(verdicts) if verdict is not None and not verdict.is_stop]
    assert len(exempt) == pytest.approx(50, abs=3)
    assert all(share_of(tid) < 0.05 for tid in exempt)


def test_a_trial_must_also_beat_a_running_rival() -> None:
    rival = [4, 9, -3.0, 0.01, 0.02]
    curve = curve_of([(1, 0.06), (2, 0.045), (3, 0.042)])
    against = decide(AUTO | {"rivals": [rival]}, curve, tid=1)
    assert against is not None
    assert against.is_stop
    assert "beat 0.02" in against.reason
    itself = decide(AUTO | {"rivals": [rival]}, curve, tid=9)
    assert itself is not None
    assert not itself.is_stop


@pytest.mark.parametrize("policy", [AUTO, RANKED, THRESHOLD, PAIRED])
def test_a_value_that_is_not_a_number_stops_at_once(policy: dict[str, Any]) -> None:
    verdict = decide(policy, curve_of([(1, 0.1), (1.5, math.nan)]), tid=0)
    assert verdict is not None
    assert verdict.is_stop
    assert verdict.reason == "at step 1.5 of 27: the value is nan"


@pytest.mark.parametrize("policy", [AUTO, RANKED, THRESHOLD, PAIRED])
def test_nothing_is_decided_between_rungs_or_at_the_end(policy: dict[str, Any]) -> None:
    assert decide(None, curve_of([(1, math.nan)]), tid=0) is None
    assert decide(policy, curve_of([]), tid=0) is None
    assert decide(policy, curve_of([(3, 0.9), (4, 9.0)]), tid=0) is None
    assert decide(policy, curve_of([(27, 99.0)]), tid=0) is None
    assert decide(policy | {"min_resource": 5.0}, curve_of([(3, 99.0)]), tid=0) is None


@pytest.mark.parametrize("policy", [AUTO, RANKED, PAIRED])
@pytest.mark.parametrize("damage", [None, "text", [], [[1]], {}])
def test_a_damaged_policy_stops_no_trial(policy: dict[str, Any], damage: Any) -> None:
    curve = curve_of((step, 0.9) for step in range(1, 4))
    for field in policy.keys() - {"min_resource", "max_resource", "sign", "version"}:
        damaged = {name: value for name, value in policy.items() if name != field}
        for broken in (damaged, damaged | {field: damage}):
            verdict = decide(broken, curve, tid=1)
            assert verdict is None or not verdict.is_stop or field in {"exempt", "rivals"}


def test_a_rank_counts_in_the_bracket_of_the_trial() -> None:
    curve = curve_of([(3, 0.6)])
    first, second = (next(tid for tid in range(9) if (share_of(tid) < 0.5) is low) for low in (True, False))
    verdict = decide(RANKED, curve, first)
    assert verdict is not None
    assert verdict.reason == "at step 3 of 27: 0.6 is worse than 0.5, the best third of 9 trials"
    assert decide(RANKED, curve, second) is None


def test_higher_values_may_be_better() -> None:
    verdict = decide(RANKED | {"sign": -1.0}, curve_of([(3, 0.4)]), tid=0)
    assert verdict is not None
    assert verdict.is_stop


def test_a_threshold_stops_at_any_step() -> None:
    verdict = decide(THRESHOLD, curve_of([(3, 1.0), (4, 13.0)]), tid=0)
    assert verdict is not None
    assert verdict.reason == "at step 4 of 27: 13 is above 10"


def test_folds_are_compared_in_pairs_with_the_best_trial() -> None:
    worse = decide(PAIRED, curve_of((fold, 0.6 + 0.01 * fold) for fold in range(4)), tid=0)
    assert worse is not None
    assert worse.reason == "at step 3 of 27: worse than trial 3 at 4 steps (p = 0.062)"
    assert decide(PAIRED, curve_of((fold, 0.6) for fold in range(3)), tid=0) is None
    assert decide(PAIRED, curve_of((fold, 0.4) for fold in range(4)), tid=0) is None
