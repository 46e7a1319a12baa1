"""``fmin`` in one process: limits, results, resuming, points, errors."""

import contextlib
import functools
import math
import pickle
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hpsearch.errors import ConfigurationError, HpsearchError, SpaceError
from hpsearch.hyperopt import (
    STATUS_FAIL,
    STATUS_OK,
    FMinIter,
    Trials,
    anneal,
    fmin,
    fmin_pass_expr_memo_ctrl,
    generate_trials_to_calculate,
    hp,
    mix,
    partial,
    pyll,
    rand,
    space_eval,
    tpe,
)
from hpsearch.hyperopt.base import JOB_STATE_DONE, JOB_STATE_ERROR, JOB_STATE_NEW, Domain
from hpsearch.hyperopt.early_stop import no_progress_loss
from hpsearch.hyperopt.engine.documents import spec_from_misc
from hpsearch.hyperopt.exceptions import (
    AllTrialsFailed,
    DuplicateLabel,
    InvalidAnnotatedParameter,
    InvalidLoss,
    InvalidResultStatus,
)
from hpsearch.hyperopt.pyll import scope
from hpsearch.objective.current_trial import current_trial

SPACE = {"x": hp.uniform("x", -5, 5), "kind": hp.choice("kind", ["a", {"n": hp.uniformint("n", 1, 9)}])}


EARLIER_SPACE = {
    "x": hp.uniform("x", -9, 9),
    "kind": hp.choice("kind", [{"n": hp.uniformint("n", 0, 9)}, "a"]),
}


def square(config: Any) -> Any:
    return (config["x"] - 1) ** 2


def search(fn: Any = square, space: Any = None, **keywords: Any) -> Any:
    """Run a random search with a fixed seed and no progress display."""
    keywords = {"algo": rand.suggest, "max_evals": 5, "rstate": 0, "show_progressbar": False, **keywords}
    return fmin(fn, SPACE if space is None else space, **keywords)


@pytest.mark.parametrize(
    "algo",
    [
        rand.suggest,
        tpe.suggest,
        anneal.suggest,
        functools.partial(tpe.suggest, n_startup_jobs=5, gamma=0.25, n_EI_candidates=10),
        partial(mix.suggest, p_suggest=[(0.5, rand.suggest), (0.5, anneal.suggest)]),
    ],
)
def test_every_algorithm_approaches_the_minimum(algo: Any) -> None:
    trials = Trials()
    best = search(algo=algo, trials=trials, max_evals=40)
    assert best == trials.argmin
    assert square(space_eval(SPACE, best)) == trials.best_trial["result"]["loss"] == min(trials.losses())
    assert min(trials.losses()) < 2


def test_values_are_python_numbers_with_hyperopts_types() -> None:
    space = {
        "u": hp.uniformint("u", 1, 9),
        "r": hp.randint("r", 3, 6),
        "q": hp.quniform("q", 0, 1, 0.25),
        "c": hp.choice("c", ["a", "b"]),
        "i": scope.int(hp.quniform("i", 1, 9, 2)),
        "l": [hp.normal("n", 0, 1), 2],
    }
    seen = []
    best = search(lambda config: seen.append(config) or 0.0, space, max_evals=1)
    assert {label: type(value) for label, value in best.items()} == {
        "u": float, "r": int, "q": float, "c": int, "i": float, "n": float
    }  # fmt: skip
    assert {key: type(value) for key, value in seen[0].items()} == {
        "u": int, "r": int, "q": float, "c": str, "i": int, "l": tuple
    }  # fmt: skip


def test_the_objective_may_return_any_number() -> None:
    for returned in (1, 1.5, True, np.float32(2), np.int64(3), np.array(4.0)):
        trials = Trials()
        search(lambda config, returned=returned: returned, trials=trials, max_evals=1)
        assert trials.results == [{"loss": float(returned), "status": STATUS_OK}]
        assert type(trials.losses()[0]) is float


def test_a_result_keeps_everything_that_the_objective_returned() -> None:
    trials = Trials()
    model = object()
    search(lambda config: {"loss": 1, "status": STATUS_OK, "model": model}, trials=trials, max_evals=1)
    assert trials.results[0]["model"] is model


