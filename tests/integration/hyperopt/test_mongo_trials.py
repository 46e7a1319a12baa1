"""``fmin`` with ``MongoTrials``: this process coordinates, workers evaluate."""

from __future__ import annotations

import functools
import importlib
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import numpy as np
import pytest

from hpsearch import where
from hpsearch.core.experiment import UNDECIDED, Algorithm, Experiment, ExperimentState
from hpsearch.core.trial import State, Trial
from hpsearch.errors import ConfigurationError, HpsearchWarning, LoadError, NotFoundError, SpaceError
from hpsearch.hyperopt import Domain, FMinIter, Trials, anneal, fmin, hp, mix, rand, tpe
from hpsearch.hyperopt.base import JOB_STATE_CANCEL, JOB_STATE_DONE, JOB_STATE_ERROR, JOB_STATE_NEW
from hpsearch.hyperopt.early_stop import no_progress_loss
from hpsearch.hyperopt.engine.documents import spec_from_misc
from hpsearch.hyperopt.exceptions import AllTrialsFailed
from hpsearch.hyperopt.mongoexp import DomainSwapError, MongoJobs, MongoTrials
from hpsearch.objective.by_value.envelope import ATTACHMENT
from hpsearch.space.tree import Space
from hpsearch.store.memory.store import MemoryStore
from hpsearch.store.mongo.patience import Patience
from hpsearch_worker.objective_cache import ObjectiveCache
from tests.support.importable_objectives import fussy, raises, square, two_losses
from tests.support.servers import Server
from tests.support.thread_worker import THREAD_WORKER, ThreadWorker

SPACE = {"x": hp.uniform("x", -5, 5), "k": hp.choice("k", ["a", {"n": hp.uniformint("n", 1, 9)}])}
KEY = "search"


class Clock:
    """A clock that advances at each call, independent of the speed of the machine."""

    def __init__(self, *, is_advancing: bool = True) -> None:
        self.seconds, self.is_advancing = 0.0, is_advancing

    def __call__(self) -> float:
        self.seconds += 0.01 if self.is_advancing else 0.0
        return self.seconds


def search(
    trials: MongoTrials | Trials,
    fn: Any = square,
    space: Any = SPACE,
    algo: Any = rand.suggest,
    max_evals: Any = 8,
    **options: Any,
) -> Any:
    given = {"rstate": 1, "show_progressbar": False, **options}
    return fmin(fn, space, algo, max_evals, trials=trials, **given)


def points(trials: MongoTrials | Trials) -> Any:
    return [spec_from_misc(doc["misc"]) for doc in trials.trials]


def test_a_search_on_a_fleet_returns_the_best_of_max_evals_trials(jobs: MongoJobs) -> None:
    trials = MongoTrials(jobs, exp_key=KEY)
    with ThreadWorker(jobs.store):
        argmin = search(trials)
    assert len(trials) == 8
    assert trials.tids == list(range(8))
    assert argmin == trials.argmin == points(trials)[int(np.argmin(trials.losses()))]
    assert trials.losses() == [point["x"] ** 2 for point in points(trials)]
    assert trials.asynchronous
    experiment = jobs.store.experiment(KEY)
    assert (experiment.state, experiment.ended_why) == (ExperimentState.DONE, "max_evals")
    assert experiment.objective.ref == "tests.support.importable_objectives:square"


def test_return_argmin_false_returns_the_best_configuration(jobs: MongoJobs) -> None:
    with ThreadWorker(jobs.store):
        best = search(MongoTrials(jobs, exp_key=KEY), return_argmin=False)
    assert best == MongoTrials(jobs, exp_key=KEY).best_config
    assert best["k"] == "a" or 1 <= best["k"]["n"] <= 9


def test_a_restarted_search_continues_without_repeating_points(jobs: MongoJobs) -> None:
    with ThreadWorker(jobs.store):
        search(MongoTrials(jobs, exp_key=KEY), max_evals=5)
        first = points(MongoTrials(jobs, exp_key=KEY))
        search(MongoTrials(jobs, exp_key=KEY), max_evals=12)
        search(MongoTrials(jobs, exp_key="at once"), max_evals=12)
    later = MongoTrials(jobs, exp_key=KEY)
    assert points(later)[:5] == first
    assert len({point["x"] for point in points(later)}) == len(later) == 12
    assert points(later) == points(MongoTrials(jobs, exp_key="at once"))


