"""Suggestions and plots do not depend on the process's numerical settings."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special

from hpsearch import hp
from hpsearch.coordination.suggestion_batch import SuggestionBatches
from hpsearch.coordination.trial_state import TrialState
from hpsearch.core.experiment import Algorithm, Experiment, ObjectiveRef
from hpsearch.core.trial import State, Trial
from hpsearch.hyperopt import Trials, anneal, auto, fmin, mix, plotting, rand, tpe
from hpsearch.hyperopt.pyll.stochastic import sample
from hpsearch.report.matplotlib.save import save_figure
from hpsearch.report.space_histograms import space_panels
from hpsearch.report.space_plot import draw_panels
from hpsearch.runtime.numerics import isolated_numerics, single_threaded, thread_counts
from hpsearch.space.tree import Space
from hpsearch.suggest.names import ALGORITHMS

#: Parameters at the limits of floats, by label.
EXTREMES: dict[str, Callable[[str], Any]] = {
    "tiny to one": lambda label: hp.loguniform(label, -700, 0),
    "tiny to huge": lambda label: hp.loguniform(label, -700, 700),
    "beyond the floats": lambda label: hp.lognormal(label, 500, 200),
    "below the floats": lambda label: hp.lognormal(label, -700, 50),
    "on a grid beyond the floats": lambda label: hp.qlognormal(label, 300, 300, 2),
    "wide": lambda label: hp.uniform(label, -1e300, 1e300),
    "thin": lambda label: hp.uniform(label, 0, 1e-300),
    "narrow": lambda label: hp.normal(label, 1e200, 1e-200),
    "broad": lambda label: hp.normal(label, 0, 1e300),
    "fine": lambda label: hp.quniform(label, 0, 1e4, 1e-10),
    "many": lambda label: hp.randint(label, 2**52),
    "plain": lambda label: hp.uniform(label, 0, 1),
    "options": lambda label: hp.choice(label, [1, 2, 3]),
}

LOSSES = (0.0, 1.0, -1e308, 1e308, 5e-324, 1e-300, float("inf"), float("-inf"), None)

#: Prints the numbers of threads before, within and after a block, and after an error.
THREAD_COUNTS = """
import numpy, scipy.linalg
from hpsearch.runtime.numerics import single_threaded, thread_counts
def show():
    print(*(get() for get, _ in thread_counts()))
show()
with single_threaded():
    show()
show()
try:
    with single_threaded():
        raise KeyError
except KeyError:
    show()
