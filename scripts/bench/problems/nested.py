"""Choices with parameters below them: small trees, and a pipeline of about a hundred labels."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from problems.problem import Problem, instance_rng
from problems.space import (
    Choice,
    Config,
    Float,
    Int,
    Number,
    Parameter,
    Space,
    latent_bounds,
    leaves,
    snap,
    unit,
)


@dataclass(frozen=True, slots=True)
class _Term:
    """What one number adds to the loss: a parabola with ripples around a place on its scale."""

    parameter: Number
    centre: float
    weight: float
    ripple: float

    def __call__(self, value: float) -> float:
        off = unit(self.parameter, value) - self.centre
        return self.weight * off * off + self.ripple * (1 - math.cos(6 * math.pi * off))


@dataclass(frozen=True, slots=True)
class _Offsets:
    """What the options of a choice without parameters add to the loss."""

    weight: float
    by_option: Mapping[str, float]

    def __call__(self, value: str) -> float:
        return self.weight * self.by_option[value]


def tree(instance: int, depth: int = 2) -> Problem:
    """Return a random tree of choices; every node has an offset and parameters of its own."""
    rng = instance_rng("tree", instance)
    terms: dict[str, _Term] = {}

    def number(label: str) -> Number:
        kinds: list[Float | Int] = [
            Float(0, 1),
            Float(1e-4, 1e2, is_log=True),
            Int(1, 64, is_log=True),
            Float(0, 10, q=0.5),
        ]
        parameter = kinds[rng.integers(4)]
        low, high = latent_bounds(parameter)
        z = rng.uniform(low + 0.1 * (high - low), high - 0.1 * (high - low))
        centre = unit(parameter, snap(parameter, math.exp(z) if parameter.is_log else z))
        terms[label] = _Term(parameter, centre, rng.uniform(0.5, 3), rng.uniform(0, 0.15))
        return parameter

    def node(prefix: str, level: int) -> Space:
        space: dict[str, Parameter] = {}
        for k in range(rng.integers(1, 4)):
            space[f"{prefix}p{k}"] = number(f"{prefix}p{k}")
        if level:
            options = "abc"[: rng.integers(2, 4)]
            below = {f"{prefix}{option}": node(f"{prefix}{option}.", level - 1) for option in options}
            space[f"{prefix}c"] = Choice.nested(below)
        return space

    space = node("r.", depth)
    choices = [parameter for _, parameter in leaves(space) if isinstance(parameter, Choice)]
    offsets = {option: rng.uniform(0, 0.5) for choice in choices for option in choice.options}

    def loss(config: Config) -> float:
        return float(sum(terms[n](v) if n in terms else offsets[v] for n, v in config.items()))

    def least(space: Space) -> float:
        choices = [parameter for parameter in space.values() if isinstance(parameter, Choice)]
        return sum(
            min(offsets[o] + least(below) for o, below in zip(choice.options, choice.spaces, strict=True))
            for choice in choices
        )

    return Problem(space=space, loss=loss, optimum=float(least(space)))


def cashx(instance: int, n_models: int = 14, n_preprocessors: int = 8) -> Problem:
    """Return a selection of a model and a preprocessor, with up to nine parameters each: 120 labels."""
    rng = instance_rng("cashx", instance)
    terms: dict[str, _Term | _Offsets] = {}

    def parameter(label: str) -> Parameter:
        kind = rng.integers(5)
        if kind == 4:
            options = [f"o{k}" for k in range(rng.integers(2, 6))]
            order = rng.permutation(np.linspace(0, 1, len(options)))
            terms[label] = _Offsets(rng.uniform(0.02, 0.12), dict(zip(options, order, strict=True)))
            return Choice.of(options)
        kinds: list[Float | Int] = [
            Float(0, 1),
            Float(1e-5, 1e3, is_log=True),
            Int(1, 200, is_log=True),
            Int(1, 20),
        ]
        found, centre = kinds[kind], rng.uniform(0.1, 0.9)
        weight = rng.uniform(0.05, 1.2) * rng.choice([1, 0.2])
        terms[label] = _Term(found, centre, weight, rng.uniform(0, 0.04))
        return found

    def block(prefix: str, fewest: int, most: int) -> Space:
        return {f"{prefix}.p{k}": parameter(f"{prefix}.p{k}") for k in range(rng.integers(fewest, most + 1))}

    models = {f"m{i}": block(f"m{i}", 3, 9) for i in range(n_models)}
    preprocessors = {f"q{i}": block(f"q{i}", 0, 4) for i in range(n_preprocessors)}
    space = {
        "model": Choice.nested(models),
        "prep": Choice.nested(preprocessors),
        "scaler": Choice.of(["a", "b", "c", "d"]),
    }
    of_models = np.sort(rng.uniform(0, 0.6, n_models))[rng.permutation(n_models)]
    of_preprocessors = rng.uniform(0, 0.25, n_preprocessors)
    of_pairs = rng.uniform(0, 0.15, (n_models, n_preprocessors))
    of_scalers = dict(zip("abcd", rng.uniform(0, 0.1, 4), strict=True))

    def loss(config: Config) -> float:
        i, j = int(config["model"][1:]), int(config["prep"][1:])
        offset = of_models[i] + of_preprocessors[j] + of_pairs[i, j] + of_scalers[config["scaler"]]
        return float(offset + sum(terms[n](v) for n, v in config.items() if n in terms))

    pairs = of_models[:, None] + of_preprocessors + of_pairs
    # Centres may lie between two values of an integer, so the bound may be slightly below the least loss.
    return Problem(space=space, loss=loss, optimum=float(pairs.min() + min(of_scalers.values())))