def test_conditions_and_beliefs_are_stored_and_hold_after_a_restart(jobs: MongoJobs) -> None:
    space = where(SPACE, "x > -1 or k == 'a'", "x < 4")
    with ThreadWorker(jobs.store):
        for n in (6, 12):
            search(MongoTrials(jobs, exp_key=KEY), square, space, tpe.suggest, n, believe={"x": 0.5})
        with pytest.raises(DomainSwapError):
            search(MongoTrials(jobs, exp_key=KEY), square, where(SPACE, "x < 4"), tpe.suggest, 13)
    experiment = jobs.store.experiment(KEY)
    assert experiment.algorithm.options == {"believe": ["x ~ 0.5"]}
    trials = sorted(jobs.store.trials(KEY), key=lambda trial: trial.tid)
    assert [trial.origin == "belief" for trial in trials[:10]] == [True, False] * 5
    assert trials[0].values["x"] == pytest.approx(0.5)
    stored = Space.from_json(experiment.space)
    assert [stored.conditions.broken_by(trial.values) for trial in trials] == [None] * 12
    assert stored.conditions.broken_by({"x": -2.0, "k": 1, "n": 3}) == "x > -1 or k == 'a'"


def test_without_workers_a_timeout_ends_the_call_and_cancels_pending_trials(jobs: MongoJobs) -> None:
    """The error counts them; no grace period is needed."""
    trials = MongoTrials(jobs, exp_key=KEY)
    trials.clock = Clock()
    cancelled = (
        r"0 are not finished\. 4 were cancelled: 0 under evaluation, and 4 that no worker had claimed\."
    )
    with pytest.raises(AllTrialsFailed, match=rf"None of 4 trials has a loss: .* {cancelled}"):
        search(trials, timeout=0.3, max_queue_len=4)
    assert trials.clock.seconds < trials.grace_s
    assert jobs.store.counts(KEY)[State.CANCELLED] == 4
    assert (len(trials), jobs.store.experiment(KEY).ended_why) == (0, "timeout")


def test_the_timeout_applies_to_the_call_not_the_experiment(jobs: MongoJobs) -> None:
    with pytest.raises(AllTrialsFailed):
        search(MongoTrials(jobs, exp_key=KEY), timeout=0.2)
    with ThreadWorker(jobs.store):
        search(MongoTrials(jobs, exp_key=KEY), timeout=60)
    assert jobs.store.experiment(KEY).ended_why == "max_evals"


def test_a_trial_of_a_dead_worker_does_not_block_the_end_of_a_search(jobs: MongoJobs) -> None:
    """It is cancelled after the grace period."""
    trials = MongoTrials(jobs, exp_key=KEY)
    trials.grace_s, trials.clock = 0.2, Clock(is_advancing=False)

    def claim_and_die() -> None:
        while jobs.store.claim(THREAD_WORKER, "dead", [KEY]) is None:
            time.sleep(0.01)
        trials.clock.is_advancing = True  # type: ignore[attr-defined]

    dying = threading.Thread(target=claim_and_die)
    dying.start()
    with pytest.raises(AllTrialsFailed, match="cancelled: 1 under evaluation"):
        search(trials, timeout=1.0)
    dying.join()
    assert 1.2 <= trials.clock.seconds < MongoTrials.grace_s
    held = [trial for trial in jobs.store.trials(KEY) if trial.worker is not None]
    assert [trial.state for trial in held] == [State.CANCELLED]


def test_a_loss_threshold_ends_a_search(jobs: MongoJobs) -> None:
    trials = MongoTrials(jobs, exp_key=KEY)
    with ThreadWorker(jobs.store):
        search(trials, max_evals=None, loss_threshold=4.0)
    assert min(trials.losses()) <= 4.0
    assert jobs.store.experiment(KEY).ended_why == "loss_threshold"
    assert jobs.store.counts(KEY, {State.PENDING, State.RUNNING}) == dict.fromkeys(State, 0)


def test_an_early_stopping_rule_is_called_after_results_and_ends_the_search(jobs: MongoJobs) -> None:
    seen = []

    def rule(trials: Any, n_calls: int = 0) -> Any:
        seen.append([doc["state"] for doc in trials.trials])
        return n_calls == 3, [n_calls + 1]

    trials = MongoTrials(jobs, exp_key=KEY)
    with ThreadWorker(jobs.store):
        search(trials, max_evals=None, early_stop_fn=rule, max_queue_len=3)
    assert len(seen) == 4
    assert all(JOB_STATE_DONE in states for states in seen)
    assert any(JOB_STATE_NEW in states for states in seen)
    assert jobs.store.experiment(KEY).ended_why == "early_stop"