def test_max_evals_counts_all_trials() -> None:
    trials = Trials()
    search(trials=trials, max_evals=3)
    search(trials=trials, max_evals=5)
    assert trials.tids == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("algo", [rand.suggest, tpe.suggest])
def test_a_continued_search_equals_an_uninterrupted_one(algo: Any) -> None:
    at_once, in_parts = Trials(), Trials()
    search(algo=algo, trials=at_once, max_evals=16)
    search(algo=algo, trials=in_parts, max_evals=7)
    in_parts = pickle.loads(pickle.dumps(in_parts))
    search(algo=algo, trials=in_parts, max_evals=16)
    assert in_parts.vals == at_once.vals
    assert len(set(in_parts.vals["x"])) == 16


@pytest.mark.parametrize("kind", [int, np.random.default_rng, np.random.RandomState])
def test_every_kind_of_random_state_fixes_the_search(kind: Any) -> None:
    assert search(rstate=kind(3)) == search(rstate=kind(3)) != search(rstate=kind(4))


def test_the_environment_variable_sets_the_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HYPEROPT_FMIN_SEED", "3")
    assert search(rstate=None) == search(rstate=3)
    monkeypatch.setenv("HYPEROPT_FMIN_SEED", "")
    assert search(rstate=None) != search(rstate=None)


def test_only_a_loss_below_the_threshold_ends_the_search() -> None:
    losses = iter([3.0, 2.0, 1.0, 0.0])
    trials = Trials()
    search(lambda config: next(losses), trials=trials, loss_threshold=2.0)
    assert trials.losses() == [3.0, 2.0, 1.0]


def test_a_timeout_ends_the_search_between_trials() -> None:
    trials = Trials()
    search(trials=trials, max_evals=None, timeout=0.05)
    assert len(trials) > 0
    assert trials.count_by_state_unsynced(JOB_STATE_DONE) == len(trials)


def test_the_early_stopping_rule_receives_its_last_return_values() -> None:
    calls = []

    def rule(trials: Any, *args: Any) -> tuple[bool, list[int]]:
        calls.append((len(trials), args))
        return len(calls) == 3, [len(calls)]

    search(max_evals=10, early_stop_fn=rule)
    assert calls == [(1, ()), (2, (1,)), (3, (2,))]


def test_an_algorithm_without_more_points_ends_the_search() -> None:
    def two(new_ids: Any, domain: Any, trials: Any, seed: Any) -> Any:
        return rand.suggest(new_ids, domain, trials, seed) if len(trials) < 2 else []

    trials = Trials()
    search(algo=two, trials=trials)
    assert len(trials) == 2


def test_one_call_of_the_algorithm_fills_the_queue() -> None:
    asked = []

    def algo(new_ids: Any, domain: Any, trials: Any, seed: Any) -> Any:
        asked.append(len(new_ids))
        return anneal.suggest(new_ids, domain, trials, seed)

    search(algo=algo, max_evals=7, max_queue_len=3)
    assert asked == [3, 3, 1]


@pytest.mark.parametrize(
    ("returned", "error"),
    [
        (None, TypeError),
        ("abc", ValueError),
        ({"loss": 1.0}, KeyError),
        ({"status": "okay", "loss": 1.0}, InvalidResultStatus),
        ({"status": "ok"}, InvalidLoss),
        ({"status": "ok", "loss": None}, InvalidLoss),
        ({"status": "ok", "loss": 1j}, InvalidLoss),
    ],
)
def test_an_invalid_result_raises_hyperopts_error(returned: dict[str, Any] | str | None, error: Any) -> None:
    with pytest.raises(error, match=r"The objective returned|the objective returned"):
        search(lambda config: returned)


def test_an_exception_ends_the_search_and_its_trial_is_not_shown() -> None:
    trials = Trials()
    with pytest.raises(ZeroDivisionError):
        search(lambda config: 1 / 0, trials=trials)
    assert len(trials) == 0
    assert trials._dynamic_trials[0]["state"] == JOB_STATE_ERROR
    assert trials._dynamic_trials[0]["misc"]["error"] == ("<class 'ZeroDivisionError'>", "division by zero")


