"""The best loss after some evaluations: our algorithms, and those of installed peers.

    pip install 'hpsearch[bench]'
    python scripts/bench/quality.py                                     # 50 evaluations, 5 seeds, 22 problems
    python scripts/bench/quality.py --evals 200 --at 50 100 200 --algorithms auto tpe optuna.tpe hyperopt.tpe
    python scripts/bench/quality.py --evals 200 --workers 1 8 32        # the cost of parallel workers
    python scripts/bench/quality.py --plot regret.png                   # needs hpsearch[plot]

The problems are those of ``problems.py``, two instances of each family. Searches with the same seed see the
same noise, every peer uses its defaults, and all random generators are seeded, so that a run is reproducible.

Regret is ``(loss - optimum) / (random - optimum)``, at most 2, where ``random`` is the median of random
search after all evaluations: 0 is the optimum, 1 is random search. The win rate is the probability that the
first algorithm is better than another on one problem with one seed each; ties count half. Brackets contain 95
% bootstrap intervals over problems. CPU is the time of one suggestion.

With several workers the searches are simulated (``fleet.py``): whenever a worker is free, the algorithm
suggests a trial while those of the others are pending (Hyperopt's algorithms ignore them). Numbers of
evaluations count finished ones. The "worth" of ``N`` evaluations by ``W`` workers is the number of
evaluations after which one worker wins half of the pairs; it is ``N`` if one worker is worse even then. (The
mean regret depends on the few problems where it is highest; the win rate weighs all equally.)
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np
from contenders import Run, contender
from fleet import durations, simulate
from problems import problems

from hpsearch.errors import MissingExtraError

#: Upper limit of regret, so that one failed search does not dominate a mean.
CLIP = 2.0

#: The colours of Okabe and Ito, which most people can distinguish.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#7F7F7F", "#E69F00", "#56B4E9")

#: Results of one algorithm: (problems, seeds, evaluations) losses, and CPU seconds.
Results = Mapping[str, tuple[np.ndarray, float]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--algorithms", nargs="+", default=["auto", "tpe", "optuna.tpe", "hyperopt.tpe"])
    parser.add_argument("--evals", type=int, default=50)
    parser.add_argument("--at", nargs="+", type=int, metavar="N", help="evaluations to compare after")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--instances", type=int, default=2, help="problems of each family")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw the regret after each evaluation")
    parser.add_argument("--workers", nargs="+", type=int, default=[1], metavar="W", help="at the same time")
    options = parser.parse_args()
    names = [name for name in dict.fromkeys([*options.algorithms, "random"]) if _is_there(name)]
    runs = {
        n_workers: measure(names, options.evals, options.seeds, options.instances, options.jobs, n_workers)
        for n_workers in sorted({1, *options.workers})
    }
    optima = [problem.optimum for problem in problems(options.instances)]
    regrets = {n_workers: regret(found, runs[1], optima) for n_workers, found in runs.items()}
    for n_workers, found in runs.items():
        for n in options.at or [options.evals]:
            print(f"after {n} evaluations, workers: {n_workers}")
            print(table(first(n, regrets[n_workers]), found, None if n_workers == 1 else regrets[1]))
    if options.plot:
        draw(regrets[1], options.plot)


def _is_there(name: str) -> bool:
    """Return whether an algorithm can run; print why if not."""
    try:
        contender(name)
    except MissingExtraError as error:
        print(f"left out: {error}")
        return False
    return True


def measure(
    names: Sequence[str], n_evals: int, n_seeds: int, n_instances: int, n_jobs: int, n_workers: int
) -> Results:
    """Run every algorithm on every problem with every seed, with ``n_workers`` workers."""
    n_problems = len(problems(n_instances))
    tasks = [
        (name, i, seed, n_evals, n_instances, n_workers)
        for name in names
        for i in range(n_problems)
        for seed in range(n_seeds)
    ]
    with ProcessPoolExecutor(n_jobs) as pool:
        runs = list(pool.map(search, *zip(*tasks, strict=True)))
    size = n_problems * n_seeds
    parts = {name: runs[k * size : (k + 1) * size] for k, name in enumerate(names)}
    return {
        name: (
            np.array([best for best, _ in part]).reshape(n_problems, n_seeds, n_evals),
            sum(cpu_s for _, cpu_s in part) / (size * n_evals),
        )
        for name, part in parts.items()
    }


def search(
    name: str, number: int, seed: int, n_evals: int, n_instances: int, n_workers: int
) -> tuple[list[float], float]:
    """Return the best loss after each evaluation of one search, and the CPU seconds of its algorithm."""
    problem = problems(n_instances)[number]
    run, algorithm = Run(problem, seed), contender(name)(problem, seed)

    def ask() -> tuple[Any, Any]:
        with run.timed():
            return algorithm.ask()

    def finish(asked: tuple[Any, Any]) -> None:
        trial, config = asked
        loss = run.evaluate(config)
        with run.timed():
            algorithm.tell(trial, loss)

    simulate(ask, finish, durations(n_evals, seed), n_workers)
    return run.best, run.cpu_s


def regret(found: Results, sequential: Results, optima: Sequence[float]) -> Mapping[str, np.ndarray]:
    """Return the normalized regrets, (problems, seeds, evaluations), of each algorithm."""
    optimum = np.array(optima)[:, None, None]
    random = np.median(sequential["random"][0][:, :, -1], axis=1)[:, None, None]
    return {
        name: np.clip((losses - optimum) / (random - optimum), 0, CLIP) for name, (losses, _) in found.items()
    }


def first(n: int, regrets: Mapping[str, np.ndarray]) -> Mapping[str, np.ndarray]:
    """Return the regrets of the first ``n`` evaluations."""
    return {name: values[:, :, :n] for name, values in regrets.items()}


def table(
    regrets: Mapping[str, np.ndarray], found: Results, sequential: Mapping[str, np.ndarray] | None
) -> str:
    """Return the comparison as text, the best first, with its worth in ``sequential`` evaluations."""
    judged = next(iter(regrets))
    lines = [f"{'':14} {'regret':>22} {'wins of ' + judged:>22} {'worth':>19} {'CPU':>9}"]
    for name in sorted(regrets, key=lambda name: regrets[name][:, :, -1].mean()):
        wins = win_rates(regrets[judged][:, :, -1], regrets[name][:, :, -1])
        beaten = "" if name == judged else interval(wins)
        regretted = interval(regrets[name][:, :, -1].mean(axis=1))
        worth = "" if sequential is None else worth_interval(regrets[name], sequential[name])
        cpu_ms = 1e3 * found[name][1]
        lines.append(f"{name:14} {regretted:>22} {beaten:>22} {worth:>19} {cpu_ms:6.1f} ms")
    return "\n".join(lines)


def worth_interval(parallel: np.ndarray, sequential: np.ndarray) -> str:
    """Return the number of sequential evaluations with equal results, and its 95 % interval, as text.

    Both arrays are (problems, seeds, evaluations).
    """
    n_evals = sequential.shape[2]
    wins = np.stack([win_rates(parallel[:, :, -1], sequential[:, :, n]) for n in range(n_evals)], axis=1)
    low, high = np.quantile([even(rates) for rates in resampled(wins)], [0.025, 0.975])
    return f"{even(wins.mean(axis=0)):.0f} [{low:.0f}, {high:.0f}]"


def even(rates: np.ndarray) -> float:
    """Return the number of evaluations at which the (evaluations,) win rates cross one half."""
    falling = np.minimum.accumulate(rates)
    return float(np.interp(-0.5, -falling, np.arange(1, len(rates) + 1)))


def win_rates(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the rates, (problems,), at which ``a`` is lower than ``b``, over all pairs of seeds."""
    difference = a[:, :, None] - b[:, None, :]
    wins: np.ndarray = (difference < -1e-6).mean(axis=(1, 2)) + 0.5 * (abs(difference) <= 1e-6).mean(
        axis=(1, 2)
    )
    return wins