def test_no_progress_loss_handles_open_trials(jobs: MongoJobs) -> None:
    trials = MongoTrials(jobs, exp_key=KEY)
    with ThreadWorker(jobs.store):
        search(trials, max_evals=200, early_stop_fn=no_progress_loss(5), max_queue_len=3)
    assert jobs.store.experiment(KEY).ended_why == "early_stop"
    assert len(trials) < 100


def test_points_to_evaluate_are_claimed_first_and_once(jobs: MongoJobs) -> None:
    wanted = [{"x": 1.0, "k": 0}, {"x": 2.0, "k": 1, "n": 3}]
    with ThreadWorker(jobs.store):
        search(MongoTrials(jobs, exp_key=KEY), max_evals=3)
        search(MongoTrials(jobs, exp_key=KEY), max_evals=6, points_to_evaluate=wanted)
        search(MongoTrials(jobs, exp_key=KEY), max_evals=9, points_to_evaluate=wanted)
    found = points(MongoTrials(jobs, exp_key=KEY))
    assert found[3:5] == wanted
    assert [point in wanted for point in found].count(True) == 2
    assert len(found) == 9


def test_a_point_outside_the_space_is_rejected_before_it_is_queued(jobs: MongoJobs) -> None:
    with pytest.raises(SpaceError, match="'x'"):
        search(MongoTrials(jobs, exp_key=KEY), points_to_evaluate=[{"x": 9.0, "k": 0}])

    def suggest(new_ids: Any, domain: Any, trials: Any, seed: Any) -> Any:
        [doc] = rand.suggest(new_ids, domain, trials, seed)
        doc["misc"]["vals"]["x"] = [9.0]
        return [doc]

    with pytest.raises(SpaceError, match="'x'"):
        search(MongoTrials(jobs, exp_key=KEY), algo=suggest)
    assert list(jobs.store.trials(KEY)) == []


def test_failed_trials_count_but_only_returned_failures_are_shown(jobs: MongoJobs) -> None:
    """As in Hyperopt: trials that raised are hidden, status "fail" and a NaN loss are results."""
    trials = MongoTrials(jobs, exp_key=KEY)
    with ThreadWorker(jobs.store):
        search(trials, fn=fussy, max_evals=30)
    xs = [doc["misc"]["vals"]["x"][0] for doc in trials]
    assert 0 < trials.count_by_state_unsynced(JOB_STATE_ERROR) == 30 - len(trials)
    assert min(xs) >= -3
    assert [status == "fail" for status in trials.statuses()] == [x < -1 for x in xs]
    assert [bool(np.isnan(loss)) for loss in trials.losses() if loss is not None] == [
        x < 0 for x in xs if x >= -1
    ]
    assert trials.best_trial["result"]["loss"] == min(x for x in xs if x >= 0)


def test_the_error_says_how_many_trials_failed_and_why(jobs: MongoJobs) -> None:
    with ThreadWorker(jobs.store), pytest.raises(AllTrialsFailed, match=r"5 raised.*no luck"):
        search(MongoTrials(jobs, exp_key=KEY), fn=raises, max_evals=5)


@pytest.mark.parametrize(
    ("algo", "algorithm"),
    [
        (tpe.suggest, Algorithm(name="tpe")),
        (
            functools.partial(tpe.suggest, n_startup_jobs=np.int64(3), verbose=False),
            Algorithm(name="tpe", options={"n_startup": 3}),
        ),
        (
            functools.partial(anneal.suggest, shrink_coef=0.2),
            Algorithm(name="anneal", options={"shrink_coef": 0.2}),
        ),
        (rand.suggest, Algorithm(name="random")),
    ],
)
def test_built_in_algorithms_are_described_in_the_experiment(
    jobs: MongoJobs, algo: Any, algorithm: Any
) -> None:
    with ThreadWorker(jobs.store):
        search(MongoTrials(jobs, exp_key=KEY), algo=algo, max_evals=4)
    assert jobs.store.experiment(KEY).algorithm == algorithm


