"""Cross-validate a support vector machine, and stop after some folds where the others cannot help.

The error of each fold is reported under its number. The pruner ``paired`` compares a trial with the best one,
fold by fold. Needs the extra ``examples``. Run it with::

    hpsearch run scripts/examples/folds.py --max-evals 60 --workers 2 --pruner paired
"""

import math
from functools import cache
from typing import Any

import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

import hpsearch
from hpsearch import hp

N_FOLDS = 20

space = {
    "C": hp.loguniform("C", math.log(1e-3), math.log(1e3)),
    "gamma": hp.loguniform("gamma", math.log(1e-6), math.log(1)),
}


def objective(config: dict[str, Any]) -> float:
    """Return the mean error of all folds, between 0 and 1."""
    trial = hpsearch.current_trial()
    cells, is_benign = _data()
    folds = StratifiedKFold(N_FOLDS, shuffle=True, random_state=0)  # the same folds in every trial
    errors = []
    for number, (train, test) in enumerate(folds.split(cells, is_benign), 1):
        model = make_pipeline(StandardScaler(), SVC(**config))
        model.fit(cells[train], is_benign[train])
        errors.append(float(1 - model.score(cells[test], is_benign[test])))
        trial.report(number, errors[-1])
        if trial.should_stop():
            raise hpsearch.Pruned
    return sum(errors) / N_FOLDS


@cache
def _data() -> tuple[np.ndarray, np.ndarray]:
    cells, is_benign = load_breast_cancer(return_X_y=True)
    return cells, is_benign
