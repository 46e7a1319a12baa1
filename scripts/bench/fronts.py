"""Several objectives and outcome limits: our algorithms, and Optuna's, in the same run.

    scripts/bench/peers/venv optuna
    python scripts/bench/fronts.py --keep fronts.jsonl                  # fronts, 100 trials
    python scripts/bench/fronts.py --limits --keep limits.jsonl         # limits, 60 trials
    python scripts/bench/fronts.py --problems zdt1 digits --seeds 2 --algorithms auto optuna.gp

Fronts are scored by the share of the best-known hypervolume (``objectives/fronts.py`` has the references):
that of the exact front, else of all trials of all searches together. Searches with limits are scored by their
best feasible loss, as ``(loss - least) / (random - least)``, where ``random`` is the median of random search
after all trials and ``least`` the optimum or the least loss of all searches; 0 is the optimum, and at most 2
counts. CPU is that of one suggestion. Brackets hold 95 % bootstrap intervals of the mean over problems, or
over seeds where there is one problem. Every peer has its defaults. With ``--keep``, searches in the file are
not repeated: delete it when an algorithm changes.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from objectives.searches import FRONTS, LIMITS, best_feasible, run, volumes
from peers.process import PeerError
from scoring import CLIP, interval

from hpsearch.core.front import nondominated
from hpsearch.core.hypervolume import hypervolume

#: Numbers of trials that are scored; the last is the length of a search.
AT_FRONTS, AT_LIMITS = (30, 50, 100), (20, 40, 60)

#: What a search measured, by algorithm, problem and seed.
Found = Mapping[tuple[str, str, int], Mapping[str, Any]]


def main() -> None:
    options = arguments()
    problems = options.problems or list(LIMITS if options.limits else FRONTS)
    at = AT_LIMITS if options.limits else AT_FRONTS
    algorithms = list(dict.fromkeys([*options.algorithms, *(["random"] if options.limits else [])]))
    keys = list(product(algorithms, problems, range(options.seeds)))
    found = searched(keys, at[-1], options.keep)
    score = limit_scores if options.limits else front_scores
    scores = {problem: score(found, problem, algorithms, options.seeds, at) for problem in problems}
    print_table(scores, algorithms, at)
    print_cpu(found, algorithms)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    default = ["auto", "tpe", "optuna.tpe", "optuna.nsgaii", "optuna.gp", "random"]
    parser.add_argument("--algorithms", nargs="+", default=default)
    parser.add_argument("--limits", action="store_true", help="outcome limits instead of several objectives")
    parser.add_argument("--problems", nargs="+", choices=[*FRONTS, *LIMITS])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--keep", type=Path, metavar="FILE", help="keep the searches, and use those kept")
    return parser.parse_args()


def searched(keys: Sequence[tuple[str, str, int]], n_evals: int, kept: Path | None) -> Found:
    """Return what each search measured.

    Parameters
    ----------
    keys : sequence
        Algorithms, problems and seeds.
    n_evals : int
        Trials of a search.
    kept : Path or None
        A file of JSON lines.
    """
    lines = kept.read_text().splitlines() if kept is not None and kept.exists() else []
    found = {tuple(document.pop("search")): document for document in map(json.loads, lines)}
    for seed_first in sorted(set(keys) - set(found), key=lambda key: (key[2], keys.index(key))):
        try:
            found[seed_first] = run(*seed_first, n_evals)
        except PeerError as error:
            print(f"ended early: {seed_first}: {error}")
            continue
        if kept is not None:
            with kept.open("a") as file:
                print(json.dumps({"search": seed_first, **found[seed_first]}), file=file)
    return {key: found[key] for key in keys if key in found}


def front_scores(
    found: Found, problem: str, algorithms: Sequence[str], n_seeds: int, at: Sequence[int]
) -> Mapping[str, np.ndarray]:
    """Return the shares of the hypervolume by algorithm, (seeds, numbers of trials)."""
    declared = FRONTS[problem]()
    own = {key: np.array(one["losses"]) for key, one in found.items() if key[1] == problem}
    union = np.vstack(list(own.values()))
    best = declared.volume or hypervolume(union[nondominated(union)], np.array(declared.reference))
    return {
        algorithm: np.array(
            [
                volumes(own[algorithm, problem, seed], declared.reference, at)
                for seed in range(n_seeds)
                if (algorithm, problem, seed) in own
            ]
        )
        / best
        for algorithm in algorithms
    }


def limit_scores(
    found: Found, problem: str, algorithms: Sequence[str], n_seeds: int, at: Sequence[int]
) -> Mapping[str, np.ndarray]:
    """Return the normalized losses by algorithm, (seeds, numbers of trials)."""
    best = {
        key: best_feasible(np.array(one["losses"]), np.array(one["amounts"]), at)
        for key, one in found.items()
        if key[1] == problem
    }
    optimum = LIMITS[problem]().optimum
    least = min(losses[-1] for losses in best.values()) if optimum is None else optimum
    random = np.median([losses[-1] for key, losses in best.items() if key[0] == "random"])
    return {
        algorithm: np.minimum(
            (np.array([best[k] for k in best if k[0] == algorithm and k[2] < n_seeds]) - least)
            / (random - least),
            CLIP,
        )
        for algorithm in algorithms
    }


def print_table(
    scores: Mapping[str, Mapping[str, np.ndarray]], algorithms: Sequence[str], at: Sequence[int]
) -> None:
    """Print a Markdown table: one row for each algorithm, and one column for each problem."""
    print(f"after {' / '.join(map(str, at))} trials\n")
    print(f"| algorithm | {' | '.join(scores)} | mean |\n|---{'|---' * (len(scores) + 1)}|")
    for algorithm in algorithms:
        own = [scores[problem][algorithm] for problem in scores]
        cells = [
            " / ".join(_number(mean) for mean in values.mean(axis=0)) if len(values) else "" for values in own
        ]
        usable = [values for values in own if len(values)]
        means = np.array([values.mean(axis=0) for values in usable]) if len(usable) > 1 else usable[0]
        overall = [
            f"{_number(column.mean())} [{', '.join(map(_number, interval(column)))}]" for column in means.T
        ]
        print(f"| `{algorithm}` | {' | '.join(cells)} | {' / '.join(overall)} |")


def print_cpu(found: Found, algorithms: Sequence[str]) -> None:
    """Print the median CPU time of a suggestion."""
    print()
    for algorithm in algorithms:
        times = [one["cpu_ms"] for key, one in found.items() if key[0] == algorithm]
        print(f"{algorithm}: {np.median(times):.1f} ms of CPU a suggestion, {len(times)} searches")


def _number(value: float) -> str:
    return f"{value:.2f}".replace("0.", ".", 1)


if __name__ == "__main__":
    main()