def test_with_catch_eval_exceptions_errors_are_recorded_and_the_search_continues() -> None:
    trials = Trials()
    search(lambda config: 1 / (config["x"] > 0), trials=trials, max_evals=20, catch_eval_exceptions=True)
    assert 0 < len(trials) < 20 == len(trials._dynamic_trials)


def test_an_interrupted_trial_is_evaluated_by_the_next_search() -> None:
    def interrupted(config: Any) -> None:
        raise KeyboardInterrupt

    trials = Trials()
    with pytest.raises(KeyboardInterrupt):
        search(interrupted, trials=trials)
    assert trials._dynamic_trials[0]["state"] == JOB_STATE_NEW
    search(trials=trials, max_evals=2)
    assert [doc["state"] for doc in trials._dynamic_trials] == [JOB_STATE_DONE] * 2


def test_the_error_counts_failed_trials_and_quotes_the_last_one() -> None:
    def fails(config: Any) -> dict[str, Any]:
        return {"status": STATUS_FAIL} if config["x"] < 0 else {"loss": math.nan, "status": STATUS_OK}

    for return_argmin in (True, False):
        with pytest.raises(AllTrialsFailed, match=r"None of 5 trials.*'fail'.*NaN"):
            search(fails, return_argmin=return_argmin)
    with pytest.raises(
        AllTrialsFailed, match=r"None of 5 trials has a loss: 5 raised.*trial 4.*division by zero"
    ):
        search(lambda config: 1 / 0, catch_eval_exceptions=True)


def test_a_nan_loss_is_never_the_best() -> None:
    trials = Trials()
    search(lambda config: config["x"] if config["x"] > 0 else math.nan, trials=trials, max_evals=20)
    assert trials.best_trial["result"]["loss"] > 0


def test_a_search_without_evaluations_raises() -> None:
    with pytest.raises(HpsearchError, match="max_evals must be at least 1"):
        search(max_evals=0)
    assert search(max_evals=0, return_argmin=False) is None


def test_return_argmin_false_returns_the_configuration() -> None:
    trials = Trials()
    best = search(trials=trials, return_argmin=False, max_evals=10)
    assert best == space_eval(SPACE, trials.argmin) == trials.best_config


def test_points_are_evaluated_first_and_in_addition_to_max_evals() -> None:
    seen = []
    points = [{"x": 1, "kind": 0}, {"x": 2, "kind": "a"}, {"x": 3.0, "kind": {"n": 4}}]
    trials = Trials()
    search(lambda config: seen.append(config) or 0.0, points_to_evaluate=points, max_evals=2, trials=trials)
    assert seen[:3] == [{"x": 1.0, "kind": "a"}, {"x": 2.0, "kind": "a"}, {"x": 3.0, "kind": {"n": 4}}]
    assert len(seen) == 5
    assert trials.trials[2]["misc"]["vals"] == {"kind": [1], "n": [4.0], "x": [3.0]}


def test_known_points_are_not_evaluated_again() -> None:
    trials = Trials()
    for _ in range(2):
        search(points_to_evaluate=[{"x": 1, "kind": 0}], trials=trials, max_evals=3)
    assert len(trials) == 4


@pytest.mark.parametrize(
    ("point", "sentence"),
    [
        ({"kind": 0}, "lacks the parameter 'x'"),
        ({"x": 1, "kind": "c"}, "No option of 'kind' is 'c'"),
    ],
)
def test_an_invalid_point_is_rejected(point: dict[str, Any], sentence: str) -> None:
    with pytest.raises(SpaceError, match=sentence):
        search(points_to_evaluate=[point])


def test_generated_trials_are_evaluated_first() -> None:
    trials = generate_trials_to_calculate([{"x": 1.0, "kind": 0}, {"x": 2.0, "kind": "a"}])
    assert len(trials) == 0
    search(trials=trials, max_evals=2)
    assert trials.losses()[:2] == [0.0, 1.0]
    assert len(trials) == 4
    assert trials.vals["kind"][1] == 0


