"""Measure what pruning gains: ``python scripts/bench/pruning.py --methods tpe+none tpe+auto --workers 8``.

Every method searches the same problems (``fidelity/README.md``) in a simulated fleet, within the same number
of steps of all workers together: 40, 80 or 200 full trials for 1, 8 or 32 workers. Regret is the final loss
of the best trial that ran to its end, minus the least known one, in units of the distance to the median.

The speed-up over the base is how many times sooner a method reaches the regret that the base has in the end;
where it never does, it is below 1: how much sooner the base reached what the method has in the end. It is
that of the mean regret of all seeds, capped at 1; from three seeds on, 90 % intervals are bootstrapped.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from fidelity.curves import NAMES, problem
from fidelity.searches import make_search
from fidelity.simulation import simulate
from numpy.typing import NDArray

#: Full trials within the budget, by the number of workers.
N_FULL = {1: 40, 8: 80, 32: 200}
#: Shares of the budget at which regret is noted.
_N_MARKS = 40
_N_BOOTSTRAPS = 1000
#: Seeds from which on they say anything.
_MIN_SEEDS = 3

#: Regret of each seed at each mark, by problem, workers and method.
Results = dict[tuple[str, int, str], dict[int, list[float]]]


def main() -> None:
    arguments = parse()
    path: Path = arguments.out
    known = path.read_text().splitlines() if path.exists() else []
    done = {tuple(json.loads(line)["run"]) for line in known}
    started = time.monotonic()
    with path.open("a") as file:
        for seed in range(arguments.seeds):
            for name in arguments.problems:
                for n_workers in arguments.workers:
                    for method in arguments.methods:
                        if (
                            name,
                            n_workers,
                            method,
                            seed,
                        ) in done or time.monotonic() - started > arguments.limit:
                            continue
                        print(json.dumps(measure(name, n_workers, method, seed)), file=file, flush=True)
    print(table(read(path), arguments.base or arguments.methods[0], arguments.methods))


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--problems", nargs="+", default=NAMES)
    parser.add_argument("--methods", nargs="+", default=["tpe+none", "tpe+auto"], help="sampler+pruner")
    parser.add_argument("--workers", nargs="+", type=int, choices=sorted(N_FULL), default=[8])
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--base", help="the method to compare with; by default the first one")
    parser.add_argument("--out", type=Path, default=Path("pruning.jsonl"), help="runs found there are kept")
    parser.add_argument("--limit", type=float, default=float("inf"), help="seconds after which none starts")
    return parser.parse_args()


def measure(name: str, n_workers: int, method: str, seed: int) -> dict[str, object]:
    """Run one search; return its regret at each mark, and what it cost."""
    found = problem(name)
    n_steps = N_FULL[n_workers] * found.n_steps
    started = time.process_time()
    trace = simulate(found, make_search(method, found, seed), n_workers, n_steps, seed)
    regret = []
    for mark in range(1, _N_MARKS + 1):
        losses = [loss for spent, loss in trace.found if spent <= mark / _N_MARKS * n_steps]
        regret.append((losses[-1] - found.best) / (found.median - found.best) if losses else 1.0)
    return {
        "run": [name, n_workers, method, seed],
        "regret": [round(min(r, 1.0), 6) for r in regret],
        "trials": trace.n_trials,
        "full": trace.n_full,
        "cpu_s": round(time.process_time() - started, 2),
    }


def read(path: Path) -> Results:
    """Return the results of a file."""
    results: Results = defaultdict(dict)
    for line in path.read_text().splitlines():
        run = json.loads(line)
        name, n_workers, method, seed = run["run"]
        results[name, n_workers, method][seed] = run["regret"]
    return results


def table(results: Results, base: str, methods: Sequence[str]) -> str:
    """Return the speed-ups over a base with their 90 % intervals as Markdown, a line for each method."""
    lines = []
    for n_workers in sorted({n for _, n, _ in results}):
        names = sorted({name for name, n, _ in results if n == n_workers})
        lines += [
            f"| W = {n_workers} | {' | '.join(names)} | geometric mean |",
            "|---" * (len(names) + 2) + "|",
        ]
        for method in methods:
            cells, logs, n_seeds = [], [], sys.maxsize
            for name in names:
                ours, theirs = results[name, n_workers, method], results[name, n_workers, base]
                seeds = sorted(set(ours) & set(theirs))
                if not seeds:
                    cells.append("")
                    continue
                a, b = (np.array([runs[seed] for seed in seeds]) for runs in (ours, theirs))
                draws = bootstrapped(a, b)
                logs.append(np.log(np.append(speed_up(a, b), draws)))
                cells.append(f"{with_interval(logs[-1], len(seeds))}, n = {len(seeds)}")
                n_seeds = min(n_seeds, len(seeds))
            mean = with_interval(np.mean(logs, axis=0), n_seeds) if logs else ""
            lines.append(f"| {method} | {' | '.join(cells)} | {mean} |")
        lines.append("")
    return "\n".join(lines)


def with_interval(logs: NDArray[np.float64], n_seeds: int) -> str:
    """Return a speed-up and its interval from logarithms: the measured one, and then bootstrapped ones."""
    if n_seeds < _MIN_SEEDS:
        return f"{np.exp(logs[0]):.2f}"
    low, high = np.exp(np.quantile(logs[1:], [0.05, 0.95]))
    return f"{np.exp(logs[0]):.2f} ({low:.2f}-{high:.2f})"


def bootstrapped(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return speed-ups of a over b, (s, m) regrets each, for seeds drawn with replacement."""
    rng = np.random.default_rng(0)
    picks = rng.integers(len(a), size=(_N_BOOTSTRAPS, len(a)))
    return np.array([speed_up(a[pick], b[pick]) for pick in picks])


def speed_up(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """Return how much sooner (s, m) regrets a reach the end of regrets b; below 1, the opposite."""
    ours, theirs = a.mean(axis=0), b.mean(axis=0)
    needed = reached(ours, theirs[-1])
    if needed is not None:
        return (reached(theirs, theirs[-1]) or 1.0) / needed
    return reached(theirs, ours[-1]) or 1.0


def reached(regret: NDArray[np.float64], goal: float) -> float | None:
    """Return the share of the budget at which a falling (m,) regret reaches a goal; None if it never does."""
    hits = np.flatnonzero(regret <= goal + 1e-12)
    if not len(hits):
        return None
    i, width = int(hits[0]), 1 / len(regret)
    if i == 0 or regret[i - 1] <= regret[i]:
        return (i + 1) * width
    return float((i + (regret[i - 1] - goal) / (regret[i - 1] - regret[i])) * width)


if __name__ == "__main__":
    main()