def test_a_custom_algorithm_is_called_with_hyperopts_protocol(jobs: MongoJobs) -> None:
    """It gets one number per call, a seed for that number, and sees its previous suggestion."""
    calls = []

    def suggest(new_ids: Any, domain: Any, trials: Any, seed: Any) -> Any:
        calls.append((list(new_ids), seed, len(trials.trials)))
        return rand.suggest(new_ids, domain, trials, seed)

    trials = MongoTrials(jobs, exp_key=KEY)
    with ThreadWorker(jobs.store):
        search(trials, algo=suggest, max_evals=6, max_queue_len=3)
    assert [ids for ids, _, _ in calls] == [[i] for i in range(6)]
    assert [n_seen for _, _, n_seen in calls] == list(range(6))
    in_process = Trials()
    search(in_process, fn=lambda config: 0.0, algo=rand.suggest, max_evals=6)
    assert points(trials) == points(in_process)
    assert jobs.store.experiment(KEY).algorithm.name == "script"


def test_an_algorithm_without_more_points_ends_the_search_after_all_evaluations(jobs: MongoJobs) -> None:
    def suggest(new_ids: Any, domain: Any, trials: Any, seed: Any) -> Any:
        return rand.suggest(new_ids, domain, trials, seed) if new_ids[0] < 4 else []

    trials = MongoTrials(jobs, exp_key=KEY)
    with ThreadWorker(jobs.store):
        search(trials, algo=suggest, max_evals=50)
    assert len(trials) == 4
    assert jobs.store.experiment(KEY).ended_why == "no_more_points"


def test_mix_runs_in_this_process(jobs: MongoJobs) -> None:
    algo = functools.partial(mix.suggest, p_suggest=[(0.5, rand.suggest), (0.5, anneal.suggest)])
    trials = MongoTrials(jobs, exp_key=KEY)
    with ThreadWorker(jobs.store):
        search(trials, algo=algo, max_evals=6)
    assert len({point["x"] for point in points(trials)}) == 6
    assert jobs.store.experiment(KEY).algorithm.name == "script"


def test_an_exception_of_an_algorithm_reaches_the_script_and_leaves_the_search_intact(
    jobs: MongoJobs,
) -> None:
    def suggest(new_ids: Any, domain: Any, trials: Any, seed: Any) -> None:
        raise ZeroDivisionError("in the algorithm")

    with pytest.raises(ZeroDivisionError, match="in the algorithm"):
        search(MongoTrials(jobs, exp_key=KEY), algo=suggest)
    assert jobs.store.experiment(KEY).state is ExperimentState.RUNNING
    with ThreadWorker(jobs.store):
        search(MongoTrials(jobs, exp_key=KEY))


def test_another_objective_or_space_with_the_same_name_is_rejected(jobs: MongoJobs) -> None:
    with ThreadWorker(jobs.store):
        search(MongoTrials(jobs, exp_key=KEY), max_evals=3)
    before = list(jobs.store.trials(KEY))
    trials = MongoTrials(jobs, exp_key=KEY)
    with pytest.raises(DomainSwapError, match=r"another objective: .*square.*raises.*exp_key.*delete_all"):
        search(trials, fn=raises)
    with pytest.raises(DomainSwapError, match=r"another search space: defined differently: 'x'; .*exp_key"):
        search(trials, space={**SPACE, "x": hp.uniform("x", -1, 1)}, points_to_evaluate=[{"x": 0.5, "k": 0}])
    assert list(jobs.store.trials(KEY)) == before
    assert trials.best_params.keys() >= {"x", "k"}
    trials.delete_all()
    with ThreadWorker(jobs.store):
        search(trials, fn=square, space={"x": hp.choice("x", [7])}, max_evals=2)
    assert (len(trials), trials.best_params) == (2, {"x": 7})


def test_options_that_cannot_be_sent_are_rejected_with_their_label(jobs: MongoJobs) -> None:
    with pytest.raises(SpaceError, match=r"option 1 of 'k'.*cannot be sent to a worker"):
        search(MongoTrials(jobs, exp_key=KEY), space={"x": SPACE["x"], "k": hp.choice("k", [1, object()])})