def interval(values: np.ndarray) -> str:
    """Return the mean of (problems,) values and its 95 % interval, as text."""
    low, high = np.quantile(resampled(values), [0.025, 0.975])
    return f"{values.mean():.3f} [{low:.3f}, {high:.3f}]"


def resampled(values: np.ndarray) -> np.ndarray:
    """Return (2000, ...) bootstrap means over problems of (problems, ...) values."""
    rng = np.random.default_rng(0)
    weights = rng.multinomial(len(values), np.full(len(values), 1 / len(values)), size=2000) / len(values)
    means: np.ndarray = np.tensordot(weights, values, axes=1)
    return means


def draw(regrets: Mapping[str, np.ndarray], path: Path) -> None:
    """Draw the mean regret of each algorithm after each evaluation."""
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise MissingExtraError("--plot", "plot") from error
    figure, axes = plt.subplots(figsize=(7, 4.5), layout="constrained")
    for (name, values), colour in zip(regrets.items(), cycle(COLOURS)):
        means = values.mean(axis=(0, 1))
        axes.plot(np.arange(1, len(means) + 1), means, color=colour, linewidth=2)
        axes.annotate(
            name, (len(means), means[-1]), (6, 0), textcoords="offset points", va="center", color=colour
        )
    axes.set(xlabel="evaluations", ylabel="normalized regret, mean over problems", yscale="log")
    axes.yaxis.set_major_formatter("{x:g}")
    axes.spines[["top", "right"]].set_visible(False)
    axes.margins(x=0)
    figure.savefig(path, dpi=150)
    print(f"drawn: {path}")


if __name__ == "__main__":
    main()
