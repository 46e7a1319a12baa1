"""Train every model of a grid and keep its learning curve: ``python scripts/bench/fidelity/train.py NAME``.

``digits`` and ``diabetes`` are networks with two hidden layers, trained by stochastic gradient descent on
scikit-learn's data sets; the loss is the error rate, or the squared error, on held-out rows after each of 50
epochs. ``friedman`` is gradient boosting on Friedman's first function with noise, after each of 81 trees.
Writes ``data/NAME.npz``: the levels of each parameter, and the curves of the whole grid in order.
"""

from __future__ import annotations

import itertools
import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from sklearn import datasets
from sklearn.ensemble import GradientBoostingRegressor
from sklearn.preprocessing import StandardScaler

Floats: TypeAlias = NDArray[np.float64]
#: Rows and targets to train on, and the same to validate on.
Split: TypeAlias = tuple[Floats, Floats, Floats, Floats]
Grid: TypeAlias = Mapping[str, list[Any]]

_BATCH = 64
_NETWORKS: Grid = {
    "lr": [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0],
    "units": [8, 16, 48],
    "schedule": ["const", "cosine"],
    "dropout": [0.0, 0.4],
    "decay": [1e-6, 1e-4, 1e-2],
    "momentum": [0.0, 0.9],
}
_BOOSTERS: Grid = {
    "lr": [0.01, 0.02, 0.04, 0.08, 0.15, 0.3, 0.6],
    "depth": [1, 2, 3, 4, 6],
    "subsample": [0.3, 0.6, 1.0],
    "features": [0.2, 0.5, 1.0],
}


def main(name: str) -> None:
    """Train the models of one table."""
    grid, curve = tables()[name]
    rows = list(itertools.product(*grid.values()))
    with np.errstate(all="ignore"):  # some diverge
        curves = [curve(dict(zip(grid, row, strict=True)), i) for i, row in enumerate(rows)]
    path = Path(__file__).parent / "data" / f"{name}.npz"
    np.savez_compressed(path, levels=json.dumps(grid), curves=np.array(curves, dtype=np.float32))


def tables() -> Mapping[str, tuple[Grid, Callable[[Mapping[str, Any], int], Floats]]]:
    """Return the grid of each table, and the function that trains one model of it with a seed."""
    digits, diabetes = datasets.load_digits(), datasets.load_diabetes()
    x, y = datasets.make_friedman1(700, 10, noise=2.0, random_state=1)
    classes = split(digits.data, digits.target.astype(float), 512)
    progression = split(diabetes.data, standardized(diabetes.target), 300)
    friedman = split(x, standardized(y), 300)
    return {
        "digits": (_NETWORKS, lambda c, seed: network_curve(c, classes, 10, 50, seed)),
        "diabetes": (_NETWORKS, lambda c, seed: network_curve(c, progression, 1, 50, seed)),
        "friedman": (_BOOSTERS, lambda c, seed: booster_curve(c, friedman, 81, seed)),
    }


def split(x: Floats, y: Floats, n_train: int) -> Split:
    """Split rows at random, and standardize the features by those to train on."""
    order = np.random.default_rng(0).permutation(len(x))
    train, held_out = order[:n_train], order[n_train:]
    scaler = StandardScaler().fit(x[train])
    return scaler.transform(x[train]), y[train], scaler.transform(x[held_out]), y[held_out]


def standardized(y: Floats) -> Floats:
    """Return numbers with mean 0 and variance 1."""
    return np.asarray((y - y.mean()) / y.std())


def network_curve(config: Mapping[str, Any], data: Split, n_outputs: int, n_epochs: int, seed: int) -> Floats:
    """Train a network by stochastic gradient descent with momentum; several outputs are classes.

    Returns
    -------
    (n_epochs,) array
        Validation losses; NaN from where it diverged.
    """
    x, y, x_held_out, y_held_out = data
    rng = np.random.default_rng(seed)
    sizes = [x.shape[1], config["units"], config["units"], n_outputs]
    shapes = list(itertools.pairwise(sizes))
    weights = [rng.normal(0, np.sqrt(2 / a), (a, b)) for a, b in shapes]
    weights += [np.zeros(b) for _, b in shapes]  # the biases
    steps = [np.zeros_like(w) for w in weights]
    targets = y[:, None] if n_outputs == 1 else np.eye(n_outputs)[y.astype(int)]
    n_batches = -(-len(x) // _BATCH)
    losses = np.full(n_epochs, np.nan)
    for epoch in range(n_epochs):
        order = rng.permutation(len(x))
        for i in range(n_batches):
            batch = order[i * _BATCH : (i + 1) * _BATCH]
            progress = (epoch * n_batches + i) / (n_epochs * n_batches)
            is_cosine = config["schedule"] == "cosine"
            rate = config["lr"] * (0.5 * (1 + np.cos(np.pi * progress)) if is_cosine else 1.0)
            gradients = _gradients(weights, x[batch], targets[batch], config["dropout"], rng)
            for j, gradient in enumerate(gradients):
                decay = config["decay"] * weights[j] if j < 3 else 0.0
                steps[j] = config["momentum"] * steps[j] - rate * (gradient + decay)
                weights[j] = weights[j] + steps[j]
        outputs = _layers(weights, x_held_out, 0.0, rng)[-1]
        if not np.isfinite(outputs).all():
            break
        errors = (outputs[:, 0] - y_held_out) ** 2 if n_outputs == 1 else outputs.argmax(1) != y_held_out
        losses[epoch] = errors.mean()
    return losses


def _layers(weights: list[Floats], x: Floats, dropout: float, rng: np.random.Generator) -> list[Floats]:
    """Return the input, the two hidden layers after dropout, and the output."""
    layers = [x]
    for j in range(2):
        z = np.maximum(layers[-1] @ weights[j] + weights[3 + j], 0)
        layers.append(z * (rng.random(z.shape) < 1 - dropout) / (1 - dropout) if dropout else z)
    return [*layers, layers[-1] @ weights[2] + weights[5]]


def _gradients(
    weights: list[Floats], x: Floats, targets: Floats, dropout: float, rng: np.random.Generator
) -> list[Floats]:
    """Return the gradient of the squared error, or of the cross-entropy of classes, by the weights."""
    *layers, outputs = _layers(weights, x, dropout, rng)
    if targets.shape[1] > 1:
        outputs = np.exp(outputs - outputs.max(1, keepdims=True))
        outputs /= outputs.sum(1, keepdims=True)
    delta = (outputs - targets) / len(x)
    gradients: list[Floats] = [delta] * 6
    for j in (2, 1, 0):
        gradients[j], gradients[3 + j] = layers[j].T @ delta, delta.sum(0)
        if j:
            delta = (delta @ weights[j].T) * (layers[j] > 0) / (1 - dropout)
    return gradients


def booster_curve(config: Mapping[str, Any], data: Split, n_trees: int, seed: int) -> Floats:
    """Fit gradient boosting; return the (n_trees,) validation errors after each tree."""
    x, y, x_held_out, y_held_out = data
    model = GradientBoostingRegressor(
        n_estimators=n_trees,
        learning_rate=config["lr"],
        max_depth=config["depth"],
        subsample=config["subsample"],
        max_features=config["features"],
        min_samples_leaf=3,
        random_state=seed,
    ).fit(x, y)
    return np.array([((p - y_held_out) ** 2).mean() for p in model.staged_predict(x_held_out)])


if __name__ == "__main__":
    main(sys.argv[1])
