"""How many trials a warm start saves, and what it costs when the earlier searches mislead.

::

    pip install 'hpsearch[bench,sklearn]' onnxruntime
    python scripts/bench/warm_start.py --data FOLDER                    # 5 seeds, every family
    python scripts/bench/warm_start.py --families models svm            # live training alone

The tasks of a family (``related_tasks.py``) are searched cold, with a warm start from searches of four other
tasks, and with a warm start from the same searches with negated losses. "Reached" is the number of trials,
median and mean, after which a search is as good as the median cold search at its end, or within 1 % of the
range of regret of it; a search that never is counts as one trial more. Regret is ``(loss - best) / (start -
best)``, at most 2, where ``best`` is the least loss that any search of the task found and ``start`` the
median of cold searches after ten trials. "Wins" is the probability that a search is better than a cold one
with another seed; ties count half. Brackets contain 95 % bootstrap intervals over tasks. With ``--results``,
searches that the file has are not repeated.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from related_tasks import Task, families
from scoring import interval, win_rates

from hpsearch.core.experiment import Algorithm
from hpsearch.core.history import History
from hpsearch.core.trial import State, Trial
from hpsearch.runtime.numerics import single_threaded
from hpsearch.space.tree import Values
from hpsearch.suggest.algorithms import make_suggester
from hpsearch.suggest.protocol import trial_rng
from hpsearch.suggest.warm_start.portfolio import portfolio
from hpsearch.suggest.warm_start.sources import Source, SourceTrial
from hpsearch.suggest.warm_start.space_match import complete
from hpsearch.suggest.warm_start.suggester import WarmStarted

#: Numbers of trials after which searches are compared.
AT = (4, 10, 15, 20, 30, 50)

#: Earlier searches of a target.
N_SOURCES = 4

#: The kinds of search that are compared.
COLD, WARM, MISLED = "cold", "warm", "misled"

#: Added to the seed of an earlier search, so that it is not that of a compared one.
_SOURCE_SEED = 1000

#: Upper limit of regret.
_CLIP = 2.0

#: One search: points and losses, NaN for failed trials.
Search = list[tuple[Values, float]]


@dataclass(frozen=True, slots=True)
class Setting:
    """What all searches of a family have in common."""

    data: Path | None
    family: str
    algorithm: str
    n_evals: int
    n_source_evals: int

    def tasks(self) -> list[Task]:
        """Return the tasks of the family."""
        return families(self.data)[self.family]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--data", type=Path, metavar="FOLDER", help="the surrogates; without it, live tasks alone"
    )
    parser.add_argument("--families", nargs="+", help="only these")
    parser.add_argument("--evals", type=int, default=50)
    parser.add_argument("--source-evals", type=int, default=60)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--algorithm", default="auto")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("--results", type=Path, metavar="FILE", help="JSON lines, continued if it exists")
    options = parser.parse_args()
    with ProcessPoolExecutor(options.jobs) as pool:
        for name in options.families or list(families(options.data)):
            setting = Setting(options.data, name, options.algorithm, options.evals, options.source_evals)
            print(table(name, measure(setting, options.seeds, pool, Results(options.results))), flush=True)


class Results:
    """The best losses of searches by name, in memory and in a file."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        lines = path.read_text().splitlines() if path is not None and path.exists() else []
        self._known: dict[str, list[float]] = dict(map(json.loads, lines))

    def __contains__(self, name: str) -> bool:
        return name in self._known

    def __getitem__(self, name: str) -> list[float]:
        return self._known[name]

    def add(self, name: str, losses: list[float]) -> None:
        """Add a search."""
        self._known[name] = losses
        if self._path is not None:
            with self._path.open("a") as file:
                file.write(json.dumps([name, losses]) + "\n")


def measure(
    setting: Setting, n_seeds: int, pool: ProcessPoolExecutor, results: Results
) -> dict[str, np.ndarray]:
    """Return the best losses, (targets, seeds, evaluations), of each kind of search."""
    names = [task.name for task in targets(setting.tasks())]
    keys = [
        (f"{setting.family} {name} {seed} {kind} {setting.algorithm} {setting.n_evals}", name, seed, kind)
        for seed in range(n_seeds)
        for name in names
        for kind in (COLD, WARM, MISLED)
    ]
    missing = [key for key in keys if key[0] not in results]
    searches = (
        pool.map(best_losses, *zip(*((setting, *key[1:]) for key in missing), strict=True)) if missing else ()
    )
    for key, losses in zip(missing, searches, strict=True):
        results.add(key[0], losses)
    shape = (n_seeds, len(names), 3, setting.n_evals)
    found = np.array([results[key[0]] for key in keys]).reshape(shape).transpose(2, 1, 0, 3)
    return dict(zip((COLD, WARM, MISLED), found, strict=True))


