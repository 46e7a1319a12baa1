"""Find the model, of four kinds, that reads scikit-learn's handwritten digits best.

The first choice is the model; every model has its own parameters, and some of these have further ones: a
polynomial kernel has a degree, a network with two layers has a second width. The loss is the error rate in
three-fold cross-validation. Needs the extra ``examples``. Run it with::

    hpsearch run scripts/examples/digits.py --max-evals 40 --workers 2
"""

import math
import warnings
from functools import cache
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.datasets import load_digits
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from threadpoolctl import threadpool_limits

from hpsearch import hp

N_FOLDS = 3

space = hp.choice(
    "model",
    [
        {
            "name": "svc",
            "C": hp.loguniform("svc_C", math.log(0.01), math.log(1000)),
            "kernel": hp.choice(
                "svc_kernel",
                [
                    {"kernel": "linear"},
                    {"kernel": "rbf", "gamma": hp.loguniform("rbf_gamma", math.log(1e-5), math.log(0.1))},
                    {
                        "kernel": "poly",
                        "degree": hp.uniformint("poly_degree", 2, 5),
                        "gamma": hp.loguniform("poly_gamma", math.log(1e-4), math.log(0.1)),
                    },
                ],
            ),
        },
        {
            "name": "random_forest",
            "n_estimators": hp.qloguniform("forest_trees", math.log(10), math.log(100), 10),
            "max_features": hp.uniform("forest_max_features", 0.02, 0.5),
            "max_depth": hp.choice("forest_is_limited", [None, hp.uniformint("forest_depth", 3, 15)]),
            "criterion": hp.choice("forest_criterion", ["gini", "entropy"]),
        },
        {
            "name": "gradient_boosting",
            "learning_rate": hp.loguniform("boosting_rate", math.log(0.02), math.log(0.5)),
            "max_iter": hp.uniformint("boosting_rounds", 5, 25),
            "max_leaf_nodes": hp.uniformint("boosting_leaves", 4, 16),
            "l2_regularization": hp.loguniform("boosting_l2", math.log(1e-6), math.log(10)),
        },
        {
            "name": "mlp",
            "layers": hp.choice(
                "mlp_layers",
                [
                    [hp.uniformint("mlp_width", 16, 96)],
                    [hp.uniformint("mlp_width_1", 16, 96), hp.uniformint("mlp_width_2", 8, 48)],
                ],
            ),
            "alpha": hp.loguniform("mlp_alpha", math.log(1e-6), math.log(1)),
            "learning_rate_init": hp.loguniform("mlp_rate", math.log(1e-4), math.log(0.1)),
            "activation": hp.choice("mlp_activation", ["relu", "tanh"]),
        },
    ],
)


def objective(config: dict[str, Any]) -> float:
    """Return the cross-validated error of the model that ``config`` describes, between 0 and 1."""
    images, digits = _data()  # (1797, 64) grey values from 0 to 16; (1797,) digits
    folds = StratifiedKFold(N_FOLDS, shuffle=True, random_state=0)
    # One thread a trial: the fleet's workers share the cores.
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # stopping early is part of the search
        accuracy = cross_val_score(_model(config), images, digits, cv=folds, error_score="raise")
    return float(1 - accuracy.mean())


def _model(config: dict[str, Any]) -> BaseEstimator:
    settings = {key: value for key, value in config.items() if key != "name"}
    match config["name"]:
        case "svc":
            return make_pipeline(StandardScaler(), SVC(C=settings["C"], **settings["kernel"]))
        case "random_forest":
            settings["n_estimators"] = int(settings["n_estimators"])
            return RandomForestClassifier(**settings, random_state=0)
        case "gradient_boosting":
            return HistGradientBoostingClassifier(**settings, random_state=0)
        case "mlp":
            layers = tuple(settings.pop("layers"))
            network = MLPClassifier(layers, **settings, max_iter=30, random_state=0)
            return make_pipeline(StandardScaler(), network)
        case name:
            raise ValueError(f"unknown model {name!r}")


@cache
def _data() -> tuple[np.ndarray, np.ndarray]:
    images, digits = load_digits(return_X_y=True)
    return images, digits
