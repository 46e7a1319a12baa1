"""Experiments get claims in proportion to their priorities, over any number of workers."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hpsearch.core.experiment import Experiment, ObjectiveRef
from hpsearch_worker.fair_share import FairShare

PRIORITIES = st.dictionaries(st.sampled_from("abcdefgh"), st.integers(1, 20), min_size=1)
SEEDS = st.integers(0, 2**32)


def experiments(priorities: Mapping[str, int]) -> list[Experiment]:
    return [
        Experiment(
            exp_key=key,
            space={},
            space_fingerprint="",
            objective=ObjectiveRef(kind="import", ref="m:f"),
            priority=priority,
        )
        for key, priority in priorities.items()
    ]


def take(share: FairShare, served: list[Experiment], waiting: Iterable[str] | None = None) -> str | None:
    """Claim a trial of the first due experiment in ``waiting``; by default, of the first one."""
    with share.claiming(served) as order:
        has_trials = order.exp_keys if waiting is None else set(waiting)
        order.claimed_from = next((key for key in order.exp_keys if key in has_trials), None)
    return order.claimed_from


def begun(priorities: Mapping[str, int], seed: int) -> FairShare:
    """Return the order of a worker once each experiment had its first claim, whose time is random."""
    share, first_claims = FairShare(random.Random(seed)), set(priorities)
    while first_claims:
        first_claims.discard(take(share, experiments(priorities)))
    return share


def part(priorities: Mapping[str, int], key: str) -> float:
    return priorities[key] / sum(priorities.values())


def off_by(priorities: Mapping[str, int], key: str) -> float:
    """Return by how many claims an experiment may miss its share, up to rounding."""
    return 1 + len(priorities) * part(priorities, key) + 1e-6


@example({"d": 1, "g": 17, "a": 6, "c": 14, "b": 6, "e": 1, "h": 10, "f": 6}, 19, 300)
@given(PRIORITIES, SEEDS, st.integers(1, 300))
def test_each_experiment_gets_its_share_of_any_number_of_claims(priorities: Any, seed: int, n: int) -> None:
    """After its first claim, to within one claim plus its share of one claim for each experiment."""
    share, served = begun(priorities, seed), experiments(priorities)
    counts = Counter(take(share, served) for _ in range(n))
    for key in priorities:
        assert abs(counts[key] - n * part(priorities, key)) <= off_by(priorities, key)


@pytest.mark.parametrize("priorities", [{"a": 1, "b": 1, "c": 1}, {"a": 1, "b": 3}, {"a": 5, "b": 2, "c": 2}])
def test_workers_that_take_one_trial_each_are_fair_together(priorities: dict[str, Any]) -> None:
    """As on a batch system, where each worker evaluates one trial."""
    n = 6000
    counts = Counter(take(FairShare(random.Random(seed)), experiments(priorities)) for seed in range(n))
    for key, priority in priorities.items():
        expected = n * priority / sum(priorities.values())
        assert abs(counts[key] - expected) < 5 * expected**0.5


@given(PRIORITIES, SEEDS, st.data())
def test_an_order_contains_every_experiment_once_and_the_first_with_a_trial_is_charged(
    priorities: Any, seed: int, data: st.DataObject
) -> None:
    share, served = FairShare(random.Random(seed)), experiments(priorities)
    for _ in range(10):
        waiting = data.draw(st.sets(st.sampled_from(sorted(priorities))))
        with share.claiming(served) as order:
            assert sorted(order.exp_keys) == sorted(priorities)
        assert (take(share, served, waiting) is None) == (not waiting)


@given(st.integers(1, 20), st.integers(1, 20), st.integers(0, 500), SEEDS)
def test_an_experiment_makes_up_for_at_most_one_missed_claim(
    p: int, q: int, n_missed: int, seed: int
) -> None:
    priorities = {"a": p, "b": q}
    share, served = begun(priorities, seed), experiments(priorities)
    for _ in range(n_missed):
        take(share, served, {"b"})
    counts = Counter(take(share, served) for _ in range(p + q))
    assert abs(counts["a"] - p) <= 1 + off_by(priorities, "a")


@given(PRIORITIES, st.integers(0, 300), SEEDS)
def test_a_new_experiment_neither_waits_for_old_ones_nor_delays_them(
    priorities: Any, n_before: int, seed: int
) -> None:
    share = begun(priorities, seed)
    for _ in range(n_before):
        take(share, experiments(priorities))
    together, n = {**priorities, "new": 2}, 200
    counts = Counter(take(share, experiments(together)) for _ in range(n))
    # Its first due time is random; one that is 20 claims late occurs once in 500 million draws.
    most = n * part(together, "new") + off_by(together, "new")
    assert most - 2 * off_by(together, "new") - 20 <= counts["new"] <= most


@given(PRIORITIES, SEEDS)
def test_an_experiment_of_priority_0_gets_only_claims_that_no_other_needs(priorities: Any, seed: int) -> None:
    share, served = FairShare(random.Random(seed)), experiments({**priorities, "y": 0, "z": 0})
    assert {take(share, served) for _ in range(50)} <= set(priorities)
    assert {take(share, served, {"y", "z"}) for _ in range(60)} == {"y", "z"}
    assert take(share, served) in priorities


@given(st.integers(1, 9), SEEDS)
def test_a_changed_priority_counts_from_the_next_claim_on(priority: int, seed: int) -> None:
    share, changed = begun({"a": 1, "b": 1}, seed), {"a": priority, "b": 1}
    counts = Counter(take(share, experiments(changed)) for _ in range(10 * (priority + 1)))
    # The present due times do not change.
    assert abs(counts["b"] - 10) <= 1 + off_by(changed, "b")


def test_concurrent_slots_ask_different_experiments_first() -> None:
    share, served = FairShare(random.Random(0)), experiments(dict.fromkeys("abcd", 1))
    asked, all_asked = [], threading.Barrier(4)

    def slot() -> None:
        with share.claiming(served) as order:
            asked.append(order.exp_keys[0])
            all_asked.wait(30)
            order.claimed_from = order.exp_keys[0]

    for _ in range(5):
        take(share, served)
    slots = [threading.Thread(target=slot) for _ in range(4)]
    for thread in slots:
        thread.start()
    for thread in slots:
        thread.join()
    assert len(set(asked)) >= 3


def test_a_failed_claim_is_not_charged() -> None:
    share, served = FairShare(random.Random(1)), experiments({"a": 1, "b": 1})
    first = take(share, served)
    for _ in range(50):
        with pytest.raises(OSError, match="away"), share.claiming(served):
            raise OSError("away")
    counts = Counter(take(share, served) for _ in range(10))
    assert first in counts
    assert abs(counts["a"] - counts["b"]) <= 2


def test_a_deleted_experiment_is_forgotten_and_no_experiment_is_no_error() -> None:
    share = FairShare(random.Random(2))
    take(share, experiments({"a": 1, "b": 1}))
    assert {take(share, experiments({"b": 1})) for _ in range(3)} == {"b"}
    assert take(share, []) is None
