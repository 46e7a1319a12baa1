"""Subclasses of ``Trials`` that evaluate their documents in threads."""

from __future__ import annotations

import pickle
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from hpsearch.hyperopt import Ctrl, Domain, FMinIter, Trials, fmin, hp, rand, tpe
from hpsearch.hyperopt.engine.documents import (
    JOB_STATE_DONE,
    JOB_STATE_ERROR,
    JOB_STATE_NEW,
    JOB_STATE_RUNNING,
    spec_from_misc,
)

SPACE = {"x": hp.uniform("x", -1, 1)}
DOMAIN = "FMinIter_Domain"


def square(config: Any) -> Any:
    return config["x"] ** 2


CALLS: Counter[float] = Counter()


def counted_square(config: Any) -> Any:
    CALLS[config["x"]] += 1
    return square(config)


class Pooled(Trials):
    """Evaluates each inserted document in a thread."""

    asynchronous = True

    def __init__(self, pool: Any) -> None:
        super().__init__()
        self.pool, self.domain, self.n_most = pool, None, 0

    def _insert_trial_docs(self, docs: Any) -> Any:
        tids = super()._insert_trial_docs(docs)
        self.domain = self.domain or pickle.loads(self.attachments[DOMAIN])
        for doc in docs:
            self.pool.submit(self.evaluate, doc)
        return tids

    def evaluate(self, doc: Any) -> None:
        doc["state"] = JOB_STATE_RUNNING
        try:
            doc["result"] = self.domain.evaluate(spec_from_misc(doc["misc"]), Ctrl(self, doc))  # type: ignore[attr-defined]
            doc["state"] = JOB_STATE_DONE
        except ValueError as error:
            doc["misc"]["error"] = (str(type(error)), str(error))
            doc["state"] = JOB_STATE_ERROR
        self.refresh()  # from a thread other than the driver's


@pytest.fixture
def pool() -> Iterator[Any]:
    with ThreadPoolExecutor(4) as threads:
        yield threads


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Poll every few milliseconds instead of every second."""
    original = FMinIter.__init__

    def init(self: Any, *arguments: Any, **keywords: Any) -> None:
        original(self, *arguments, **keywords)
        self.poll_interval_secs = 0.002

    monkeypatch.setattr(FMinIter, "__init__", init)


def search(
    fn: Any,
    trials: Any | Any | Pooled | Any | Trials,
    max_evals: Any = 12,
    algo: Any = rand.suggest,
    **options: Any,
) -> Any:
    given = {"rstate": np.random.default_rng(0), "show_progressbar": False, **options}
    return fmin(fn, SPACE, algo, max_evals, trials=trials, **given)


def test_each_trial_is_evaluated_once_in_threads(pool: Any) -> None:
    trials = Pooled(pool)
    CALLS.clear()
    best = search(counted_square, trials, max_evals=40, max_queue_len=4)
    assert len(CALLS) == len(trials) == 40
    assert set(CALLS.values()) == {1}
    assert trials.tids == list(range(40))
    assert best == trials.argmin
    assert trials.count_by_state_unsynced(JOB_STATE_DONE) == 40


def test_the_objective_is_an_attachment(pool: Any) -> None:
    trials = Pooled(pool)
    offset = 3.0
    search(lambda config: config["x"] + offset, trials)
    domain = pickle.loads(trials.attachments[DOMAIN])
    assert domain.evaluate({"x": 0.5}, Ctrl(trials))["loss"] == 3.5


def test_errors_in_threads_fail_their_trials_only(pool: Any) -> None:
    trials = Pooled(pool)

    def objective(config: Any) -> Any:
        if config["x"] < 0:
            raise ValueError("negative")
        return square(config)

    search(objective, trials)
    n_bad = trials.count_by_state_unsynced(JOB_STATE_ERROR)
    assert 0 < n_bad < 12
    assert len(trials) == 12 - n_bad


def test_a_search_in_threads_can_be_continued_and_stopped_by_a_rule(pool: Any) -> None:
    trials = Pooled(pool)
    search(square, trials, max_evals=5)
    search(square, trials, max_evals=9, algo=tpe.suggest)
    assert len(trials) == 9
    search(square, trials, max_evals=None, early_stop_fn=lambda trials, *args: (len(trials) >= 20, args))
    assert trials.count_by_state_unsynced([JOB_STATE_NEW, JOB_STATE_RUNNING]) == 0


def test_a_limit_ends_a_search_in_threads_after_open_trials_finish(pool: Any) -> None:
    trials = Pooled(pool)

    def slowly(config: Any) -> Any:
        time.sleep(0.02)
        return square(config)

    search(slowly, trials, max_evals=200, timeout=0.5)
    assert len(trials) > 0
    search(slowly, Pooled(pool), max_evals=200, loss_threshold=0.5)
    assert trials.count_by_state_unsynced([JOB_STATE_NEW, JOB_STATE_RUNNING]) == 0


def test_fmin_cancelled_ends_the_search() -> None:
    """Hyperopt's ``SparkTrials`` sets this attribute."""

    class Cancelled(Trials):
        _fmin_cancelled = False

        def _insert_trial_docs(self, docs: Any) -> Any:
            self._fmin_cancelled = len(self._dynamic_trials) >= 3
            return super()._insert_trial_docs(docs)

    trials = Cancelled()
    search(square, trials, max_evals=100)
    assert len(trials) == 4


