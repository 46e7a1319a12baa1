"""Trials that exceed a limit are in no number that is about the best trials."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import hpsearch
from hpsearch.coordination.trial_state import TrialState
from hpsearch.core.experiment import Experiment, ObjectiveRef
from hpsearch.core.outcomes import Outcomes
from hpsearch.core.trial import Trial
from hpsearch.errors import ConfigurationError
from hpsearch.report.explanation import read_explanation
from hpsearch.report.stored_search import StoredSearch
from hpsearch.report.summary import losses_in_order
from hpsearch.space.tree import Space
from hpsearch.store.memory.store import MemoryStore
from tests.support.declared_outcomes import declared, done

SPACE = Space({"kind": hpsearch.hp.choice("kind", ["a", "b"])})
LIMITED = declared(limits=["ms <= 20"])
TWO = declared(["error:min", "accuracy:max"])


def trials() -> list[Trial]:
    """Return trials of which those of kind b, with the lowest losses, exceed the limit."""
    return [done(i, 1.0 - i / 100, {"ms": 1.0 if i % 2 else -1.0}, values={"kind": i % 2}) for i in range(30)]


def stored(outcomes: Outcomes, finished: list[Trial]) -> tuple[MemoryStore, Experiment]:
    store = MemoryStore()
    experiment = Experiment(
        exp_key="search",
        space=SPACE.to_json(),
        space_fingerprint=SPACE.fingerprint,
        objective=ObjectiveRef(kind="file", ref="search.py:objective"),
        outcomes=outcomes,
    )
    opened = store.open_experiment(experiment)
    store.insert(finished)
    return store, opened


def test_forecasts_and_comparisons_have_no_infeasible_loss() -> None:
    expected = [1.0 - i / 100 if i % 2 == 0 else np.nan for i in range(30)]
    assert np.array_equal(losses_in_order(trials()), expected, equal_nan=True)
    state = TrialState(SPACE, trials(), outcomes=LIMITED)
    assert np.array_equal(state.counted_losses, expected, equal_nan=True)
    assert state.best is not None
    assert state.best.tid == 28


def test_an_explanation_takes_the_best_of_each_option_from_feasible_trials() -> None:
    found = read_explanation(*stored(LIMITED, trials()))
    assert [(o.option, o.best, o.n) for o in found.options] == [
        ("a", pytest.approx(0.72), 15),
        ("b", None, 0),
    ]
    assert found.progress.best is not None
    assert found.progress.best.tid == 28


def test_a_loaded_search_with_several_objectives_has_a_front_and_its_knee() -> None:
    losses = [{"error": trial.loss or 0.0, "accuracy": trial.tid % 3 / 3} for trial in trials()]
    several = [
        replace(trial, loss=None, losses=of, violations={})
        for trial, of in zip(trials(), losses, strict=True)
    ]
    store, experiment = stored(TWO, several)
    search = StoredSearch(store, experiment)
    assert [trial.tid for trial in search.front] == [29]
    assert search.best.tid == 29
    assert search.best.losses is not None
    with pytest.raises(ConfigurationError, match=r"see best\.losses"):
        assert search.best_value
    explained = read_explanation(store, experiment)
    assert [one.n_trials for one in explained.importances] == [30, 30]
    with pytest.raises(ConfigurationError, match="one objective"):
        assert StoredSearch(*stored(LIMITED, trials())).front
