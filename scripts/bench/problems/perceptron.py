"""A small perceptron in NumPy, trained for every trial; divergence is a failed trial."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from problems.datasets import Dataset, dataset
from problems.problem import Problem
from problems.space import Choice, Config, Float, Int, Normal, Space

_SPACE: Space = {
    "opt": Choice.nested(
        {
            "sgd": {"sgd.lr": Float(1e-5, 10, is_log=True), "sgd.momentum": Float(0, 0.99)},
            "adam": {"adam.lr": Float(1e-6, 1, is_log=True), "adam.b1": Float(0.5, 0.99)},
        }
    ),
    "width": Int(2, 128, is_log=True),
    "batch": Choice.of([8, 16, 32, 64]),
    "act": Choice.of(["relu", "tanh", "sigmoid"]),
    "dropout": Float(0, 0.8),
    "l2": Float(1e-8, 1, is_log=True),
    "init": Normal(0, 1, is_log=True),
}
_N_ROWS = 360

#: A loss from which the training counts as diverged; NaN does, too.
_DIVERGED = 50.0

_ACTIVATIONS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "relu": lambda h: np.maximum(h, 0),
    "tanh": np.tanh,
    "sigmoid": lambda h: 1 / (1 + np.exp(-h)),
}
#: Derivatives as functions of the activation's value.
_SLOPES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "relu": lambda h: h > 0,
    "tanh": lambda h: 1 - h * h,
    "sigmoid": lambda h: h * (1 - h),
}


def npmlp(name: str, n_epochs: int = 10) -> Problem:
    """Return one hidden layer with dropout, trained by SGD or Adam; the loss is that of validation rows."""
    data = dataset(name)
    rows = np.random.default_rng(1).permutation(len(data.x))[:_N_ROWS]
    n_train = len(rows) * 2 // 3
    task = _Task.of(data)

    def loss(config: Config) -> float | None:
        with np.errstate(all="ignore"):
            weights = _train(config, task, rows[:n_train], n_epochs)
            hidden = _ACTIVATIONS[config["act"]](task.x[rows[n_train:]] @ weights[0] + weights[1])
            found = task.loss(hidden @ weights[2] + weights[3], rows[n_train:])
        return found if found < _DIVERGED else None

    return Problem(space=_SPACE, loss=loss)


@dataclass(frozen=True, slots=True)
class _Task:
    """Standardized features, and targets: one column per class, or the number to predict."""

    x: np.ndarray
    targets: np.ndarray
    is_classification: bool

    @classmethod
    def of(cls, data: Dataset) -> _Task:
        x = (data.x - data.x.mean(0)) / (data.x.std(0) + 1e-9)
        if not data.is_classification:
            return cls(x, data.y[:, None], False)
        classes, indices = np.unique(data.y, return_inverse=True)
        return cls(x, np.eye(len(classes))[indices], True)

    def loss(self, outputs: np.ndarray, rows: np.ndarray) -> float:
        """Return the cross entropy or the mean squared error of outputs for some rows."""
        if not self.is_classification:
            return float(((outputs - self.targets[rows]) ** 2).mean())
        outputs = outputs - outputs.max(1, keepdims=True)
        log_p = outputs - np.log(np.exp(outputs).sum(1, keepdims=True))
        return float(-(self.targets[rows] * log_p).sum(1).mean())

    def slope(self, outputs: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Return the derivative of the loss by the outputs."""
        if not self.is_classification:
            difference: np.ndarray = outputs - self.targets[rows]
            return 2 * difference / len(rows)
        e = np.exp(outputs - outputs.max(1, keepdims=True))
        slope: np.ndarray = (e / e.sum(1, keepdims=True) - self.targets[rows]) / len(rows)
        return slope


def _train(config: Config, task: _Task, train: np.ndarray, n_epochs: int) -> Sequence[np.ndarray]:
    """Return the weights and biases of both layers after some epochs."""
    rng = np.random.default_rng(0)
    n_inputs, width, n_outputs = task.x.shape[1], config["width"], task.targets.shape[1]
    weights = [
        rng.normal(size=(n_inputs, width)) * config["init"] / n_inputs**0.5,
        np.zeros(width),
        rng.normal(size=(width, n_outputs)) * config["init"] / width**0.5,
        np.zeros(n_outputs),
    ]
    step = _Step(config, weights)
    for _ in range(n_epochs):
        order = rng.permutation(train)
        for start in range(0, len(order), config["batch"]):
            step(_gradients(config, task, weights, order[start : start + config["batch"]], rng))
    return weights


def _gradients(
    config: Config, task: _Task, weights: Sequence[np.ndarray], rows: np.ndarray, rng: np.random.Generator
) -> list[np.ndarray]:
    """Return the derivatives of the loss of some rows, with dropout and weight decay."""
    x, act, l2 = task.x[rows], config["act"], config["l2"]
    hidden = _ACTIVATIONS[act](x @ weights[0] + weights[1])
    kept = (rng.random(hidden.shape) >= config["dropout"]) / (1 - config["dropout"])
    slope = task.slope((hidden * kept) @ weights[2] + weights[3], rows)
    below = (slope @ weights[2].T) * kept * _SLOPES[act](hidden)
    return [
        x.T @ below + l2 * weights[0],
        below.sum(0),
        (hidden * kept).T @ slope + l2 * weights[2],
        slope.sum(0),
    ]


class _Step:
    """SGD with momentum, or Adam; changes the weights in place."""

    def __init__(self, config: Config, weights: Sequence[np.ndarray]) -> None:
        self._weights = weights
        self._is_sgd = config["opt"] == "sgd"
        self._rate = config["sgd.lr"] if self._is_sgd else config["adam.lr"]
        self._decay = config["sgd.momentum"] if self._is_sgd else config["adam.b1"]
        self._means: list[Any] = [np.zeros_like(w) for w in weights]
        self._squares: list[Any] = [np.zeros_like(w) for w in weights]
        self._n_steps = 0

    def __call__(self, gradients: Sequence[np.ndarray]) -> None:
        self._n_steps += 1
        for j, gradient in enumerate(gradients):
            if self._is_sgd:
                self._means[j] = self._decay * self._means[j] + gradient
                self._weights[j][...] -= self._rate * self._means[j]
                continue
            self._means[j] = self._decay * self._means[j] + (1 - self._decay) * gradient
            self._squares[j] = 0.999 * self._squares[j] + 0.001 * gradient**2
            mean = self._means[j] / (1 - self._decay**self._n_steps)
            square = self._squares[j] / (1 - 0.999**self._n_steps)
            self._weights[j][...] -= self._rate * mean / (np.sqrt(square) + 1e-8)