"""


@contextmanager
def strict() -> Iterator[None]:
    """Raise at every floating-point error, of NumPy and of SciPy, and at every warning."""
    with np.errstate(all="raise"), special.errstate(all="raise"), warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def trial_state_of(space: Space, losses: list[float | None]) -> TrialState:
    rng = np.random.default_rng(len(losses))
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    return TrialState(
        space,
        [
            Trial(
                exp_key="e",
                tid=tid,
                values=space.sample(rng),
                state=State.FAILED if loss is None else State.DONE,
                loss=loss,
                finished_at=moment,
            )
            for tid, loss in enumerate(losses)
        ],
    )


def proposed(space: Space, algorithm: str, losses: list[float | None]) -> list[Any]:
    experiment = Experiment(
        exp_key="e",
        space=space.to_json(),
        space_fingerprint=space.fingerprint,
        objective=ObjectiveRef(kind="import", ref="m:f"),
        algorithm=Algorithm(name=algorithm),
        seed=3,
    )
    trial_state = trial_state_of(space, losses)
    return [
        trial.values for trial in SuggestionBatches(experiment, space).propose(experiment, trial_state, 4)
    ]


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@given(
    kinds=st.lists(st.sampled_from(sorted(EXTREMES)), min_size=1, max_size=4, unique=True),
    losses=st.lists(st.sampled_from(LOSSES), min_size=8, max_size=30),
)
def test_strict_numerical_settings_do_not_change_suggestions(
    algorithm: str, kinds: list[str], losses: list[float | None]
) -> None:
    space = Space([EXTREMES[kind](kind) for kind in kinds])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        plain = proposed(space, algorithm, losses)
    with strict():
        assert proposed(space, algorithm, losses) == plain


@pytest.mark.long
@pytest.mark.parametrize("algo", [tpe, auto, anneal, rand], ids=lambda algo: algo.__name__)
@pytest.mark.parametrize("kind", EXTREMES)
def test_a_script_with_strict_settings_completes_its_search(algo: Any, kind: str) -> None:
    space = {"a": EXTREMES[kind]("a"), "b": hp.normal("b", 0, 1)}
    trials = Trials()
    with strict():
        fmin(
            lambda config: config["b"] if config["a"] else 0.0,
            space,
            algo=algo.suggest,
            max_evals=25,
            trials=trials,
            rstate=1,
            show_progressbar=False,
        )
    assert len(trials.trials) == 25


def test_a_script_with_strict_settings_may_mix_algorithms() -> None:
    trials = Trials()
    with strict():
        fmin(
            lambda x: x,
            EXTREMES["tiny to one"]("x"),
            algo=lambda *args: mix.suggest(*args, p_suggest=[(0.5, tpe.suggest), (0.5, anneal.suggest)]),
            max_evals=30,
            trials=trials,
            rstate=1,
            show_progressbar=False,
        )
    assert len(trials.trials) == 30


def test_the_objective_keeps_its_strict_settings() -> None:
    def objective(x: float) -> float:
        return float(np.exp(np.float64(-1e4)) + x)

    with np.errstate(all="raise"), pytest.raises(FloatingPointError):
        fmin(objective, hp.uniform("x", 0, 1), algo=tpe.suggest, max_evals=3, show_progressbar=False)


def test_settings_are_restored_afterwards_and_unchanged_in_other_threads() -> None:
    seen: list[dict[str, str]] = []
    inside, leave = threading.Event(), threading.Event()

    def other() -> None:
        with np.errstate(all="raise"):
            seen.append(dict(np.geterr()))
            inside.set()
            leave.wait(30)
            seen.append(dict(np.geterr()))

    before, filters = dict(np.geterr()), list(warnings.filters)
    thread = threading.Thread(target=other)
    with isolated_numerics():
        thread.start()
        assert inside.wait(30)
        assert set(np.geterr().values()) == {"ignore"}
        assert warnings.filters == filters
    leave.set()
    thread.join()
    assert [set(state.values()) for state in seen] == [{"raise"}, {"raise"}]
    assert dict(np.geterr()) == before


@pytest.mark.parametrize("kind", EXTREMES)
def test_spaces_work_with_strict_settings(kind: str) -> None:
    node = EXTREMES[kind]("a")
    space = Space({"a": node})
    with strict():
        rng = np.random.default_rng(0)
        for _ in range(20):
            values = space.sample(rng)
            config = space.config(values)
            space.params(values)
            assert space.config(space.values(config)) == config
        sample({"a": node}, 0)


def test_operations_of_a_space_overflow_to_infinity_silently() -> None:
    x = hp.uniform("x", 1000, 2000)
    from hpsearch.hyperopt.pyll import scope

    space = Space({"big": scope.exp(x), "nothing": scope.exp(-x), "undefined": scope.log(-x)})
    with strict():
        config = space.config({"x": 1500.0})
    assert config["big"] == np.inf
    assert config["nothing"] == 0
    assert np.isnan(config["undefined"])


@pytest.mark.long
@pytest.mark.parametrize("kind", EXTREMES)
def test_a_space_is_plotted_with_strict_settings(kind: str, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    space = Space([EXTREMES[kind]("a")])
    rng = np.random.default_rng(0)
    samples = [space.sample(rng) for _ in range(300)]
    with strict():
        save_figure(draw_panels(space_panels(space, samples), "A title"), tmp_path / "space.png")
    assert (tmp_path / "space.png").stat().st_size > 0


def test_extreme_losses_are_plotted_with_strict_settings() -> None:
    pytest.importorskip("matplotlib").use("Agg")
    import matplotlib.pyplot as plt

    trials = Trials()
    losses = iter([1e-300, 1e200, -1e200, 0.5] * 3)
    fmin(
        lambda c: next(losses),
        {"log": EXTREMES["tiny to one"]("log")},
        algo=rand.suggest,
        max_evals=12,
        trials=trials,
        show_progressbar=False,
    )
    with strict():
        for draw in (plotting.main_plot_history, plotting.main_plot_histogram, plotting.main_plot_vars):
            plt.close(draw(trials, do_show=False))


@pytest.mark.skipif(not thread_counts(), reason="this NumPy has no OpenBLAS")
def test_one_thread_is_used_within_the_block_and_the_number_restored_after_it() -> None:
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "2"}
    done = subprocess.run(
        [sys.executable, "-c", THREAD_COUNTS],
        capture_output=True,
        text=True,
        timeout=200,
        check=True,
        env=environment,
    )
    counts = [set(line.split()) for line in done.stdout.splitlines()]
    assert counts[0] <= {"1", "2"}  # one on a machine with one core
    assert counts[1:] == [{"1"}, counts[0], counts[0]]


def test_blocks_nest() -> None:
    before = [get() for get, _ in thread_counts()]
    with single_threaded(), single_threaded():
        pass
    assert [get() for get, _ in thread_counts()] == before
