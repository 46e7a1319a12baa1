"""The data sets bundled with scikit-learn, and the cross-validated loss of a model on one of them."""

from __future__ import annotations

import functools
import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np

from hpsearch.errors import MissingExtraError
from problems.space import Config

#: Rows that are kept of a larger data set.
_MAX_ROWS = 400


@dataclass(frozen=True, slots=True)
class Dataset:
    """Features and targets; those of a regression have mean 0 and deviation 1."""

    x: np.ndarray  #: (rows, features)
    y: np.ndarray  #: (rows,)
    is_classification: bool


@functools.cache
def dataset(name: str) -> Dataset:
    """Return a data set: digits, wine, breast_cancer, iris, or diabetes (a regression)."""
    bunch = getattr(_sklearn().datasets, f"load_{name}")()
    x, y, is_classification = bunch.data.astype(float), bunch.target, name != "diabetes"
    if len(x) > _MAX_ROWS:
        kept = np.random.default_rng(0).permutation(len(x))[:_MAX_ROWS]
        x, y = x[kept], y[kept]
    if not is_classification:
        y = (y - y.mean()) / y.std()
    return Dataset(x, y, is_classification)


def cross_validated(
    data: Dataset,
    build: Callable[[Config], Any],
    score: Callable[[Any, np.ndarray, np.ndarray], float],
    n_folds: int,
) -> Callable[[Config], float | None]:
    """Return the mean loss over folds as a function of the configuration.

    Parameters
    ----------
    data : Dataset
    build : callable
        Returns an unfitted model.
    score : callable
        The loss of a fitted model, for features and targets.
    n_folds : int
        At least 2.
    """
    selection = _sklearn().model_selection
    splitter = selection.StratifiedKFold if data.is_classification else selection.KFold
    folds = list(splitter(n_folds, shuffle=True, random_state=0).split(data.x, data.y))

    def loss(config: Config) -> float | None:
        total = 0.0
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            try:
                for train, test in folds:
                    model = build(config).fit(data.x[train], data.y[train])
                    total += score(model, data.x[test], data.y[test])
            except (ValueError, ArithmeticError):
                return None
        return total / n_folds if math.isfinite(total) else None

    return loss


def error(model: Any, x: np.ndarray, y: np.ndarray) -> float:
    """Return the share of wrong classes."""
    return float(1 - model.score(x, y))


def squared_error(model: Any, x: np.ndarray, y: np.ndarray) -> float:
    """Return the mean squared error."""
    return float(np.mean((model.predict(x) - y) ** 2))


def log_loss(data: Dataset) -> Callable[[Any, np.ndarray, np.ndarray], float]:
    """Return the cross entropy over all classes of a data set, with probabilities of at least 1e-6."""
    labels, metric = np.unique(data.y), _sklearn().metrics.log_loss

    def score(model: Any, x: np.ndarray, y: np.ndarray) -> float:
        return float(metric(y, np.clip(model.predict_proba(x), 1e-6, 1), labels=labels))

    return score


def _sklearn() -> ModuleType:
    try:
        import sklearn
        import sklearn.datasets
        import sklearn.metrics
        import sklearn.model_selection
    except ImportError as missing:
        raise MissingExtraError("A problem that trains models", "bench") from missing
    return sklearn  # type: ignore[no-any-return]  # untyped
