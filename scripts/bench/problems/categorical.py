"""Choices only: a landscape whose neighbours interact, and many choices of many options."""

from __future__ import annotations

import math

import numpy as np

from problems.problem import Problem, instance_rng
from problems.space import Choice, Config


def catnk(instance: int, n_choices: int = 8, n_options: int = 4) -> Problem:
    """Return an NK landscape: each choice interacts with two others. The optimum comes from enumeration.

    S. A. Kauffman and E. D. Weinberger, "The NK model of rugged fitness landscapes", 1989.
    """
    rng = instance_rng("catnk", instance)
    worth = rng.random((n_choices, n_options, n_options, n_options))
    others = [[k for k in range(n_choices) if k != j] for j in range(n_choices)]
    neighbours = np.array([[j, *rng.choice(others[j], 2, replace=False)] for j in range(n_choices)])

    def mean_worth(points: np.ndarray) -> np.ndarray:
        """Return the losses of (points, choices) indices."""
        parts = [worth[j][tuple(points[:, neighbours[j]].T)] for j in range(n_choices)]
        means: np.ndarray = np.sum(parts, axis=0) / n_choices
        return means

    def loss(config: Config) -> float:
        return float(mean_worth(_indices(config, n_choices)[None])[0])

    points = np.stack(np.meshgrid(*[np.arange(n_options)] * n_choices, indexing="ij"), -1)
    optimum = float(mean_worth(points.reshape(-1, n_choices)).min())
    return Problem(space=_choices(n_choices, n_options), loss=loss, optimum=optimum)


def bigcat(n_choices: int, n_options: int, instance: int) -> Problem:
    """Return a sum of one table per choice, and of one table per interacting pair: a third of the choices.

    The optimum is the best of 60 descents along the choices, so it may not be the global one.
    """
    rng = instance_rng("bigcat", instance + 1000 * n_choices + n_options)
    worth = rng.random((n_choices, n_options)) ** 0.7
    weights = rng.gamma(1, 1, n_choices)
    weights /= weights.sum()
    worth -= worth.min(axis=1, keepdims=True)
    pairs = [tuple(rng.choice(n_choices, 2, replace=False)) for _ in range(n_choices // 3)]
    tables = [rng.random((n_options, n_options)) for _ in pairs]
    pair_weight = 0.3 / len(pairs)

    def loss_at(x: np.ndarray) -> float:
        single = sum(weights[j] * worth[j][x[j]] for j in range(n_choices))
        return float(
            single + pair_weight * sum(t[x[a], x[b]] for (a, b), t in zip(pairs, tables, strict=True))
        )

    def losses_along(j: int, x: np.ndarray) -> np.ndarray:
        """Return what depends on choice ``j``, for each of its options."""
        found: np.ndarray = weights[j] * worth[j]
        for (a, b), table in zip(pairs, tables, strict=True):
            if a == j:
                found = found + pair_weight * table[:, x[b]]
            if b == j:
                found = found + pair_weight * table[x[a], :]
        return found

    def descend(x: np.ndarray) -> float:
        before, after = math.inf, loss_at(x)
        while after < before - 1e-12:
            for j in range(n_choices):
                x[j] = losses_along(j, x).argmin()
            before, after = after, loss_at(x)
        return after

    optimum = min(descend(rng.integers(n_options, size=n_choices)) for _ in range(60))
    return Problem(
        space=_choices(n_choices, n_options),
        loss=lambda config: loss_at(_indices(config, n_choices)),
        optimum=optimum,
    )


def _choices(n_choices: int, n_options: int) -> dict[str, Choice]:
    return {f"c{j}": Choice.of([f"v{k}" for k in range(n_options)]) for j in range(n_choices)}


def _indices(config: Config, n_choices: int) -> np.ndarray:
    return np.array([int(config[f"c{j}"][1:]) for j in range(n_choices)])
