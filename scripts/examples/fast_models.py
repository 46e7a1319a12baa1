"""Find models of handwritten digits that are accurate and fast, and take no more than one megabyte.

An accurate model that is too slow is no answer, and which error is worth which time is known only when both
are seen. So the search has two objectives, the error rate on held-out digits and the time to read a hundred
of them, and a limit of the size. Its result is a front of models, from fast to accurate. Needs the extra
``examples``. Run it with::

    hpsearch run scripts/examples/fast_models.py --max-evals 80 \
        --objective error:min --objective ms:min --limit "megabytes <= 1" --limit "error <= 0.2"

``hpsearch best fast_models`` then lists the front, and ``hpsearch plot fast_models --kind front`` draws it.
"""

import math
import pickle
import time
from functools import cache
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.datasets import load_digits
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier
from threadpoolctl import threadpool_limits

from hpsearch import hp

#: Digits that are read at once, and how often all held-out digits are read to measure the time.
N_AT_ONCE, N_TIMES = 100, 5

space = hp.choice(
    "model",
    [
        {"name": "logistic", "C": hp.loguniform("logistic_C", math.log(1e-4), math.log(10))},
        {"name": "tree", "max_depth": hp.uniformint("tree_depth", 2, 20)},
        {
            "name": "forest",
            "n_estimators": hp.qloguniform("forest_trees", math.log(2), math.log(300), 1),
            "max_depth": hp.uniformint("forest_depth", 3, 16),
        },
        {
            "name": "svc",
            "C": hp.loguniform("svc_C", math.log(0.1), math.log(1000)),
            "gamma": hp.loguniform("svc_gamma", math.log(1e-4), math.log(0.1)),
        },
        {
            "name": "mlp",
            "width": hp.qloguniform("mlp_width", math.log(4), math.log(256), 1),
            "alpha": hp.loguniform("mlp_alpha", math.log(1e-6), math.log(1)),
        },
        {"name": "neighbours", "n_neighbors": hp.uniformint("neighbours_k", 1, 20)},
    ],
)


def objective(config: dict[str, Any]) -> dict[str, Any]:
    """Return the error rate, the time to read 100 digits in ms, and the size of the pickled model."""
    train, test, train_digits, test_digits = _data()
    with threadpool_limits(1):  # so that several workers do not disturb each other's times
        model = _model(config).fit(train, train_digits)
        times = []
        for first in list(range(0, len(test) - N_AT_ONCE, N_AT_ONCE)) * N_TIMES:
            begun = time.perf_counter()
            model.predict(test[first : first + N_AT_ONCE])
            times.append(time.perf_counter() - begun)
        error = float(np.mean(model.predict(test) != test_digits))
    return {
        "error": error,
        "ms": 1000 * float(np.median(times)),
        "megabytes": len(pickle.dumps(model)) / 1e6,
    }


@cache
def _data() -> list[np.ndarray]:
    images, digits = load_digits(return_X_y=True)
    return list(train_test_split(images, digits, test_size=0.4, random_state=0, stratify=digits))


def _model(config: dict[str, Any]) -> BaseEstimator:
    settings = {key: value for key, value in config.items() if key != "name"}
    match config["name"]:
        case "logistic":
            return make_pipeline(StandardScaler(), LogisticRegression(max_iter=200, **settings))
        case "tree":
            return DecisionTreeClassifier(random_state=0, **settings)
        case "forest":
            settings["n_estimators"] = int(settings["n_estimators"])
            return ExtraTreesClassifier(random_state=0, **settings)
        case "svc":
            return make_pipeline(StandardScaler(), SVC(**settings))
        case "mlp":
            network = MLPClassifier(
                (int(settings["width"]),), alpha=settings["alpha"], max_iter=60, random_state=0
            )
            return make_pipeline(StandardScaler(), network)
    return KNeighborsClassifier(**settings)
