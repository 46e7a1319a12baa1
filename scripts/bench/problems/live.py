"""Models of scikit-learn, trained for every trial: 15 to 200 ms each. The least losses are not known.

The loss is the cross-validated log loss of a classification (the error for ``svm``), or the mean squared
error of a regression.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import Any

from problems.datasets import cross_validated, dataset, error, log_loss, squared_error
from problems.problem import Problem
from problems.space import Choice, Config, Float, Int, Space

_SCALER = Choice.of(["none", "standard", "minmax", "l2"])
_SCALERS = {"standard": "StandardScaler", "minmax": "MinMaxScaler", "l2": "Normalizer"}

_KERNELS: Mapping[str, Space] = {
    "linear": {},
    "rbf": {"rbf.gamma": Float(1e-6, 1e2, is_log=True)},
    "poly": {
        "poly.gamma": Float(1e-5, 1e1, is_log=True),
        "poly.degree": Int(2, 5),
        "poly.coef0": Float(0, 2),
    },
}

_BOOSTING: Space = {
    "n_estimators": Int(4, 40, is_log=True),
    "learning_rate": Float(1e-3, 2, is_log=True),
    "max_depth": Int(1, 6),
    "min_samples_leaf": Int(1, 64, is_log=True),
    "subsample": Float(0.2, 1),
    "max_features": Float(0.1, 1),
}
_REGRESSION_LOSS = Choice.nested(
    {"squared_error": {}, "absolute_error": {}, "huber": {"alpha": Float(0.5, 0.99)}}
)

_FOREST: Space = {
    "model": Choice.of(["rf", "extra"]),
    "n_estimators": Int(3, 25, is_log=True),
    "max_depth": Int(1, 20),
    "max_features": Float(0.05, 1),
    "min_samples_leaf": Int(1, 32, is_log=True),
    "min_samples_split": Int(2, 32, is_log=True),
    "bootstrap": Choice.of([True, False]),
}


def svm(name: str) -> Problem:
    """Return a support vector machine, with a scaler and a kernel that has parameters of its own."""
    data = dataset(name)
    space: Space = {
        "scaler": _SCALER,
        "C": Float(1e-4, 1e4, is_log=True),
        "kernel": Choice.nested(_KERNELS),
    }
    kind = "SVC" if data.is_classification else "SVR"

    def build(config: Config) -> Any:
        options = {"C": config["C"], "kernel": config["kernel"], **_below(config)}
        return _scaled(config, _model("svm", kind, max_iter=3000, cache_size=50, **options))

    score = error if data.is_classification else squared_error
    return Problem(space=space, loss=cross_validated(data, build, score, 3))


def gb(name: str) -> Problem:
    """Return gradient boosting of trees."""
    data = dataset(name)
    kind = "GradientBoosting" + _suffix(data.is_classification)
    space = _BOOSTING if data.is_classification else {**_BOOSTING, "loss": _REGRESSION_LOSS}
    return _ensemble(name, space, lambda config: _model("ensemble", kind, random_state=0, **config))


def rf(name: str) -> Problem:
    """Return a random forest or extremely randomized trees."""
    suffix = _suffix(dataset(name).is_classification)

    def build(config: Config) -> Any:
        kind = {"rf": "RandomForest", "extra": "ExtraTrees"}[config["model"]]
        options = {label: value for label, value in config.items() if label != "model"}
        return _model("ensemble", kind + suffix, random_state=0, **options)

    return _ensemble(name, _FOREST, build)


def cash(name: str) -> Problem:
    """Return the selection of a model among five, each with parameters of its own, and of a scaler."""
    is_classification = dataset(name).is_classification
    models: dict[str, Space] = {
        "linear": {"lin.C": Float(1e-5, 1e4, is_log=True)},
        "knn": {
            "knn.k": Int(1, 60, is_log=True),
            "knn.weights": Choice.of(["uniform", "distance"]),
            "knn.p": Choice.of([1, 2]),
        },
        "tree": {
            "tree.depth": Int(1, 20),
            "tree.leaf": Int(1, 60, is_log=True),
            "tree.ccp": Float(1e-6, 0.1, is_log=True),
        },
    }
    if is_classification:
        models["bayes"] = {"nb.smooth": Float(1e-10, 10, is_log=True)}
    else:
        models["krr"] = {
            "krr.alpha": Float(1e-4, 1e2, is_log=True),
            "krr.gamma": Float(1e-4, 10, is_log=True),
        }
    models["forest"] = {
        "rf.n": Int(3, 15),
        "rf.depth": Int(1, 15),
        "rf.features": Float(0.05, 1),
        "rf.leaf": Int(1, 20, is_log=True),
    }
    space = {"scaler": _SCALER, "model": Choice.nested(models)}
    suffix = _suffix(is_classification)

    def build(config: Config) -> Any:
        return _scaled(config, _selected(config["model"], _below(config), suffix))

    return _ensemble(name, space, build)


def _selected(model: str, options: Mapping[str, Any], suffix: str) -> Any:
    """Return an unfitted model of ``cash``."""
    match model:
        case "linear" if suffix == "Classifier":
            return _model("linear_model", "LogisticRegression", C=options["C"], max_iter=60)
        case "linear":
            return _model("linear_model", "Ridge", alpha=1 / options["C"])
        case "knn":
            kept = {"n_neighbors": options["k"], "weights": options["weights"], "p": options["p"]}
            return _model("neighbors", "KNeighbors" + suffix, **kept)
        case "tree":
            kept = {"max_depth": options["depth"], "min_samples_leaf": options["leaf"]}
            return _model("tree", "DecisionTree" + suffix, ccp_alpha=options["ccp"], random_state=0, **kept)
        case "bayes":
            return _model("naive_bayes", "GaussianNB", var_smoothing=options["smooth"])
        case "krr":
            return _model("kernel_ridge", "KernelRidge", kernel="rbf", **options)
        case _:
            kept = {"max_depth": options["depth"], "min_samples_leaf": options["leaf"]}
            kept |= {"n_estimators": options["n"], "max_features": options["features"]}
            return _model("ensemble", "RandomForest" + suffix, random_state=0, **kept)


def _ensemble(name: str, space: Space, build: Callable[[Config], Any]) -> Problem:
    """Return a problem with two folds, and the log loss or the squared error."""
    data = dataset(name)
    score = log_loss(data) if data.is_classification else squared_error
    return Problem(space=space, loss=cross_validated(data, build, score, 2))


def _suffix(is_classification: bool) -> str:
    return "Classifier" if is_classification else "Regressor"


def _model(module: str, name: str, **options: Any) -> Any:
    return getattr(importlib.import_module(f"sklearn.{module}"), name)(**options)


def _below(config: Config) -> dict[str, Any]:
    """Return the parameters of the chosen option, by the part of the label after its name."""
    return {label.partition(".")[2]: value for label, value in config.items() if "." in label}


def _scaled(config: Config, model: Any) -> Any:
    """Return a model after the chosen scaler."""
    if config["scaler"] == "none":
        return model
    pipeline = importlib.import_module("sklearn.pipeline")
    return pipeline.make_pipeline(_model("preprocessing", _SCALERS[config["scaler"]]), model)