def test_trials_are_saved_after_each_round_and_read_again(tmp_path: Path) -> None:
    path = tmp_path / "trials.pkl"
    counts = []

    def counting(config: Any) -> Any:
        counts.append(len(pickle.loads(path.read_bytes())) if path.exists() else 0)
        return {"loss": config["x"], "status": STATUS_OK, "f": lambda: 1}  # only cloudpickle can pickle it

    search(counting, trials_save_file=path, max_evals=3)
    search(counting, trials_save_file=path, max_evals=5)
    assert counts == [0, 1, 2, 3, 4]
    assert list(tmp_path.iterdir()) == [path]


def test_an_objective_may_take_expr_memo_and_ctrl() -> None:
    @fmin_pass_expr_memo_ctrl
    def objective(expr: Any, memo: Any, ctrl: Any) -> Any:
        config = pyll.rec_eval(expr, memo=memo)
        ctrl.attachments["config"] = config
        return config["x"] ** 2

    trials = Trials()
    search(partial(objective), trials=trials, max_evals=2)
    assert trials.trial_attachments(trials.trials[1])["config"]["x"] ** 2 == trials.losses()[1]


def test_an_annotated_objective_is_called_with_keywords() -> None:
    def objective(x: hp.uniform("x", 0, 1), n: hp.choice("n", [3]), k=2) -> Any:  # type: ignore[no-untyped-def, valid-type]
        return x * n * k

    assert search(objective, "annotated").keys() == {"x", "n"}

    def wrong(x: float) -> float:
        return x

    with pytest.raises(InvalidAnnotatedParameter, match="'x' of 'wrong' is annotated with"):
        search(wrong, "annotated")


def test_a_duplicate_label_raises_hyperopts_error() -> None:
    with pytest.raises(DuplicateLabel, match="'x'"):
        search(space=[hp.uniform("x", 0, 1), hp.uniform("x", 0, 2)])


@pytest.mark.parametrize(
    ("keywords", "error", "sentence"),
    [
        ({"max_evals": 2.5}, TypeError, "max_evals must be an integer"),
        ({"timeout": 0}, ValueError, "timeout must be a positive number"),
        ({"timeout": True}, ValueError, "timeout must be a positive number"),
        ({"loss_threshold": "1"}, ValueError, "loss threshold must be a number"),
    ],
)
def test_an_invalid_limit_is_rejected(keywords: dict[str, Any], error: Any, sentence: str) -> None:
    with pytest.raises(error, match=sentence):
        search(**keywords)


def test_the_fmin_method_of_trials_is_called() -> None:
    class Own(Trials):
        def fmin(self, fn: Any, space: Any, **keywords: Any) -> str:  # type: ignore[override]
            return "mine"

    assert search(trials=Own()) == "mine"
    assert search(trials=Own(), allow_trials_fmin=False).keys() >= {"x"}


def test_progress_goes_to_a_custom_factory() -> None:
    shown = []

    class Bar:
        def update(self, n: Any) -> None:
            shown.append((n, self.postfix))  # type: ignore[attr-defined]

    @contextlib.contextmanager
    def factory(initial: Any, total: Any) -> Iterator[Any]:
        shown.append((initial, total))
        yield Bar()

    search(lambda config: 1.0, show_progressbar=factory, max_evals=2)
    assert shown == [(0, 2), (1, "best loss: 1"), (1, "best loss: 1")]


def test_an_iterator_runs_one_trial_at_a_time() -> None:
    trials = Trials()
    rounds = FMinIter(
        rand.suggest, Domain(square, SPACE), trials, rstate=np.random.default_rng(0), max_evals=3
    )
    assert [len(seen) for seen in rounds] == [1, 2, 3]


@pytest.mark.parametrize("percent", [0, 10])
def test_no_progress_loss_ends_a_search_after_trials_without_improvement(percent: int) -> None:
    losses = iter([3.0, 1.0, *[0.95] * 20])
    trials = Trials()
    search(
        lambda config: next(losses),
        trials=trials,
        max_evals=20,
        early_stop_fn=no_progress_loss(4, percent_increase=percent),
    )
    assert len(trials) == (6 if percent else 7)