def test_an_objective_of_the_script_needs_a_secret(jobs: MongoJobs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HPSEARCH_SECRET", raising=False)
    with pytest.raises(ConfigurationError, match=r"export HPSEARCH_SECRET=.*or put it into a module"):
        search(MongoTrials(jobs, exp_key=KEY), fn=lambda config: 0.0)


def test_closures_partials_and_objects_are_sent_by_value(jobs: MongoJobs, secret: bytes) -> None:
    offset = 3.0

    def shifted(config: Any, scale: float = 1.0) -> Any:
        return scale * config["x"] + offset

    class Bound:
        def __call__(self, config: Any) -> Any:
            return config["x"] + offset

    objectives = {"closure": shifted, "partial": functools.partial(shifted, scale=2.0), "object": Bound()}
    for key, fn in objectives.items():
        trials = MongoTrials(jobs, exp_key=key)
        with ThreadWorker(jobs.store, secret):
            search(trials, fn=fn, max_evals=3)
        assert trials.losses() == [fn(point) for point in points(trials)]  # type: ignore[operator]


def test_a_closure_over_another_value_is_another_objective(jobs: MongoJobs, secret: bytes) -> None:
    def objective_with(offset: float) -> Any:
        return lambda config: config["x"] + offset

    with ThreadWorker(jobs.store, secret):
        search(MongoTrials(jobs, exp_key=KEY), fn=objective_with(1.0), max_evals=2)
        search(MongoTrials(jobs, exp_key=KEY), fn=objective_with(1.0), max_evals=4)
        with pytest.raises(DomainSwapError, match="another objective"):
            search(MongoTrials(jobs, exp_key=KEY), fn=objective_with(2.0), max_evals=6)
    trials = MongoTrials(jobs, exp_key=KEY)
    assert trials.losses() == [point["x"] + 1.0 for point in points(trials)]


def test_an_objective_of_an_earlier_search_of_the_same_name_is_rejected(
    jobs: MongoJobs, secret: bytes
) -> None:
    """Anyone who can write attachments, such as a worker, could restore it."""
    blobs, objectives = [], ObjectiveCache(jobs.store, secret)
    for offset in (1.0, 2.0):
        trials = MongoTrials(jobs, exp_key=KEY)
        trials.delete_all()
        with ThreadWorker(jobs.store, secret):
            search(trials, fn=lambda config, offset=offset: config["x"] + offset, max_evals=2)
        assert objectives(jobs.store.experiment(KEY)).unpickle()({"x": 0.0}) == offset
        blobs.append(jobs.store.attachment(KEY, ATTACHMENT))
    jobs.store.attach(KEY, ATTACHMENT, blobs[0])
    with pytest.raises(LoadError, match="signed for another search of this name"):
        ObjectiveCache(jobs.store, secret)(jobs.store.experiment(KEY))


def test_a_search_of_an_older_version_can_be_joined(jobs: MongoJobs, secret: bytes) -> None:
    """Its experiment has no nonce to sign."""

    def objective(config: Any) -> Any:
        return config["x"]

    with ThreadWorker(jobs.store, secret):
        search(MongoTrials(jobs, exp_key="new"), fn=objective, max_evals=1)
    known = jobs.store.experiment("new")
    jobs.store.open_experiment(replace(known, exp_key=KEY, objective=replace(known.objective, nonce=None)))
    with ThreadWorker(jobs.store, secret):
        search(MongoTrials(jobs, exp_key=KEY), fn=objective, max_evals=2)
    assert jobs.store.experiment(KEY).objective.nonce is None
    assert len(MongoTrials(jobs, exp_key=KEY)) == 2


def test_a_changed_value_in_the_objective_is_named_in_the_error(jobs: MongoJobs, secret: bytes) -> None:
    """Also if its name is that of an attribute, or special in MongoDB."""

    def run(start: float, max_evals: int, **more: Any) -> Any:
        def stamped() -> Any:
            return start

        def objective(config: Any, **given: Any) -> Any:
            return config["x"] + stamped()

        return search(
            MongoTrials(jobs, exp_key=KEY), fn=functools.partial(objective, **more), max_evals=max_evals
        )

    given = {"$ref": 1, "a.b": 2, "$c": 3}
    with ThreadWorker(jobs.store, secret):
        run(1.0, 2, **given)
        run(1.0, 3, **given)
    for start, more, message in [
        (2.0, given, r"has another value of 'stamped\.start' here; do not put values that change from run"),
        (
            1.0,
            {"$ref": 2, "a.b": 3, "$c": 4},
            r"has other values of '\$ref', 'a\.b', '\$c' here; do not put values that change",
        ),
        (
            1.0,
            {"$ref": 1, "a.b": 3},
            r"has other code and another value of 'a\.b' here; do not put values that change",
        ),
    ]:
        with pytest.raises(DomainSwapError, match=message):
            run(start, 4, **more)


def test_an_annotated_objective_is_called_with_keywords_by_workers(jobs: MongoJobs, secret: bytes) -> None:
    def objective(x: hp.uniform("x", 0, 1), n: hp.uniformint("n", 1, 3)) -> Any:  # type: ignore[valid-type]
        return x * n

    trials = MongoTrials(jobs, exp_key=KEY)
    with ThreadWorker(jobs.store, secret):
        search(trials, fn=objective, space="annotated", max_evals=3)
    assert trials.losses() == [point["x"] * point["n"] for point in points(trials)]


def test_trials_save_file_is_rejected(jobs: MongoJobs, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="MongoDB keeps the trials"):
        search(MongoTrials(jobs, exp_key=KEY), trials_save_file=tmp_path / "trials")


def test_progress_counts_all_finished_trials(jobs: MongoJobs) -> None:
    shown = []

    class Bar:
        postfix = ""

        def update(self, n: Any) -> None:
            shown.append(n)

        def __enter__(self) -> Self:
            return self

        def __exit__(self, *args: Any) -> None:
            shown.append(self.postfix)

    def factory(initial: Any, total: Any) -> Any:
        shown.append((initial, total))
        return Bar()

    trials = MongoTrials(jobs, exp_key=KEY)
    with ThreadWorker(jobs.store):
        search(trials, max_evals=3)
        search(trials, max_evals=8, show_progressbar=factory)
    assert shown[0] == (3, 8)
    assert sum(shown[1:-1]) == 5
    assert shown[-1] == f"best loss: {min(trials.losses()):.6g}"


def test_run_evaluates_the_given_number_of_trials(jobs: MongoJobs) -> None:
    trials = MongoTrials(jobs, exp_key=KEY)
    rounds = FMinIter(rand.suggest, Domain(square, SPACE), trials, rstate=0, max_evals=6, verbose=False)
    with ThreadWorker(jobs.store):
        rounds.run(2)
        trials.refresh()
        assert len(trials) == 2
        rounds.run(2)
        trials.refresh()
        assert len(trials) == 4
        assert len(rounds.exhaust().trials) == 6


def test_run_does_not_count_cancelled_trials(jobs: MongoJobs) -> None:
    trials = MongoTrials(jobs, exp_key=KEY)
    with pytest.raises(AllTrialsFailed):
        search(trials, timeout=0.2, max_queue_len=3)
    rounds = FMinIter(rand.suggest, Domain(square, SPACE), trials, rstate=0, verbose=False)
    with ThreadWorker(jobs.store):
        rounds.run(2)
    trials.refresh()
    assert len(trials) == 2


class InterceptedStore(MemoryStore):
    """A store that calls ``before_open`` just before an experiment is opened."""

    def __init__(self) -> None:
        super().__init__()
        self.before_open = lambda: None

    def open_experiment(self, experiment: Any, **options: Any) -> Experiment:
        self.before_open()
        return super().open_experiment(experiment, **options)


def test_an_objective_by_value_is_stored_before_its_experiment(secret: bytes) -> None:
    store, seen = InterceptedStore(), []
    store.before_open = lambda: seen.append(store.attachments(KEY))
    with ThreadWorker(store, secret):
        search(MongoTrials(MongoJobs(store, Patience(30)), exp_key=KEY), fn=lambda config: 1.0, max_evals=1)
    assert seen == [["objective"]]


def test_the_objective_of_a_rejected_search_is_overwritten(secret: bytes) -> None:
    """Another process may start with the same name at the same time, and be rejected."""
    store = InterceptedStore()
    store.before_open = lambda: store.attach(KEY, "objective", b"of another script")
    trials = MongoTrials(MongoJobs(store, Patience(30)), exp_key=KEY)
    with ThreadWorker(store, secret):
        search(trials, fn=lambda config: 1.0, max_evals=1)
    assert trials.losses() == [1.0]


def test_a_stopped_search_returns_the_best_trial(jobs: MongoJobs) -> None:
    trials = MongoTrials(jobs, exp_key=KEY)

    def rule(seen: Any) -> Any:
        if len(seen) >= 3:
            jobs.store.set_experiment_state(KEY, ExperimentState.STOPPED)
        return False, []

    with ThreadWorker(jobs.store):
        argmin = search(trials, max_evals=None, early_stop_fn=rule)
    assert argmin == trials.argmin
    assert jobs.store.experiment(KEY).state is ExperimentState.STOPPED
    assert JOB_STATE_CANCEL not in [doc["state"] for doc in trials]


def test_two_concurrent_scripts_share_one_search(jobs: MongoJobs) -> None:
    """One leads, the other waits for its end; the number of trials stays the same."""

    def run() -> Any:
        return search(MongoTrials(jobs, exp_key=KEY), max_evals=20)

    with ThreadWorker(jobs.store), ThreadPoolExecutor(2) as pool:
        first, second = [call.result(60) for call in (pool.submit(run), pool.submit(run))]
    trials = MongoTrials(jobs, exp_key=KEY)
    assert first == second == trials.argmin
    assert trials.tids == list(range(20))


def test_a_search_continues_imported_trials(jobs: MongoJobs) -> None:
    """An experiment with an undecided objective takes that of the script."""
    space = Space(SPACE)
    jobs.store.open_experiment(
        Experiment(
            exp_key=KEY,
            space=space.to_json(),
            space_fingerprint=space.fingerprint,
            objective=UNDECIDED,
            state=ExperimentState.STOPPED,
        )
    )
    point = {"x": 0.001, "k": 0}
    jobs.store.insert([Trial(exp_key=KEY, tid=0, values=point, state=State.DONE, loss=1e-6)])
    trials = MongoTrials(jobs, exp_key=KEY)
    with ThreadWorker(jobs.store):
        assert search(trials, max_evals=4) == point
    assert trials.tids == [0, 1, 2, 3]


def test_a_slow_algorithm_queues_partial_batches(jobs: MongoJobs) -> None:
    """After one second, the points so far are queued."""
    trials, queued = MongoTrials(jobs, exp_key=KEY), []
    trials.clock = Clock(is_advancing=False)

    def suggest(new_ids: Any, domain: Any, trials: Any, seed: Any) -> Any:
        queued.append(sum(jobs.store.counts(KEY).values()))
        trials.clock.seconds += 0.6
        return rand.suggest(new_ids, domain, trials, seed)

    with ThreadWorker(jobs.store):
        search(trials, algo=suggest, max_evals=4, max_queue_len=4)
    assert queued == [0, 0, 2, 2]


def test_a_standalone_server_works(standalone_server: Server, new_database: str, secret: bytes) -> None:
    """As started by ``mongod --dbpath . --port 1234`` in Hyperopt's documentation."""
    trials = MongoTrials(f"mongo://127.0.0.1:{standalone_server.port}/{new_database}/jobs", exp_key=KEY)

    def objective(config: Any) -> Any:
        return {"loss": config["x"], "status": "ok", "attachments": {"x": repr(config["x"]).encode()}}

    with ThreadWorker(trials.store, secret):
        search(trials, fn=objective, algo=tpe.suggest, max_evals=15)
    assert trials.tids == list(range(15))
    for doc in trials:
        assert trials.trial_attachments(doc)["x"] == repr(doc["result"]["loss"]).encode()
    trials.store.close()


def test_a_search_survives_an_outage_of_the_database(killable_server: Server) -> None:
    """The server is killed during a search and restarted with the same data."""
    jobs = MongoJobs.new_from_connection_str(f"{killable_server.uri}lab")

    def rule(trials: Any, is_broken: bool = False) -> Any:
        if len(trials) >= 5 and not is_broken:
            killable_server.kill()
            restart.start()
        return False, [is_broken or len(trials) >= 5]

    restart = threading.Timer(2.0, killable_server.start)
    trials = MongoTrials(jobs, exp_key=KEY)
    with ThreadWorker(jobs.store):
        search(trials, max_evals=15, early_stop_fn=rule)
    restart.join()
    assert trials.tids == list(range(15))
    assert set(trials.statuses()) == {"ok"}
    jobs.store.close()


def test_with_a_lag_the_same_rstate_gives_the_same_search_with_any_number_of_workers(jobs: MongoJobs) -> None:
    def searched(key: str, n_workers: int) -> Any:
        trials = MongoTrials(jobs, exp_key=key)
        trials.lag = 3
        with ExitStack() as workers:
            for _ in range(n_workers):
                workers.enter_context(ThreadWorker(jobs.store))
            search(trials, algo=functools.partial(tpe.suggest, n_startup_jobs=2), max_evals=15)
        return points(trials)

    assert searched("one", 1) == searched("other", 4)


def test_a_lag_is_rejected_with_a_custom_algorithm(jobs: MongoJobs) -> None:
    trials = MongoTrials(jobs, exp_key=KEY)
    trials.lag = 1
    with pytest.raises(ConfigurationError, match=r"trials\.lag"):
        search(trials, algo=lambda *args: rand.suggest(*args)[:1], max_evals=1)


def test_changed_code_of_an_importable_objective_must_be_accepted(
    jobs: MongoJobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    sys.modules.pop("lab_of_mongo_trials", None)
    file = tmp_path / "lab_of_mongo_trials.py"
    file.write_text("def loss(config): return config['x'] ** 2")
    loss = importlib.import_module("lab_of_mongo_trials").loss
    with ThreadWorker(jobs.store):
        search(MongoTrials(jobs, exp_key=KEY), fn=loss, max_evals=2)
    file.write_text("def loss(config): return config['x'] ** 4")
    trials = MongoTrials(jobs, exp_key=KEY)
    with pytest.raises(DomainSwapError, match=r"in 'loss\(\)'.*accepts_changed_objective"):
        search(trials, fn=loss, max_evals=4)
    trials.accepts_changed_objective = True
    with ThreadWorker(jobs.store):
        search(trials, fn=loss, max_evals=4)
    assert len(jobs.store.experiment(KEY).objective_changes) == 1
    assert len(trials) == 4


def test_a_warm_start_begins_with_what_an_earlier_search_found(jobs: MongoJobs) -> None:
    with ThreadWorker(jobs.store):
        search(MongoTrials(jobs, exp_key="earlier"), max_evals=12)
        for key, given in (("a", "earlier"), ("b", "auto"), ("c", [MongoTrials(jobs, exp_key="earlier")])):
            search(MongoTrials(jobs, exp_key=key), max_evals=6, warm_start=given)
        search(MongoTrials(jobs, exp_key="a"), max_evals=7, warm_start="earlier")
    origins = [trial.origin for trial in jobs.store.trials("a")]
    assert origins == ["warm_start"] * 4 + ["random"] * 3
    first = [points(MongoTrials(jobs, exp_key=key))[:4] for key in "abc"]
    assert first[0] == first[2]
    assert MongoTrials(jobs, exp_key="earlier").argmin in first[0]
    assert MongoTrials(jobs, exp_key="earlier").argmin in first[1]
    warm_starts = [jobs.store.experiment(key).warm_start for key in "abc"]
    sources = [[s.exp_key for s in one.sources] for one in warm_starts if one is not None]
    assert sources == [["earlier"], ["a", "earlier"], ["earlier"]]


def test_a_warm_start_works_with_the_algorithm_of_a_script(jobs: MongoJobs) -> None:
    def algo(*arguments: Any) -> Any:
        return rand.suggest(*arguments)

    with ThreadWorker(jobs.store):
        search(MongoTrials(jobs, exp_key="earlier"), max_evals=8)
        search(MongoTrials(jobs, exp_key=KEY), algo=algo, max_evals=7, warm_start="earlier")
    origins = [trial.origin for trial in jobs.store.trials(KEY)]
    assert origins == ["warm_start"] * 4 + ["script"] * 3


def test_a_warm_start_with_what_is_no_search_of_the_database_is_refused(jobs: MongoJobs) -> None:
    with pytest.raises(NotFoundError, match="no experiment 'unknown' to start from"):
        search(MongoTrials(jobs, exp_key=KEY), warm_start="unknown")
    with pytest.raises(ConfigurationError, match="lists searches of the same database by name"):
        search(MongoTrials(jobs, exp_key=KEY), warm_start=Trials())
    assert jobs.store.experiments() == []


def test_a_pruner_is_that_of_the_experiment(jobs: MongoJobs) -> None:
    with ThreadWorker(jobs.store):
        search(MongoTrials(jobs, exp_key=KEY), pruner={"name": "median", "max_resource": 9})
    pruner = jobs.store.experiment(KEY).pruner
    assert (pruner.name, pruner.max_resource) == ("median", 9)


def test_several_objectives_are_those_of_the_experiment(jobs: MongoJobs) -> None:
    trials = MongoTrials(jobs, exp_key=KEY)
    declared: dict[str, Any] = {"objectives": {"x": "min", "y": "max"}, "limits": {"y": ">= -4"}}
    with ThreadWorker(jobs.store), pytest.warns(HpsearchWarning, match="the knee of a front"):
        search(trials, two_losses, **declared)
    assert jobs.store.experiment(KEY).outcomes == trials.outcomes is not None
    assert [doc["result"]["feasible"] for doc in trials.front] == [True] * len(trials.front)
    assert trials.best_trial in MongoTrials(jobs, exp_key=KEY).front
    with pytest.raises(ConfigurationError, match="has the objectives x:min, y:max with the limit y >= -4"):
        search(MongoTrials(jobs, exp_key=KEY), two_losses)
