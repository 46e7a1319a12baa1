"""``SearchCV`` against scikit-learn's ``RandomizedSearchCV``, at the same number of candidates.

``python scripts/bench/search_cv.py`` prints, for two data sets of scikit-learn, the best score of both in
cross-validation over several seeds, the mean difference with its 95 % interval, and the ratio of CPU times.
"""

from __future__ import annotations

import argparse
import math
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.stats import loguniform, t
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import RandomizedSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from hpsearch import hp
from hpsearch.sklearn import SearchCV

DATA: dict[str, Callable[..., Any]] = {"breast cancer": load_breast_cancer, "digits": load_digits}

#: Both searches draw from the same log-uniform ranges.
RANGES = {"svc__C": (1e-3, 1e4), "svc__gamma": (1e-6, 1e1)}


def main() -> None:
    """Print a row for each data set."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--candidates", type=int, default=30)
    parser.add_argument("--samples", type=int, default=600, help="of each data set")
    options = parser.parse_args()
    warnings.simplefilter("ignore", ConvergenceWarning)
    print("| data | random | SearchCV | difference | CPU time, ratio |\n|---|---|---|---|---|")
    for name, load in DATA.items():
        features, targets = load(return_X_y=True)
        chosen = np.random.default_rng(0).permutation(len(features))[: options.samples]
        runs = [
            compared(features[chosen], targets[chosen], seed, options.candidates)
            for seed in range(options.seeds)
        ]
        print(row(name, np.array(runs)))


def compared(features: Any, targets: Any, seed: int, n_iter: int) -> tuple[float, float, float, float]:
    """Return the best score and the CPU seconds of a random search, and of ours.

    Parameters
    ----------
    features, targets : array
        The data.
    seed : int
        Seed of both searches.
    n_iter : int
        Candidates of each.
    """
    model = make_pipeline(StandardScaler(), SVC())
    shared: dict[str, Any] = {"n_iter": n_iter, "random_state": seed, "cv": 3}
    priors = {label: loguniform(*bounds) for label, bounds in RANGES.items()}
    space = {label: hp.loguniform(label, *map(math.log, bounds)) for label, bounds in RANGES.items()}
    found = list[float]()
    for search in (RandomizedSearchCV(model, priors, **shared), SearchCV(model, space, **shared)):
        began_s = time.process_time()
        search.fit(features, targets)
        found += [search.best_score_, time.process_time() - began_s]
    random_score, random_s, score, ours_s = found
    return random_score, random_s, score, ours_s


def row(name: str, runs: Any) -> str:
    """Return the row of a data set.

    Parameters
    ----------
    name : str
        Name of the data set.
    runs : (n, 4) array
        The results of ``compared``.
    """
    theirs, theirs_s, ours, ours_s = runs.T
    gains = ours - theirs
    half = t.ppf(0.975, len(gains) - 1) * gains.std(ddof=1) / math.sqrt(len(gains))
    interval = f"{gains.mean():+.4f} [{gains.mean() - half:+.4f}, {gains.mean() + half:+.4f}]"
    ratio = ours_s.sum() / theirs_s.sum()
    return f"| {name} | {theirs.mean():.4f} | {ours.mean():.4f} | {interval} | {ratio:.2f} |"


if __name__ == "__main__":
    main()