def test_no_progress_loss_counts_failed_trials() -> None:
    results = iter(
        [{"status": STATUS_FAIL}, {"loss": 1.0, "status": STATUS_OK}, *[{"status": STATUS_FAIL}] * 9]
    )
    trials = Trials()
    search(lambda config: next(results), trials=trials, max_evals=9, early_stop_fn=no_progress_loss(4))
    assert len(trials) == 4


def test_the_first_loss_counts_as_progress() -> None:
    trials = Trials()
    search(trials=trials, max_evals=9, early_stop_fn=no_progress_loss(1))
    assert len(trials) >= 2


def test_a_bool_option_is_not_an_index() -> None:
    space = hp.choice("flag", [True, False])
    assert space_eval(space, {"flag": True}) is True
    assert space_eval(space, {"flag": 1}) is False


def test_attachments_of_the_current_trial_are_kept_and_reports_cause_a_warning() -> None:
    def objective(config: Any) -> Any:
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda i: current_trial().attach(f"fold{i}", bytearray([i])), range(2)))
        current_trial().attach("tid", str(current_trial().tid).encode())
        return config["x"]

    trials = Trials()
    search(objective, trials=trials, max_evals=3)
    for tid, trial in enumerate(trials.trials):
        kept = trials.trial_attachments(trial)
        assert {name: kept[name] for name in kept} == {"fold0": b"\0", "fold1": b"\1", "tid": b"%d" % tid}


def test_reports_to_in_process_trials_cause_one_warning() -> None:
    code = (
        "from hpsearch import current_trial, fmin, hp\n"
        "def objective(x):\n    current_trial().report(1, x)\n    return x\n"
        "fmin(objective, hp.uniform('x', 0, 1), max_evals=3, show_progressbar=False)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=200, check=True
    )
    assert done.stderr.count("HpsearchWarning") == 1
    assert "MongoTrials" in done.stderr


def test_a_warm_start_tries_the_best_points_of_earlier_trials_first() -> None:
    """The earlier search has other ranges, and the options in another order; they keep their meaning."""
    earlier, trials = Trials(), Trials()
    search(space=EARLIER_SPACE, trials=earlier, max_evals=20)
    search(trials=trials, max_evals=6, warm_start=earlier)
    cold = Trials()
    search(trials=cold, max_evals=6)
    spaces = {id(t): s for t, s in ((earlier, EARLIER_SPACE), (trials, SPACE))}

    def configs(searched: Trials, tids: Any) -> list[Any]:
        docs = [searched.trials[tid] for tid in tids]
        return [space_eval(spaces[id(searched)], spec_from_misc(doc["misc"])) for doc in docs]

    best = np.argsort(earlier.losses())[:2]
    assert [c in configs(trials, range(4)) for c in configs(earlier, best)] == [True, True]
    assert len(trials) == 6
    assert trials.losses()[4:] == cold.losses()[4:]  # the algorithm continues as without a warm start


def test_a_warm_start_is_not_repeated_by_the_next_call() -> None:
    earlier, trials = Trials(), Trials()
    search(trials=earlier, max_evals=20)
    search(trials=trials, max_evals=3, warm_start=[earlier])
    search(trials=trials, max_evals=8, warm_start=[earlier], max_queue_len=2)
    at_once = Trials()
    search(trials=at_once, max_evals=8, warm_start=[earlier])
    assert trials.losses()[:4] == at_once.losses()[:4]
    assert len(set(trials.losses())) == 8


def test_saved_trials_without_a_space_are_taken_to_have_the_new_one() -> None:
    earlier, trials = Trials(), Trials()
    search(trials=earlier, max_evals=20)
    search(trials=trials, max_evals=1, warm_start=pickle.loads(pickle.dumps(earlier)))
    assert trials.losses() == [min(earlier.losses())]


def test_sources_that_cannot_be_used_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="names of searches need MongoTrials"):
        search(warm_start="earlier")
    with pytest.raises(ConfigurationError, match="not 7"):
        search(warm_start=[Trials(), 7])
    with pytest.raises(ConfigurationError, match="Search 0 of warm_start has no successful trial"):
        search(warm_start=Trials())