def best_losses(setting: Setting, name: str, seed: int, kind: str) -> list[float]:
    """Return the best loss after each evaluation of one search."""
    tasks = setting.tasks()
    (target,) = (task for task in tasks if task.name == name)
    points = [] if kind == COLD else warm_points(setting, tasks, target, seed, is_misleading=kind == MISLED)
    found = search(target, setting.algorithm, setting.n_evals, seed, points)
    return [float(loss) for loss in np.fmin.accumulate([loss for _, loss in found])]


def targets(tasks: Sequence[Task]) -> list[Task]:
    """Return the tasks with all of the training."""
    return [task for task in tasks if task.is_complete]


def warm_points(
    setting: Setting, tasks: Sequence[Task], target: Task, seed: int, *, is_misleading: bool
) -> list[Values]:
    """Return the points with which the search of a target starts."""
    others = [task for task in tasks if task.group != target.group]
    chosen = [others[i] for i in np.linspace(0, len(others) - 1, N_SOURCES).round().astype(int)]
    sign = -1.0 if is_misleading else 1.0
    sources = [
        Source(
            known=frozenset(target.space.nodes),
            trials=[
                SourceTrial(tid=tid, values=values, loss=sign * loss)
                for tid, (values, loss) in enumerate(_earlier(setting, task.name, seed))
            ],
        )
        for task in chosen
    ]
    with single_threaded():
        found = portfolio(target.space, sources)
    return [complete(target.space, one.trial.values, trial_rng(seed, i)) for i, one in enumerate(found)]


#: Earlier searches of this process; the targets of a family share them.
_earlier_searches: dict[tuple[Setting, str, int], Search] = {}


def _earlier(setting: Setting, name: str, seed: int) -> Search:
    key = (setting, name, seed)
    if key not in _earlier_searches:
        (task,) = (task for task in setting.tasks() if task.name == name)
        _earlier_searches[key] = search(task, setting.algorithm, setting.n_source_evals, _SOURCE_SEED + seed)
    return _earlier_searches[key]


def search(task: Task, algorithm: str, n_evals: int, seed: int, points: Sequence[Values] = ()) -> Search:
    """Search a task, one trial at a time; ``points`` come first."""
    suggester = WarmStarted(make_suggester(Algorithm(name=algorithm), task.space), points)
    history, found = History(task.space), list[tuple[Values, float]]()
    for tid in range(n_evals):
        with single_threaded():
            (suggestion,) = suggester.suggest(history, [], [trial_rng(seed, tid)])
        loss = task.loss(task.space.config(suggestion.values))
        state = State.FAILED if loss is None else State.DONE
        history.add(Trial(exp_key="bench", tid=tid, values=suggestion.values, state=state, loss=loss))
        found.append((suggestion.values, np.nan if loss is None else loss))
    return found


def table(family: str, found: dict[str, np.ndarray]) -> str:
    """Return the comparison as text."""
    cold, n_evals = found[COLD], found[COLD].shape[2]
    at = [n for n in AT if n <= n_evals]
    best = np.nanmin([losses.min(axis=(1, 2)) for losses in found.values()], axis=0)[:, None, None]
    start = np.median(cold[:, :, min(10, n_evals) - 1], axis=1)[:, None, None]
    level = np.median(cold[:, :, -1], axis=1)[:, None, None]
    lines = [
        f"{family}: {cold.shape[0]} targets, {cold.shape[1]} seeds; regret after N trials, and reached after"
    ]
    lines.append("  " + " " * 8 + "".join(f"{n:>8}" for n in at) + "   reached, and within 1 %")
    for kind, losses in found.items():
        regrets = np.clip((losses - best) / np.maximum(start - best, 1e-12), 0, _CLIP)
        shown = "".join(f"{regrets[:, :, n - 1].mean():8.2f}" for n in at)
        counts = (reached(losses, level + slack * (start - best)) for slack in (0.0, 0.01))
        texts = (f"{np.median(n):.0f}, {with_interval(n.mean(axis=1))}" for n in counts)
        lines.append(f"  {kind:8}{shown}   " + "   ".join(texts))
    for kind in (WARM, MISLED):
        wins = (with_interval(win_rates(found[kind][:, :, n - 1], cold[:, :, n - 1])) for n in at)
        lines.append(
            f"  wins of {kind:7}" + "  ".join(f"{n}: {text}" for n, text in zip(at, wins, strict=True))
        )
    return "\n".join(lines)


def with_interval(values: np.ndarray) -> str:
    """Return the mean of (targets,) values and its 95 % interval, as text."""
    low, high = interval(values)
    return f"{values.mean():.2f} [{low:.2f}, {high:.2f}]"


def reached(losses: np.ndarray, level: np.ndarray) -> np.ndarray:
    """Return after how many trials, (targets, seeds), searches are as good as a (targets, 1, 1) level."""
    is_reached = losses <= level
    found: np.ndarray = np.where(is_reached.any(axis=2), 1 + is_reached.argmax(axis=2), 1 + losses.shape[2])
    return found


if __name__ == "__main__":
    main()
