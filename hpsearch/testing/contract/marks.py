"""Marks of invalid trials, revisions of an experiment (15), notes and tags (17)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hpsearch.core.trial import Result, State
from hpsearch.errors import NotFoundError
from hpsearch.store.protocol import TrialStore
from hpsearch.testing.contract.driver import DONE, FAILED, StoreDriver, StoreTests


class MarkContract(StoreTests):
    """15 and 17: a mark keeps a result out of the counts and the best; notes and tags change nothing else."""

    def test_an_invalid_trial_keeps_its_result_and_shows_its_mark(
        self, store_driver: StoreDriver, store: TrialStore
    ) -> None:
        _finish(store_driver, DONE, FAILED)
        before = list(store.trials(store_driver.exp_key))
        assert store.mark_invalid(store_driver.exp_key, [0, 1], "a $broken GPU") == 2
        after = list(store.trials(store_driver.exp_key))
        assert [replace(trial, invalid=None) for trial in after] == before
        assert [trial.invalid and trial.invalid.why for trial in after] == ["a $broken GPU"] * 2
        points = store.points(store_driver.exp_key)
        assert [point.invalid for point in points] == [trial.invalid for trial in after]
        assert all(trial.invalid and trial.invalid.at.tzinfo for trial in after)

    def test_an_invalid_trial_is_in_no_count_and_never_the_best(
        self, store_driver: StoreDriver, store: TrialStore
    ) -> None:
        _finish(store_driver, Result(loss=1.0), Result(loss=2.0), FAILED, FAILED)
        store.mark_invalid(store_driver.exp_key, [0, 2], "")
        counts = store.counts(store_driver.exp_key)
        summary = store.summaries([store_driver.exp_key])[store_driver.exp_key]
        assert (counts[State.DONE], counts[State.FAILED]) == (1, 1)
        assert store.counts(store_driver.exp_key, {State.DONE}) == {**dict.fromkeys(State, 0), State.DONE: 1}
        assert (summary.counts, summary.n_invalid) == (counts, 2)
        assert store.n_invalid(store_driver.exp_key) == 2
        assert summary.best.tid == 1
        assert [trial.tid for trial in store.trials(store_driver.exp_key, sort="loss")] == [1]

    def test_a_mark_can_be_removed(self, store_driver: StoreDriver, store: TrialStore) -> None:
        _finish(store_driver, DONE)
        before, counts = store.trial(store_driver.exp_key, 0), store.counts(store_driver.exp_key)
        store.mark_invalid(store_driver.exp_key, [0], "wrong")
        assert store.mark_invalid(store_driver.exp_key, [0], None) == 1
        assert store.trial(store_driver.exp_key, 0) == before
        assert (store.counts(store_driver.exp_key), store.n_invalid(store_driver.exp_key)) == (counts, 0)

    def test_repeating_a_mark_changes_nothing(self, store_driver: StoreDriver, store: TrialStore) -> None:
        _finish(store_driver, DONE)
        store.mark_invalid(store_driver.exp_key, [0], "first")
        marked = store.trial(store_driver.exp_key, 0)
        assert store.mark_invalid(store_driver.exp_key, [0], "second") == 0
        assert store.trial(store_driver.exp_key, 0) == marked

    def test_only_finished_trials_can_be_marked(self, store_driver: StoreDriver, store: TrialStore) -> None:
        _finish(store_driver, DONE)
        store.insert([store_driver.trial(tid) for tid in (1, 2)])
        store_driver.claim()
        store.cancel(store_driver.exp_key, {State.PENDING})
        assert store.mark_invalid(store_driver.exp_key, [1, 2, 99], "no") == 0
        assert all(trial.invalid is None for trial in store.trials(store_driver.exp_key))

    def test_marks_and_calls_of_revise_raise_the_revision(
        self, store_driver: StoreDriver, store: TrialStore
    ) -> None:
        _finish(store_driver, DONE)
        seen = [store.experiment(store_driver.exp_key).revision]
        for change in (
            lambda: store.mark_invalid(store_driver.exp_key, [0], "why"),
            lambda: store.mark_invalid(store_driver.exp_key, [0], "again"),
            lambda: store.mark_invalid(store_driver.exp_key, [0], None),
            lambda: store.revise(store_driver.exp_key),
        ):
            change()
            seen.append(store.experiment(store_driver.exp_key).revision)
        assert seen == sorted(set(seen))
        joined = store.open_experiment(store_driver.experiment())
        assert joined.revision == seen[-1]

    def test_a_missing_experiment_has_no_marks(self, store: TrialStore) -> None:
        with pytest.raises(NotFoundError):
            store.mark_invalid("missing", [0], "why")
        with pytest.raises(NotFoundError):
            store.revise("missing")
        assert store.n_invalid("missing") == 0

    def test_some_open_trials_can_be_cancelled(self, store_driver: StoreDriver, store: TrialStore) -> None:
        store.open_experiment(store_driver.experiment())
        store_driver.insert(4)
        store_driver.claim()
        open_states = {State.PENDING, State.RUNNING}
        assert store.cancel(store_driver.exp_key, open_states, tids=[0, 2, 9]) == 2
        assert store.cancel(store_driver.exp_key, open_states, tids=[]) == 0
        states = [trial.state for trial in store.trials(store_driver.exp_key)]
        assert states == [State.CANCELLED, State.PENDING, State.CANCELLED, State.PENDING]

    def test_notes_and_tags_can_be_set_and_removed_at_any_time(
        self, store_driver: StoreDriver, store: TrialStore
    ) -> None:
        """17: also those of a final trial, and of an experiment."""
        _finish(store_driver, DONE)
        key, before = store_driver.exp_key, store.trial(store_driver.exp_key, 0)
        store.annotate(key, 0, note="too $good", add=["b", "$a", "b"])
        assert store.trial(key, 0) == replace(before, note="too $good", tags=("$a", "b"))
        store.annotate(key, 0, add=["c"], remove=["b", "unknown"])
        assert store.trial(key, 0) == replace(before, note="too $good", tags=("$a", "c"))
        store.annotate(key, 0, note="", remove=["$a", "c"])
        assert store.trial(key, 0) == before
        store.annotate(key, 0)
        with pytest.raises(NotFoundError):
            store.annotate(key, 1, note="x")
        with pytest.raises(NotFoundError):
            store.annotate("missing", add=["x"])

    def test_an_experiment_keeps_its_note_and_tags_when_it_is_joined(
        self, store_driver: StoreDriver, store: TrialStore
    ) -> None:
        """17."""
        experiment = store_driver.experiment()
        opened = store.open_experiment(experiment)
        store.annotate(opened.exp_key, note="a baseline", add=["paper"])
        joined = store.open_experiment(experiment)
        assert (joined.note, joined.tags) == ("a baseline", ("paper",))
        store.annotate(opened.exp_key, note="", remove=["paper"])
        assert store.experiment(opened.exp_key).tags == ()


def _finish(store_driver: StoreDriver, *results: Result) -> None:
    """Store trials with these results, numbered from 0."""
    store_driver.store.open_experiment(store_driver.experiment())
    store_driver.insert(len(results))
    for result in results:
        store_driver.store.finish(store_driver.claim(), result)
