"""Replaced methods of ``MongoTrials`` are called as by Hyperopt's driver."""

from __future__ import annotations

import functools
from collections import Counter
from typing import Any

import pytest

from hpsearch.core.trial import State
from hpsearch.hyperopt import fmin, hp, rand, tpe
from hpsearch.hyperopt.engine.documents import JOB_STATE_DONE, spec_from_misc
from hpsearch.hyperopt.mongo.jobs import MongoJobs
from hpsearch.hyperopt.mongoexp import MongoTrials
from tests.support.importable_objectives import square
from tests.support.thread_worker import ThreadWorker

SPACE = {"x": hp.uniform("x", -5, 5)}
INSERTION = (
    "new_trial_ids",
    "new_trial_docs",
    "insert_trial_docs",
    "assert_valid_trial",
    "_insert_trial_docs",
)


def search(
    trials: Any | MongoTrials | Any | Any,
    algo: Any = tpe.suggest,
    max_evals: Any = 6,
    **options: Any,
) -> Any:
    given = {"rstate": 1, "show_progressbar": False, **options}
    return fmin(square, SPACE, algo, max_evals, trials=trials, **given)


def counted(name: str, calls: Any) -> Any:
    @functools.wraps(getattr(MongoTrials, name))
    def method(self: Any, *arguments: Any, **keywords: Any) -> Any:
        calls[name] += 1
        return getattr(super(type(self), self), name)(*arguments, **keywords)

    return method


def custom_algorithm(new_ids: Any, domain: Any, trials: Any, seed: Any) -> Any:
    """An algorithm that exists only in the script."""
    return rand.suggest(new_ids, domain, trials, seed)


@pytest.mark.parametrize("algo", [tpe.suggest, custom_algorithm])
def test_every_trial_passes_through_each_replaced_method(jobs: MongoJobs, algo: Any) -> None:
    calls: Counter[str] = Counter()
    hooked = type("Hooked", (MongoTrials,), {name: counted(name, calls) for name in INSERTION})
    trials = hooked(jobs, exp_key="hooked")
    with ThreadWorker(jobs.store):
        search(trials, algo)
    n_inserted = sum(jobs.store.counts("hooked").values())
    assert n_inserted >= 6
    if algo is custom_algorithm:  # it gets several numbers in one call, as Hyperopt does for a queue
        assert 1 <= calls.pop("new_trial_ids") <= n_inserted
    assert calls == {name: n_inserted for name in INSERTION if name in calls}
    assert len(calls) >= len(INSERTION) - 1


def test_hooks_change_neither_suggestions_nor_other_fields_of_trials(jobs: MongoJobs) -> None:
    class Hooked(MongoTrials):
        def _insert_trial_docs(self, docs: Any) -> Any:
            return super()._insert_trial_docs(docs)

    with ThreadWorker(jobs.store):
        search(Hooked(jobs, exp_key="hooked"), rand.suggest)
        search(MongoTrials(jobs, exp_key="plain"), rand.suggest)
    with_hooks, without = (
        [(t.tid, t.values, t.origin, t.params, t.max_attempts, t.lease_s) for t in jobs.store.trials(key)][:6]
        for key in ("hooked", "plain")
    )
    assert with_hooks == without


def test_a_hook_may_change_points_and_numbers(jobs: MongoJobs) -> None:
    class Rounded(MongoTrials):
        def new_trial_ids(self, n: Any) -> list[int]:
            return [100 + tid if tid < 100 else tid for tid in super().new_trial_ids(n)]

        def _insert_trial_docs(self, docs: Any) -> Any:
            for doc in docs:
                doc["misc"]["vals"]["x"] = [float(round(doc["misc"]["vals"]["x"][0]))]
            return super()._insert_trial_docs(docs)

    trials = Rounded(jobs, exp_key="rounded")
    with ThreadWorker(jobs.store):
        search(trials)
    assert [tid >= 100 for tid in trials.tids] == [True] * len(trials)
    assert all(spec_from_misc(misc)["x"].is_integer() for misc in trials.miscs)
    assert [trial.state for trial in jobs.store.trials("rounded")].count(State.DONE) >= 6


def test_a_replaced_refresh_sees_finished_trials_during_the_search(jobs: MongoJobs) -> None:
    seen = []

    class Seeing(MongoTrials):
        def refresh(self) -> None:
            super().refresh()
            seen.append(self.count_by_state_synced(JOB_STATE_DONE))

    trials = Seeing(jobs, exp_key="seeing")
    times = iter(range(1_000_000))
    trials.clock = lambda: float(next(times))  # a second for each call, so that every poll is due
    with ThreadWorker(jobs.store):
        search(trials, max_evals=8)
    assert seen[-1] == 8
    assert len(set(seen)) > 2
    assert seen == sorted(seen)


@pytest.mark.parametrize("where", ["class", "object"])
def test_patched_methods_are_called(jobs: MongoJobs, monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    calls: list[Any] = []
    original = MongoTrials._insert_trial_docs

    def patched(self: Any, docs: Any) -> Any:
        calls.extend(doc["tid"] for doc in docs)
        return original(self, docs)

    trials = MongoTrials(jobs, exp_key="patched")
    if where == "class":
        monkeypatch.setattr(MongoTrials, "_insert_trial_docs", patched)
    else:
        trials._insert_trial_docs = functools.partial(patched, trials)  # type: ignore[method-assign]
    with ThreadWorker(jobs.store):
        search(trials)
    assert sorted(calls) == sorted(trial.tid for trial in jobs.store.trials("patched"))


def test_a_view_has_the_same_class_and_by_default_the_same_experiment(jobs: MongoJobs) -> None:
    class Own(MongoTrials):
        pass

    trials = Own(jobs, exp_key="one")
    assert (type(trials.view()), trials.view().exp_name) == (Own, "one")
    assert trials.view("other").exp_name == "other"


def test_refresh_calls_refresh_tids(jobs: MongoJobs) -> None:
    calls = []

    class Own(MongoTrials):
        def refresh_tids(self, tids: Any) -> None:
            calls.append(tids)
            super().refresh_tids(tids)

    trials = Own(jobs, exp_key="one")
    trials.refresh()
    assert calls == [None, None]