def test_an_algorithm_with_one_document_per_call_fills_a_longer_queue() -> None:
    asked, sizes = [], []

    def one(new_ids: Any, domain: Any, trials: Any, seed: Any) -> Any:
        asked.append(len(new_ids))
        return rand.suggest(new_ids[:1], domain, trials, seed)

    class Sized(Trials):
        def queued(self) -> Any:
            found = super().queued()
            sizes.append(len(found))
            return found

    search(square, Sized(), max_evals=4, max_queue_len=2, algo=one)
    assert asked == [2, 1, 2, 1]
    assert max(sizes) == 2


def test_replaced_methods_are_called_as_often_as_by_hyperopt() -> None:
    calls: Counter[str] = Counter()

    def counted(name: str) -> Any:
        def method(self: Any, *arguments: Any, **keywords: Any) -> Any:
            calls[name] += 1
            return getattr(Trials, name)(self, *arguments, **keywords)

        return method

    names = ("new_trial_ids", "new_trial_docs", "insert_trial_docs", "_insert_trial_docs", "refresh")
    hooked = type("Hooked", (Trials,), {name: counted(name) for name in names})
    search(square, hooked(), max_evals=5)
    # Four refreshes for each trial, one at the start and one at the end.
    assert calls == {**dict.fromkeys(names, 5), "refresh": 4 * 5 + 2}


def test_a_subclass_without_super_init_works() -> None:
    class Bare(Trials):
        def __init__(self) -> None:
            self._ids, self._dynamic_trials, self._exp_key, self.attachments = set(), [], None, {}
            self.refresh()

    trials = Bare()
    search(square, trials, max_evals=3)
    assert trials.tids == [0, 1, 2]
    assert len(trials.view().trials) == 3


def test_a_reader_in_another_thread_never_sees_fewer_trials() -> None:
    trials, is_over, lengths = Trials(), threading.Event(), []

    def read() -> None:
        while not is_over.is_set():
            lengths.append(len(trials.trials))

    reader = threading.Thread(target=read)
    reader.start()
    try:
        search(square, trials, max_evals=300)
    finally:
        is_over.set()
        reader.join()
    assert lengths == sorted(lengths)


def test_iterating_over_asynchronous_trials_waits_for_each(pool: Any) -> None:
    trials = Pooled(pool)
    rounds = FMinIter(rand.suggest, Domain(square, SPACE), trials, np.random.default_rng(0), max_evals=3)
    assert [seen.count_by_state_unsynced(JOB_STATE_DONE) for seen in rounds] == [1, 2, 3]


def test_trials_of_another_class_can_be_evaluated() -> None:
    """A class with the attributes of Hyperopt's ``Trials`` only."""

    class Theirs:
        asynchronous = False

        def __init__(self) -> None:
            self.inner = Trials()
            self.attachments = dict[Any, Any]()

        def __getattr__(self, name: Any) -> Any:
            if name in {"queued", "set_space", "run_search", "inner"}:
                raise AttributeError(name)
            return getattr(self.inner, name)

        def __iter__(self) -> Any:
            return iter(self.inner)

        def __len__(self) -> int:
            return len(self.inner)

    trials = Theirs()
    rounds = FMinIter(rand.suggest, Domain(square, SPACE), trials, np.random.default_rng(0), max_evals=3)
    rounds.exhaust()
    assert trials.count_by_state_synced(JOB_STATE_DONE) == 3
