"""Families of related tasks, for ``warm_start.py``: searches of one family share a space, and differ in data.

Model selection uses the data sets that come with scikit-learn. The surrogates are networks that YAHPO Gym
(Pfisterer et al. 2022, arXiv 2109.03670; Apache-2.0) fitted to large collections of real training runs; their
files are read from a folder.
"""

from __future__ import annotations

import functools
import json
import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hpsearch import hp
from hpsearch.errors import MissingExtraError
from hpsearch.space.tree import Space

Config = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One search of a family."""

    name: str
    group: str  #: tasks of one group differ only in the metric, so none is a source of another
    space: Space
    loss: Callable[[Config], float | None]  #: None where the trial fails
    is_complete: bool = True  #: whether it has all of the training; others are only earlier searches


def families(data: Path | None) -> dict[str, list[Task]]:
    """Return the families by name.

    Parameters
    ----------
    data : Path, optional
        Folder with the surrogates; without it, there are only those with live training.
    """
    live = {"models": _model_tasks(), "svm": _svm_tasks()}
    return live if data is None else {**_surrogate_families(data), **live}


# Model selection, live

_DATA_SETS = ("iris", "wine", "breast_cancer", "digits", "diabetes")

#: Rows of a data set, at most, so that an evaluation takes milliseconds.
_MAX_ROWS = 250


@functools.cache
def _data_set(name: str) -> tuple[np.ndarray, np.ndarray, bool]:
    """Return features, targets, and whether they are classes."""
    try:
        from sklearn import datasets
    except ImportError as error:
        raise MissingExtraError("model selection", "sklearn") from error
    bunch = getattr(datasets, f"load_{name}")()
    keep = np.random.default_rng(0).permutation(len(bunch.data))[:_MAX_ROWS]
    x, y = bunch.data[keep].astype(float), bunch.target[keep]
    if name == "diabetes":
        return x, (y - y.mean()) / y.std(), False
    return x, y, True


def _validation_loss(name: str, make: Callable[[Config, bool], Any]) -> Callable[[Config], float | None]:
    """Return a function from a configuration to its cross-validated log loss or squared error."""

    def loss(config: Config) -> float | None:
        from sklearn.metrics import log_loss
        from sklearn.model_selection import KFold, StratifiedKFold

        x, y, is_classes = _data_set(name)
        folds = (StratifiedKFold if is_classes else KFold)(3, shuffle=True, random_state=0)
        found = []
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            for train, test in folds.split(x, y):
                try:
                    model = make(config, is_classes).fit(x[train], y[train])
                except (ValueError, FloatingPointError, OverflowError):
                    return None
                if is_classes:
                    shares = np.clip(model.predict_proba(x[test]), 1e-6, 1)
                    found.append(log_loss(y[test], shares, labels=np.unique(y)))
                else:
                    found.append(float(np.mean((model.predict(x[test]) - y[test]) ** 2)))
        mean = float(np.mean(found))
        return mean if math.isfinite(mean) else None

    return loss


def _model_tasks() -> list[Task]:
    """A choice among models, each with its parameters, on five data sets; one is a regression."""
    space = Space(
        {
            "scale": hp.choice("scale", ["none", "standard", "minmax"]),
            "model": hp.choice(
                "model",
                [
                    {"kind": "linear", "c": hp.loguniform("linear_c", math.log(1e-5), math.log(1e4))},
                    {
                        "kind": "neighbours",
                        "k": hp.qloguniform("k", 0, math.log(60), 1),
                        "weights": hp.choice("weights", ["uniform", "distance"]),
                        "power": hp.choice("power", [1, 2]),
                    },
                    {
                        "kind": "tree",
                        "depth": hp.uniformint("tree_depth", 1, 20),
                        "leaf": hp.qloguniform("tree_leaf", 0, math.log(60), 1),
                    },
                    {
                        "kind": "forest",
                        "depth": hp.uniformint("forest_depth", 1, 15),
                        "features": hp.uniform("features", 0.05, 1),
                        "leaf": hp.qloguniform("forest_leaf", 0, math.log(20), 1),
                    },
                ],
            ),
        }
    )

    def make(config: Config, is_classes: bool) -> Any:
        return _scaled(config["scale"], _model(config["model"], is_classes))

    return [
        Task(name=name, group=name, space=space, loss=_validation_loss(name, make)) for name in _DATA_SETS
    ]


def _model(chosen: Config, is_classes: bool) -> Any:
    from sklearn import ensemble, linear_model, neighbors, tree

    match chosen["kind"]:
        case "linear" if is_classes:
            return linear_model.LogisticRegression(C=chosen["c"], max_iter=60)
        case "linear":
            return linear_model.Ridge(alpha=1 / chosen["c"])
        case "neighbours":
            kind = neighbors.KNeighborsClassifier if is_classes else neighbors.KNeighborsRegressor
            return kind(int(chosen["k"]), weights=chosen["weights"], p=chosen["power"])
        case "tree":
            kind = tree.DecisionTreeClassifier if is_classes else tree.DecisionTreeRegressor
            return kind(max_depth=chosen["depth"], min_samples_leaf=int(chosen["leaf"]), random_state=0)
        case _:
            kind = ensemble.RandomForestClassifier if is_classes else ensemble.RandomForestRegressor
            return kind(
                10,
                max_depth=chosen["depth"],
                max_features=chosen["features"],
                min_samples_leaf=int(chosen["leaf"]),
                random_state=0,
            )


def _svm_tasks() -> list[Task]:
    """A support vector machine with a choice of kernels, on the same data sets; losses are errors."""
    space = Space(
        {
            "scale": hp.choice("scale", ["none", "standard", "minmax"]),
            "c": hp.loguniform("c", math.log(1e-4), math.log(1e4)),
            "kernel": hp.choice(
                "kernel",
                [
                    {"kind": "linear"},
                    {"kind": "rbf", "gamma": hp.loguniform("rbf_gamma", math.log(1e-6), math.log(100))},
                    {
                        "kind": "poly",
                        "gamma": hp.loguniform("poly_gamma", math.log(1e-5), math.log(10)),
                        "degree": hp.uniformint("degree", 2, 5),
                        "coef0": hp.uniform("coef0", 0, 2),
                    },
                ],
            ),
        }
    )

    def loss_on(name: str) -> Callable[[Config], float | None]:
        def loss(config: Config) -> float | None:
            from sklearn.model_selection import cross_val_score
            from sklearn.svm import SVC, SVR

            x, y, is_classes = _data_set(name)
            kernel = dict(config["kernel"])
            machine = (SVC if is_classes else SVR)(
                C=config["c"], kernel=kernel.pop("kind"), max_iter=3000, **kernel
            )
            with warnings.catch_warnings(), np.errstate(all="ignore"):
                warnings.simplefilter("ignore")
                scores = cross_val_score(
                    _scaled(config["scale"], machine),
                    x,
                    y,
                    cv=3,
                    scoring="accuracy" if is_classes else "neg_mean_squared_error",
                )
            mean = float(scores.mean())
            return (1 - mean if is_classes else -mean) if math.isfinite(mean) else None

        return loss

    return [Task(name=name, group=name, space=space, loss=loss_on(name)) for name in _DATA_SETS]


def _scaled(kind: str, model: Any) -> Any:
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import MinMaxScaler, StandardScaler

    scalers = {"standard": StandardScaler, "minmax": MinMaxScaler}
    return make_pipeline(scalers[kind](), model) if kind in scalers else model


# Surrogates of real training runs


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scenario:
    """A surrogate: its inputs and outputs, in the order of its network."""

    numbers: Sequence[str]
    categories: Sequence[str]
    metrics: Sequence[str]
    fidelity: str  #: the input that says how much of the training is done
    levels: Sequence[float]  #: its values for the tasks, the last is all of it
    fixed: Mapping[str, float]  #: other inputs
    losses: Mapping[str, Callable[[float], float]]  #: of the metrics that tasks minimise
    space: Space


def _error(value: float) -> float:
    return 1 - value


def _error_of_percent(value: float) -> float:
    return 1 - value / 100


def _same(value: float) -> float:
    return value


_RBV2_METRICS = ("acc", "bac", "auc", "brier", "f1", "logloss", "timetrain", "timepredict", "memory")


def _scenarios() -> dict[str, _Scenario]:
    e7 = 7.0
    impute = hp.choice("num.impute.selected.cpo", ["impute.mean", "impute.median", "impute.hist"])

    def tree(prefix: str) -> dict[str, Any]:
        return {
            "eta": hp.loguniform(f"{prefix}.eta", -e7, 0),
            "gamma": hp.loguniform(f"{prefix}.gamma", -10, 2),
            "max_depth": hp.uniformint(f"{prefix}.max_depth", 1, 15),
            "min_child_weight": hp.loguniform(f"{prefix}.min_child_weight", 1, 5),
            "colsample_bytree": hp.uniform(f"{prefix}.colsample_bytree", 0.01, 1),
            "colsample_bylevel": hp.uniform(f"{prefix}.colsample_bylevel", 0.01, 1),
        }

    booster = hp.choice(
        "booster",
        [
            {"booster": "gblinear"},
            {"booster": "gbtree", **tree("gbtree")},
            {
                "booster": "dart",
                **tree("dart"),
                "rate_drop": hp.uniform("rate_drop", 0, 1),
                "skip_drop": hp.uniform("skip_drop", 0, 1),
            },
        ],
    )
    xgboost = {
        "booster": booster,
        "nrounds": hp.qloguniform("nrounds", math.log(7), 8, 1),
        "lambda": hp.loguniform("lambda", -e7, e7),
        "alpha": hp.loguniform("alpha", -e7, e7),
        "subsample": hp.uniform("subsample", 0.1, 1),
        "num.impute.selected.cpo": impute,
    }
    rpart = {
        "cp": hp.loguniform("cp", -e7, 0),
        "maxdepth": hp.uniformint("maxdepth", 1, 30),
        "minbucket": hp.uniformint("minbucket", 1, 100),
        "minsplit": hp.uniformint("minsplit", 1, 100),
        "num.impute.selected.cpo": impute,
    }
    lcbench = {
        "batch_size": hp.qloguniform("batch_size", math.log(16), math.log(512), 1),
        "learning_rate": hp.loguniform("learning_rate", math.log(1e-4), math.log(0.1)),
        "momentum": hp.uniform("momentum", 0.1, 0.99),
        "weight_decay": hp.uniform("weight_decay", 1e-5, 0.1),
        "num_layers": hp.uniformint("num_layers", 1, 5),
        "max_units": hp.qloguniform("max_units", math.log(64), math.log(1024), 1),
        "max_dropout": hp.uniform("max_dropout", 0, 1),
    }
    return {
        "lcbench": _Scenario(
            numbers=("epoch", *lcbench),
            categories=(),
            metrics=(
                "time", "val_accuracy", "val_cross_entropy", "val_balanced_accuracy",
                "test_cross_entropy", "test_balanced_accuracy",
            ),
            fidelity="epoch",
            levels=(8, 20, 52),
            fixed={},
            losses={"val_accuracy": _error_of_percent, "val_cross_entropy": _same},
            space=Space(lcbench),
        ),
        "rbv2_xgboost": _Scenario(
            numbers=(
                "nrounds", "eta", "gamma", "lambda", "alpha", "subsample", "max_depth", "min_child_weight",
                "colsample_bytree", "colsample_bylevel", "rate_drop", "skip_drop", "trainsize", "repl",
            ),
            categories=("booster", "num.impute.selected.cpo"),
            metrics=_RBV2_METRICS,
            fidelity="trainsize",
            levels=(0.1, 0.4, 1),
            fixed={"repl": 10},
            losses={"acc": _error, "logloss": _same},
            space=Space(xgboost),
        ),
        "rbv2_rpart": _Scenario(
            numbers=("cp", "maxdepth", "minbucket", "minsplit", "trainsize", "repl"),
            categories=("num.impute.selected.cpo",),
            metrics=_RBV2_METRICS,
            fidelity="trainsize",
            levels=(0.1, 0.4, 1),
            fixed={"repl": 10},
            losses={"acc": _error, "auc": _error},
            space=Space(rpart),
        ),
    }  # fmt: skip


def _surrogate_families(data: Path) -> dict[str, list[Task]]:
    """Return a family for each surrogate: its data sets, amounts of training and metrics."""
    found = {}
    for name, scenario in _scenarios().items():
        with np.load(data / f"yahpo_{name}_instances.npz") as embeddings:
            found[name] = [
                Task(
                    name=f"{instance}/{level:g}/{metric}",
                    group=f"{instance}/{level:g}",
                    is_complete=level == scenario.levels[-1],
                    space=scenario.space,
                    loss=_surrogate_loss(data, name, scenario, embeddings[instance], level, metric),
                )
                for instance in sorted(embeddings.files)
                for level in scenario.levels
                for metric in scenario.losses
            ]
    return found


def _surrogate_loss(
    data: Path, name: str, scenario: _Scenario, embedding: np.ndarray, level: float, metric: str
) -> Callable[[Config], float]:
    meta = json.loads((data / "yahpo_meta.json").read_text())[name]
    table = np.zeros(meta["embedding_shape"], np.float32)
    table[1] = embedding
    column, fixed = scenario.metrics.index(metric), {**scenario.fixed, scenario.fidelity: level}

    def loss(config: Config) -> float:
        nested = config.get("booster", {})
        flat = {**config, **nested, **fixed}
        inputs = {
            "x_cat": np.array(
                [[1, *(meta["encoding"][key][flat[key]] for key in scenario.categories)]], np.int32
            ),
            "x_cont": np.array([[flat.get(key, 0) for key in scenario.numbers]], np.float32),
            meta["embedding"]: table,
        }
        (row,) = _session(data / f"yahpo_{name}.onnx").run(None, inputs)[0]
        return scenario.losses[metric](float(row[column]))

    return loss


@functools.cache
def _session(path: Path) -> Any:
    try:
        import onnxruntime
    except ImportError as error:
        raise SystemExit("The surrogates need a package: pip install onnxruntime.") from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
