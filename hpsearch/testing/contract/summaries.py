"""Summaries of many experiments in one call."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from hpsearch.core.trial import FINISHED, Result, State
from hpsearch.store.protocol import RECENT_TRIALS, TrialStore, TrialSummary
from hpsearch.testing.contract.driver import IMPORTED_AT, StoreDriver, StoreTests


class SummaryContract(StoreTests):
    """A summary agrees with reading the trials of each experiment."""

    @pytest.mark.parametrize("seed", range(8))
    def test_summaries_agree_with_reading_each_experiment(self, store_driver: StoreDriver, seed: int) -> None:
        rng = random.Random(seed)
        drivers = [store_driver.beside(f"{store_driver.exp_key}-{i}") for i in range(3)]
        for one in drivers:
            one.store.open_experiment(one.experiment())
            states = rng.choices(STATES, k=rng.randint(0, 8))
            one.store.insert(
                [
                    one.trial(
                        tid,
                        params={"x": tid / 2},
                        state=state,
                        loss=rng.choice(LOSSES) if state is State.DONE else None,
                        finished_at=IMPORTED_AT.replace(minute=rng.randint(0, 59))
                        if state.is_final
                        else None,
                    )
                    for tid, state in enumerate(states)
                ]
            )
        found = store_driver.store.summaries([one.exp_key for one in drivers])
        assert found.keys() == {one.exp_key for one in drivers}
        for one in drivers:
            assert found[one.exp_key] == summarized(one)

    def test_the_recent_rate_covers_the_trials_suggested_last(
        self, store_driver: StoreDriver, store: TrialStore
    ) -> None:
        store.open_experiment(store_driver.experiment())
        n = RECENT_TRIALS + 5
        store.insert(
            [
                store_driver.trial(
                    t, state=State.FAILED, finished_at=IMPORTED_AT.replace(hour=t // 60, minute=t % 60)
                )
                for t in range(n)
            ]
        )
        summary = store.summaries([store_driver.exp_key])[store_driver.exp_key]
        assert summary.n_recent == RECENT_TRIALS
        assert (summary.recent_since, summary.recent_until) == (
            IMPORTED_AT.replace(minute=5),
            IMPORTED_AT.replace(minute=n - 1),
        )

    def test_summaries_count_running_trials_and_show_results_at_once(
        self, store_driver: StoreDriver, store: TrialStore
    ) -> None:
        store.open_experiment(store_driver.experiment())
        store_driver.insert(2)
        trial = store_driver.claim()
        assert store.summaries([store_driver.exp_key])[store_driver.exp_key].counts[State.RUNNING] == 1
        store.finish(trial, Result(loss=0.5))
        summary = store.summaries([store_driver.exp_key])[store_driver.exp_key]
        assert (summary.best.tid, summary.best.loss, summary.n_recent) == (trial.tid, 0.5, 1)

    @pytest.mark.parametrize("keys", [[], ["missing"]])
    def test_a_missing_experiment_has_no_trials(self, store: TrialStore, keys: list[str]) -> None:
        nothing = TrialSummary(counts=dict.fromkeys(State, 0))
        assert store.summaries(keys) == dict.fromkeys(keys, nothing)

    def test_omit_space_changes_nothing_but_the_spaces(
        self, store_driver: StoreDriver, store: TrialStore
    ) -> None:
        opened = store.open_experiment(store_driver.experiment())
        assert opened.space
        (found,) = [e for e in store.experiments(omit_space=True) if e.exp_key == store_driver.exp_key]
        assert found == replace(opened, space={})


LOSSES = (0.0, -1.5, 7.25, float("inf"), float("-inf"))


STATES = (State.DONE, State.FAILED, State.CANCELLED, State.PENDING)


def summarized(store_driver: StoreDriver) -> TrialSummary:
    """Return the summary of an experiment, computed from its trials."""
    newest = list(store_driver.store.trials(store_driver.exp_key, sort="newest", limit=RECENT_TRIALS))
    times = [t.finished_at for t in newest if t.state in FINISHED and t.finished_at]
    best = next(store_driver.store.trials(store_driver.exp_key, sort="loss", limit=1), None)
    points = {point.tid: point for point in store_driver.store.points(store_driver.exp_key)}
    return TrialSummary(
        counts=store_driver.store.counts(store_driver.exp_key),
        best=best and replace(points[best.tid], params=best.params),
        n_recent=len(times),
        recent_since=min(times, default=None),
        recent_until=max(times, default=None),
    )
