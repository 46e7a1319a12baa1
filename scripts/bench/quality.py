"""The best loss after some evaluations: our algorithms, and those of installed peers.

    pip install 'hpsearch[bench]'
    python scripts/bench/quality.py                                     # the suite "small"
    python scripts/bench/quality.py --suite dev --algorithms auto tpe optuna.tpe hyperopt.tpe
    python scripts/bench/quality.py --suite regimes --only noise failures --at 50 100
    python scripts/bench/quality.py --problems tree:7 cash:wine --evals 60
    python scripts/bench/quality.py --evals 200 --workers 1 8 32        # the cost of parallel workers
    python scripts/bench/quality.py --suite peers --algorithms auto smac.hpo optuna.gp --keep peers.jsonl
    python scripts/bench/quality.py --suite regimes --only noise --believed # the answers of noisy searches
    python scripts/bench/quality.py --plot regret.png                   # needs hpsearch[plot]

The suites and the problems are in ``problems/``, the peers in ``peers/``, with READMEs. Searches with the
same seed see the same noise, every peer uses its defaults, and all random generators are seeded, so that a
run is reproducible. With ``--keep``, searches that are in the file are not repeated, ours as long as the code
of ``core``, ``space`` and ``suggest`` is the same. Delete the file when a peer or a problem changes.

Regret is ``(loss - optimum) / (random - optimum)``, in means at most 2, where ``random`` is the median of
random search after all evaluations: 0 is the optimum, 1 is random search. Where the optimum is not known, the
least loss that was ever found is in its place. The win rate is the probability that the first algorithm is
better than another on one problem with one seed each; ties count half. The mean rank is among all algorithms
of the table. Problems weigh equally, and brackets contain 95 % bootstrap intervals over problems. CPU is the
time of one suggestion, the median over searches.

On noisy problems, the best trial is the one with the lowest observed loss, and its loss without noise counts.
With ``--believed``, the last one is the trial that the algorithm believes to be best, as ``hpsearch best
--believed`` shows it; the peers have no other answer than the lowest loss.

With several workers the searches are simulated (``fleet.py``): whenever a worker is free, the algorithm
suggests a trial while those of the others are pending (Hyperopt's algorithms ignore them). Numbers of
evaluations count finished ones. The "worth" of ``N`` evaluations by ``W`` workers is the number of
evaluations after which one worker wins half of the pairs; it is ``N`` if one worker is worse even then. (The
mean regret depends on the few problems where it is highest; the win rate weighs all equally.)
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from itertools import cycle, product
from pathlib import Path

import numpy as np
from comparison import Comparison, by_kind, by_problem, overall
from contenders import contender, version_of
from outcomes import Kept, Outcome, Search
from peers.process import MissingPeerError
from problems import suites
from problems.families import make
from scoring import CLIP, has_regret, least_losses, regrets
from searches import Found, gather, run_all

from hpsearch.errors import ConfigurationError, MissingExtraError

#: The colours of Okabe and Ito, which most people can distinguish.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#7F7F7F", "#E69F00", "#56B4E9")


def main() -> None:
    options = arguments()
    try:
        kinds, optima = chosen_problems(options.suite, options.problems, options.only)
        algorithms = [name for name in dict.fromkeys([*options.algorithms, "random"]) if _is_installed(name)]
    except (ConfigurationError, ValueError) as error:
        sys.exit(str(error))
    n_evals = options.evals or (50 if options.problems else suites.load(options.suite).n_evals)
    kept = Kept(options.keep)
    runs = {}
    for n_workers in sorted({1, *options.workers}):
        searches = [
            Search(
                algorithm=algorithm,
                problem=problem,
                seed=seed,
                n_evals=n_evals,
                n_workers=n_workers,
                version=version_of(algorithm),
            )
            for algorithm, problem, seed in product(algorithms, kinds, range(options.seeds))
        ]
        outcomes = run_all(searches, kept, options.jobs)
        runs[n_workers] = gather(searches, outcomes, believed=options.believed)
        print_errors(outcomes)
    found = compare(runs, kinds, optima)
    for n_workers, comparison in found.items():
        for n in options.at or [n_evals]:
            print(f"after {n} evaluations of {len(comparison.problems)} problems, workers: {n_workers}")
            print(overall(comparison, n, None if n_workers == 1 else found[1].regrets))
            if len(set(comparison.kinds)) > 1:
                print(by_kind(comparison, n))
            if options.details:
                print(by_problem(comparison, n))
    if options.plot:
        draw(found[1].regrets, options.plot)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--algorithms", nargs="+", default=["auto", "tpe", "optuna.tpe", "hyperopt.tpe"])
    parser.add_argument("--suite", default="small", choices=suites.suite_names())
    parser.add_argument("--problems", nargs="+", metavar="NAME", help="instead of a suite")
    parser.add_argument("--only", nargs="+", metavar="WORD", help="kinds, or parts of problems' names")
    parser.add_argument("--evals", type=int, help="per search; by default as many as the suite says")
    parser.add_argument("--at", nargs="+", type=int, metavar="N", help="evaluations to compare after")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("--keep", type=Path, metavar="FILE", help="keep the searches, and use those kept")
    parser.add_argument("--details", action="store_true", help="print the regret on each problem, too")
    parser.add_argument(
        "--believed", action="store_true", help="compare the trials believed to be best after all evaluations"
    )
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw the regret after each evaluation")
    parser.add_argument("--workers", nargs="+", type=int, default=[1], metavar="W", help="at the same time")
    return parser.parse_args()


def chosen_problems(
    suite: str, names: Sequence[str] | None, only: Sequence[str] | None
) -> tuple[Mapping[str, str], Mapping[str, float | None]]:
    """Return the kinds and the least losses of problems, by name.

    Parameters
    ----------
    suite : str
        Used if no problems are named.
    names, only : sequence of str or None
        As on the command line.

    Raises
    ------
    MissingExtraError
        If a problem needs a package that is not installed.
    ValueError
        If there is no problem of a name, or none is left.
    """
    kinds = suites.load(suite).kinds if names is None else {name: name.partition(":")[0] for name in names}
    if only is not None:
        kinds = {n: kind for n, kind in kinds.items() if kind in only or any(word in n for word in only)}
    if not kinds:
        raise ValueError("No problem is left; name kinds or parts of problems' names after --only.")
    known = suites.best_known()
    return kinds, {name: _least(make(name).optimum, known.get(name)) for name in kinds}


def _least(exact: float | None, known: float | None) -> float | None:
    return known if exact is None else exact


def _is_installed(name: str) -> bool:
    """Return whether an algorithm can run; print why if not."""
    try:
        contender(name)
    except MissingPeerError as error:
        print(f"left out: {error}")
        return False
    return True


def print_errors(outcomes: Mapping[Search, Outcome]) -> None:
    """Print which searches of peers ended early, and why."""
    for search, outcome in outcomes.items():
        if outcome.error is not None:
            print(f"ended early: {search.algorithm} on {search.problem}, seed {search.seed}: {outcome.error}")


def compare(
    runs: Mapping[int, Mapping[str, Found]], kinds: Mapping[str, str], optima: Mapping[str, float | None]
) -> Mapping[int, Comparison]:
    """Return the comparisons by number of workers; print which problems have no regret.

    Parameters
    ----------
    runs : mapping
        Results by algorithm, by number of workers.
    kinds, optima : mapping
        By problem.
    """
    random = runs[1]["random"].best
    least = least_losses(list(optima.values()), [f.best for found in runs.values() for f in found.values()])
    usable = has_regret(random, least)
    names = np.array(list(kinds))
    if not usable.all():
        print(f"left out, since random search finds the least known loss: {', '.join(names[~usable])}")
    return {
        n_workers: Comparison(
            regrets={n: regrets(f.best[usable], random[usable], least[usable]) for n, f in found.items()},
            cpu_s={n: f.cpu_s[usable] for n, f in found.items()},
            problems=names[usable].tolist(),
            kinds=[kinds[name] for name in names[usable]],
        )
        for n_workers, found in runs.items()
    }


def draw(curves: Mapping[str, np.ndarray], path: Path) -> None:
    """Draw the mean regret of each algorithm after each evaluation."""
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise MissingExtraError("--plot", "plot") from error
    figure, axes = plt.subplots(figsize=(7, 4.5), layout="constrained")
    for (name, values), colour in zip(curves.items(), cycle(COLOURS)):
        means = np.minimum(values, CLIP).mean(axis=(0, 1))
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
